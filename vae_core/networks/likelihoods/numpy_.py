"""log P(X|z) and E[X|z] in numpy: the twin of `torch_`, where the formulas are derived, without torch.

Bernoulli and continuous Bernoulli are exponential families in the pixels: log P(X|z) = x·f − A(f), so that one set of
codes is scored against many images by one product of matrices.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vae_core.config.errors import ModelError
from vae_core.networks.likelihoods import FAMILIES, LOG_SIGMA, NARROW, SMALLEST_SIGMA, has_sigma
from vae_core.networks.model import Model

Float32 = NDArray[np.float32]
LogProb = Callable[[Float32, Float32], Float32]
"""x (B, P) in [0, 1] and f (K, B, P), or (K, 1, P) that serves every image, to log P(X|z) in nats, (K, B)."""


def sigma(model: Model) -> Float32 | None:
    """σ of the Gaussian, () or (C, H, W); None for a family without one."""
    if model.design.sigma_shape is None:
        return None
    log_sigma = np.asarray(model.tensors[LOG_SIGMA], np.float32)
    return np.exp(np.maximum(log_sigma, math.log(SMALLEST_SIGMA)) if log_sigma.ndim else log_sigma)


def log_prob(model: Model) -> LogProb:
    """log P(X|z) of the model's family."""
    scale = sigma(model)
    if scale is not None:
        return lambda x, f: _gaussian(x, f, scale.ravel())
    if has_sigma(model.design.likelihood):
        raise ModelError("the σ of this model was not kept: it makes pictures, and has no density")
    return _DENSITIES[model.design.likelihood]


def _bernoulli(x: Float32, f: Float32) -> Float32:
    return _inner(x, f) - _log_partition_bernoulli(f)


def _continuous_bernoulli(x: Float32, f: Float32) -> Float32:
    return _inner(x, f) - _log_partition_continuous(f)


_DENSITIES: dict[str, LogProb] = {"bernoulli": _bernoulli, "continuous-bernoulli": _continuous_bernoulli}
"""Likelihood without a σ -> log P(X|z)."""


def _inner(x: Float32, f: Float32) -> Float32:
    """Σ x·f over the pixels: (K, B)."""
    if f.shape[1] == 1:
        return f[:, 0] @ x.T
    return np.einsum("kbp,bp->kb", f, x)


def _log_partition_bernoulli(f: Float32) -> Float32:
    """Σ log(1 + eᶠ) over the pixels."""
    small = np.abs(f)
    np.exp(np.negative(small, out=small), out=small)
    return np.log1p(small, out=small).sum(-1) + np.maximum(f, 0).sum(-1)


def _log_partition_continuous(f: Float32) -> Float32:
    """Σ log((eᶠ − 1)/f) over the pixels, the logarithm of ∫ eˣᶠ dx over [0, 1]; for f near 0 it is f/2 + f²/24."""
    size = np.abs(f)
    narrow = size < NARROW
    safe = np.where(narrow, np.float32(1), size)
    above = np.where(narrow, np.square(size) / 24 - size / 2, np.log(-np.expm1(-safe) / safe))
    return (above + np.maximum(f, 0)).sum(-1)


def _gaussian(x: Float32, f: Float32, scale: Float32) -> Float32:
    """−Σ ½((x−f)/σ)² + log σ + ½ log 2π; scale (1,) or (P,)."""
    pixels = x.shape[1]
    constant = float(np.log(scale).mean(dtype=np.float64)) * pixels + 0.5 * pixels * math.log(2 * math.pi)
    out = np.empty((len(f), len(x)), np.float32)
    for b, image in enumerate(x):  # differences first: multiplied out, the squares would cancel where σ is small
        away = (image - f[:, b if f.shape[1] > 1 else 0]) / scale
        out[:, b] = -0.5 * np.einsum("kp,kp->k", away, away) - constant
    return out


def sigmoid(x: Float32) -> Float32:
    """1/(1 + e⁻ˣ), without overflow."""
    half = np.float32(0.5)
    return half * (1 + np.tanh(half * x))


def _mean_continuous(f: Float32) -> Float32:
    """1/(1 − e⁻ᶠ) − 1/f; near 0 it is ½ + f/12."""
    size = np.abs(f)
    safe = np.where(size < NARROW, np.float32(1), size)
    mean = -1 / np.expm1(-safe) - 1 / safe  # of |f|, so that nothing overflows
    return np.where(size < NARROW, np.float32(0.5) + f / 12, np.where(f < 0, 1 - mean, mean))


def _itself(f: Float32) -> Float32:
    return f


MEANS: dict[str, Callable[[Float32], Float32]] = {
    "bernoulli": sigmoid,
    "continuous-bernoulli": _mean_continuous,
    "gaussian": _itself,
}
"""Likelihood -> E[X|z] of f, the shape of f."""
assert MEANS.keys() == set(FAMILIES)
assert _DENSITIES.keys() == {name for name in FAMILIES if not has_sigma(name)}
