"""Probabilistic PCA against scipy, and a trained linear VAE against probabilistic PCA."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from scipy import stats

from vae_core import data
from vae_core.analysis import ppca
from vae_core.analysis.ppca import PPCA, Spectrum
from vae_core.config import RunConfig
from vae_core.config.errors import ConfigError
from vae_core.config.events import Finished
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.networks.posterior.numpy_ import Q
from vae_core.store import models
from vae_core.training.loop import Training

PIXELS = 7


def images(n: int = 300) -> np.ndarray:
    """(n, 7) with variance 3, 1 and 0.3 along three directions and noise of 0.2."""
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.standard_normal((PIXELS, PIXELS)))[0][:, :3]
    codes = rng.standard_normal((n, 3)) * np.sqrt([3, 1, 0.3])
    return codes @ directions.T + rng.uniform(0, 1, PIXELS) + 0.2 * rng.standard_normal((n, PIXELS))


X = images()
OF_X = ppca.spectrum(X)


def covariance(model: PPCA) -> np.ndarray:
    return model.weight @ model.weight.T + model.sigma**2 * np.eye(PIXELS)


def test_the_spectrum_is_that_of_the_covariance() -> None:
    np.testing.assert_allclose(OF_X.mean, X.mean(0))
    assert (np.diff(OF_X.eigenvalues) <= 0).all()
    again = OF_X.directions @ np.diag(OF_X.eigenvalues) @ OF_X.directions.T
    np.testing.assert_allclose(again, np.cov(X, rowvar=False, bias=True), atol=1e-12)


def test_more_pixels_than_can_be_decomposed_have_the_spectrum_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    x = data.load_split("digits", "train").x.reshape(-1, 64)[:500]
    whole = ppca.spectrum(x)
    for name, value in (("EXACT", 10), ("SHOWN", 12), ("SPARE", 8), ("IMAGES", 300)):
        monkeypatch.setattr(ppca, name, value)
    found = ppca.spectrum(x)
    assert found.directions.shape == (64, 12)
    np.testing.assert_allclose(found.eigenvalues[:12], whole.eigenvalues[:12], rtol=1e-4)
    assert found.eigenvalues.sum() == pytest.approx(whole.eigenvalues.sum())
    assert (np.diff(found.eigenvalues) <= 0).all()
    for sigma in (None, 0.2):
        ours, theirs = ppca.fit(found, 5, sigma), ppca.fit(whole, 5, sigma)
        assert ours.sigma == pytest.approx(theirs.sigma, rel=1e-4)
        np.testing.assert_allclose(ours.log_px(x[:20]), theirs.log_px(x[:20]), rtol=1e-3)
    known = ppca.elbo_of_linear_vae(whole.eigenvalues, 5, 0.04)
    assert ppca.elbo_of_linear_vae(found.eigenvalues, 5, 0.04).elbo == pytest.approx(known.elbo, rel=1e-4)


def test_pieces_and_bytes_give_the_same_spectrum(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = np.random.default_rng(1).integers(0, 256, (90, 5), dtype=np.uint8)
    monkeypatch.setattr(ppca, "IMAGES", 7)
    of_bytes, of_floats = ppca.spectrum(raw), ppca.spectrum(raw / 255)
    np.testing.assert_allclose(of_bytes.eigenvalues, of_floats.eigenvalues)
    np.testing.assert_allclose(of_bytes.mean, raw.mean(0) / 255)
    model = ppca.fit(of_bytes, 2)
    np.testing.assert_allclose(model.log_px(raw), model.log_px(raw / 255))
    assert len(model.log_px(raw)) == 90


@pytest.mark.parametrize("sigma", [None, 0.3, 0.8])
@pytest.mark.parametrize("d", [1, 2, 4])
def test_log_px_is_that_of_a_normal_with_its_covariance(d: int, sigma: float | None) -> None:
    model = ppca.fit(OF_X, d, sigma)
    exact = stats.multivariate_normal(model.mean, covariance(model)).logpdf(X)
    np.testing.assert_allclose(model.log_px(X), exact, atol=1e-9)


@pytest.mark.parametrize("sigma", [None, 0.8])
def test_no_other_parameters_are_likelier(sigma: float | None) -> None:
    model = ppca.fit(OF_X, 2, sigma)
    best = model.log_px(X).mean()
    rng = np.random.default_rng(2)
    for size in (0.02, 0.2):
        for _ in range(20):
            weight = model.weight + size * rng.standard_normal(model.weight.shape)
            noise = model.sigma * (math.exp(size * rng.standard_normal()) if sigma is None else 1)
            assert PPCA(model.mean, weight, noise).log_px(X).mean() < best


def test_sigma_squared_is_the_mean_of_what_is_left_out() -> None:
    assert ppca.fit(OF_X, 3).sigma ** 2 == pytest.approx(OF_X.eigenvalues[3:].mean())
    assert ppca.fit(OF_X, 3, 0.5).sigma == 0.5


def test_the_posterior_is_that_of_the_joint_normal() -> None:
    model = ppca.fit(OF_X, 3)
    mean, spread = model.posterior(X)
    # By conditioning in the P × P form, which the D × D form replaces.
    gain = model.weight.T @ np.linalg.inv(covariance(model))
    np.testing.assert_allclose(mean, (X - model.mean) @ gain.T, atol=1e-9)
    np.testing.assert_allclose(spread, np.eye(3) - gain @ model.weight, atol=1e-9)
    np.testing.assert_allclose(spread, np.diag(np.diag(spread)), atol=1e-12)  # a diagonal Q can be exact


def test_where_nothing_is_left_out_there_is_no_maximum() -> None:
    with pytest.raises(ConfigError, match="latent_dim=7: no variance is left"):
        ppca.fit(OF_X, PIXELS)
    with pytest.raises(ConfigError, match="latent_dim=2: no variance is left"):
        ppca.fit(Spectrum(np.zeros(4), np.array([2.0, 1, 0, 0]), np.eye(4)), 2)
    assert ppca.fit(OF_X, PIXELS, 0.1).weight.shape == (PIXELS, PIXELS)


# -- the linear VAE


def test_with_the_true_posterior_the_elbo_is_log_px_of_every_image() -> None:
    rng = np.random.default_rng(3)
    model = PPCA(rng.uniform(0, 1, PIXELS), rng.standard_normal((PIXELS, 3)), 0.4)  # columns at any angle
    mean, spread = model.posterior(X)
    factor = np.linalg.cholesky(spread)
    logvar = np.broadcast_to(2 * np.log(np.diag(factor)), mean.shape)
    q = Q(mean, logvar, np.broadcast_to(factor[np.tril_indices(3, -1)], (len(X), 3)))
    elbo = ppca.expected_log_likelihood(X, q, model.weight, model.mean, model.sigma) - q.kl().sum(1)
    np.testing.assert_allclose(elbo, model.log_px(X), atol=1e-9)
    # The best diagonal Q has the variances 1/Λⱼⱼ, and the gap is its KL to the posterior: the same for every image.
    precision = np.diag(np.linalg.inv(spread))
    diagonal = Q(mean, np.broadcast_to(-np.log(precision), mean.shape))
    below = ppca.expected_log_likelihood(X, diagonal, model.weight, model.mean, model.sigma) - diagonal.kl().sum(1)
    gap = 0.5 * (np.linalg.slogdet(spread)[1] + np.log(precision).sum())
    assert gap > 0.05
    np.testing.assert_allclose(model.log_px(X) - below, gap, atol=1e-9)


def at_the_optimum(d: int, sigma: float, beta: float) -> tuple[np.ndarray, Q]:
    """W and Q for X: pPCA with noise β·σ²."""
    model = ppca.fit(OF_X, d, sigma * math.sqrt(beta))
    mean, spread = model.posterior(X)
    return model.weight, Q(mean, np.broadcast_to(np.log(np.diag(spread)), mean.shape))


@pytest.mark.parametrize(("sigma", "beta"), [(0.3, 1.0), (0.6, 1.0), (0.3, 4.0), (0.5, 0.3), (0.5, 8.0)])
def test_the_optimum_of_a_linear_vae(sigma: float, beta: float) -> None:
    weight, q = at_the_optimum(3, sigma, beta)
    known = ppca.elbo_of_linear_vae(OF_X.eigenvalues, 3, sigma**2, beta)

    def terms(weight: np.ndarray, q: Q) -> tuple[float, np.ndarray]:
        return float(ppca.expected_log_likelihood(X, q, weight, OF_X.mean, sigma).mean()), q.kl().mean(0)

    reconstruction, kl = terms(weight, q)
    assert known.reconstruction == pytest.approx(reconstruction)
    np.testing.assert_allclose(known.kl_per_dim, kl, atol=1e-9)
    assert known.elbo == pytest.approx(reconstruction - kl.sum())
    if beta == 1:
        assert known.elbo == pytest.approx(ppca.fit(OF_X, 3, sigma).log_px(X).mean())
    # Nothing near it has a higher objective.
    rng = np.random.default_rng(4)
    best = reconstruction - beta * kl.sum()
    for _ in range(20):
        other = Q(
            q.mu + (X - OF_X.mean) @ (0.02 * rng.standard_normal((PIXELS, 3))),
            q.logvar + 0.02 * rng.standard_normal(3),
        )
        near, near_kl = terms(weight + 0.02 * rng.standard_normal(weight.shape), other)
        assert near - beta * near_kl.sum() < best


def test_dimensions_collapse_one_by_one_as_beta_grows() -> None:
    sigma_squared = 0.05
    edges = OF_X.eigenvalues[:3] / sigma_squared  # the β at which each is given up
    assert (edges > 1).all()
    kept = []
    for beta in (1.0, *(edges[::-1] * 1.01)):
        survives = ppca.surviving_dimensions(OF_X.eigenvalues[:3], sigma_squared, beta)
        kl = ppca.elbo_of_linear_vae(OF_X.eigenvalues, 3, sigma_squared, beta).kl_per_dim
        np.testing.assert_array_equal(kl > 0, survives)
        kept.append(int(survives.sum()))
    assert kept == [3, 2, 1, 0]


def test_at_the_likeliest_sigma_the_elbo_is_the_likelihood() -> None:
    model = ppca.fit(OF_X, 2)
    assert ppca.elbo_of_linear_vae(OF_X.eigenvalues, 2, model.sigma**2).elbo == pytest.approx(model.log_px(X).mean())


def test_the_eigenvalues_of_a_data_set() -> None:
    found = ppca.data_eigenvalues("digits")
    x = data.load_split("digits", "train").x.reshape(-1, 64) / 255
    np.testing.assert_allclose(found, np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1], atol=1e-12)
    assert ppca.training_spectrum("digits") is ppca.training_spectrum("digits")  # computed once


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Products this small gain nothing from threads, which would wait for each other on a busy machine."""
    before = torch.get_num_threads()
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_a_linear_vae_that_was_trained_reaches_the_optimum() -> None:
    config = RunConfig(
        dataset="digits", hidden=(), likelihood="gaussian", latent_dim=2, batch_size=500, epochs=300, learning_rate=0.03
    )
    training = Training(config, data.load("digits"))
    assert any(isinstance(event, Finished) for event in training.events())
    weights = training.weights()
    weight, bias = weights["decoder.0.weight"], weights["decoder.0.bias"]
    sigma = math.exp(weights["likelihood.log_sigma"])
    x = data.load_split("digits", "train").x
    q = OnnxScorer(models.of(config, weights)).encode(x.astype(np.float32) / np.float32(255))

    pixels, of = x.reshape(len(x), -1), ppca.training_spectrum("digits")
    best = ppca.fit(of, 2)
    log_px = best.log_px(pixels).mean()
    learned = PPCA(bias.astype(np.float64), weight.astype(np.float64), sigma).log_px(pixels).mean()
    elbo = (ppca.expected_log_likelihood(pixels, q, weight, bias, sigma) - q.kl().sum(1)).mean()
    assert elbo < learned < log_px
    assert log_px - learned < 0.01
    assert log_px - elbo < 0.05  # the diagonal Q too
    assert sigma == pytest.approx(best.sigma, rel=0.01)
    known = ppca.elbo_of_linear_vae(of.eigenvalues, 2, best.sigma**2)
    assert q.kl().sum(1).mean() == pytest.approx(known.kl_per_dim.sum(), abs=0.05)


@pytest.mark.parametrize("beta", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("share", [0.6, 0.9, 1.1, 3.0])
def test_a_linear_vae_keeps_a_direction_while_its_variance_exceeds_beta_times_that_of_the_decoder(
    beta: float, share: float
) -> None:
    """What the view of β draws: one direction of variance λ, x ~ N(0, λ), Q = N(a·x, s²), a decoder N(w·z, σ²)."""
    sigma2 = 0.25
    variance = share * beta * sigma2
    free = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64, requires_grad=True)  # w, a, log s²

    def loss() -> torch.Tensor:
        w, a, log_s2 = free
        s2 = torch.exp(log_s2)
        error = variance * (1 - w * a) ** 2 + w**2 * s2
        kl = (a**2 * variance + s2 - 1 - log_s2) / 2
        return error / (2 * sigma2) + beta * kl

    optimizer = torch.optim.LBFGS([free], max_iter=2000, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)
    kept = abs(float(free[0].detach()))
    assert kept == pytest.approx(max(0, variance - beta * sigma2) ** 0.5, abs=1e-3), "w² = λ − β·σ², as in pPCA"
