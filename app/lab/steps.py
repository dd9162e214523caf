"""A small VAE on 8×8 digits that trains in the page, in front of the class: every stage of a step, and β as a dial.

The training runs in the page (`frontend/net/trainer.js`); `CONFIG` says what it is in the library's terms. A link
names the seed, the steps and the course of β, and the page computes those steps again.
"""

from __future__ import annotations

from typing import Any

from app import link, session
from app.chrome import course
from app.chrome.plots import PALETTE
from app.components import register
from app.facts import payloads
from vae_core.config import RunConfig

VIEW = course.View(
    3,
    "steps",
    "Training, step by step",
    "Press Play and drag β: reconstruction pulls each code to where its picture gets better, the KL pulls all "
    "of them to the middle.",
)
KEY = "lab-steps"
CONFIG = RunConfig(dataset="digits", hidden=(32,), latent_dim=2, batch_size=64, learning_rate=1e-2)
"""The network, the batch and Adam's rate, which stays what it is."""
BETAS = (0, 0.1, 0.25, 0.5, 1, 2, 4, 8)
"""Where the slider stops."""
LIMIT = 3000
"""Steps until the training ends, so that a link never asks for more than a few seconds of computing."""
IMAGE = 3
"""Training image that is followed at first."""

_view = register("elbo_room_lab_steps", "lab/steps/lab-steps.js", ["kit/lab.css", "lab/steps/lab-steps.css"])


def page() -> None:
    """The view."""
    course.begin(VIEW)
    images, count = payloads.training_blob(CONFIG.dataset)
    image = link.below(link.EXAMPLE, count)
    _view(
        key=KEY,
        data={
            "images": images,
            "palette": list(PALETTE),
            "hidden": CONFIG.hidden[0],
            "latentDim": CONFIG.latent_dim,
            "batch": CONFIG.batch_size,
            "rate": CONFIG.learning_rate,
            "stops": list(BETAS),
            "limit": LIMIT,
            "seed": link.TRIAL.get() or 0,
            "image": IMAGE if image is None else image,
            "step": link.STEP.get() or 0,
            "path": path(link.COURSE.get()),
        },
        height="content",
        on_view_change=_keep,
    )


def path(course: list[tuple[int, float]] | None) -> list[tuple[int, float]]:
    """The course of β in a link, if this training can take it: [(0, 1), (120, 4)] is β from a step on. Else β = 1."""
    if course is None or course[-1][0] > LIMIT or any(beta not in BETAS for _, beta in course):
        return [(0, 1)]
    return course


def _kept() -> dict[str, Any]:
    """Where it was left last; empty before that."""
    state = session.recall(KEY) or {}
    return state.get("view") or {}


def _keep() -> None:
    view = _kept()
    link.put(trial=view["seed"], example=view["image"], step=view["step"], course=view["path"])
