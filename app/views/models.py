"""Models: every run in the store, to find, to open, to label and to delete."""

from __future__ import annotations

import contextlib
import datetime
import time
import unicodedata
from typing import Any, NamedTuple

import streamlit as st

from app import link, session
from app.chrome import ask, model_bar, say
from app.facts import payloads
from vae_core.config import DATASETS
from vae_core.config.catalogue import OBJECTIVES
from vae_core.config.errors import ElboRoomError
from vae_core.config.events import Terms
from vae_core.config.notes import LONGEST_LABEL, LONGEST_NOTE, Notes
from vae_core.store import RunInfo

POLL_SECONDS = 1.0
ROWS = 16
"""Rows that are seen at once; more scroll within the table."""
PORTRAITS, PORTRAIT_SECONDS = 24, 0.3
"""So many portraits are made at a look, and more while this time is not over."""


def page() -> None:
    """A table; running models on top, with live progress."""
    session.remember("models-asked", None)  # whoever comes to the page, or back to it, has no question open
    infos = session.infos()
    waits = _waits(infos)
    st.fragment(_table, run_every=POLL_SECONDS if waits else None)(waits)


def _waits(infos: list[RunInfo]) -> bool:
    """Whether something will change by itself: a run is under way, or more portraits are to come."""
    return any(info.under_way or (info.explorable and session.version(info) not in _portrayed) for info in infos)


@say.guarded
def _table(waited: bool) -> None:
    if error := session.recall("models-error"):
        say.error(error)
        session.remember("models-error", None)
    infos = session.infos()
    order = {"running": 0, "queued": 1, "paused": 2, "interrupted": 2, "failed": 2}
    infos.sort(key=lambda info: order.get(info.status, 3))
    if waited and not _waits(infos) and not session.recall("models-asked"):  # it would close the question
        st.rerun(scope="app")
    rows = _rows(infos)  # of all: portraits come to those too that a filter hides
    shown = _filtered(infos)
    if shown or not infos:
        # Above the table, and of one height: what a tick brings is seen, and moves nothing.
        bar = st.container(horizontal=True, gap="small", vertical_alignment="center", key="models-bar")
        ticked = _ticked(shown, [rows[info.run_id] for info in shown])
        with bar:
            if len(ticked) == 1:
                _actions(ticked[0])
            elif ticked:
                _compare(ticked)
            else:
                st.caption(
                    "Tick a model to open, label or delete it, two to four to compare them. "
                    "Click a column's head to sort."
                )
    _odd()


def _filtered(infos: list[RunInfo]) -> list[RunInfo]:
    """Those that the visitor looks for; the field, how many they are, and what to do where there is none."""
    left, right = st.columns([5, 7], vertical_alignment="center", gap="medium")
    said = left.text_input(
        "Filter",
        key="filter",
        type="search",
        placeholder="Filter: a label, a note, mnist, conv, iwae …",
        label_visibility="collapsed",
        live="200ms",
        bind="query-params",
    )
    words = _folded(said[:LONGEST_NOTE]).split()
    shown = [info for info in infos if all(word in _said_of(info) for word in words)] if words else infos
    models = "model" if len(infos) == 1 else "models"
    right.caption(f"{len(shown)} of {len(infos)} {models}" if words else f"{len(infos)} {models}")
    if words and not shown:
        st.info(f"No model has all the words of {say.name(said)}. Try fewer.", icon=":material/search_off:")
        st.button("Show all models", icon=":material/undo:", on_click=session.remember, args=("filter", ""))
    return shown


def _said_of(info: RunInfo) -> str:
    """Where a filter looks: all that the table says of a model in words, and the names behind them."""
    c = info.config
    names = (c.dataset, DATASETS[c.dataset].title, c.architecture, c.objective, OBJECTIVES[c.objective].title)
    return _folded(" ".join((model_bar.title(info), info.notes.note, *names, info.status, info.run_id)))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _ticked(infos: list[RunInfo], rows: list[dict[str, Any]]) -> list[RunInfo]:
    """The table, one row a run; the runs that are ticked in it."""
    # What is ticked comes as numbers of rows. Other rows are another table, so that a click on a row means the run
    # that was seen there, whatever has changed in the meantime.
    names = [info.run_id for info in infos]
    key = f"models-{hash(tuple(names))}"
    before: _Shown | None = session.recall("models-shown")
    if before is None or before.key != key:
        session.remember("models-shown", before := _Shown(key, names, _still_ticked(before, names)))
    chosen = st.dataframe(
        rows,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": before.ticked}},
        key=key,
        row_height=44,
        height=44 * (min(len(rows), ROWS) + 1),
        column_order=[name for name in rows[0] if name != "note" or any(row["note"] for row in rows)] if rows else None,
        column_config={
            "samples": st.column_config.ImageColumn("samples from the prior", width="medium"),
            "model": st.column_config.TextColumn("model", width=290),
            "note": st.column_config.TextColumn("note", width=180),
            "curve": st.column_config.LineChartColumn(
                "training", width="small", help="The held-out ELBO while it was trained, without the first tenth"
            ),
            "ELBO": st.column_config.NumberColumn("test ELBO, nats", format="%.1f"),
            "KL": st.column_config.NumberColumn("KL, nats", format="%.1f"),
            "size": st.column_config.NumberColumn("size, MB", format="%.1f"),
            "date": st.column_config.DatetimeColumn("date", format="YYYY-MM-DD HH:mm"),
        },
    )
    return [infos[row] for row in chosen.selection.rows if row < len(infos)]


class _Shown(NamedTuple):
    """A table as it was first shown to a visitor."""

    key: str
    names: list[str]
    """Of the runs, row by row."""
    ticked: list[int]


def _still_ticked(before: _Shown | None, names: list[str]) -> list[int]:
    """The rows of the runs that were ticked in the table before this one; none where the page was left since."""
    state = session.recall(before.key) if before else None
    if before is None or state is None:
        return []
    ticked = {before.names[row] for row in state.selection.rows if row < len(before.names)}
    return [row for row, name in enumerate(names) if name in ticked]


def _odd() -> None:
    """What is wrong with runs that the table leaves out."""
    for odd in session.store().odd():
        left, right = st.columns([10, 2], vertical_alignment="center")
        if not odd.deletable:
            left.warning(f"{say.plain(say.sentence(odd.message))}.")
            continue
        with left:
            say.error(odd.message, f"{say.name(odd.run_id)}: ")
        if ask.may_end(odd.run_id):
            key = f"damaged-{odd.run_id}"
            right.button("Delete it", icon=":material/delete:", key=key, on_click=_delete, args=(odd.run_id,))


def _active(test: Terms) -> str:
    return f"{sum(kl >= payloads.ACTIVE_KL for kl in test.kl_per_dim)} of {len(test.kl_per_dim)}"


_portrayed: set[str] = set()
"""Models whose portrait has been made in this process; making one takes as long as listing fifty runs."""


def _rows(infos: list[RunInfo]) -> dict[str, dict[str, Any]]:
    """One a run. Those far down a long list are without a portrait at first; it comes with the next look."""
    rows: dict[str, dict[str, Any]] = {}
    new, until = 0, time.monotonic() + PORTRAIT_SECONDS
    for info in infos:
        version = session.version(info)
        known = version in _portrayed
        if info.explorable and not known and (new < PORTRAITS or time.monotonic() < until):
            new, known = new + 1, True
            _portrayed.add(version)
        rows[info.run_id] = _row(info, known)
    return rows


def _row(info: RunInfo, portrayed: bool) -> dict[str, Any]:
    test = info.result.test if info.result else None
    thumbnail = progress = size = None
    curve: list[float] = []
    with contextlib.suppress(ElboRoomError, OSError):
        if portrayed:
            thumbnail, curve, size = payloads.portrait(info.run_id, session.version(info))
        if not info.complete:
            progress, size = session.store().progress(info.run_id), session.store().size(info.run_id) / 1e6
    return {
        "samples": thumbnail,
        "model": model_bar.title(info),
        "note": " ".join(info.notes.note.split()),
        "status": f"{info.status}, {100 * progress.step / progress.steps:.0f} %" if progress else info.status,
        "curve": curve,
        "ELBO": test.elbo if test else None,
        "KL": test.kl if test else None,
        "active": _active(test) if test else "",
        "precision": info.precision,
        "size": size,
        "date": datetime.datetime.fromtimestamp(info.created) if info.created else None,
        "run": info.run_id,
    }


def _compare(ticked: list[RunInfo]) -> None:
    if len(ticked) > 4 or not all(info.explorable for info in ticked):
        st.caption("Two to four trained models can be compared.")
    elif st.button(f"Compare these {len(ticked)}", type="primary", icon=":material/view_column:"):
        link.open_page("compare", runs=[info.run_id for info in ticked])


def _actions(info: RunInfo) -> None:
    if info.explorable and st.button("Open in Explore", type="primary", icon=":material/tune:"):
        link.open_page("explore", run=info.run_id)
    if not info.shipped and st.button("See its training", icon=":material/show_chart:"):
        link.open_page("train", run=info.run_id)
    if ask.may_describe(info) and st.button("Label and note …", icon=":material/edit:"):
        session.remember("models-asked", info.run_id)
        _describe(info)
    if info.shipped:
        st.caption("A starter ships with Elbo Room and stays.", width="content")
    elif ask.may_end(info.run_id) and st.button("Delete …", icon=":material/delete:"):
        session.remember("models-asked", info.run_id)
        _confirm(info)


@st.dialog("Label and note", dismissible=False)
def _describe(info: RunInfo) -> None:
    """What a person calls the model; where it cannot be kept, the dialog says why and keeps what was typed."""
    st.caption(model_bar.traits(info))
    said = Notes()
    try:
        said = session.store().notes(info.run_id)
    except ElboRoomError as error:
        say.error(error, "What was said before cannot be read: ")
    with st.form("notes", border=False):
        label = st.text_input(
            "Label",
            said.label,
            max_chars=LONGEST_LABEL,
            placeholder="A short name, shown wherever this model is named",
        )
        note = st.text_area(
            "Note", said.note, max_chars=LONGEST_NOTE, placeholder="What is to be remembered of it, shown in the table"
        )
        left, right = st.columns(2, gap="small")
        # First, for it is the first of a form's buttons that Enter presses.
        saved = left.form_submit_button("Save", type="primary", icon=":material/check:", width="stretch")
        cancelled = right.form_submit_button("Cancel", width="stretch")
    if saved:
        try:
            ask.describe(info.run_id, label, note)
        except ElboRoomError as error:
            say.error(error)
            return
    if saved or cancelled:
        session.remember("models-asked", None)
        st.rerun()


@st.dialog("Delete this model?", dismissible=False)
def _confirm(info: RunInfo) -> None:
    name = say.plain(model_bar.title(info))
    st.markdown(f"**{name}** and all that was derived from it will be gone. This cannot be undone.")
    keep, delete = st.columns(2, gap="small")
    if keep.button("Cancel", width="stretch"):
        session.remember("models-asked", None)
        st.rerun()
    with delete.container(key="danger"):  # red, by `page.css`
        if st.button("Delete", type="primary", icon=":material/delete:", width="stretch"):
            session.remember("models-asked", None)
            _delete(info.run_id)
            st.rerun()


def _delete(run_id: str) -> None:
    try:
        ask.wish("cancel", run_id)
    except ElboRoomError as error:
        session.remember("models-error", error)
    if session.recall("run_id") == run_id:
        session.remember("run_id", None)
