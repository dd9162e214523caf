from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from vae_core.analysis import diagnostics
from vae_core.analysis.diagnostics import KLParts, active_units, dimension_kl, findings, kl_parts, rate_distortion
from vae_core.networks.posterior.numpy_ import Q, solve_lower


def values(parts: KLParts) -> np.ndarray:
    """Mutual information, total correlation, and the marginal KL of each dimension."""
    return np.array([parts.mutual_information, parts.total_correlation, *parts.dimension_wise])


def errors(parts: KLParts) -> np.ndarray:
    return np.array([parts.mutual_information_stderr, parts.total_correlation_stderr, *parts.dimension_wise_stderr])


def plane(full: bool) -> Q:
    """Five codes in two dimensions that overlap, with a correlation between z1 and z2."""
    rng = np.random.default_rng(3)
    mu = np.array([[-1.2, -1.0], [-0.4, -0.3], [0.1, 0.4], [0.7, 0.5], [1.5, 1.4]])
    return Q(mu, np.log(rng.uniform(0.15, 0.6, (5, 2))), rng.uniform(-0.6, 0.6, (5, 1)) if full else None)


def covariances(q: Q) -> np.ndarray:
    """(N, D, D), one entry after the other."""
    n, d = q.mu.shape
    found = np.zeros((n, d, d))
    for image in range(n):
        factor = np.diag(np.exp(0.5 * q.logvar[image]))
        if q.lower is not None:
            factor[np.tril_indices(d, -1)] = q.lower[image]
        found[image] = factor @ factor.T
    return found


def by_quadrature(q: Q) -> np.ndarray:
    """The three parts for two dimensions, integrated on a grid over the plane."""
    axis = np.linspace(-9, 9, 601)
    cell = axis[1] - axis[0]
    z = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)  # (G, G, 2)
    away = z - q.mu[:, None, None]
    precision = np.linalg.inv(covariances(q))
    log_det = np.linalg.slogdet(covariances(q))[1]
    log_n = -0.5 * np.einsum("nghi,nij,nghj->ngh", away, precision, away) - math.log(2 * math.pi)
    log_n -= 0.5 * log_det[:, None, None]
    density = np.exp(log_n).mean(0)
    log_q = np.logaddexp.reduce(log_n, 0) - math.log(len(q.mu))
    one, two = density.sum(1) * cell, density.sum(0) * cell  # the marginals
    prior = np.exp(-0.5 * axis**2) / math.sqrt(2 * math.pi)
    information = (np.exp(log_n) * (log_n - log_q)).sum() * cell**2 / len(q.mu)
    correlation = (density * (log_q - np.log(np.outer(one, two)))).sum() * cell**2
    apart = [(m * np.log(m / prior)).sum() * cell for m in (one, two)]
    return np.array([information, correlation, *apart])


@pytest.mark.parametrize("full", [False, True])
def test_the_parts_of_overlapping_codes_against_the_integrals(full: bool) -> None:
    q = plane(full)
    exact = by_quadrature(q)
    assert (exact > 0.02).all()  # nothing here is right by being zero
    assert exact.sum() == pytest.approx(q.kl().sum(1).mean(), abs=1e-6)
    runs = [kl_parts(q, seed=seed) for seed in range(30)]
    estimates = np.array([values(run) for run in runs])
    np.testing.assert_array_less(np.abs(estimates[0] - exact), 4.5 * errors(runs[0]))
    spread = estimates.std(0, ddof=1) / math.sqrt(len(runs))
    np.testing.assert_array_less(np.abs(estimates.mean(0) - exact), 4.5 * spread)
    assert errors(runs[0]).max() < 0.02
    for run in runs:
        assert values(run).sum() == pytest.approx(run.rate, abs=1e-12)
        assert run.mutual_information + run.marginal_kl == pytest.approx(run.rate, abs=1e-12)
    assert runs[0].rate == pytest.approx(exact.sum(), abs=1e-6)


def test_the_standard_errors_are_those_of_repeated_estimates() -> None:
    rng = np.random.default_rng(0)
    mu = rng.standard_normal((1200, 2)) @ np.array([[1.0, 0.6], [0.0, 0.7]])
    q = Q(mu, rng.normal(-1.5, 0.5, (1200, 2)))
    runs = [kl_parts(q, samples=300, seed=seed) for seed in range(60)]
    spread = np.std([values(run) for run in runs], axis=0, ddof=1)
    np.testing.assert_allclose(spread, np.mean([errors(run) for run in runs], axis=0), rtol=0.35)


def test_dimensions_that_are_independent_have_no_total_correlation() -> None:
    # A product grid: for each pair of means, one image; the variances are the same for all.
    one, two = np.meshgrid(np.linspace(-1.5, 1.5, 12), np.linspace(-1, 2, 10) ** 2)
    mu = np.stack([one.ravel(), two.ravel()], axis=1)
    parts = kl_parts(Q(mu, np.log(np.full(mu.shape, (0.2, 0.5)))))
    assert parts.total_correlation == pytest.approx(0, abs=1e-12)
    assert parts.marginal_kl == pytest.approx(parts.dimension_wise.sum())
    # The same means with the second in the order of the first: now they depend on each other.
    tied = np.stack([np.sort(mu[:, 0]), np.sort(mu[:, 1])], axis=1)
    assert kl_parts(Q(tied, np.log(np.full(mu.shape, (0.2, 0.5))))).total_correlation > 0.3


@pytest.mark.parametrize("full", [False, True])
def test_codes_that_tell_every_image_apart_have_log_n(full: bool) -> None:
    mu = np.arange(64.0)[:, None] * np.ones((64, 3))
    parts = kl_parts(Q(mu, np.full((64, 3), -12.0), np.full((64, 3), 1e-3) if full else None))
    assert parts.mutual_information == pytest.approx(math.log(64), abs=1e-9)
    assert parts.ceiling == pytest.approx(math.log(64))
    assert parts.mutual_information_stderr < 1e-9


@pytest.mark.parametrize("full", [False, True])
def test_codes_that_say_nothing_have_no_mutual_information(full: bool) -> None:
    lower = np.full((500, 3), 0.4) if full else None
    parts = kl_parts(Q(np.full((500, 3), 0.5), np.full((500, 3), -1.0), lower))
    assert parts.mutual_information == pytest.approx(0, abs=1e-9)
    assert parts.marginal_kl == pytest.approx(parts.rate)
    # Q(z) is then one Gaussian: its marginal KLs, and what is left of its KL, are known.
    variance = covariances(Q(np.zeros((1, 3)), np.full((1, 3), -1.0), None if lower is None else lower[:1]))[0]
    exact = 0.5 * (0.25 + np.diag(variance) - 1 - np.log(np.diag(variance)))
    np.testing.assert_array_less(np.abs(parts.dimension_wise - exact), 4.5 * parts.dimension_wise_stderr + 1e-9)
    correlation = 0.5 * (np.log(np.diag(variance)).sum() - np.linalg.slogdet(variance)[1])
    assert (correlation > 0.1) == full
    assert parts.total_correlation == pytest.approx(correlation, abs=4.5 * parts.total_correlation_stderr + 1e-9)


def test_codes_that_are_the_prior_have_no_parts() -> None:
    parts = kl_parts(Q(np.zeros((300, 4), np.float32), np.zeros((300, 4), np.float32)))
    np.testing.assert_allclose(values(parts), 0, atol=1e-9)
    assert parts.rate == 0


def test_a_full_covariance_without_correlations_is_a_diagonal_one() -> None:
    rng = np.random.default_rng(1)
    mu, logvar = rng.standard_normal((400, 3)), rng.normal(-1, 0.5, (400, 3))
    one = kl_parts(Q(mu, logvar), samples=200)
    two = kl_parts(Q(mu, logvar, np.zeros((400, 3))), samples=200)
    np.testing.assert_allclose(values(one), values(two), atol=1e-9)


@pytest.mark.parametrize("full", [False, True])
def test_pieces_bound_the_memory_and_not_the_estimate(full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    q = Q(rng.standard_normal((90, 4)), rng.normal(-1, 0.5, (90, 4)), rng.normal(0, 0.3, (90, 6)) if full else None)
    whole, kls = kl_parts(q, samples=70), dimension_kl(q)
    monkeypatch.setattr(diagnostics, "CELLS", 200)
    monkeypatch.setattr(diagnostics, "CODES", 7)
    told: list[tuple[int, int]] = []
    pieces = kl_parts(q, samples=70, tell=lambda done, total: told.append((done, total)))
    np.testing.assert_allclose(values(pieces), values(whole), atol=1e-9)
    np.testing.assert_allclose(dimension_kl(q), kls)
    assert len(told) > 10
    assert told == sorted(set(told))
    assert told[-1][0] == told[-1][1]


# -- the terms


def test_rate_and_distortion_and_their_errors() -> None:
    rng = np.random.default_rng(0)
    q = Q(rng.standard_normal((50, 2)).astype(np.float32), np.zeros((50, 2), np.float32))
    reconstruction = rng.normal(-80, 3, 50).astype(np.float32)
    terms = rate_distortion(q, reconstruction)
    kl = 0.5 * np.square(q.mu.astype(np.float64)).sum(1)  # of unit variances
    assert terms.rate == pytest.approx(kl.mean())
    assert terms.distortion == pytest.approx(-reconstruction.mean(dtype=np.float64))
    assert terms.elbo == pytest.approx(-terms.rate - terms.distortion)
    np.testing.assert_allclose(terms.kl_per_dim.sum(), terms.rate)
    of_the_mean = np.std(reconstruction - kl, ddof=1) / math.sqrt(50)
    assert terms.elbo_stderr == pytest.approx(of_the_mean)
    assert terms.rate_stderr == pytest.approx(np.std(kl, ddof=1) / math.sqrt(50))
    assert terms.distortion_stderr == pytest.approx(np.std(reconstruction, ddof=1) / math.sqrt(50))


# -- each dimension


def test_active_units_are_those_whose_means_move() -> None:
    rng = np.random.default_rng(0)
    mu = rng.standard_normal((5000, 4)) * np.array([1.0, 0.2, 0.05, 0.0])
    assert active_units(mu) == 2


def gaussian_kl(mu: np.ndarray, one: np.ndarray, other_mu: np.ndarray, other: np.ndarray) -> float:
    """D[N(mu, one) ‖ N(other_mu, other)], nats."""
    away = other_mu - mu
    inverse = np.linalg.inv(other)
    log_dets = np.linalg.slogdet(other)[1] - np.linalg.slogdet(one)[1]
    return float(0.5 * (np.trace(inverse @ one) + away @ inverse @ away - len(mu) + log_dets))


@pytest.mark.parametrize("full", [False, True])
def test_the_kl_of_a_dimension_is_that_to_the_prior_in_its_place(full: bool) -> None:
    rng = np.random.default_rng(4)
    q = Q(rng.standard_normal((6, 3)), rng.normal(-1, 0.5, (6, 3)), rng.normal(0, 0.5, (6, 3)) if full else None)
    found = dimension_kl(q)
    for image, covariance in enumerate(covariances(q)):
        for j in range(3):
            replaced, mean = covariance.copy(), q.mu[image].copy()
            replaced[j], replaced[:, j], mean[j] = 0, 0, 0
            replaced[j, j] = 1
            exact = gaussian_kl(q.mu[image], covariance, mean, replaced)
            assert found[image, j] == pytest.approx(exact, abs=1e-9)


def with_moving_mean(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.standard_normal(1000), np.full(1000, -3.0)


def of_the_prior(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(0, 0.03, 1000), rng.normal(0, 0.03, 1000)


def apart_from_the_prior(_rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return np.full(1000, 0.8), np.zeros(1000)


def with_moving_variance(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(1000), rng.uniform(-2, 0, 1000)


def for_two_images_in_a_hundred(_rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return np.where(np.arange(1000) % 50 == 0, 0.4, 0.0), np.zeros(1000)


@pytest.mark.parametrize(
    ("kind", "state", "says"),
    [
        (with_moving_mean, "active", "z1 is active"),
        (of_the_prior, "collapsed", "z1 has collapsed: for 100 % of the images its KL is below 0.01 nat"),
        (apart_from_the_prior, "weak", "costs 0.32 nats"),
        (with_moving_variance, "weak", "z1 is weak"),
        (for_two_images_in_a_hundred, "weak", "z1 is weak"),
    ],
)
def test_each_dimension_is_found_for_what_it_is(
    kind: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]], state: str, says: str
) -> None:
    mu, logvar = kind(np.random.default_rng(0))
    q = Q(mu[:, None], logvar[:, None])
    (finding,) = findings(q, np.array([0.25]))
    assert (finding.dim, finding.state, finding.marginal_kl) == (0, state, 0.25)
    assert says in finding.sentence
    kl = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)
    assert finding.kl == pytest.approx(kl.mean())
    assert finding.fraction_below == pytest.approx((kl < 0.01).mean())
    assert finding.variance_of_means == pytest.approx(mu.var())
    assert finding.posterior_variance == pytest.approx(np.exp(logvar).mean())
    assert (active_units(q.mu) == 1) == (state == "active")


def test_a_dimension_that_only_carries_a_correlation_has_not_collapsed() -> None:
    # Given X, z1 and z2 are each N(0, 1); that they lean one way or the other is all that the code says.
    side = np.where(np.arange(400) % 2 == 0, 0.9, -0.9)
    q = Q(np.zeros((400, 2)), np.log(np.stack([np.ones(400), 1 - side**2], axis=1)), side[:, None])
    np.testing.assert_allclose(q.variance(), 1)
    assert [finding.state for finding in findings(q, np.zeros(2))] == ["weak", "weak"]
    assert kl_parts(q).mutual_information > 0.4


def narrow(d: int = 12, images: int = 60) -> Q:
    """Full covariances that no float can invert: cond(L) of 1e16 and more."""
    rng = np.random.default_rng(0)
    logvar = rng.uniform(-70, -30, (images, d))
    return Q(3 * rng.standard_normal((images, d)), logvar, 2 * rng.standard_normal((images, d * (d - 1) // 2)))


def test_no_code_says_more_than_log_n_however_narrow_q_is() -> None:
    q = narrow()
    assert np.linalg.cond(q.cholesky()).min() > 1e16
    parts = kl_parts(q, samples=300)
    assert parts.mutual_information == pytest.approx(math.log(60), abs=1e-6)
    assert parts.mutual_information <= parts.ceiling
    assert parts.total_correlation > 0
    assert parts.mutual_information + parts.marginal_kl == pytest.approx(parts.rate)
    assert (parts.dimension_wise > 0).all()
    assert np.isfinite(dimension_kl(q)).all()


def test_a_triangular_system_is_solved_as_well_as_rounding_lets_it() -> None:
    factor = narrow().cholesky()
    right = np.random.default_rng(2).standard_normal((len(factor), 12, 7))
    found = solve_lower(factor, right)
    # The smallest backward error there is: that of a system whose coefficients are off by their last bits.
    assert (np.abs(factor @ found - right) <= 1e-14 * (np.abs(factor) @ np.abs(found))).all()
