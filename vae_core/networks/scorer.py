"""log P(X|z) of a torch model, with gradients; and the model as a `bounds.Scorer`, numpy in and out."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.networks.gaussian import Q
from vae_core.networks.likelihoods import Bernoulli, log_partition
from vae_core.networks.model import VAE

Float = NDArray[np.float32]

ROWS = 2048
"""Codes that are decoded at a time: their pictures stay in the cache."""


def log_likelihood(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    """log P(X|z) in nats for x (B, C, H, W) and codes (K, B, D), or (K, 1, D) that serve every image: (K, B)."""
    count, batch = len(z), len(x)
    f = model.decode(z.flatten(0, 1))
    f = f.view(count, z.shape[1], *f.shape[1:]).expand(count, batch, *f.shape[1:])
    return model.likelihood.log_prob(x.expand(f.shape).flatten(0, 1), f.flatten(0, 1)).view(count, batch)


class TorchScorer:
    """Around a model, whose weights are read at each call; float32, without gradients."""

    def __init__(self, model: VAE) -> None:
        self.model = model
        self.latent_dim = model.config.latent_dim
        self.is_log_likelihood = model.likelihood.is_log_likelihood

    def encode(self, x: Float) -> Q:
        """Q(z|X) for x (B, C, H, W) in [0, 1]."""
        with torch.inference_mode():
            q = self.model.encode(torch.from_numpy(x))
        if q.lower is None:
            return Q(q.mu.numpy(), q.logvar.numpy())
        row, column = np.tril_indices(self.latent_dim, -1)
        return Q(q.mu.numpy(), q.logvar.numpy(), q.lower.numpy()[:, row, column])

    def log_likelihood(self, x: Float, z: NDArray[Any]) -> Float:
        """log P(X|z) in nats for x (B, C, H, W) and codes (K, B, D), or (K, 1, D) that serve every image: (K, B)."""
        images, codes = torch.from_numpy(x), torch.from_numpy(z.astype(np.float32))
        score = _bernoulli if isinstance(self.model.likelihood, Bernoulli) else log_likelihood
        with torch.inference_mode():
            parts = [score(self.model, images, part) for part in codes.split(max(1, ROWS // z.shape[1]))]
            return torch.cat(parts).numpy()


def _bernoulli(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    """`log_likelihood` of a Bernoulli; codes that serve every image are scored by one product of matrices."""
    # reshape, not view: what a network has cut out of larger pictures does not lie in one piece
    f = model.decode(z.flatten(0, 1)).reshape(len(z), z.shape[1], -1)
    pixels = x.flatten(1)
    inner = f[:, 0] @ pixels.T if f.shape[1] == 1 else torch.linalg.vecdot(f, pixels.expand_as(f))
    return inner - log_partition(f)
