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

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.errors import ConfigError
from vae_core.model import VAE, Posterior

ROWS = 20_000
"""Codes that are decoded at a time: what bounds the memory, whatever K is."""

Float = NDArray[np.float64]


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
    """Numbers of samples at which `curve` was read."""
    curve: Float
    """(len(curve_k), B) the estimate from the first k samples."""
    is_log_likelihood: bool
    """Whether log P(X|z) is the log of a probability or density of these data; else no figure here is one."""


def from_prior(model: VAE, x: Tensor, samples: int, generator: torch.Generator) -> Estimate:
    """Plain Monte Carlo with z ∼ N(0, I), for x (B, C, H, W) in [0, 1]."""

    def draw(count: int) -> tuple[Tensor, Tensor]:
        # The same codes serve every image: the prior does not look at it.
        z = torch.randn(count, 1, model.config.latent_dim, generator=generator)
        return z.expand(-1, len(x), -1), torch.zeros(count, len(x))

    return _estimate(model, x, samples, draw)


def from_posterior(model: VAE, x: Tensor, samples: int, generator: torch.Generator) -> Estimate:
    """Importance sampling with z ∼ Q(z|X), for x (B, C, H, W) in [0, 1]."""
    with torch.inference_mode():
        q = model.encode(x)

    def draw(count: int) -> tuple[Tensor, Tensor]:
        z = q.sample(torch.randn(count, *q.mu.shape, generator=generator))
        return z, _log_prior(z) - log_q(q, z)

    return _estimate(model, x, samples, draw)


def log_q(q: Posterior, z: Tensor) -> Tensor:
    """log Q(z|X) for z (…, B, D): (…, B)."""
    return -0.5 * ((z - q.mu).square() / q.logvar.exp() + q.logvar + math.log(2 * math.pi)).sum(-1)


def _log_prior(z: Tensor) -> Tensor:
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(-1)


def _estimate(model: VAE, x: Tensor, samples: int, draw: Callable[[int], tuple[Tensor, Tensor]]) -> Estimate:
    """Sums of the weights and of their squares, kept as logarithms, chunk by chunk."""
    if samples < 1:
        raise ConfigError(f"samples={samples}: give a positive number")
    sixths = range(1 + math.ceil(6 * math.log10(samples)))
    marks = sorted({min(samples, round(10 ** (i / 6))) for i in sixths} | {samples})
    one = torch.full((len(x),), -math.inf, dtype=torch.float64)
    two = one.clone()
    curve: list[Tensor] = []
    done = 0
    with torch.inference_mode():
        for mark in marks:
            while done < mark:
                count = min(mark - done, max(1, ROWS // len(x)))
                z, log_ratio = draw(count)
                log_w = (log_likelihood(model, x, z) + log_ratio).double()  # (count, B)
                one = torch.logaddexp(one, log_w.logsumexp(0))
                two = torch.logaddexp(two, (2 * log_w).logsumexp(0))
                done += count
            curve.append(one - math.log(done))
    ess = torch.exp(2 * one - two).clamp(1, samples)
    spread = (1 / ess - 1 / samples).clamp(min=0) * (samples / max(1, samples - 1))
    return Estimate(
        log_px=curve[-1].numpy(),
        stderr=spread.sqrt().numpy(),
        ess=ess.numpy(),
        curve_k=marks,
        curve=torch.stack(curve).numpy(),
        is_log_likelihood=model.likelihood.is_log_likelihood,
    )


def log_likelihood(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    """log P(X|z) for x (B, C, H, W) and z (K, B, D): (K, B)."""
    count, batch = z.shape[:2]
    f = model.decode(z.reshape(count * batch, -1))
    repeated = x[None].expand(count, *x.shape).reshape(f.shape)
    return model.likelihood.log_prob(repeated, f).view(count, batch)


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


def on_grid(model: VAE, x: Tensor, tolerance: float = 0.01) -> GridPosterior:
    """Integrate over z for one image x (C, H, W) in [0, 1], until log P(X) moves by less than `tolerance` nats.

    The grid covers Q(z|X) too, so that expectations under Q can be read off it. Raises `ConfigError` for D > 2.
    """
    d = model.config.latent_dim
    if d > 2:
        raise ConfigError(f"latent_dim={d}: the exact grid needs 1 or 2; use importance sampling")
    with torch.inference_mode():
        q = model.encode(x[None])
    sigma = torch.exp(0.5 * q.logvar)[0].numpy()
    around_q = np.stack([q.mu[0].numpy() - 8 * sigma, q.mu[0].numpy() + 8 * sigma], axis=1).astype(np.float64)

    box = np.array([[-REACH, REACH]] * d)
    box = np.stack([np.minimum(box[:, 0], around_q[:, 0]), np.maximum(box[:, 1], around_q[:, 1])], axis=1)
    for _ in range(3):  # zoom: keep what is within DEPTH of the peak, and Q
        axes, log_joint = _joint(model, x, box, 97)
        kept = log_joint > log_joint.max() - DEPTH
        fresh = box.copy()
        for i in range(d):
            inside = np.flatnonzero(kept.any(axis=tuple(j for j in range(d) if j != i)))
            step = axes[i][1] - axes[i][0]
            fresh[i] = axes[i][inside[0]] - step, axes[i][inside[-1]] + step
        box = np.stack([np.minimum(fresh[:, 0], around_q[:, 0]), np.maximum(fresh[:, 1], around_q[:, 1])], axis=1)

    previous, points = math.inf, 65
    while True:
        axes, log_joint = _joint(model, x, box, points)
        cell = math.prod(float(axis[1] - axis[0]) for axis in axes)
        log_px = float(_logsumexp(log_joint)) + math.log(cell)
        error = abs(log_px - previous)
        if error < tolerance or 2 * points - 1 > FINEST:
            return GridPosterior(axes, log_joint - log_px, log_px, error)
        previous, points = log_px, 2 * points - 1


def _joint(model: VAE, x: Tensor, box: Float, points: int) -> tuple[list[Float], Float]:
    """log P(X|z) + log P(z) on `points` values an axis."""
    axes: list[Float] = [np.linspace(low, high, points) for low, high in box]
    mesh = np.stack([m.ravel() for m in np.meshgrid(*axes, indexing="ij")], axis=1)
    parts: list[Tensor] = []
    with torch.inference_mode():
        for start in range(0, len(mesh), ROWS):
            z = torch.from_numpy(mesh[start : start + ROWS]).float()
            parts.append(log_likelihood(model, x[None], z[:, None])[:, 0].double() + _log_prior(z.double()))
    return axes, torch.cat(parts).numpy().reshape([points] * len(axes))


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


def identity(model: VAE, x: Tensor, tolerance: float = 0.01) -> Identity:
    """Every term of log P(X) − D[Q‖P(z|X)] = E_Q[log P(X|z)] − D[Q‖P(z)] for one image x (C, H, W), D ≤ 2.

    The left side comes from the grid; the right from Gauss–Hermite nodes under Q and the KL's closed form, so that the
    two meet only if both are right.
    """
    grid = on_grid(model, x, tolerance)
    with torch.inference_mode():
        q = model.encode(x[None])
        z = torch.from_numpy(grid.codes())
        wide = Posterior(q.mu.double(), q.logvar.double())
        log_density = log_q(wide, z[:, None])[:, 0].numpy()
        kl_q_posterior = float(np.sum(np.exp(log_density) * (log_density - grid.log_density.ravel())) * grid.cell)
        reconstruction = _expected_log_likelihood(model, x, q)
        kl_q_prior = float(wide.kl().sum())
    elbo = reconstruction - kl_q_prior
    return Identity(
        log_px=grid.log_px,
        kl_q_posterior=kl_q_posterior,
        reconstruction=reconstruction,
        kl_q_prior=kl_q_prior,
        elbo=elbo,
        residual=grid.log_px - kl_q_posterior - elbo,
        is_log_likelihood=model.likelihood.is_log_likelihood,
    )


def _expected_log_likelihood(model: VAE, x: Tensor, q: Posterior, nodes: int = 64) -> float:
    """E_Q[log P(X|z)] by Gauss–Hermite quadrature, 64 nodes a dimension."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    weights = weights / weights.sum()
    d = q.mu.shape[1]
    epsilon = np.stack([m.ravel() for m in np.meshgrid(*[points] * d, indexing="ij")], axis=1)
    product = np.ones(1)
    for _ in range(d):
        product = np.multiply.outer(product, weights).ravel()
    z = q.sample(torch.from_numpy(epsilon).float()[:, None])  # (nodesᴰ, 1, D)
    return float(log_likelihood(model, x[None], z)[:, 0].double() @ torch.from_numpy(product))


def _logsumexp(values: Float) -> float:
    top = float(values.max())
    return top + math.log(float(np.exp(values - top).sum()))
