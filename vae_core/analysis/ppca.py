"""Probabilistic PCA in closed form, and what it says about a linear VAE. Arrays in, numbers out; nats per image.

X = W z + μ + σ·ε with z ~ N(0, I): Tipping & Bishop (1999), "Probabilistic principal component analysis". Its maximum
of the likelihood is known, from the eigenvalues λ of the data's covariance S = Σₙ (xₙ−μ)(xₙ−μ)ᵀ/N.

A linear VAE is this model with an encoder, and its ELBO reaches the pPCA likelihood: with the columns of W orthogonal
the true posterior is diagonal, so the bound is tight (Lucas et al. 2019, arXiv 1911.02469). A direction whose
eigenvalue is below σ² (β·σ² for the β-VAE) is not worth its KL: that dimension collapses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vae_core import data
from vae_core.config.errors import ConfigError
from vae_core.networks.posterior.numpy_ import Q

Array = NDArray[np.floating] | NDArray[np.uint8]
Float64 = NDArray[np.float64]

IMAGES = 2000
"""Images that are turned into float64 at a time."""
SHOWN = 64
"""Eigenvalues that `data_eigenvalues` gives: as many as a code has dimensions at most."""
EXACT = 2048
"""Pixels up to which all eigenvalues are worked out; at 64×64 in colour that took ten minutes."""
SPARE, PASSES, CONVERGED = 32, 12, 1e-5
"""Directions more than are wanted, passes over the images at most, and the change that ends them (of the largest)."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Mean and covariance of N images of P pixels, the covariance by its eigenvalues."""

    mean: Float64
    """(P,)"""
    eigenvalues: Float64
    """(P,) largest first, of the covariance with 1/N; on the 0–1 scale of the pixels. Of more than `EXACT` pixels,
    each beyond the first `SHOWN` is the mean of what is left: only their sum is used."""
    directions: Float64
    """(P, P), or (P, `SHOWN`): the eigenvectors, one a column."""


def spectrum(x: Array) -> Spectrum:
    """Of images (N, P), floats on the 0–1 scale or uint8 0–255."""
    mean = np.asarray(sum(part.sum(0) for part in _unit(x)) / len(x))
    if x.shape[1] > EXACT:
        return _leading(x, mean)
    covariance = np.zeros((x.shape[1], x.shape[1]))
    for part in _unit(x):
        part = part - mean
        covariance += part.T @ part
    values, vectors = np.linalg.eigh(covariance / len(x))
    return Spectrum(mean, values[::-1].clip(0), vectors[:, ::-1])


def _leading(x: Array, mean: Float64) -> Spectrum:
    """By subspace iteration: the P × P covariance is never there, each pass over the images costs N·P·SHOWN.

    Halko, Martinsson & Tropp (2011), "Finding structure with randomness", SIAM Review 53, algorithm 4.4.
    """
    pixels = x.shape[1]
    count = min(SHOWN, pixels)
    basis = np.random.default_rng(0).standard_normal((pixels, min(pixels, count + SPARE)))
    trace = sum(float(np.square(part - mean).sum()) for part in _unit(x)) / len(x)
    values, directions = np.zeros(count), basis[:, :count]
    for _ in range(PASSES):
        orthonormal = np.linalg.qr(basis)[0]
        basis = np.zeros_like(orthonormal)  # the covariance times it
        for part in _unit(x):
            part = part - mean
            basis += part.T @ (part @ orthonormal) / len(x)
        found, turn = np.linalg.eigh(orthonormal.T @ basis)
        before, values = values, found[::-1][:count].clip(0)
        directions = orthonormal @ turn[:, ::-1][:, :count]
        if np.abs(values - before).max() <= CONVERGED * values[0]:
            break
    rest = max(0.0, trace - float(values.sum())) / max(1, pixels - count)
    return Spectrum(mean, np.concatenate([values, np.full(pixels - count, rest)]), directions)


@lru_cache(maxsize=4)
def training_spectrum(dataset: str) -> Spectrum:
    """Of the training images of a data set, grey as they are. Raises as `data.load_split`."""
    x = data.load_split(dataset, "train").x
    return spectrum(x.reshape(len(x), -1))


def data_eigenvalues(dataset: str) -> Float64:
    """The largest eigenvalues of the training images' covariance, (min(64, P),), on the 0–1 scale of the pixels."""
    return training_spectrum(dataset).eigenvalues[:SHOWN]


# -- the model


@dataclass(frozen=True, eq=False)
class PPCA:
    """X = W z + μ + σ·ε, fitted by `fit`."""

    mean: Float64
    """(P,) μ"""
    weight: Float64
    """(P, D) W; its columns are orthogonal."""
    sigma: float
    """Standard deviation of the noise."""

    def log_px(self, x: Array) -> Float64:
        """log N(x; μ, W·Wᵀ + σ²I) of images (N, P): (N,) nats (equation 4, by the D × D matrix M = WᵀW + σ²I)."""
        (pixels, d), variance = self.weight.shape, self.sigma**2
        m = self.weight.T @ self.weight + variance * np.eye(d)
        # log |W·Wᵀ + σ²I| = log |M| + (P − D)·log σ²
        log_det = float(np.linalg.slogdet(m)[1]) + (pixels - d) * math.log(variance)
        found: list[Float64] = []
        for part in _unit(x):
            away = part - self.mean
            along = away @ self.weight  # (n, D)
            squares = np.square(away).sum(1) - np.einsum("nd,nd->n", along, np.linalg.solve(m, along.T).T)
            found.append(-0.5 * (squares / variance + log_det + pixels * math.log(2 * math.pi)))
        return np.concatenate(found)

    def posterior(self, x: Array) -> tuple[Float64, Float64]:
        """P(z|x) = N(M⁻¹Wᵀ(x−μ), σ²M⁻¹) for images (N, P): means (N, D) and the covariance (D, D) of all of them."""
        d = self.weight.shape[1]
        inverse = np.linalg.inv(self.weight.T @ self.weight + self.sigma**2 * np.eye(d)).astype(np.float64)
        mean = np.concatenate([(part - self.mean) @ self.weight @ inverse for part in _unit(x)])
        return mean, self.sigma**2 * inverse


def fit(of: Spectrum, latent_dim: int, sigma: float | None = None) -> PPCA:
    """The W, and with `sigma=None` the σ, at which these data are likeliest (equations 7 and 8, with R = I).

    W = U(Λ − σ²I)^½ from the D largest eigenvalues; where one is below a given σ² that column is zero. σ² is the mean
    of the other eigenvalues. Raises `ConfigError` where there are none, or all are zero: there is then no maximum.
    """
    leading, others = of.eigenvalues[:latent_dim], of.eigenvalues[latent_dim:]
    if sigma is None:
        variance = float(others.mean()) if len(others) else 0.0
        if variance <= 1e-12 * float(of.eigenvalues[0]):
            raise ConfigError(
                f"latent_dim={latent_dim}: no variance is left outside so many components, and the likelihood grows "
                "without bound as σ falls; take fewer dimensions or give a sigma"
            )
        sigma = math.sqrt(variance)
    weight = of.directions[:, :latent_dim] * np.sqrt((leading - sigma**2).clip(0))
    return PPCA(of.mean, weight, sigma)


# -- the linear VAE


def surviving_dimensions(eigenvalues: Float64, sigma_squared: float, beta: float = 1.0) -> NDArray[np.bool_]:
    """Which directions a linear VAE of this σ² keeps at its optimum: those with λ > β·σ², the shape of `eigenvalues`.

    For fixed σ² the objective is β times an ELBO with β·σ² in place of σ², plus a constant; for that ELBO see Lucas et
    al. (2019) and Tipping & Bishop (1999), appendix A.
    """
    return eigenvalues > beta * sigma_squared


@dataclass(frozen=True, eq=False)
class LinearOptimum:
    """The terms of the ELBO, means over the training images, at the maximum of reconstruction − β·KL."""

    reconstruction: float
    kl_per_dim: Float64
    """(D,) by falling eigenvalue: ½ log(λ/(β·σ²)), or 0 for a dimension that has collapsed."""

    @property
    def elbo(self) -> float:
        """reconstruction − KL; for β = 1 and the σ of `fit`, the mean log P(X) of pPCA."""
        return self.reconstruction - float(self.kl_per_dim.sum())


def elbo_of_linear_vae(eigenvalues: Float64, latent_dim: int, sigma_squared: float, beta: float = 1.0) -> LinearOptimum:
    """What a linear VAE with diagonal Q can reach on data whose covariance has these eigenvalues: all P of them.

    With τ = β·σ² the optimum has the columns √(λ−τ)·u for the eigenvectors u, Q's variances τ/λ and means of variance
    1 − τ/λ. Of each direction that is kept, squared error τ remains; of each other one, λ.
    """
    tau = beta * sigma_squared
    leading, others = eigenvalues[:latent_dim], eigenvalues[latent_dim:]
    keeps = surviving_dimensions(leading, sigma_squared, beta)
    error = float(np.where(keeps, tau, leading).sum() + others.sum())
    constant = 0.5 * len(eigenvalues) * math.log(2 * math.pi * sigma_squared)
    kl = 0.5 * np.log(np.where(keeps, leading / tau, 1.0))
    return LinearOptimum(-0.5 * error / sigma_squared - constant, kl)


def expected_log_likelihood(x: Array, q: Q, weight: Array, bias: Array, sigma: float) -> Float64:
    """E_Q[log N(x; W z + b, σ²I)] in closed form, for images (N, P), W (P, D), b (P,): (N,) nats.

    −½ (‖x − Wμ − b‖² + tr(WΣWᵀ))/σ² − P·log σ − ½P·log 2π, with tr(WΣWᵀ) = Σⱼ ‖WL‖² over the columns of L.
    """
    weight, bias = weight.astype(np.float64), bias.astype(np.float64)
    gram = weight.T @ weight  # (D, D)
    found: list[Float64] = []
    start = 0
    for part in _unit(x):
        rows = slice(start, start + len(part))
        mu = q.mu[rows].astype(np.float64)
        if q.lower is None:
            spread = np.exp(q.logvar[rows].astype(np.float64)) @ np.diag(gram)
        else:
            factor = Q(mu, q.logvar[rows], q.lower[rows]).cholesky()
            spread = np.einsum("nij,ik,nkj->n", factor, gram, factor, optimize=True)
        error = np.square(part - mu @ weight.T - bias).sum(1)
        found.append(-0.5 * (error + spread) / sigma**2)
        start += len(part)
    return np.concatenate(found) - x.shape[1] * (math.log(sigma) + 0.5 * math.log(2 * math.pi))


def _unit(x: Array) -> Iterator[Float64]:
    """Rows in float64 on the 0–1 scale, a few at a time."""
    scale = 255.0 if x.dtype == np.uint8 else 1.0
    rows = max(1, IMAGES * EXACT // max(EXACT, x.shape[1]))
    return (x[start : start + rows] / np.float64(scale) for start in range(0, len(x), rows))
