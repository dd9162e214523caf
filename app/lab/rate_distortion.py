"""Rate and distortion: every comparable model as a point, those of a sweep connected; β is the slope."""

from __future__ import annotations

from typing import Any

from app import link, session
from app.chrome import course, model_bar, say, sweep_bar
from app.components import register
from app.facts import payloads
from vae_core.config.errors import ElboRoomError
from vae_core.store import RunInfo
from vae_core.store.sweeps import Sweep

VIEW = course.View(
    6,
    "rate-distortion",
    "Rate and distortion",
    "Models on one dotted line have the same ELBO, yet their codes say very different amounts about the image.",
)
_view = register(
    "elbo_room_lab_rate_distortion", "lab/rate-distortion/lab-rate-distortion.js", ["kit/lab.css", "lab/lab-sweep.css"]
)

OTHERS = 60
"""Models beside the sweep: more would be a cloud, and each needs its pictures."""


def page() -> None:
    """The view."""
    course.begin(VIEW)
    sweep = sweep_bar.choose(VIEW.name)
    try:
        _show(sweep)
    except ElboRoomError as error:
        say.error(error, "These models cannot be opened: ")


def _show(sweep: Sweep) -> None:
    others = _others(sweep)
    key = f"rate-distortion-{sweep.key}"
    _view(
        key=key,
        data={
            "sweep": sweep.key,
            "models": [_model(run, inside=True) for run in sweep.runs] + [_model(run, inside=False) for run in others],
            "beta": sweep_bar.opening(sweep).config.beta,
            "current": link.run_id(),
        },
        height="content",
        on_view_change=lambda: _keep(key),
        on_open_change=lambda: link.open_soon("explore", run=session.recall(key)["open"]),
    )


def _others(sweep: Sweep) -> list[RunInfo]:
    """Models whose nats are those of the sweep: the same data, binarised alike, under the same likelihood."""
    own, members = sweep.runs[0].config, {run.run_id for run in sweep.runs}

    def unit(run: RunInfo) -> tuple[str, str, str]:
        return run.config.dataset, run.config.likelihood, run.config.binarize

    alike = (own.dataset, own.likelihood, own.binarize)
    found = [
        run
        for run in session.infos()
        if run.explorable and run.result is not None and run.run_id not in members and unit(run) == alike
    ]
    return found[:OTHERS]


def _model(run: RunInfo, *, inside: bool) -> dict[str, Any]:
    assert run.result is not None  # only such runs are shown
    test, found = run.result.test, payloads.kept_diagnostics(run)
    return {
        "run": run.run_id,
        "title": model_bar.title(run),
        "inside": inside,
        "beta": run.config.beta if run.config.objective == "elbo" else None,
        "rate": test.kl,
        "distortion": -test.reconstruction,
        "elbo": test.elbo,
        # How far other test images would move it; None where that has not been worked out.
        "rateError": found.get("rate_stderr"),
        "distortionError": found.get("distortion_stderr"),
        "elboError": found.get("elbo_stderr"),
        "pictures": payloads.reconstructions_blob(run.run_id, session.version(run)),
    }


def _keep(key: str) -> None:
    link.put(member=session.recall(key)["view"]["beta"])
