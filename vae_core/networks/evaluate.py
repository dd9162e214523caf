"""The two terms of the ELBO on given images, per image, in float32.

E_{z∼Q}[log P(X|z)] is estimated with one z a picture. Over the 10,000 test images of MNIST, other noise moved the mean
ELBO of the two starters by 0.02 and 0.04 nat (standard deviation over six seeds). The KL is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.config.events import Terms
from vae_core.networks.torch_ import VAE

CHUNK = 1000
"""Images that are evaluated at a time; the noise of each chunk has a seed of its own."""


@dataclass(frozen=True, eq=False)
class PerImage:
    """For N images: `mu`, `logvar` and `kl` (N, D), `reconstruction` (N,); nats. See `posterior.torch_.Posterior`."""

    mu: NDArray[np.float32]
    logvar: NDArray[np.float32]
    reconstruction: NDArray[np.float32]
    kl: NDArray[np.float32]
    lower: NDArray[np.float32] | None
    """(N, D·(D−1)/2): for a full covariance, L below its diagonal, row by row."""

    def terms(self) -> Terms:
        """Means over the images, added up in float64."""
        per_dim = self.kl.mean(0, dtype=np.float64)
        return Terms(float(self.reconstruction.mean(dtype=np.float64)), float(per_dim.sum()), per_dim.tolist())


def per_image(model: VAE, x: NDArray[np.uint8], seed: int) -> PerImage:
    """Encode and score images (N, C, H, W) uint8. The same seed gives the same z."""
    parts: list[tuple[torch.Tensor, ...]] = []
    row, column = torch.tril_indices(model.latent_dim, model.latent_dim, -1)
    with torch.inference_mode():
        for start in range(0, len(x), CHUNK):
            batch = to_unit(torch.from_numpy(x[start : start + CHUNK].copy()))
            q = model.encode(batch)
            noise = torch.randn(q.mu.shape, generator=torch.Generator().manual_seed(seed + start))
            reconstruction = model.likelihood.log_prob(batch, model.decode(q.sample(noise)))
            lower = () if q.lower is None else (q.lower[:, row, column],)
            parts.append((q.mu, q.logvar, reconstruction, q.kl(), *lower))
    mu, logvar, reconstruction, kl, *lower = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    return PerImage(mu, logvar, reconstruction, kl, lower[0] if lower else None)


def to_unit(x: torch.Tensor) -> torch.Tensor:
    """Uint8 0–255 -> float32 0–1."""
    return x.float().div_(255)


def to_bytes(x: torch.Tensor) -> NDArray[np.uint8]:
    """Float 0–1 -> uint8 0–255, rounded."""
    return x.mul(255).round_().to(torch.uint8).numpy()
