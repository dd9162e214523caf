"""Why sample from Q: log P(X) estimated from samples of the prior and of Q(z|X), sample by sample."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app import link, session
from app.chrome import course, say
from app.components import register
from app.components.blobs import blobs
from app.facts import one_image, payloads
from vae_core import data
from vae_core.config.errors import ElboRoomError
from vae_core.store import RunInfo, export

VIEW = course.View(
    8,
    "sampling",
    "Why sample from Q",
    "Codes from the prior almost never explain the image; codes from Q nearly always do, so a handful of them "
    "is worth thousands of the others.",
)
KEY = "lab-sampling"
SAMPLES = 5000
FIRST = 250
"""Samples that are on the screen while the others are drawn."""

_view = register("elbo_room_lab_sampling", "lab/sampling/lab-sampling.js", ["kit/lab.css", "lab/lab-images.css"])


def page() -> None:
    """The view."""
    course.begin(VIEW)
    run = course.choose(VIEW, suits=lambda _: True, needs="")
    try:
        _sampling(run)
    except ElboRoomError as error:
        say.error(error, "This model cannot be opened: ")


def _sampling(run: RunInfo) -> None:
    version = session.version(run)
    image = link.below(link.IMAGE, len(data.load_split(run.config.dataset, "test").labels)) or 0
    seed = link.DRAW.get() or 0
    # The page asks for the others once it has painted the first: drawn at once, they would hold those up.
    final = session.recall("sampling-refined") == f"{version}-{image}-{seed}"
    draws = one_image.draws(run.run_id, version, image, seed, SAMPLES if final else FIRST, final)
    _show(run, image, seed, draws, final)


def _show(run: RunInfo, image: int, seed: int, found: one_image.Draws, final: bool) -> None:
    version = session.version(run)
    arrays: dict[str, NDArray[Any]] = {"pixels": one_image.test_image(run, image)[None]}
    for name, drawn in (("prior", found.prior), ("q", found.q)):
        arrays[f"{name}_log_weight"] = drawn.log_weight.astype(np.float32)
        arrays[f"{name}_log_likelihood"] = drawn.log_likelihood[: one_image.SHOWN].astype(np.float32)
        arrays[f"{name}_pictures"] = payloads.decoded(run, drawn.z)
    k = link.K.get()
    _view(
        key=KEY,
        data={
            "refine": None if final else f"{version}-{image}-{seed}",
            "image": image,
            "seed": seed,
            "labels": payloads.labels_blob(run.config.dataset),
            "blob": blobs.offer(export.blob(arrays)),
            "samples": SAMPLES,
            "reference": found.reference if math.isfinite(found.reference) else None,
            "referenceSamples": found.reference_samples,
            "isLogLikelihood": payloads.scorer(run.run_id, version).is_log_likelihood,
            "k": k or None,
        },
        height="content",
        on_view_change=_keep,
        on_refine_change=_refine,
    )


def _refine() -> None:
    session.remember("sampling-refined", session.recall(KEY)["refine"])


def _keep() -> None:
    view = session.recall(KEY)["view"]
    link.put(image=view["image"], draw=view["seed"] or None, k=view["k"])
