"""The reparameterisation trick: codes z = μ + σ·ε that follow μ and σ while ε is held still."""

from __future__ import annotations

from typing import Any

import numpy as np

from app import link, session
from app.chrome import course, say
from app.components import register
from app.facts import payloads
from vae_core.config.errors import ElboRoomError
from vae_core.store import RunInfo

VIEW = course.View(
    2,
    "reparameterisation",
    "The reparameterisation trick",
    "With the noise ε held still, moving μ and σ moves every code smoothly: that is how a gradient gets "
    "through a random draw.",
)
KEY = "lab-reparameterisation"
START = [0.8, -0.5, 0.35, 0.6]
"""μ1, μ2, σ1, σ2 before anybody moved them: wide enough for the codes to decode to different pictures."""

_view = register(
    "elbo_room_lab_reparameterisation",
    "lab/reparameterisation/lab-reparameterisation.js",
    ["kit/lab.css", "lab/lab-normal.css", "lab/reparameterisation/lab-reparameterisation.css"],
)


def page() -> None:
    """The view."""
    course.begin(VIEW)
    run = course.choose(VIEW, _suits, "a two-dimensional code and a diagonal Q(z|X)")
    try:
        model = payloads.model_blob(run.run_id, session.version(run))
        images, indices = payloads.images_blob(run.config.dataset, run.config.binarize)
    except ElboRoomError as error:
        say.error(error, "This model cannot be opened: ")
        return
    image = link.IMAGE.get()
    # One component a model: another model has its own codes.
    key = f"{KEY}-{session.version(run)}"
    _view(
        key=key,
        data={
            "model": model,
            "images": images,
            "q": link.SPREAD.get() or START,
            "zoom": link.ZOOM.get() is True,
            "seed": link.DRAW.get() or 1,
            "image": int(np.flatnonzero(indices == image)[0]) if image in indices else None,
            "how": link.HOW.get() or "trick",
            "code": link.CODE.get() or 0,
        },
        height="content",
        on_view_change=lambda: _keep(key, indices),
    )


def _suits(info: RunInfo) -> bool:
    return info.config.latent_dim == 2 and info.config.posterior == "diagonal"


def _kept(key: str) -> dict[str, Any]:
    """Where a control was let go last; empty before that."""
    state = session.recall(key) or {}
    return state.get("view") or {}


def _keep(key: str, indices: np.ndarray) -> None:
    view = _kept(key)
    link.put(
        spread=view["q"],
        draw=view["seed"],
        image=None if view["image"] is None else int(indices[view["image"]]),
        how=view["how"],
        code=view["code"],
        zoom=view["zoom"] or None,
    )
