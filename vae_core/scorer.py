"""A torch model as a `bounds.Scorer`: Q(z|X) and log P(X|z), numpy in and numpy out, float32, without gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.gaussian import Q
from vae_core.model import VAE

Float = NDArray[np.float32]


class TorchScorer:
    """Around a model, whose weights are read at each call."""

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
        count, batch = len(z), len(x)
        with torch.inference_mode():
            f = self.model.decode(torch.from_numpy(z.reshape(-1, self.latent_dim).astype(np.float32)))
            f = f.view(count, z.shape[1], *f.shape[1:]).expand(count, batch, *f.shape[1:])
            each = torch.from_numpy(x).expand(f.shape)
            return self.model.likelihood.log_prob(each.flatten(0, 1), f.flatten(0, 1)).view(count, batch).numpy()
