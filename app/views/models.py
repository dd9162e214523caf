"""Models: every run in the store, to open and to delete."""

from __future__ import annotations

import datetime
from typing import Any

import streamlit as st

from app import link, session
from app.chrome import ask, model_bar, say
from app.facts import payloads
from vae_core.config.errors import ElboRoomError
from vae_core.config.events import Terms
from vae_core.store import RunInfo

POLL_SECONDS = 1.0


def page() -> None:
    """A table; running models on top, with live progress."""
    infos = session.store().infos()
    running = any(info.status in ("queued", "running") for info in infos)
    st.fragment(_table, run_every=POLL_SECONDS if running else None)(running)


@say.guarded
def _table(was_running: bool) -> None:
    if error := session.recall("models-error"):
        say.error(error)
        session.remember("models-error", None)
    infos = session.store().infos()
    order = {"running": 0, "queued": 1, "paused": 2, "interrupted": 2, "failed": 2}
    infos.sort(key=lambda info: order.get(info.status, 3))
    if was_running and not any(info.status in ("queued", "running") for info in infos):
        st.rerun(scope="app")
    st.caption("Tick a model to open or delete it, two to four to compare them. Click a column's head to sort.")
    chosen = st.dataframe(
        [_row(info) for info in infos],
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key="table",
        row_height=44,
        column_config={
            "samples": st.column_config.ImageColumn("samples from the prior", width="medium"),
            "model": st.column_config.TextColumn("model", width=290),
            "progress": st.column_config.ProgressColumn("progress", format="percent", min_value=0.0, max_value=1.0),
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
    if len(ticked) == 1:
        _actions(ticked[0])
    elif ticked:
        _compare(ticked)


def _active(test: Terms) -> str:
    return f"{sum(kl >= payloads.ACTIVE_KL for kl in test.kl_per_dim)} of {len(test.kl_per_dim)}"


def _row(info: RunInfo) -> dict[str, Any]:
    test = info.result.test if info.result else None
    try:
        thumbnail = payloads.thumbnail(info.run_id, session.version(info)) if info.explorable else None
        progress = None if info.complete else session.store().progress(info.run_id)
        size = session.store().size(info.run_id) / 1e6
    except (ElboRoomError, OSError):
        thumbnail, progress, size = None, None, None
    return {
        "samples": thumbnail,
        "model": model_bar.title(info),
        "status": info.status,
        "progress": 1.0 if info.complete else (progress.step / progress.steps if progress else 0.0),
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
        link.open_page("compare", runs=",".join(info.run_id for info in ticked))


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
            _confirm(info)


@st.dialog("Delete this model?")
def _confirm(info: RunInfo) -> None:
    st.markdown(f"**{model_bar.title(info)}** and all that was derived from it will be gone. This cannot be undone.")
    if st.button("Delete", type="primary", icon=":material/delete:"):
        _delete(info.run_id)
        st.rerun()


def _delete(run_id: str) -> None:
    try:
        ask.wish("cancel", run_id)
    except ElboRoomError as error:
        session.remember("models-error", error)
    if session.recall("run_id") == run_id:
        session.remember("run_id", None)
