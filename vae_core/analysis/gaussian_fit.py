"""The best Gaussian for one image: what part of the ELBO's gap is the family's, and what part the encoder's.

log P(X) − ELBO = D[Q ‖ P(z|X)] (the identity in `bounds.py`). Cremer, Li & Duvenaud (2018), arXiv 1801.03558, split
it: the *approximation gap* is what the best member of Q's family leaves for this image, the *amortisation gap* is the
rest, which one encoder for all images costs.

The best member is found on the grid of the true posterior: natural gradient steps on D[Q ‖ P(z|X)] (the Bayesian
learning rule, Khan & Rue 2021, arXiv 2107.04562), Λ ← (1 − ρ)Λ − ρ·E_Q[∇² log P], μ ← μ + ρ·Λ⁻¹·E_Q[∇ log P], with
both expectations written as moments of log P(z|X) under Q (Stein), so that no derivative of the decoder is needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_core.analysis.bounds import GridPosterior
from vae_core.networks.posterior.numpy_ import Q, solve_lower

Float64 = NDArray[np.float64]

REACH = 8.0
"""Standard deviations of Q that are summed over: what lies beyond is under 1e-14 of it."""
STEPS = 200
SMALLEST_STEP = 1e-6
ENOUGH = 1e-10
"""Nats: a step that gains less is the last one."""
MODES = 3
"""Local maxima of the posterior that a fit is started from: D[Q ‖ P] prefers one mode, and which is not known."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A Gaussian and what it leaves."""

    q: Q
    """For one image: mu (1, D)."""
    gap: float
    """D[q ‖ P(z|X)], nats: the approximation gap of the family that q was chosen from."""


@dataclass(frozen=True, eq=False)
class _Gaussian:
    mean: Float64
    """(D,)"""
    precision: Float64
    """(D, D)"""


@dataclass(frozen=True, eq=False)
class _Moments:
    """Of f = log P(z|X) under a Gaussian q, d = z − mean."""

    gap: float
    first: Float64
    """E[d·f], (D,)"""
    second: Float64
    """E[d·dᵀ·(f − E[f])], (D, D)"""


def fit_gaussian(grid: GridPosterior, *, full: bool, starts: Sequence[Q] = ()) -> Fit:
    """The Gaussian, diagonal or `full`, with the smallest D[Q ‖ P(z|X)] on the grid, D of 1 or 2.

    Every minimum is a local one; the search starts from the posterior's own mean and covariance, from its highest
    modes and from `starts` (each for one image), and the best end is returned. It never is worse than a start of its
    own family that the grid covers.
    """
    found = [_descend(grid, _of(q, full), full) for q in starts]
    found += [_descend(grid, start, full) for start in _starts(grid, full)]
    best, gap = min(found, key=lambda each: each[1])
    return Fit(_q(best), gap)


def _descend(grid: GridPosterior, now: _Gaussian, full: bool) -> tuple[_Gaussian, float]:
    """Steps downhill from here to where none gains anything: the Gaussian there, and its gap."""
    moments, rho = _moments(grid, now), 1.0
    for _ in range(STEPS):
        gradient = now.precision @ moments.first
        curvature = -now.precision @ moments.second @ now.precision
        if not full:
            curvature = np.diag(np.diag(curvature))
        gained = None
        while gained is None and rho > SMALLEST_STEP:
            precision = (1 - rho) * now.precision + rho * curvature
            if np.linalg.eigvalsh(precision)[0] > 0:
                there = _Gaussian(now.mean + rho * np.linalg.solve(precision, gradient), precision)
                moments_there = _moments(grid, there)
                if moments_there.gap < moments.gap:
                    gained = moments.gap - moments_there.gap
                    now, moments = there, moments_there
            rho = min(1.0, 2 * rho) if gained is not None else rho / 2
        if gained is None or gained < ENOUGH:
            break
    return now, moments.gap


def _moments(grid: GridPosterior, q: _Gaussian) -> _Moments:
    """Sums over the cells within REACH of q; an infinite gap where they miss some of it: no step leads off the grid."""
    d = len(q.mean)
    sigma = np.sqrt(np.diag(np.linalg.inv(q.precision)))
    inside = tuple(
        slice(*np.searchsorted(axis, [mean - REACH * s, mean + REACH * s]))
        for axis, mean, s in zip(grid.axes, q.mean, sigma, strict=True)
    )
    away = [axis[part] - mean for axis, part, mean in zip(grid.axes, inside, q.mean, strict=True)]
    mesh = np.stack([m.ravel() for m in np.meshgrid(*away, indexing="ij")])  # (D, n)
    log_q = 0.5 * (np.linalg.slogdet(q.precision)[1] - d * math.log(2 * math.pi))
    log_q = log_q - 0.5 * np.einsum("in,ij,jn->n", mesh, q.precision, mesh, optimize=True)
    weight = np.exp(log_q) * grid.cell
    if abs(weight.sum() - 1) > 1e-3:
        return _Moments(math.inf, np.zeros(d), np.zeros((d, d)))
    f = grid.log_density[inside].ravel()
    gap = float(weight @ (log_q - f))
    weighted = weight * (f - weight @ f)
    return _Moments(gap, mesh @ weighted, (mesh * weighted) @ mesh.T)


def _starts(grid: GridPosterior, full: bool) -> list[_Gaussian]:
    """The posterior's mean and covariance, and its highest local maxima with half its standard deviations."""
    codes, weight = grid.codes(), np.exp(grid.log_density).ravel() * grid.cell
    mean = weight @ codes
    covariance = (codes - mean).T @ (weight[:, None] * (codes - mean))
    if not full:
        covariance = np.diag(np.diag(covariance))
    precision: Float64 = np.linalg.inv(covariance + np.eye(len(mean)) * 1e-12).astype(np.float64)
    top = np.ones(grid.log_density.shape, bool)
    for axis in range(top.ndim):
        for shift in (-1, 1):
            top &= grid.log_density >= np.roll(grid.log_density, shift, axis)
    places = np.flatnonzero(top.ravel())
    highest = places[np.argsort(grid.log_density.ravel()[places])[::-1][:MODES]]
    return [_Gaussian(mean, precision)] + [_Gaussian(codes[place], 4 * precision) for place in highest]


def _of(q: Q, full: bool) -> _Gaussian:
    """Q as mean and precision; of a full one that shall be diagonal, the precision's diagonal, its own best fit."""
    factor = solve_lower(q.cholesky(), np.eye(q.mu.shape[1])[None])[0]
    precision = factor.T @ factor
    return _Gaussian(q.mu[0].astype(np.float64), precision if full else np.diag(np.diag(precision)))


def _q(gaussian: _Gaussian) -> Q:
    factor = np.linalg.cholesky(np.linalg.inv(gaussian.precision))
    row, column = np.tril_indices(len(factor), -1)
    lower = factor[row, column]
    diagonal = 2 * np.log(np.diag(factor))
    return Q(gaussian.mean[None], diagonal[None], lower[None] if np.any(lower) else None)
