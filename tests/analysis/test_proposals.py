from __future__ import annotations

import math

import numpy as np
import pytest

from vae_core.analysis import proposals
from vae_core.analysis.proposals import Gaussians, Mixture, around, broad, fit_mixture, learned, prior
from vae_core.networks.posterior.numpy_ import Q, log_standard_normal

WIDE = Q(np.array([[0.5, -0.3]]), np.array([[-1.0, 0.4]]), np.array([[0.7]]))


def rng(n: int = 0) -> np.random.Generator:
    return np.random.default_rng(n)


def two() -> Gaussians:
    factor = np.array([[[0.1, 0.0], [0.05, 0.2]], [[0.3, 0.0], [-0.2, 0.1]]])
    return Gaussians(np.array([0.3, 0.7]), np.array([[1.0, 0.0], [-1.0, 0.5]]), factor)


def grid(reach: float = 9.0, points: int = 901) -> tuple[np.ndarray, float]:
    """Points (n, 1, 2) of the plane, and the area of each."""
    axis = np.linspace(-reach, reach, points)
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 1, 2), (axis[1] - axis[0]) ** 2


PARTS = {
    "Q, widened": lambda: around(1.0, WIDE, 1.5, rng()),
    "prior": lambda: prior(1.0, 2, rng()),
    "broad": lambda: broad(1.0, 2, 1.3, rng()),
    "learned": lambda: learned(1.0, [two()], rng()),
}


@pytest.mark.parametrize("name", PARTS)
def test_each_density_sums_to_one_and_is_that_of_its_samples(name: str) -> None:
    part = PARTS[name]()
    z, cell = grid()
    density = np.exp(part.log_prob(z))[:, 0]
    assert density.sum() * cell == pytest.approx(1, abs=1e-3)
    drawn = part.sample(40_000)[:, 0]
    mean = density @ z[:, 0] * cell
    away = z[:, 0] - mean
    covariance = (away * density[:, None]).T @ away * cell
    np.testing.assert_allclose(drawn.mean(0), mean, atol=5 * math.sqrt(covariance.max() / 40_000))
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.05 * covariance.max())


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_what_is_spread_evenly_is_normal_in_every_dimension(d: int) -> None:
    z = broad(1.0, d, 1.0, rng(1)).sample(4000)[:, 0]
    assert z.shape == (4000, d)
    normal = np.sort(rng(2).standard_normal(400_000))[50::100]
    assert np.abs(np.sort(z, axis=0) - normal[:, None])[200:-200].max() < 0.08
    assert np.abs(np.corrcoef(z.T) - np.eye(d)).max() < 0.05
    if d == 2:  # and more evenly than chance: the emptiest of 100 cells of equal probability is not far below the mean
        angle = np.floor((np.arctan2(z[:, 1], z[:, 0]) / (2 * np.pi) + 0.5) * 10).clip(0, 9)
        ring = np.floor((1 - np.exp(-0.5 * np.square(z).sum(1))) * 10).clip(0, 9)
        counts = np.bincount((10 * ring + angle).astype(int), minlength=100)
        assert counts.min() > 32
        assert counts.max() < 48


def test_a_mixture_draws_what_its_density_says() -> None:
    mixture = Mixture([around(0.25, WIDE, 1.0, rng(1)), learned(0.7, [two()], rng(2)), prior(0.05, 2, rng(3))], rng(4))
    z, cell = grid(points=1201)
    assert np.exp(mixture.log_prob(z)).sum() * cell == pytest.approx(1, abs=1e-3)
    # E[p/mixture] = 1 for any density p: here the prior's, whose weights the mixture bounds by 1/0.05.
    drawn = mixture.sample(20_000, WIDE)
    weight = np.exp(log_standard_normal(drawn) - mixture.log_prob(drawn))[:, 0]
    assert weight.max() <= 1 / 0.05
    assert weight.mean() == pytest.approx(1, abs=5 * weight.std() / math.sqrt(len(weight)))


def test_every_part_gets_its_share_and_every_draw_is_of_the_mixture() -> None:
    """Marked by where they draw: the second of two parts, of share 0.3, over many mixtures and within one."""
    far = Q(np.array([[100.0]]), np.array([[0.0]]))
    seconds = []
    for seed in range(300):
        mixture = Mixture([prior(0.7, 1, rng(seed)), around(0.3, far, 1.0, rng(seed))], rng(1000 + seed))
        marks = np.concatenate([mixture.sample(7, far), mixture.sample(93, far)])[:, 0, 0] > 50
        assert abs(marks.sum() - 30) <= 2
        seconds.append(marks[:5])
    assert np.abs(np.mean(seconds, axis=0) - 0.3).max() < 0.1


def test_a_mixture_of_two_gaussians_is_learned_from_weighted_codes() -> None:
    target = two()
    z = 1.5 * rng(1).standard_normal((4000, 2))
    log_weight = target.log_prob(z) - (log_standard_normal(z / 1.5) - 2 * math.log(1.5))
    found = fit_mixture(z, log_weight + 300.0, 2, 40, rng(2))
    order = np.argsort(-found.mu[:, 0])
    np.testing.assert_allclose(found.mu[order], target.mu, atol=0.1)
    np.testing.assert_allclose(found.weight[order], target.weight, atol=0.1)
    covariance = found.factor[order] @ found.factor[order].transpose(0, 2, 1) / proposals.INFLATED
    exact = target.factor @ target.factor.transpose(0, 2, 1)
    np.testing.assert_allclose(covariance, exact, atol=0.03)


def test_a_lucky_code_does_not_become_the_shape() -> None:
    """One code has all the weight: the fit is flattened until 50 codes count, and stays as wide as they are."""
    z = rng(3).standard_normal((500, 2))
    log_weight = -50.0 * np.square(z - z[7]).sum(1)
    found = fit_mixture(z, log_weight, 4, 50, rng(4))
    drawn = found.sample(2000, rng(5))
    assert drawn.std(0).min() > 0.1
    assert np.linalg.norm(drawn.mean(0) - z[7]) < 0.5
    narrow = fit_mixture(z, log_weight, 4, 2, rng(4)).sample(2000, rng(5))
    assert narrow.std(0).max() < 0.5 * drawn.std(0).min()


def test_codes_that_are_all_one_are_no_error() -> None:
    found = fit_mixture(np.ones((5, 2)), np.zeros(5), 4, 3, rng())
    assert len(found.weight) == 1
    assert np.isfinite(found.log_prob(np.ones((1, 2)))).all()
