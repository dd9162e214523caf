"""Q(z|X) = N(μ, L·Lᵀ) as numpy arrays: samples, its density, its KL. The twin of `torch_`.

Kingma & Welling (2019), arXiv 1906.02691, section 2.5.1: z = μ + L·ε, log Q(z|X) = −½ Σ(ε² + log 2π) − Σ log Lᵢᵢ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Q:
    """N(μ, L·Lᵀ) for B images, L lower triangular with diag(L) = exp(½·logvar); all results are float64."""

    mu: Array
    """(B, D)"""
    logvar: Array
    """(B, D): log σ²; with `lower`, of the variance that a dimension has once those before it are known."""
    lower: Array | None = None
    """(B, D·(D−1)/2): L below its diagonal, row by row; None where Q is diagonal."""

    def cholesky(self) -> Float64:
        """L, (B, D, D)."""
        d = self.mu.shape[1]
        factor = np.zeros((len(self.mu), d, d))
        factor[:, np.arange(d), np.arange(d)] = np.exp(0.5 * self.logvar.astype(np.float64))
        if self.lower is not None:
            row, column = np.tril_indices(d, -1)
            factor[:, row, column] = self.lower
        return factor

    def variance(self) -> Float64:
        """The diagonal of L·Lᵀ, (B, D)."""
        if self.lower is None:
            return np.exp(self.logvar.astype(np.float64))
        return np.square(self.cholesky()).sum(2)

    def sample(self, epsilon: Array) -> Float64:
        """z = μ + L·ε for ε (B, D) or (K, B, D)."""
        if self.lower is None:
            return self.mu + np.exp(0.5 * self.logvar.astype(np.float64)) * epsilon
        return self.mu + np.einsum("bij,...bj->...bi", self.cholesky(), epsilon)

    def log_prob(self, z: Array) -> Float64:
        """log Q(z|X) in nats for z (B, D) or (K, B, D): (B,) or (K, B)."""
        away = z - self.mu.astype(np.float64)
        if self.lower is None:
            epsilon = away * np.exp(-0.5 * self.logvar.astype(np.float64))
        else:
            flat = away.reshape(-1, *self.mu.shape).transpose(1, 2, 0)  # (B, D, …)
            epsilon = solve_lower(self.cholesky(), flat).transpose(2, 0, 1).reshape(away.shape)
        return log_standard_normal(epsilon) - 0.5 * self.logvar.sum(1, dtype=np.float64)

    def kl(self) -> Float64:
        """D[Q ‖ N(0, I)] by dimension, (B, D) nats: ½(μ² + Σᵢᵢ − 1 − log Lᵢᵢ²).

        With a full covariance the terms are those of the rows of L; only their sum is the KL of a distribution.
        """
        return 0.5 * (np.square(self.mu.astype(np.float64)) + self.variance() - 1 - self.logvar)


def solve_lower(factor: Float64, right: Float64) -> Float64:
    """L⁻¹·right for lower triangular L (B, D, D) and right (B, D, M): (B, D, M), row by row from the top.

    Not by an inverse: where L is ill-conditioned, as a narrow Q's is, the rows of an inverse are large and cancel.
    """
    out = np.empty(right.shape)
    for j in range(factor.shape[1]):
        known = (factor[:, j, None, :j] @ out[:, :j])[:, 0]
        out[:, j] = (right[:, j] - known) / factor[:, j, j, None]
    return out


def log_standard_normal(z: Array) -> Float64:
    """log N(z; 0, I) in nats for z (…, D): (…)."""
    z = z.astype(np.float64, copy=False)
    return -0.5 * (np.einsum("...d,...d->...", z, z) + z.shape[-1] * math.log(2 * math.pi))


def aggregate_density(q: Q, z1: Array, z2: Array) -> NDArray[np.float32]:
    """Q(z) = Σₙ Q(z|xₙ)/N on the grid of evenly spaced z1 (A,) and z2 (B,), for a diagonal Q of two dimensions: (B, A).

    Each point stands for its cell: every Q is widened by the variance h²/12 that lies within a cell of width h, so that
    one narrower than a cell is neither missed nor overrated. The sum over the grid times the cell's area is one.
    """
    if q.mu.shape[1] != 2 or q.lower is not None:
        raise ValueError(f"{q.mu.shape[1]} dimensions, lower={q.lower is not None}: the grid needs 2, and a diagonal Q")
    mu, variance = q.mu.astype(np.float32), q.variance().astype(np.float32)  # (N, 2)

    def along(z: Array, axis: int) -> NDArray[np.float32]:  # (len(z), N)
        wide = variance[:, axis] + np.float32((z[1] - z[0]) ** 2 / 12)
        away = np.square(z.astype(np.float32)[:, None] - mu[:, axis])
        return (np.exp(-0.5 * away / wide) / np.sqrt(2 * math.pi * wide)).astype(np.float32, copy=False)

    return along(z2, 1) @ along(z1, 0).T / np.float32(len(mu))
