"""Where a model puts the test images: μ and log σ² (N, D), for a full Σ `lower`, and `reconstruction` (N,) in nats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vae_core import data
from vae_core.jobs.derived.thing import Result, Source, Tell, Thing
from vae_core.networks.posterior.numpy_ import Q
from vae_core.store import models
from vae_core.store.files import Arrays


@dataclass(frozen=True, kw_only=True)
class Codes(Thing):
    """The test set's codes and terms."""

    kind: ClassVar[str] = "codes"

    def compute(self, source: Source, tell: Tell) -> Result:
        """By the network in torch, one z an image."""
        from vae_core.networks.evaluate import per_image
        from vae_core.networks.torch_ import VAE

        config = source.config
        model = VAE.of(models.load(source.store, config.run_id))
        scored = per_image(model, data.test_images(config.dataset, config.binarize).x, seed=config.seed)
        arrays: Arrays = {"mu": scored.mu, "logvar": scored.logvar, "reconstruction": scored.reconstruction}
        if scored.lower is not None:
            arrays["lower"] = scored.lower
        return Result(arrays, {})


def posterior(codes: Arrays) -> Q:
    """Q(z|X) of the test images."""
    return Q(codes["mu"], codes["logvar"], codes.get("lower"))


def kl_per_dim(codes: Arrays) -> NDArray[np.float32]:
    """The KL of each image and dimension, (N, D) nats, from its codes (`Q.kl`)."""
    return posterior(codes).kl().astype(np.float32)
