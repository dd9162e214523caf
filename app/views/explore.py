"""Explore: drag the latent dimensions and see the picture change. The network runs in the page (`app/components`)."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import link, session
from app.chrome import ask, model_bar, say
from app.chrome.plots import PALETTE
from app.components import DimensionKL, player
from app.facts import asking, payloads
from vae_core.config.datasets import DATASETS
from vae_core.config.errors import ElboRoomError, RunNotFoundError
from vae_core.config.events import Snapshot
from vae_core.jobs.derived.codes import Codes
from vae_core.store import RunInfo


def page() -> None:
    """The landing page."""
    run = model_bar.choose("explore")
    try:
        _player(run)
    except ElboRoomError as error:
        say.error(error, "This model cannot be opened: ")


def _player(run: RunInfo) -> None:
    version, d = session.version(run), run.config.latent_dim
    moment = _moment(run)
    model = (
        payloads.model_blob(run.run_id, version)
        if moment is None
        else payloads.moment_blob(run.run_id, version, moment)
    )
    images, indices = payloads.images_blob(run.config.dataset, run.config.binarize)
    means = payloads.means_blob(run) if moment is None else None
    if means is None and moment is None and d == 2:
        asking.want(run, Codes(), by=ask.visitor())  # there at the next look; the page does not wait for it

    key = f"player-{version}" if moment is None else f"player-{version}-moment-{moment}"
    kl = run.result.test.kl_per_dim if run.result else [0.0] * d
    order = np.argsort(kl)[::-1].tolist()
    dims: list[DimensionKL] = [{"dim": dim, "kl": kl[dim]} for dim in order]
    start = link.IMAGE.get()
    player(
        key=key,
        model=model,
        images=images,
        means=means,
        title=model_bar.title(run),
        thing=DATASETS[run.config.dataset].thing,
        z=link.code_or_none(d),
        dims=[entry for entry in dims if entry["kl"] >= payloads.ACTIVE_KL],
        inactive=[entry for entry in dims if entry["kl"] < payloads.ACTIVE_KL],
        image=int(np.flatnonzero(indices == start)[0]) if start in indices else None,
        palette=PALETTE,
        on_view_change=lambda: _keep(key, indices),
    )


def _keep(key: str, indices: np.ndarray) -> None:
    view = session.recall(key)["view"]
    link.put(
        z=view["z"],
        image=None if view["image"] is None else int(indices[view["image"]]),
    )


def _moment(run: RunInfo) -> int | None:
    """A snapshot that the link asks for, with a way back to the finished model."""
    moment = link.MOMENT.get()
    if moment is None:
        return None
    events, _ = session.store().events(run.run_id)
    found = next((e for e in events if isinstance(e, Snapshot) and e.index == moment), None)
    if found is None or not _is_there(run, moment):
        link.put(moment=None)
        return None
    left, right = st.columns([8, 2], vertical_alignment="center")
    left.info(f"The decoder as it was after {found.epoch:.2g} epochs.", icon=":material/history:")
    right.button("Back to the end of training", on_click=lambda: link.put(moment=None), width="stretch")
    return moment


def _is_there(run: RunInfo, moment: int) -> bool:
    """Whether the snapshot itself is there: what ships says when it was taken, and leaves it out."""
    try:
        payloads.moment_blob(run.run_id, session.version(run), moment)
    except (FileNotFoundError, RunNotFoundError):
        return False
    return True
