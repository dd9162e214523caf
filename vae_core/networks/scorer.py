"""A model as the estimators see it: `torch_.TorchScorer` or `onnx_.OnnxScorer`, numpy in and out."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vae_core.networks.posterior.numpy_ import Q

Float32 = NDArray[np.float32]


class Scorer(Protocol):
    """Q(z|X) and log P(X|z) of one model, in float32."""

    latent_dim: int
    """D"""
    is_log_likelihood: bool
    """Whether log P(X|z) is the log of a probability or density of these data."""

    def encode(self, x: Float32) -> Q:
        """Q(z|X) for x (B, C, H, W) in [0, 1]."""
        ...

    def log_likelihood(self, x: Float32, z: NDArray[Any]) -> Float32:
        """log P(X|z) in nats for x (B, C, H, W) and codes (K, B, D), or (K, 1, D) that serve every image: (K, B)."""
        ...
