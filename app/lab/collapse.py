"""Posterior collapse: the KL of each dimension over training, beside the same model with a warm-up or free bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from app import link, session
from app.chrome import ask, course, model_bar, say, waiting
from app.chrome.plots import PALETTE
from app.components import register
from app.components.blobs import blobs
from app.facts import asking, estimate, payloads
from vae_core.config import RunConfig
from vae_core.config.errors import ElboRoomError
from vae_core.config.events import Losses
from vae_core.jobs.derived.codes import Codes
from vae_core.store import RunInfo, export
from vae_core.store.siblings import Remedy, proposals, remedy, siblings

VIEW = course.View(
    9,
    "collapse",
    "Posterior collapse",
    "Watch each dimension's KL over training: where a band closes, the objective is better off without that "
    "dimension; warm-up or free bits can keep it open.",
)
KEY = "lab-collapse"
POLL_SECONDS = 1.0
ORDER: tuple[Remedy, ...] = ("none", "warm-up", "free-bits")

_view = register(
    "elbo_room_lab_collapse", "lab/collapse/lab-collapse.js", ["kit/lab.css", "lab/collapse/lab-collapse.css"]
)


def page() -> None:
    """The view."""
    course.begin(VIEW)
    trained = session.infos()
    run = course.choose(
        VIEW,
        suits=lambda info: info.config.latent_dim > 2 or _collapsed(info) > 0,
        needs="more than two latent dimensions, or one that has collapsed",
        # One with its cures beside it, then the one with most to see.
        prefer=lambda info: 100 * len(siblings(trained, info)) + _collapsed(info) - (remedy(info.config) != "none"),
    )
    panels = _panels(run)
    # A dimension whose codes are still to be said in words is waited for as a training is.
    st.fragment(_streams, run_every=POLL_SECONDS if _waits(panels) else None)(run, _waits(panels))


def _collapsed(info: RunInfo) -> int:
    """How many dimensions carry nothing at the end."""
    return sum(kl < payloads.ACTIVE_KL for kl in info.result.test.kl_per_dim) if info.result else 0


def _panels(run: RunInfo) -> list[RunInfo]:
    """The chosen run, and of each other remedy the first that there is: those with a model, then those under way."""
    others = siblings(session.infos(), run)
    others = [info for info in others if info.explorable or info.under_way]
    others.sort(key=lambda info: not info.explorable)
    found = [run]
    for kind in ORDER:
        if kind != remedy(run.config):
            found += [info for info in others if remedy(info.config) == kind][:1]
    return found[:3]


def _waits(panels: list[RunInfo]) -> bool:
    return any(info.under_way or info in _unsaid(panels) for info in panels)


def _unsaid(panels: list[RunInfo]) -> list[RunInfo]:
    """Those with a model whose dimensions cannot be said in words yet."""
    return [info for info in panels if info.explorable and payloads.findings(info) is None]


def _streams(run: RunInfo, waited: bool) -> None:
    if problem := session.recall("collapse-error"):
        say.error(problem)
        session.remember("collapse-error", None)
    try:
        panels = _panels(run)
        waits = _waits(panels)
        if waits != waited:
            st.rerun(scope="app")  # the page around this fragment decides whether to look again
        for info in _unsaid(panels):
            waiting.is_given_up(info, Codes(), asking.want(info, Codes(), by=ask.visitor()))
        offers = _offers(run, panels)
        if offers:
            left, right = st.columns([1 + len(panels), 1.3], gap="large")
            with left:
                _component(panels)
            with right:
                _offer(offers)
        else:
            _component(panels)
    except ElboRoomError as error:
        say.error(error, "This model cannot be opened: ")


# -- the component


def _component(panels: list[RunInfo]) -> None:
    at = link.AT.get()
    pick = link.PICK.get() or [-1.0, -1.0]
    _view(
        key=KEY,
        data={
            "panels": [_panel(info) for info in panels],
            "at": at,
            "pick": [int(part) for part in pick],
            "palette": list(PALETTE),
        },
        height="content",
        on_view_change=_keep,
    )


def _keep() -> None:
    view = session.recall(KEY)["view"]
    link.put(
        at=f"{view['at']:.3f}".rstrip("0").rstrip("."),
        pick=view["pick"] or None,
    )


def _panel(info: RunInfo) -> dict[str, Any]:
    """What the page is told of one run; its curves are in a blob of their own."""
    events, _ = session.store().events(info.run_id)
    points = [event for event in events if isinstance(event, Losses)]
    c = info.config
    last = points[-1].held_out.kl_per_dim if points else [0.0] * c.latent_dim
    found = payloads.findings(info) if info.explorable else None
    curves = None
    if len(points) > 1:
        curves = blobs.offer(_curves(points))
    return {
        "run": info.run_id,
        "title": _name(c),
        "blob": curves,
        "epochs": c.epochs,
        "order": [int(dim) for dim in np.argsort(last)[::-1]],
        "weighs": remedy(c) != "other",
        "free": c.parameter("free_bits") if c.objective == "free-bits" else 0.0,
        "status": "" if info.complete else _progress(info),
        "findings": [{"state": finding.state, "sentence": finding.sentence} for finding in found] if found else None,
    }


def _curves(points: list[Losses]) -> bytes:
    """T points: epoch, β, reconstruction (T,) and KL (T, D), nats, on the held-out images."""
    arrays: dict[str, list[Any]] = {
        "epoch": [point.epoch for point in points],
        "beta": [point.beta for point in points],
        "reconstruction": [point.held_out.reconstruction for point in points],
        "kl": [point.held_out.kl_per_dim for point in points],
    }
    return export.blob({name: np.array(values, np.float32) for name, values in arrays.items()})


def _name(c: RunConfig) -> str:
    """What tells the panels apart."""
    kind = remedy(c)
    if kind == "free-bits":
        return f"Free bits: {c.parameter('free_bits'):g} nat{'' if c.parameter('free_bits') == 1 else 's'} a dimension"
    if kind == "warm-up":
        times = f", {c.warmup_cycles} times" if c.warmup_cycles else ""
        return f"Warm-up: β rises to {c.beta:g} in {c.rise_epochs:g} epochs{times}"
    return f"Plain: β = {c.beta:g} from the start" if kind == "none" else model_bar.OBJECTIVES[c.objective].title


def _progress(info: RunInfo) -> str:
    progress = session.store().progress(info.run_id)
    if progress is None:
        return "Waiting for its turn …"
    return f"Epoch {progress.epoch:.1f} of {info.config.epochs}, {estimate.spoken(progress.eta_seconds)} left"


# -- what is not there yet

WHY: dict[Remedy, tuple[str, str]] = {
    "none": ("Without a remedy", "The KL has its full price from the first step on."),
    "warm-up": (
        "With a warm-up",
        "β rises from 0, so the decoder learns to use each dimension before its KL costs anything.",
    ),
    "free-bits": (
        "With free bits",
        "The first nat of each dimension's KL costs nothing, so closing it saves nothing.",
    ),
}


def _offers(run: RunInfo, panels: list[RunInfo]) -> dict[Remedy, RunConfig]:
    there = {remedy(info.config) for info in panels}
    return {kind: config for kind, config in proposals(run.config).items() if kind not in there}


def _offer(offers: dict[Remedy, RunConfig]) -> None:
    """One button for each remedy that no model here has tried."""
    st.markdown("**What would keep a dimension open?** Train the same model once more and see the two side by side.")
    for kind, config in offers.items():
        name, why = WHY[kind]
        st.markdown(f"**{name}.** {why}")
        st.button(_ask(config), icon=":material/play_arrow:", key=f"train-{kind}", on_click=_train, args=(config,))
        st.caption(estimate.told(config))


def _ask(config: RunConfig) -> str:
    """What the button says."""
    if config.objective == "free-bits":
        return f"Train it with {config.parameter('free_bits'):g} nat of free bits"
    epochs = config.warmup_epochs
    return f"Train it with a warm-up of {epochs:g} epoch{'' if epochs == 1 else 's'}" if epochs else "Train it plain"


def _train(config: RunConfig) -> None:
    try:
        ask.submit(config)
    except ElboRoomError as error:
        session.remember("collapse-error", error)
