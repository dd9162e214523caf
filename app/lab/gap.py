"""The gap: the true posterior of one image, the encoder's Gaussian over it, and what that costs, with the best ones."""

from __future__ import annotations

from typing import Any

from app import link, session
from app.chrome import course, say
from app.chrome.plots import PALETTE
from app.components import register
from app.components.blobs import blobs
from app.facts import one_image, payloads
from vae_core import data
from vae_core.analysis.bounds import Identity
from vae_core.config.errors import ElboRoomError
from vae_core.networks.posterior.numpy_ import Q
from vae_core.store import RunInfo, export

VIEW = course.View(
    7,
    "gap",
    "The gap",
    "Green are the codes that may have made this image, violet the encoder's guess at them: what the ELBO "
    "lacks of log P(X) is exactly the difference between the two. Drag z.",
)
KEY = "lab-gap"
START = 7
"""The test image shown first."""

_view = register("elbo_room_lab_gap", "lab/gap/lab-gap.js", ["kit/lab.css", "lab/lab-images.css"])


def page() -> None:
    """The view."""
    course.begin(VIEW)
    run = course.choose(VIEW, suits=lambda info: info.config.latent_dim == 2, needs="two latent dimensions")
    try:
        _gap(run)
    except ElboRoomError as error:
        say.error(error, "This model cannot be opened: ")


def _gap(run: RunInfo) -> None:
    version, config = session.version(run), run.config
    count = len(data.load_split(config.dataset, "test").labels)
    found = link.below(link.IMAGE, count)
    image = min(START, count - 1) if found is None else found
    # The page asks for the final grid once it has painted the coarse one: computed at once, it would hold that up.
    final = session.recall("gap-refined") == f"{version}-{image}"
    _show(run, image, one_image.posterior(run.run_id, version, image, final), final)


def _show(run: RunInfo, image: int, found: one_image.Posterior, final: bool) -> None:
    version, config = session.version(run), run.config
    arrays = {"pixels": one_image.test_image(run, image), "log_density": found.log_density}
    gaussian, z = link.GAUSSIAN.get(), link.Z.get()
    _view(
        key=KEY,
        data={
            "key": f"{version}-{image}",
            "refine": None if final else f"{version}-{image}",
            "image": image,
            "labels": payloads.labels_blob(config.dataset),
            "decoder": payloads.decoder_blob(run.run_id, version),
            "encoded": payloads.encoded_blob(run.run_id, version, (0, 1)) if final else None,
            "palette": list(PALETTE),
            "grid": blobs.offer(export.blob(arrays)),
            "low": found.low,
            "high": found.high,
            "levels": found.levels,
            "gaussians": {name: _said(q, found.terms.get(name)) for name, q in found.gaussians.items()},
            "family": config.posterior,
            "isLogLikelihood": payloads.scorer(run.run_id, version).is_log_likelihood,
            "z": z if z and len(z) == 2 else None,
            "gaussian": gaussian or "encoder",
        },
        height="content",
        on_view_change=_keep,
        on_refine_change=_refine,
    )


def _said(q: Q, terms: Identity | None) -> dict[str, Any]:
    """A Gaussian as the page draws it, and its five terms in nats, if they are known yet."""
    factor = q.cholesky()[0]
    return {
        "mean": [float(value) for value in q.mu[0]],
        "covariance": (factor @ factor.T).tolist(),
        "terms": None
        if terms is None
        else {
            "logPx": terms.log_px,
            "gap": terms.kl_q_posterior,
            "reconstruction": terms.reconstruction,
            "kl": terms.kl_q_prior,
            "elbo": terms.elbo,
        },
    }


def _refine() -> None:
    session.remember("gap-refined", session.recall(KEY)["refine"])


def _keep() -> None:
    view = session.recall(KEY)["view"]
    link.put(
        image=view["image"],
        z=None if view["z"] is None else ",".join(f"{value:.4f}" for value in view["z"]),
        gaussian=None if view["gaussian"] == "encoder" else view["gaussian"],
    )
