"""log P(X) = log ∫ P(X|z) P(z) dz, estimated, bounded, and for one or two latent dimensions integrated.

- `from_prior`: z ∼ P(z), weights P(X|z). Right on average, and nearly every weight is nearly zero (Doersch 2016).
- `from_posterior`: z ∼ Q(z|X), weights P(X|z)P(z)/Q(z|X): the importance-weighted bound L_K of Burda et al. (2016),
  arXiv 1509.00519, equation 8; L_1 is the ELBO, and L_K rises to log P(X) with K.
- `on_grid`: quadrature, and with it the true posterior P(z|X) = P(X|z)P(z)/P(X).
- `identity`: log P(X) − D[Q(z|X) ‖ P(z|X)] = E_Q[log P(X|z)] − D[Q(z|X) ‖ P(z)], each term by itself.

All in nats, for each image, in float32 weights and float64 sums. Logarithms of sums are never taken of sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import ConfigError
from vae_core.gaussian import Q, log_standard_normal

ROWS = 20_000
"""Codes that are decoded at a time: what bounds the memory, whatever K is."""

Float = NDArray[np.float64]
Single = NDArray[np.float32]


class Scorer(Protocol):
    """A model as the estimators see it: `scorer.TorchScorer` or `forward.NumpyScorer`."""

    latent_dim: int
    """D"""
    is_log_likelihood: bool
    """Whether log P(X|z) is the log of a probability or density of these data."""

    def encode(self, x: Single) -> Q:
        """Q(z|X) for x (B, C, H, W) in [0, 1]."""
        ...

    def log_likelihood(self, x: Single, z: Float) -> Single:
        """log P(X|z) in nats for x (B, C, H, W) and codes (K, B, D), or (K, 1, D) that serve every image: (K, B)."""
        ...


@dataclass(frozen=True, eq=False)
class Estimate:
    """log P(X) of B images from K samples each."""

    log_px: Float
    """(B,) nats: log of the mean weight. Its expectation is a lower bound of log P(X)."""
    stderr: Float
    """(B,) nats: by the delta method, √(Σ(w−w̄)²/(K(K−1)))/w̄. Too small when `ess` is near 1: the weights that matter
    have not been seen.
    """
    ess: Float
    """(B,) effective sample size (Σw)²/Σw², from 1 to K (Kong 1992)."""
    curve_k: list[int]
    """Numbers of samples at which the curves were read."""
    curve: Float
    """(len(curve_k), B) `log_px` of the first k samples."""
    curve_stderr: Float
    """(len(curve_k), B) `stderr` of the first k samples; 0 for one sample, of which there is no spread."""
    curve_ess: Float
    """(len(curve_k), B) `ess` of the first k samples."""
    is_log_likelihood: bool
    """Whether log P(X|z) is the log of a probability or density of these data; else no figure here is one."""


def from_prior(scorer: Scorer, x: Single, samples: int, rng: np.random.Generator) -> Estimate:
    """Plain Monte Carlo with z ∼ N(0, I), for x (B, C, H, W) in [0, 1]."""

    def draw(count: int) -> tuple[Float, Float]:
        # The same codes serve every image: the prior does not look at it.
        return rng.standard_normal((count, 1, scorer.latent_dim)), np.zeros((count, 1))

    return _estimate(scorer, x, samples, draw)


def from_posterior(scorer: Scorer, x: Single, samples: int, rng: np.random.Generator) -> Estimate:
    """Importance sampling with z ∼ Q(z|X), for x (B, C, H, W) in [0, 1]."""
    q = scorer.encode(x)

    def draw(count: int) -> tuple[Float, Float]:
        z = q.sample(rng.standard_normal((count, *q.mu.shape)))
        return z, log_standard_normal(z) - q.log_prob(z)

    return _estimate(scorer, x, samples, draw)


def _estimate(scorer: Scorer, x: Single, samples: int, draw: Callable[[int], tuple[Float, Float]]) -> Estimate:
    """Sums of the weights and of their squares, kept as logarithms, chunk by chunk.

    `draw(k)` gives codes (k, B, D), or (k, 1, D) for all images, and log P(z)/proposal(z), (k, B) or (k, 1).
    """
    if samples < 1:
        raise ConfigError(f"samples={samples}: give a positive number")
    sixths = range(1 + math.ceil(6 * math.log10(samples)))
    marks = sorted({min(samples, round(10 ** (i / 6))) for i in sixths} | {samples})
    one = np.full(len(x), -math.inf)
    two = one
    sums: list[Float] = []
    squares: list[Float] = []
    done = 0
    for mark in marks:
        while done < mark:
            count = min(mark - done, max(1, ROWS // len(x)))
            z, log_ratio = draw(count)
            log_w = scorer.log_likelihood(x, z).astype(np.float64) + log_ratio  # (count, B)
            one = np.logaddexp(one, np.logaddexp.reduce(log_w, axis=0))
            two = np.logaddexp(two, np.logaddexp.reduce(2 * log_w, axis=0))
            done += count
        sums.append(one)
        squares.append(two)
    k = np.array(marks, np.float64)[:, None]
    curve = np.stack(sums) - np.log(k)
    ess = np.exp(2 * np.stack(sums) - np.stack(squares)).clip(1, k)
    stderr = np.sqrt((1 / ess - 1 / k).clip(0) * k / np.maximum(1, k - 1))
    return Estimate(curve[-1], stderr[-1], ess[-1], marks, curve, stderr, ess, scorer.is_log_likelihood)


# -- one or two latent dimensions: the integral itself


@dataclass(frozen=True, eq=False)
class GridPosterior:
    """P(z|X) of one image on a regular grid that was adapted to its width."""

    axes: list[Float]
    """D arrays (n,): the grid's coordinates."""
    log_density: Float
    """(n,)·D: log P(z|X), normalised so that the density sums to one over the cells."""
    log_px: float
    """log P(X), nats."""
    error: float
    """By how much log P(X) moved in the last refinement, nats."""

    @property
    def cell(self) -> float:
        """Length or area of a grid cell."""
        return math.prod(float(axis[1] - axis[0]) for axis in self.axes)

    def codes(self) -> Float:
        """(nᴰ, D) the grid's points, in the order of `log_density.ravel()`."""
        return np.stack([m.ravel() for m in np.meshgrid(*self.axes, indexing="ij")], axis=1)


REACH = 7.0
"""P(z) beyond 7 standard deviations is 1e-11 of its peak; no posterior of interest lives there alone."""
DEPTH = 30.0
"""Nats below the peak that the grid still covers: what is left out is under 1e-12 of the integral."""
FINEST = 1025
"""Points an axis at which refinement gives up."""


def on_grid(scorer: Scorer, x: Single, tolerance: float = 0.01) -> GridPosterior:
    """Integrate over z for one image x (C, H, W) in [0, 1], until log P(X) moves by less than `tolerance` nats.

    The grid covers Q(z|X) too, so that expectations under Q can be read off it. Raises `ConfigError` for D > 2.
    """
    d = scorer.latent_dim
    if d > 2:
        raise ConfigError(f"latent_dim={d}: the exact grid needs 1 or 2; use importance sampling")
    q = scorer.encode(x[None])
    mu, sigma = q.mu[0].astype(np.float64), np.sqrt(q.variance()[0])
    around_q = np.stack([mu - 8 * sigma, mu + 8 * sigma], axis=1)

    box = np.array([[-REACH, REACH]] * d)
    box = np.stack([np.minimum(box[:, 0], around_q[:, 0]), np.maximum(box[:, 1], around_q[:, 1])], axis=1)
    for _ in range(3):  # zoom: keep what is within DEPTH of the peak, and Q
        axes, log_joint = _joint(scorer, x, box, 97)
        kept = log_joint > log_joint.max() - DEPTH
        fresh = box.copy()
        for i in range(d):
            inside = np.flatnonzero(kept.any(axis=tuple(j for j in range(d) if j != i)))
            step = axes[i][1] - axes[i][0]
            fresh[i] = axes[i][inside[0]] - step, axes[i][inside[-1]] + step
        box = np.stack([np.minimum(fresh[:, 0], around_q[:, 0]), np.maximum(fresh[:, 1], around_q[:, 1])], axis=1)

    previous, points = math.inf, 65
    while True:
        axes, log_joint = _joint(scorer, x, box, points)
        cell = math.prod(float(axis[1] - axis[0]) for axis in axes)
        log_px = float(np.logaddexp.reduce(log_joint, axis=None)) + math.log(cell)
        error = abs(log_px - previous)
        if error < tolerance or 2 * points - 1 > FINEST:
            return GridPosterior(axes, log_joint - log_px, log_px, error)
        previous, points = log_px, 2 * points - 1


def _joint(scorer: Scorer, x: Single, box: Float, points: int) -> tuple[list[Float], Float]:
    """log P(X|z) + log P(z) on `points` values an axis."""
    axes: list[Float] = [np.linspace(low, high, points) for low, high in box]
    mesh = np.stack([m.ravel() for m in np.meshgrid(*axes, indexing="ij")], axis=1)
    parts = [
        scorer.log_likelihood(x[None], mesh[start : start + ROWS, None])[:, 0] for start in range(0, len(mesh), ROWS)
    ]
    log_joint = np.concatenate(parts).astype(np.float64) + log_standard_normal(mesh)
    return axes, log_joint.reshape([points] * len(axes))


@dataclass(frozen=True)
class Identity:
    """Both sides for one image, nats: log_px − kl_q_posterior, and elbo = reconstruction − kl_q_prior."""

    log_px: float
    kl_q_posterior: float
    reconstruction: float
    kl_q_prior: float
    elbo: float
    residual: float
    """Left minus right: what the numerics leave of zero."""
    is_log_likelihood: bool


def identity(scorer: Scorer, x: Single, tolerance: float = 0.01) -> Identity:
    """Every term of log P(X) − D[Q‖P(z|X)] = E_Q[log P(X|z)] − D[Q‖P(z)] for one image x (C, H, W), D ≤ 2.

    The left side comes from the grid; the right from Gauss–Hermite nodes under Q and the KL's closed form, so that the
    two meet only if both are right.
    """
    grid = on_grid(scorer, x, tolerance)
    q = scorer.encode(x[None])
    log_density = q.log_prob(grid.codes()[:, None])[:, 0]
    kl_q_posterior = float(np.sum(np.exp(log_density) * (log_density - grid.log_density.ravel())) * grid.cell)
    reconstruction = _expected_log_likelihood(scorer, x, q)
    kl_q_prior = float(q.kl().sum())
    elbo = reconstruction - kl_q_prior
    return Identity(
        log_px=grid.log_px,
        kl_q_posterior=kl_q_posterior,
        reconstruction=reconstruction,
        kl_q_prior=kl_q_prior,
        elbo=elbo,
        residual=grid.log_px - kl_q_posterior - elbo,
        is_log_likelihood=scorer.is_log_likelihood,
    )


def _expected_log_likelihood(scorer: Scorer, x: Single, q: Q, nodes: int = 64) -> float:
    """E_Q[log P(X|z)] by Gauss–Hermite quadrature, 64 nodes a dimension."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    weights = weights / weights.sum()
    d = q.mu.shape[1]
    epsilon = np.stack([m.ravel() for m in np.meshgrid(*[points] * d, indexing="ij")], axis=1)
    product = np.ones(1)
    for _ in range(d):
        product = np.multiply.outer(product, weights).ravel()
    z = q.sample(epsilon[:, None])  # (nodesᴰ, 1, D)
    return float(scorer.log_likelihood(x[None], z)[:, 0].astype(np.float64) @ product)
