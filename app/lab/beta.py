"""What β does: one slider leads through the models of a sweep. All their networks run in the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from app import link, session
from app.chrome import course, say, sweep_bar
from app.chrome.plots import PALETTE
from app.components import register
from app.facts import payloads
from vae_core.config.errors import ElboRoomError
from vae_core.store import RunInfo
from vae_core.store.sweeps import Sweep

VIEW = course.View(
    4,
    "beta",
    "What β does",
    "Move β: the more each nat of code costs, the fewer dimensions survive, and the more the pictures look like "
    "their average.",
)
NOISE = 0.5
"""σ of the decoder of a linear VAE, at first."""

_view = register("elbo_room_lab_beta", "lab/beta/lab-beta.js", ["kit/lab.css", "lab/lab-sweep.css"])


def page() -> None:
    """The view."""
    course.begin(VIEW)
    sweep = sweep_bar.choose(VIEW.name)
    try:
        _show(sweep)
    except ElboRoomError as error:
        say.error(error, "These models cannot be opened: ")


def _show(sweep: Sweep) -> None:
    opening = sweep_bar.opening(sweep)
    config = opening.config
    images, _ = payloads.images_blob(config.dataset, config.binarize)
    key = f"beta-{sweep.key}"
    _view(
        key=key,
        data={
            "sweep": sweep.key,
            "models": [_model(run) for run in sweep.runs],
            "beta": config.beta,
            "images": images,
            "set": link.SET.get() or 0,
            "seed": link.DRAW.get() or 0,
            "plane": link.PLANE.get() is True,
            "noise": link.NOISE.get() or NOISE,
            "threshold": payloads.ACTIVE_KL,
            "eigenvalues": payloads.eigenvalues_blob(config.dataset),
            "palette": list(PALETTE),
        },
        height="content",
        on_view_change=lambda: _keep(key),
    )


def _model(run: RunInfo) -> dict[str, Any]:
    assert run.result is not None  # a sweep has finished runs only
    test, version, axes = run.result.test, session.version(run), _axes(run)
    return {
        "run": run.run_id,
        "beta": run.config.beta,
        "latentDim": run.config.latent_dim,
        "reconstruction": test.reconstruction,
        "kl": test.kl,
        "elbo": test.elbo,
        "klPerDim": test.kl_per_dim,
        "axes": list(axes),
        "decoder": payloads.decoder_blob(run.run_id, version),
        "encoded": payloads.encoded_blob(run.run_id, version, axes),
    }


def _axes(run: RunInfo) -> tuple[int, int]:
    """The two dimensions to look at: those with the largest KL, in their own order. With one dimension, it twice."""
    assert run.result is not None
    first, *rest = np.argsort(run.result.test.kl_per_dim)[::-1].tolist()
    second = rest[0] if rest else first
    return min(first, second), max(first, second)


def _keep(key: str) -> None:
    view = session.recall(key)["view"]
    link.put(
        member=view["beta"],
        set=view["set"] or None,
        draw=view["seed"] or None,
        plane=view["plane"] or None,
        noise=None if view["noise"] == NOISE else view["noise"],
    )
