"""The hidden β: what sums, means and a squared error in a loss do to the weight of the KL, and to the model."""

from __future__ import annotations

import math
from typing import Any

from app import link, session
from app.chrome import course, say, sweep_bar
from app.components import register
from app.facts import payloads
from vae_core.config import DATASETS
from vae_core.config.errors import ElboRoomError
from vae_core.store import RunInfo
from vae_core.store.sweeps import Sweep

VIEW = course.View(
    5,
    "hidden-beta",
    "The hidden β",
    "A mean where the ELBO has a sum changes β without saying so: averaged over 784 pixels, the reconstruction counts "
    "a 784th, and β is 784.",
)
_view = register(
    "elbo_room_lab_hidden_beta",
    "lab/hidden-beta/lab-hidden-beta.js",
    ["kit/lab.css", "lab/hidden-beta/lab-hidden-beta.css"],
)


def page() -> None:
    """The view."""
    course.begin(VIEW)
    sweep = sweep_bar.choose(VIEW.name)
    try:
        _show(sweep)
    except ElboRoomError as error:
        say.error(error, "These models cannot be opened: ")


def _show(sweep: Sweep) -> None:
    config = sweep.runs[0].config
    source = DATASETS[config.dataset]
    key = f"hidden-beta-{sweep.key}"
    _view(
        key=key,
        data={
            "sweep": sweep.key,
            "models": [_model(run) for run in sweep.runs],
            "pixels": math.prod(source.shape),
            "dims": config.latent_dim,
            "batch": config.batch_size,
            "images": source.train,
            "loss": link.LOSS.get() or "ssbbb",
            "weight": link.WEIGHT.get() or 1.0,
            "variance": link.VARIANCE.get() or 1.0,
        },
        height="content",
        on_view_change=lambda: _keep(key),
    )


def _model(run: RunInfo) -> dict[str, Any]:
    assert run.result is not None  # a sweep has finished runs only
    test = run.result.test
    return {
        "run": run.run_id,
        "beta": run.config.beta,
        "rate": test.kl,
        "distortion": -test.reconstruction,
        "pictures": payloads.reconstructions_blob(run.run_id, session.version(run)),
    }


def _keep(key: str) -> None:
    view = session.recall(key)["view"]
    link.put(
        loss=None if view["loss"] == "ssbbb" else view["loss"],
        weight=None if view["weight"] == 1.0 else view["weight"],
        variance=None if view["variance"] == 1.0 else view["variance"],
    )
