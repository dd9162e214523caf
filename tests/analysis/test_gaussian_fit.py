"""The best Gaussian for one image, against posteriors whose best Gaussian is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from vae_core.analysis import bounds
from vae_core.analysis.bounds import GridPosterior
from vae_core.analysis.gaussian_fit import fit_gaussian
from vae_core.networks.posterior.numpy_ import Q

Float64 = NDArray[np.float64]
SIGMA = 0.4


class Linear:
    """x = W z + b + σε with columns of W at an angle: P(z|X) is a Gaussian with correlations; Q is off and too wide."""

    latent_dim = 2
    is_log_likelihood = True

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        first, second = np.linalg.qr(rng.standard_normal((16, 2)))[0].T
        self.w = np.stack([1.5 * first, 0.8 * (0.8 * first + 0.6 * second)], axis=1)  # (16, 2)
        self.b = rng.uniform(0.2, 0.8, 16)
        self.precision = self.w.T @ self.w / SIGMA**2 + np.eye(2)
        self.x = (self.w @ [0.7, -1.1] + self.b + SIGMA * rng.standard_normal(16)).astype(np.float32).reshape(1, 4, 4)
        self.mean = np.linalg.solve(self.precision, self.w.T @ (self.x.ravel() - self.b) / SIGMA**2)
        self.log_px = stats.multivariate_normal(self.b, self.w @ self.w.T + SIGMA**2 * np.eye(16)).logpdf(
            self.x.ravel()
        )

    def encode(self, x: NDArray[np.float32]) -> Q:
        return Q(np.repeat(self.mean[None] + 0.2, len(x), 0), np.full((len(x), 2), math.log(0.5)))

    def log_likelihood(self, x: NDArray[np.float32], z: Float64) -> NDArray[np.float32]:
        away = x.reshape(len(x), -1) - z @ self.w.T - self.b
        constant = 8 * math.log(2 * math.pi * SIGMA**2)
        return (-0.5 * np.square(away / SIGMA).sum(-1) - constant).astype(np.float32)


@pytest.fixture(scope="module")
def linear() -> Linear:
    return Linear()


@pytest.fixture(scope="module")
def grid(linear: Linear) -> GridPosterior:
    return bounds.on_grid(linear, linear.x)


def test_the_posterior_of_a_linear_model_is_found_with_its_correlations(linear: Linear, grid: GridPosterior) -> None:
    found = fit_gaussian(grid, full=True, starts=[linear.encode(linear.x[None])])
    factor = found.q.cholesky()[0]
    assert abs(np.linalg.inv(linear.precision)[0, 1]) > 0.05, "without a correlation the families would not differ"
    np.testing.assert_allclose(found.q.mu[0], linear.mean, atol=2e-4)
    np.testing.assert_allclose(factor @ factor.T, np.linalg.inv(linear.precision), atol=2e-4)
    assert found.gap == pytest.approx(0, abs=1e-4)


def test_the_best_diagonal_one_has_the_precisions_diagonal(linear: Linear, grid: GridPosterior) -> None:
    """argmin D[q ‖ N(m, Λ⁻¹)] over diagonal q is N(m, 1/Λᵢᵢ), and leaves ½ log(∏ Λᵢᵢ / det Λ) (Bishop 2006, 10.1.2)."""
    found = fit_gaussian(grid, full=False, starts=[linear.encode(linear.x[None])])
    diagonal = np.diag(linear.precision)
    exact = 0.5 * math.log(diagonal.prod() / np.linalg.det(linear.precision))
    assert exact > 0.1
    assert found.q.lower is None
    np.testing.assert_allclose(found.q.mu[0], linear.mean, atol=2e-4)
    np.testing.assert_allclose(found.q.variance()[0], 1 / diagonal, rtol=1e-3)
    assert found.gap == pytest.approx(exact, abs=1e-4)


def test_the_identity_holds_for_every_gaussian_not_only_the_encoders(linear: Linear, grid: GridPosterior) -> None:
    encoder = bounds.identity(linear, linear.x, grid=grid)
    gaps = [encoder.kl_q_posterior]
    for full in (False, True):
        found = fit_gaussian(grid, full=full)
        terms = bounds.identity(linear, linear.x, grid=grid, q=found.q)
        assert abs(terms.residual) < 1e-3
        assert terms.log_px == encoder.log_px == pytest.approx(linear.log_px, abs=1e-3)
        assert terms.kl_q_posterior == pytest.approx(found.gap, abs=1e-6)
        gaps.append(found.gap)
    assert gaps[0] > gaps[1] + 0.1 > gaps[2] + 0.2, "each family leaves less than the one before it"


@pytest.mark.parametrize(("away", "variance"), [(0.3, 1e-9), (40.0, 0.05)], ids=["between the points", "off the grid"])
def test_a_gaussian_that_the_grid_cannot_resolve_has_its_true_gap(
    linear: Linear, grid: GridPosterior, away: float, variance: float
) -> None:
    """D[N(m, v·I) ‖ N(mean, Λ⁻¹)] = ½(v·tr Λ + dᵀΛd − 2 − 2 log v − log det Λ)."""
    q = Q(linear.mean[None] + away, np.full((1, 2), math.log(variance)))
    d = np.full(2, away)
    exact = variance * np.trace(linear.precision) + d @ linear.precision @ d - 2 - 2 * math.log(variance)
    exact = 0.5 * (exact - np.linalg.slogdet(linear.precision)[1])
    terms = bounds.identity(linear, linear.x, grid=grid, q=q)
    assert terms.kl_q_posterior == pytest.approx(exact, rel=1e-4)
    assert abs(terms.residual) < 1e-4 * exact


def on_grid(density: Any, low: float = -6.0, high: float = 6.0, points: int = 241) -> GridPosterior:
    """A posterior that is given as a density of (n, 2) codes."""
    axes = [np.linspace(low, high, points)] * 2
    grid = GridPosterior(axes, np.zeros((points, points)), 0.0, 0.0)
    mass = density(grid.codes()).reshape(points, points)
    return GridPosterior(axes, np.log(mass / (mass.sum() * grid.cell)), 0.0, 0.0)


def test_of_two_modes_the_heavier_is_taken_whatever_the_start() -> None:
    """Far apart, D[q ‖ ¾ N₁ + ¼ N₂] is log 4/3 at N₁ and log 4 at N₂: a descent from the lighter one stays there."""
    first, second = ([-2.5, 0.0], np.diag([0.1, 0.2])), ([2.5, 1.0], np.diag([0.05, 0.05]))
    grid = on_grid(
        lambda z: (
            0.75 * stats.multivariate_normal(*first).pdf(z) + 0.25 * stats.multivariate_normal(*second).pdf(z) + 1e-200
        )
    )
    start = Q(np.array([second[0]]), np.log(np.diag(second[1]))[None])
    found = fit_gaussian(grid, full=True, starts=[start])
    np.testing.assert_allclose(found.q.mu[0], first[0], atol=1e-3)
    np.testing.assert_allclose(found.q.variance()[0], np.diag(first[1]), rtol=1e-3)
    assert found.gap == pytest.approx(math.log(4 / 3), abs=1e-4)


def test_on_a_bent_posterior_no_small_change_of_the_fit_gains_anything() -> None:
    """A banana: z2 − z1² and z1 are Gaussian. The fit is a minimum in each of its five parameters."""

    def density(z: Float64) -> Float64:
        return stats.norm(0, 0.8).pdf(z[:, 0]) * stats.norm(-1, 0.3).pdf(z[:, 1] - 0.7 * z[:, 0] ** 2) + 1e-200

    grid = on_grid(density)

    def gap(q: Q) -> float:
        log_q = q.log_prob(grid.codes()[:, None])[:, 0]
        return float(np.sum(np.exp(log_q) * (log_q - grid.log_density.ravel())) * grid.cell)

    found = fit_gaussian(grid, full=True)
    assert gap(found.q) == pytest.approx(found.gap, abs=1e-6)
    assert found.gap > 0.05
    lower = np.zeros((1, 1)) if found.q.lower is None else found.q.lower
    parts = [found.q.mu, found.q.logvar, lower]
    for which, part in enumerate(parts):
        for place in range(part.shape[1]):
            for step in (-0.03, 0.03):
                moved = [each.copy() for each in parts]
                moved[which][0, place] += step
                assert gap(Q(*moved)) > found.gap
