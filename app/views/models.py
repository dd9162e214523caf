"""Models: every run in the store, to open and to delete."""

from __future__ import annotations

import contextlib
import datetime
import time
from typing import Any

import streamlit as st

from app import link, session
from app.chrome import ask, model_bar, say
from app.facts import payloads
from vae_core.config.errors import ElboRoomError
from vae_core.config.events import Terms
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
    rows = _rows(infos)
    if waited and not _waits(infos) and not session.recall("models-asked"):  # it would close the question
        st.rerun(scope="app")
    # Above the table, and of one height: what a tick brings is seen, and moves nothing.
    bar = st.container(height=64, border=False, vertical_alignment="center")
    chosen = st.dataframe(
        rows,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key="table",
        row_height=44,
        height=44 * (min(len(rows), ROWS) + 1),
        column_config={
            "samples": st.column_config.ImageColumn("samples from the prior", width="medium"),
            "model": st.column_config.TextColumn("model", width=290),
            "curve": st.column_config.LineChartColumn(
                "training", width="small", help="The held-out ELBO while it was trained, without the first tenth"
            ),
            "ELBO": st.column_config.NumberColumn("test ELBO, nats", format="%.1f"),
            "KL": st.column_config.NumberColumn("KL, nats", format="%.1f"),
            "size": st.column_config.NumberColumn("size, MB", format="%.1f"),
            "date": st.column_config.DatetimeColumn("date", format="YYYY-MM-DD HH:mm"),
        },
    )
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
    ticked = [infos[row] for row in chosen.selection.rows if row < len(infos)]
    with bar:
        if len(ticked) == 1:
            _actions(ticked[0])
        elif ticked:
            _compare(ticked)
        else:
            st.caption("Tick a model to open or delete it, two to four to compare them. Click a column's head to sort.")


def _active(test: Terms) -> str:
    return f"{sum(kl >= payloads.ACTIVE_KL for kl in test.kl_per_dim)} of {len(test.kl_per_dim)}"


_portrayed: set[str] = set()
"""Models whose portrait has been made in this process; making one takes as long as listing fifty runs."""


def _rows(infos: list[RunInfo]) -> list[dict[str, Any]]:
    """One a run. Those far down a long list are without a portrait at first; it comes with the next look."""
    rows: list[dict[str, Any]] = []
    new, until = 0, time.monotonic() + PORTRAIT_SECONDS
    for info in infos:
        version = session.version(info)
        known = version in _portrayed
        if info.explorable and not known and (new < PORTRAITS or time.monotonic() < until):
            new, known = new + 1, True
            _portrayed.add(version)
        rows.append(_row(info, known))
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
    one, two, three, _ = st.columns([2, 2, 2, 6], gap="small")
    with one:
        if info.explorable and st.button("Open in Explore", type="primary", icon=":material/tune:", width="stretch"):
            link.open_page("explore", run=info.run_id)
    with two:
        if not info.shipped and st.button("See its training", icon=":material/show_chart:", width="stretch"):
            link.open_page("train", run=info.run_id)
    with three:
        if info.shipped:
            st.caption("A starter ships with Elbo Room and stays.")
        elif ask.may_end(info.run_id) and st.button("Delete …", icon=":material/delete:", width="stretch"):
            session.remember("models-asked", info.run_id)
            _confirm(info)


@st.dialog("Delete this model?", dismissible=False)
def _confirm(info: RunInfo) -> None:
    st.markdown(f"**{model_bar.title(info)}** and all that was derived from it will be gone. This cannot be undone.")
    keep, delete = st.columns(2, gap="small")
    if keep.button("Cancel", width="stretch"):
        session.remember("models-asked", None)
        st.rerun()
    with delete.container(key="danger"):  # red, by `plots.STYLE`
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
