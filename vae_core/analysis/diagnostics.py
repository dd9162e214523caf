"""What a trained model's codes are like: what the KL is made of, and which dimensions are used. No torch.

From Q(z|X) for N images, which are taken for the whole data set: with Q(z) = Σₙ Q(z|xₙ)/N, the mean KL is

    E D[Q(z|X) ‖ P(z)] = I(X; z) + D[Q(z) ‖ P(z)],   D[Q(z) ‖ P(z)] = TC(z) + Σⱼ D[Q(zⱼ) ‖ P(zⱼ)]

(Hoffman & Johnson 2016, "ELBO surgery"; Chen et al. 2018, arXiv 1802.04942, equation 2): what z says about the image,
how much the dimensions depend on each other, how far each is from the prior. Nats per image; sums in float64.

Where I(X; z) comes near its ceiling log N, the codes hardly overlap: Q(z) is then N separate bumps, and its TC says
more about N than about the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vae_core.networks.posterior.numpy_ import Q, log_standard_normal, solve_lower

Array = NDArray[np.floating]
Float64 = NDArray[np.float64]
Tell = Callable[[int, int], None]
"""Steps done and steps in all."""

ACTIVE_VARIANCE = 0.01
"""Burda et al. (2016), arXiv 1509.00519, section 5.2: unit u is active if Cov_X(E_Q[z_u]) > 0.01."""
EPSILON, DELTA = 0.01, 0.01
"""Lucas et al. (2019), arXiv 1911.02469, definition 1: dimension j is (ε, δ)-collapsed if Pr[KLⱼ < ε] ≥ 1 − δ over the
images; ε in nats.
"""

CELLS = 1 << 18
"""Pairs of a sample and a code that are looked at together: what bounds the memory, and stays in the cache."""
SOLVED = 1 << 21
"""Numbers of a triangular system that are solved together."""
CODES = 128
"""Codes whose covariance matrices are held at a time."""


def active_units(mu: Array) -> int:
    """How many dimensions' means move with the image."""
    return int((_variance_of_means(mu) > ACTIVE_VARIANCE).sum())


def _variance_of_means(mu: Array) -> Float64:
    return mu.var(axis=0, dtype=np.float64)


# -- the two terms


@dataclass(frozen=True, eq=False)
class RateDistortion:
    """Means over the images in nats, each with its standard error: how far other images would move it.

    Alemi et al. (2018), arXiv 1711.00464: rate = E[KL], distortion = −E[reconstruction]; the ELBO is minus their sum.
    """

    rate: float
    rate_stderr: float
    distortion: float
    distortion_stderr: float
    elbo: float
    elbo_stderr: float
    kl_per_dim: Float64
    """(D,) the terms of the rate (`Q.kl`): with a full covariance, those of the rows of L."""


def rate_distortion(q: Q, reconstruction: Array) -> RateDistortion:
    """From Q and the reconstruction of each image, (N,) nats, N ≥ 2."""
    kl_per_dim = np.concatenate([part.kl() for part in _chunks(q)])
    kl, distortion = kl_per_dim.sum(1), -reconstruction.astype(np.float64)

    def mean(values: Float64) -> tuple[float, float]:
        return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))

    return RateDistortion(*mean(kl), *mean(distortion), *mean(-kl - distortion), kl_per_dim.mean(0))


# -- the KL's three parts


@dataclass(frozen=True, eq=False)
class KLParts:
    """rate = mutual_information + total_correlation + Σ dimension_wise, exactly; nats.

    The parts are estimates, each with its standard error, and may fall below zero by a few of these.
    """

    rate: float
    """E D[Q(z|X) ‖ P(z)], in closed form."""
    mutual_information: float
    """I(X; z) = E[log Q(z|X) − log Q(z)], at most `ceiling`."""
    mutual_information_stderr: float
    total_correlation: float
    """TC = E[log Q(z) − Σⱼ log Q(zⱼ)]; read it with `ceiling` in mind."""
    total_correlation_stderr: float
    dimension_wise: Float64
    """(D,) D[Q(zⱼ) ‖ P(zⱼ)]: the marginal KL of each dimension."""
    dimension_wise_stderr: Float64
    """(D,)"""
    ceiling: float
    """log N: more than that, N images cannot be told apart by."""

    @property
    def marginal_kl(self) -> float:
        """D[Q(z) ‖ P(z)] = TC + Σ dimension_wise; its standard error is that of the mutual information."""
        return self.total_correlation + float(self.dimension_wise.sum())


def kl_parts(q: Q, *, samples: int = 2000, seed: int = 0, tell: Tell | None = None) -> KLParts:
    """Estimate the parts from `samples` codes z ~ Q(z|X), spread evenly over the N images.

    Every log Q(z) and log Q(zⱼ) is summed over all N codes, so no part is biased by a batch, unlike the estimates that
    training has to use (Chen et al. 2018, appendix C).

    For one z the parts add up to k = log Q(z|X) − log P(z), whose expectation is known: the rate. So k serves as
    control variate (Glasserman 2003, section 4.1): each part is corrected by its regression on k. The slopes of all the
    parts add up to 1, which is why the corrected parts add up to the rate itself. A bias of order 1/samples is the
    price.

    The standard errors treat the codes as independent; as they are spread over the images, they are if anything too
    large. A diagonal Q costs samples·N·D steps, a full covariance samples·N·D².
    """
    n, d = q.mu.shape
    rng = np.random.default_rng(seed)
    own = np.resize(rng.permutation(n), samples)
    epsilon = rng.standard_normal((samples, d))
    z = _rows(q, own).sample(epsilon)
    # At its own image's Q the density of a code is known from ε. Worked out from z it would be lost in rounding where Q
    # is narrow; and with it in log Q(z) too, no code says more than log N.
    log_own = log_standard_normal(epsilon) - 0.5 * q.logvar[own].sum(1, dtype=np.float64)
    log_q, log_q_dims = _log_aggregate(q, z, own, log_own, tell or (lambda _done, _total: None))
    log_p_dims = -0.5 * (np.square(z) + math.log(2 * math.pi))

    parts = np.column_stack([log_own - log_q, log_q - log_q_dims.sum(1), log_q_dims - log_p_dims])  # (M, 2+D)
    rate = float(np.concatenate([part.kl().sum(1) for part in _chunks(q)]).mean())
    means = parts.mean(0)
    away = parts - means
    control = away.sum(1)  # k, less its mean
    slope = away.T @ control / (float(control @ control) or 1.0)
    estimate = means - slope * (means.sum() - rate)
    rest = away - control[:, None] * slope
    stderr = np.sqrt(np.square(rest).sum(0) / (samples - 2) / samples)
    ceiling = math.log(n)
    if (above := estimate[0] - ceiling) > 0:  # the control variate may carry it over: N codes that never overlap
        estimate[:2] += -above, above
    return KLParts(
        rate=rate,
        mutual_information=float(estimate[0]),
        mutual_information_stderr=float(stderr[0]),
        total_correlation=float(estimate[1]),
        total_correlation_stderr=float(stderr[1]),
        dimension_wise=estimate[2:],
        dimension_wise_stderr=stderr[2:],
        ceiling=ceiling,
    )


def _log_aggregate(q: Q, z: Float64, own: NDArray[np.intp], log_own: Float64, tell: Tell) -> tuple[Float64, Float64]:
    """log Q(z), (M,), and log Q(zⱼ), (M, D), for z (M, D), drawn for the images `own` (M,), with log Q(z|X) (M,)."""
    (n, d), m = q.mu.shape, len(z)
    mu = np.ascontiguousarray(q.mu.T, np.float64)  # (D, N)
    precision = np.ascontiguousarray(1 / np.sqrt(_variance(q)).T)  # (D, N): 1/√Σⱼⱼ
    log_scale = np.log(precision).sum(0)
    joint, density = np.full(m, -np.inf), np.empty((m, d))
    constant = 0.5 * math.log(2 * math.pi)
    total = m if q.lower is None else 2 * m
    step = max(1, CELLS // n)
    for start in range(0, m, step):
        rows = slice(start, start + step)
        squares = np.zeros((len(z[rows]), n))
        for j in range(d):
            away = z[rows, j : j + 1] - mu[j]
            away *= precision[j]
            np.square(away, out=away)
            squares += away
            away *= -0.5
            # A sum of exponentials as they stand: z's own code is among them, so it is never zero.
            density[rows, j] = np.exp(away, out=away) @ precision[j]
        if q.lower is None:
            values = log_scale - 0.5 * squares
            values[np.arange(len(values)), own[rows]] = log_own[rows] + d * constant
            joint[rows] = _log_sum_exp(values)
        tell(min(start + step, m), total)
    if q.lower is not None:
        done = 0
        for part in _chunks(q):
            joint = np.logaddexp(joint, _log_sum_full(part, z, own - done, log_own + d * constant))
            done += len(part.mu)
            tell(m + m * done // n, total)
    return joint - math.log(n) - d * constant, np.log(density) - math.log(n) - constant


def _log_sum_full(q: Q, z: Float64, own: NDArray[np.intp], log_own: Float64) -> Float64:
    """log Σₙ Q(z|xₙ) without the constant for z (M, D), drawn for images `own`, where that is one of q's: (M,)."""
    (n, d), factor = q.mu.shape, q.cholesky()
    mu, log_scale = q.mu.astype(np.float64), -0.5 * q.logvar.sum(1, dtype=np.float64)
    found: list[Float64] = []
    step = max(1, SOLVED // (n * d))
    for start in range(0, len(z), step):
        rows = slice(start, start + step)
        away = z[rows].T - mu[:, :, None]  # (N, D, m)
        epsilon = solve_lower(factor, away)
        values = (log_scale[:, None] - 0.5 * np.einsum("ndm,ndm->nm", epsilon, epsilon)).T  # (m, N)
        (mine,) = np.nonzero((own[rows] >= 0) & (own[rows] < n))
        values[mine, own[rows][mine]] = log_own[rows][mine]
        found.append(_log_sum_exp(values))
    return np.concatenate(found)


def _log_sum_exp(values: Float64) -> Float64:
    """(M, N) -> (M,)"""
    top = values.max(axis=1)
    values -= top[:, None]
    return top + np.log(np.exp(values, out=values).sum(axis=1))


def _rows(q: Q, at: NDArray[np.intp] | slice) -> Q:
    return Q(q.mu[at], q.logvar[at], None if q.lower is None else q.lower[at])


def _chunks(q: Q) -> Iterator[Q]:
    """A few codes at a time: a covariance matrix for each of all N would not be bounded."""
    return (_rows(q, slice(start, start + CODES)) for start in range(0, len(q.mu), CODES))


def _variance(q: Q) -> Float64:
    """Σⱼⱼ, (N, D)."""
    return np.concatenate([part.variance() for part in _chunks(q)])


# -- each dimension

State = Literal["active", "weak", "collapsed"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found about one latent dimension."""

    dim: int
    """From 0; people read z1 for dimension 0."""
    state: State
    """`active` (Burda et al.); else `collapsed` (Lucas et al.); else `weak`: not the prior, and yet its mean hardly
    moves with the image.
    """
    kl: float
    """Mean over the images, nats: see `dimension_kl`."""
    fraction_below: float
    """Of the images, those whose KL in this dimension is below `EPSILON`."""
    variance_of_means: float
    """Of μⱼ(X), over the images."""
    posterior_variance: float
    """Of zⱼ given X, mean over the images; the prior has 1."""
    marginal_kl: float
    """D[Q(zⱼ) ‖ P(zⱼ)], nats."""
    sentence: str
    """The same in words."""


def dimension_kl(q: Q) -> Float64:
    """(N, D) nats: D[Q(z|X) ‖ P(zⱼ)·Q(z₋ⱼ|X)], how far zⱼ is from noise of the prior, independent of all else.

    With a diagonal covariance this is D[Q(zⱼ|X) ‖ P(zⱼ)]. With a full one it is ½(μⱼ² + Σⱼⱼ − 1 + log (Σ⁻¹)ⱼⱼ): what zⱼ
    shares with other dimensions counts for each of them, so the sum over j can be more than the KL.
    """
    if q.lower is None:
        return q.kl()
    found: list[Float64] = []
    for part in _chunks(q):
        factor = part.cholesky()
        unit = np.broadcast_to(np.eye(factor.shape[1]), factor.shape)
        precision = np.square(solve_lower(factor, unit)).sum(1)  # the diagonal of L⁻ᵀ·L⁻¹
        found.append(0.5 * (np.square(part.mu.astype(np.float64)) + part.variance() - 1 + np.log(precision)))
    return np.concatenate(found)


def findings(q: Q, marginal_kl: Float64) -> list[Finding]:
    """One for each dimension, in their order, given their marginal KLs (D,) from `kl_parts`."""
    kl = dimension_kl(q)
    moves, noise = _variance_of_means(q.mu), _variance(q).mean(0)
    below = (kl < EPSILON).mean(0)
    return [
        _finding(j, *(float(values[j]) for values in (kl.mean(0), below, moves, noise, marginal_kl)))
        for j in range(len(moves))
    ]


def _finding(dim: int, kl: float, below: float, moves: float, noise: float, marginal_kl: float) -> Finding:
    name = f"z{dim + 1}"
    state: State
    if moves > ACTIVE_VARIANCE:
        state = "active"
        sentence = (
            f"{name} is active: its mean moves with the image (variance {moves:.2g}, above {ACTIVE_VARIANCE}), the "
            f"noise around it has variance {noise:.2g}, and it costs {kl:.2f} nats of KL per image."
        )
    elif below >= 1 - DELTA:
        state = "collapsed"
        sentence = (
            f"{name} has collapsed: for {100 * below:.3g} % of the images its KL is below {EPSILON} nat "
            f"({kl:.1g} on average). Its mean stays put (variance {moves:.1g}) and its variance is the prior's "
            f"({noise:.2f}), so the decoder gets noise from it, whatever the image."
        )
    else:
        state = "weak"
        sentence = (
            f"{name} is weak: its mean hardly moves with the image (variance {moves:.1g}, not above "
            f"{ACTIVE_VARIANCE}), yet it is not the prior: it costs {kl:.2g} nats of KL per image, and its variance is "
            f"{noise:.2g}."
        )
    return Finding(
        dim=dim,
        state=state,
        kl=kl,
        fraction_below=below,
        variance_of_means=moves,
        posterior_variance=noise,
        marginal_kl=marginal_kl,
        sentence=sentence,
    )
