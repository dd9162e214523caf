"""Densities to draw codes from when Q(z|X) alone would miss part of the posterior.

A mixture whose weights divide by the density of the whole mixture stays unbiased, and none of its weights is larger
than 1/share times that of any one part alone (Hesterberg 1995, "Weighted average importance sampling and defensive
mixture distributions"; the balance heuristic of Veach & Guibas 1995).

`peak` finds one Gaussian for each image, from where the posterior is highest and how it falls from there: for any
number of dimensions. `fit_mixture` learns a mixture of Gaussians from weighted codes by expectation maximisation, as
population Monte Carlo does between its rounds (Cappé, Douc, Guillin, Marin & Robert 2008, arXiv 0710.4242).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_core.networks.posterior.numpy_ import Q, log_standard_normal, solve_lower

Float64 = NDArray[np.float64]

GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, eq=False)
class Part:
    """One density of a mixture, for B images at once."""

    share: float
    sample: Callable[[int], Float64]
    """k -> (k, B, D), or (k, 1, D) that serves every image"""
    log_prob: Callable[[Float64], Float64]
    """(k, B, D) -> (k, B) nats"""


class Mixture:
    """Σ share · density. Shares add up to 1."""

    def __init__(self, parts: Sequence[Part], rng: np.random.Generator) -> None:
        self.parts = parts
        self._edges = np.cumsum([part.share for part in parts])[:-1]
        self._place, self._drawn = float(rng.random()), 0

    def sample(self, count: int, like: Q) -> Float64:
        """The next codes, (count, B, D), for the images of `like`.

        Which part a code comes from goes by a golden-ratio sequence with a random start: each code is a draw from the
        mixture, and every part gets its share of them to within a few.
        """
        order = np.arange(self._drawn, self._drawn + count)
        self._drawn += count
        which = np.searchsorted(self._edges, (self._place + GOLDEN * order) % 1, side="right")
        z = np.empty((count, *like.mu.shape))
        for index, part in enumerate(self.parts):
            mine = which == index
            if mine.any():
                z[mine] = part.sample(int(mine.sum()))
        return z

    def log_prob(self, z: Float64) -> Float64:
        """Its density at z (k, B, D): (k, B) nats."""
        return np.logaddexp.reduce([math.log(part.share) + part.log_prob(z) for part in self.parts], axis=0)


def prior(share: float, d: int, rng: np.random.Generator) -> Part:
    """N(0, I), drawn for every image at once."""
    return Part(share, lambda count: rng.standard_normal((count, 1, d)), log_standard_normal)


def broad(share: float, d: int, width: float, rng: np.random.Generator) -> Part:
    """N(0, width²·I), spread evenly: the Box–Muller transform of a Kronecker sequence with a random shift."""

    def sample(count: int) -> Float64:
        pairs = (d + 1) // 2
        ratio = 2.0
        for _ in range(60):  # the root of r^(2·pairs + 1) = r + 1, whose powers leave the most even gaps
            ratio = (1 + ratio) ** (1 / (2 * pairs + 1))
        step = ratio ** -np.arange(1, 2 * pairs + 1)
        u = (rng.random(2 * pairs) + np.arange(count)[:, None] * step) % 1
        radius = np.sqrt(-2 * np.log1p(-u[:, :pairs]))
        angle = 2 * math.pi * u[:, pairs:]
        z = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[:, :d]
        return width * z[:, None]

    return Part(share, sample, lambda z: log_standard_normal(z / width) - d * math.log(width))


def around(share: float, q: Q, width: float, rng: np.random.Generator) -> Part:
    """Q with its standard deviations times `width`."""
    wide = Q(q.mu, q.logvar + 2 * math.log(width), None if q.lower is None else q.lower * width)
    return Part(share, lambda count: wide.sample(rng.standard_normal((count, *q.mu.shape))), wide.log_prob)


def heavy(share: float, q: Q, freedom: float, rng: np.random.Generator) -> Part:
    """Student's t with the place and the shape of Q, for posteriors whose tails are heavier than a Gaussian's."""
    d = q.mu.shape[1]
    constant = math.lgamma((freedom + d) / 2) - math.lgamma(freedom / 2) - 0.5 * d * math.log(freedom * math.pi)
    log_det = 0.5 * q.logvar.sum(1, dtype=np.float64)

    def sample(count: int) -> Float64:
        epsilon = rng.standard_normal((count, *q.mu.shape))
        return q.sample(epsilon / np.sqrt(rng.chisquare(freedom, (count, len(q.mu), 1)) / freedom))

    def log_prob(z: Float64) -> Float64:
        # ‖ε‖², read off the Gaussian's density
        squares = -2 * (q.log_prob(z) + log_det) - d * math.log(2 * math.pi)
        return constant - log_det - 0.5 * (freedom + d) * np.log1p(squares / freedom)

    return Part(share, sample, log_prob)


def learned(share: float, fitted: Sequence[Gaussians], rng: np.random.Generator) -> Part:
    """A mixture of Gaussians for each image."""
    return Part(
        share,
        lambda count: np.stack([gaussians.sample(count, rng) for gaussians in fitted], axis=1),
        lambda z: np.stack([gaussians.log_prob(z[:, b]) for b, gaussians in enumerate(fitted)], axis=1),
    )


@dataclass(frozen=True, eq=False)
class Gaussians:
    """Σ weight · N(mu, factor·factorᵀ), M of them."""

    weight: Float64
    """(M,)"""
    mu: Float64
    """(M, D)"""
    factor: Float64
    """(M, D, D), lower triangular"""

    def sample(self, count: int, rng: np.random.Generator) -> Float64:
        """(count, D)"""
        which = rng.choice(len(self.weight), count, p=self.weight)
        epsilon = rng.standard_normal((count, self.mu.shape[1]))
        return self.mu[which] + np.einsum("nij,nj->ni", self.factor[which], epsilon)

    def log_prob(self, z: Float64) -> Float64:
        """(n, D) -> (n,) nats"""
        return np.logaddexp.reduce(self.log_joint(z), axis=1)

    def log_joint(self, z: Float64) -> Float64:
        """(n, D) -> (n, M): log weight + log density, Gaussian by Gaussian."""
        epsilon = solve_lower(self.factor, (z[None] - self.mu[:, None]).transpose(0, 2, 1)).transpose(0, 2, 1)
        log_det = np.log(np.diagonal(self.factor, axis1=1, axis2=2)).sum(1)
        return log_standard_normal(epsilon).T + (np.log(self.weight) - log_det)


ROUNDS_OF_PEAK = 4
"""Rounds in which `peak` looks anew, in the units of what the last one found."""
NARROWEST, WIDEST = 1 / 8, 4.0
"""A round changes a width by no more than these: far from the peak the curvature says little."""


def peak(log_joint: Callable[[Float64], Float64], q: Q, codes: int) -> tuple[Q, int] | None:
    """A Gaussian with a full covariance at the peak of log P(X|z)P(z), for each image, and how many codes it took.

    Laplace's approximation from differences: the slope and the curvature of `log_joint` ((k, B, D) -> (k, B)) at
    distances of one width, beginning with those of Q. So no gradient of the decoder is needed, kinks are smoothed over,
    and the curvature is that of the region in which codes are drawn. None where `codes` do not suffice for that.
    """
    b, d = q.mu.shape
    pairs = np.stack(np.triu_indices(d, 1))
    along, crosswise = 1 + 2 * d + len(LENGTHS), pairs.shape[1]
    left = codes - along - crosswise  # the last round looks at pairs of dimensions too
    if left < 0:
        return None
    rounds = 1 + min(ROUNDS_OF_PEAK - 1, left // along)
    thorough = 1 + min(rounds - 1, (codes - rounds * along) // crosswise - 1 if crosswise else 0)
    mu, factor, used = q.mu.astype(np.float64), q.cholesky(), 0
    for turn in range(rounds):
        directions = np.swapaxes(factor, 1, 2)  # (B, D, D): row i is L·eᵢ
        steps = np.concatenate([np.zeros((1, b, d)), directions.swapaxes(0, 1), -directions.swapaxes(0, 1)])
        if with_pairs := turn >= rounds - thorough:
            both = directions[:, pairs[0]] + directions[:, pairs[1]]
            steps = np.concatenate([steps, both.swapaxes(0, 1)])
        value = log_joint(mu + steps)  # (k, B)
        top, up, down = value[0], value[1 : 1 + d], value[1 + d : 1 + 2 * d]
        slope = (up - down).T / 2  # (B, D)
        curvature = np.zeros((b, d, d))
        curvature[:, np.arange(d), np.arange(d)] = (2 * top - up - down).T
        if with_pairs:
            cross = (up[pairs[0]] + up[pairs[1]] - top - value[1 + 2 * d :]).T
            curvature[:, pairs[0], pairs[1]] = curvature[:, pairs[1], pairs[0]] = cross
        sizes, axes = np.linalg.eigh(np.nan_to_num(curvature, posinf=0, neginf=0))
        sizes = sizes.clip(1 / WIDEST**2, 1 / NARROWEST**2)
        step = np.einsum("bij,bj,bkj,bk->bi", axes, 1 / sizes, axes, np.nan_to_num(slope), optimize=True)
        # Up to some four widths, and of these lengths the one that leads highest.
        step *= np.minimum(1, 4 * math.sqrt(d) / np.maximum(np.linalg.norm(step, axis=1), 1e-300))[:, None]
        step = np.einsum("bij,bj->bi", factor, step)
        lengths = np.array(LENGTHS)[:, None, None]
        there = log_joint(mu + lengths * step)
        best = np.nan_to_num(np.concatenate([there, top[None]]), nan=-math.inf).argmax(0)
        mu = mu + np.append(lengths, 0)[best, None] * step
        covariance = np.einsum("bij,bj,bkj->bik", axes, 1 / sizes, axes)
        factor = np.linalg.cholesky(factor @ covariance @ factor.swapaxes(1, 2))
        used += len(steps) + len(LENGTHS)
    row, column = np.tril_indices(d, -1)
    logvar = 2 * np.log(np.diagonal(factor, axis1=1, axis2=2))
    return Q(mu, logvar, factor[:, row, column]), used


LENGTHS = (1.0, 0.5, 0.2)
"""Of the step towards the peak: those that are tried."""

KEPT = 600
"""Codes from which a mixture is learned, drawn from all in proportion to their weights."""
ROUNDS = 8
"""Of expectation maximisation."""
INFLATED = 1.3
"""Covariances are widened by this: a proposal with tails too light is worse than one too heavy."""


def fit_mixture(z: Float64, log_weight: Float64, components: int, least: float, rng: np.random.Generator) -> Gaussians:
    """A mixture of at most `components` Gaussians from codes (n, D) with importance weights (n,), as logarithms.

    Weights are flattened, raised to a power below 1, until `least` codes matter by Kong's count: a few lucky ones say
    little about a shape. Raising them again in the next round is what tempering does.
    """
    log_weight = log_weight - log_weight.max()
    weight = np.exp(_power(log_weight, least) * log_weight)
    best = z[weight.argmax()]
    # Evenly spaced places on the sum of the weights: each code is met as often as its weight says, to within one.
    places = (rng.random() + np.arange(KEPT)) / KEPT * weight.sum()
    kept, times = np.unique(np.searchsorted(np.cumsum(weight), places).clip(max=len(z) - 1), return_counts=True)
    z, weight = z[kept], times / KEPT
    d = z.shape[1]
    spread = float(weight @ np.square(z - weight @ z).sum(1)) / d
    floor = 1e-6 * max(spread, 1e-12) * np.eye(d)

    centres, distance = [best], np.square(z - best).sum(1)  # the best code, then far ones more likely (k-means++)
    while len(centres) < components and (chance := weight * distance).sum() > 0:
        centres.append(z[rng.choice(len(z), p=chance / chance.sum())])
        distance = np.minimum(distance, np.square(z - centres[-1]).sum(1))
    mu = np.stack(centres)
    owner = np.square(z[:, None] - mu).sum(2).argmin(1)[:, None] == np.arange(len(mu))  # (n, M)
    mass = owner.T @ weight + 1e-12
    variance = ((owner * np.square(z[:, None] - mu).sum(2)).T @ weight) / mass / d
    covariance = np.tile(mass @ variance * np.eye(d) + floor, (len(mu), 1, 1))
    mixture = Gaussians(np.full(len(mu), 1 / len(mu)), mu, np.linalg.cholesky(covariance))
    for _ in range(ROUNDS):
        log_joint = mixture.log_joint(z)
        duty = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True)) * weight[:, None]  # (n, M)
        mass = duty.sum(0) + 1e-12
        mu = (duty.T @ z) / mass[:, None]
        away = z[:, None] - mu
        covariance = np.einsum("nm,nmi,nmj->mij", duty, away, away, optimize=True) / mass[:, None, None]
        # A Gaussian that few codes support borrows its shape from the others.
        support = np.square(mass) / np.maximum(np.square(duty).sum(0), 1e-300)
        borrowed = ((d + 1) / (support + d + 1))[:, None, None]
        pooled = np.einsum("m,mij->ij", mass, covariance)
        covariance = (1 - borrowed) * covariance + borrowed * pooled + floor
        mixture = Gaussians(mass / mass.sum(), mu, np.linalg.cholesky(covariance))
    return Gaussians(mixture.weight, mixture.mu, mixture.factor * math.sqrt(INFLATED))


def _power(log_weight: Float64, least: float) -> float:
    """The largest power, at most 1, at which the effective number of codes is `least`."""

    def effective(power: float) -> float:
        weight = np.exp(power * log_weight)
        return float(weight.sum() ** 2 / np.square(weight).sum())

    low, high = 0.0, 1.0
    if effective(high) >= least:
        return high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if effective(middle) >= least else (low, middle)
    return low
