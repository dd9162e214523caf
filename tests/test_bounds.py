"""Every estimator of log P(X) against a linear Gaussian VAE, whose integral and posterior are known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from vae_core import bounds
from vae_core.config import RunConfig
from vae_core.errors import ConfigError
from vae_core.model import VAE

SIGMA = 0.3


class Known:
    """x = W z + b + σε on 8×8 pixels, W with orthogonal columns, so that P(z|X) is a diagonal Gaussian."""

    def __init__(self, d: int, *, blur: float = 1.0, shift: float = 0.0) -> None:
        """`blur` widens Q against the posterior, `shift` moves it: 1 and 0 make it exact."""
        rng = np.random.default_rng(d)
        self.w = np.linalg.qr(rng.standard_normal((64, d)))[0] * np.linspace(2.0, 0.7, d)
        self.b = rng.uniform(0.2, 0.8, 64)
        self.precision = np.square(self.w).sum(0) / SIGMA**2 + 1
        self.model = VAE(RunConfig(dataset="digits", latent_dim=d, likelihood="gaussian", sigma=SIGMA))
        to_mean = (self.w / self.precision / SIGMA**2).T
        up, down = nn.Linear(d, 64), nn.Linear(64, 2 * d)
        with torch.no_grad():
            up.weight.copy_(torch.from_numpy(self.w))
            up.bias.copy_(torch.from_numpy(self.b))
            down.weight.copy_(torch.from_numpy(np.concatenate([to_mean, np.zeros_like(to_mean)])))
            logvar = np.full(d, 1.0) * np.log(blur**2 / self.precision)
            down.bias.copy_(torch.from_numpy(np.concatenate([-to_mean @ self.b + shift, logvar])))
        self.model.decoder = nn.Sequential(up, nn.Unflatten(1, (1, 8, 8)))
        self.model.encoder = nn.Sequential(nn.Flatten(), down)
        codes = rng.standard_normal((6, d))
        x = codes @ self.w.T + self.b + SIGMA * rng.standard_normal((6, 64))
        self.x = torch.from_numpy(x).float().view(6, 1, 8, 8)
        self.log_px = stats.multivariate_normal(self.b, self.w @ self.w.T + SIGMA**2 * np.eye(64)).logpdf(x)
        self.posterior_mean = (x - self.b) @ to_mean.T


def seed(n: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(n)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_with_the_true_posterior_one_sample_is_enough(d: int) -> None:
    known = Known(d)
    estimate = bounds.from_posterior(known.model, known.x, 7, seed())
    np.testing.assert_allclose(estimate.log_px, known.log_px, atol=2e-3)
    np.testing.assert_allclose(estimate.ess, 7, rtol=1e-3)
    assert estimate.stderr.max() < 2e-3


@pytest.mark.parametrize("d", [1, 2, 5])
def test_importance_sampling_agrees_within_its_stated_error(d: int) -> None:
    known = Known(d, blur=1.3, shift=0.05)
    estimate = bounds.from_posterior(known.model, known.x, 20_000, seed(1))
    z = (estimate.log_px - known.log_px) / estimate.stderr
    assert np.abs(z).max() < 4.5
    assert estimate.stderr.max() < 0.02
    # Stated, not just small: the errors of many small runs spread as they say.
    many = [bounds.from_posterior(known.model, known.x, 400, seed(100 + i)) for i in range(60)]
    spread = np.std([e.log_px for e in many], axis=0)
    stated = np.mean([e.stderr for e in many], axis=0)
    np.testing.assert_allclose(spread, stated, rtol=0.35)


def test_the_prior_finds_it_too_but_needs_many_more_samples() -> None:
    known = Known(1, blur=1.3)
    prior = bounds.from_prior(known.model, known.x, 200_000, seed(2))
    posterior = bounds.from_posterior(known.model, known.x, 200_000, seed(2))
    assert (np.abs(prior.log_px - known.log_px) < 4.5 * prior.stderr).all()
    assert (prior.ess < 0.3 * posterior.ess).all()


def test_the_bound_rises_with_k_towards_log_px() -> None:
    known = Known(3, blur=1.8, shift=0.15)
    runs = [bounds.from_posterior(known.model, known.x, 256, seed(i)) for i in range(200)]
    assert runs[0].curve_k[0] == 1
    means = np.mean([run.curve for run in runs], axis=(0, 2))  # E[L_K], a bound
    noise = np.std([run.curve.mean(1) for run in runs], axis=0) / math.sqrt(len(runs))
    assert (np.diff(means) > -3 * noise[1:]).all()
    assert means[0] < known.log_px.mean() - 0.5
    assert (means < known.log_px.mean() + 3 * noise).all()
    assert means[-1] == pytest.approx(known.log_px.mean(), abs=0.05)


def test_l1_is_the_elbo() -> None:
    known = Known(2, blur=1.5, shift=0.1)
    runs = [bounds.from_posterior(known.model, known.x, 1, seed(i)).log_px for i in range(4000)]
    exact = [bounds.identity(known.model, x).elbo for x in known.x]
    error = np.std(runs, axis=0) / math.sqrt(len(runs))
    assert (np.abs(np.mean(runs, axis=0) - exact) < 4.5 * error).all()


def test_chunks_bound_the_memory_and_not_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Known(2, blur=1.3)
    monkeypatch.setattr(bounds, "ROWS", 60)
    decoded: list[int] = []
    decode = known.model.decode
    monkeypatch.setattr(known.model, "decode", lambda z: (decoded.append(len(z)), decode(z))[1])
    estimate = bounds.from_posterior(known.model, known.x, 2000, seed())
    assert max(decoded) <= 60
    assert sum(decoded) == 2000 * len(known.x)
    assert (np.abs(estimate.log_px - known.log_px) < 4.5 * estimate.stderr).all()


@pytest.mark.parametrize("d", [1, 2])
def test_the_grid_gives_log_px_and_the_posterior(d: int) -> None:
    known = Known(d, blur=1.4, shift=0.1)
    for x, log_px, mean in zip(known.x, known.log_px, known.posterior_mean, strict=True):
        grid = bounds.on_grid(known.model, x)
        assert grid.log_px == pytest.approx(log_px, abs=1e-3)
        assert grid.error < 0.01
        density = np.exp(grid.log_density).ravel()
        assert density.sum() * grid.cell == pytest.approx(1, abs=1e-9)
        codes = grid.codes()
        np.testing.assert_allclose(density @ codes * grid.cell, mean, atol=1e-3)
        variance = density @ np.square(codes - mean) * grid.cell
        np.testing.assert_allclose(variance, 1 / known.precision, rtol=1e-2)


@pytest.mark.parametrize("d", [1, 2])
def test_the_identity_holds_term_by_term(d: int) -> None:
    known = Known(d, blur=1.6, shift=0.2)
    for x, log_px, mean in zip(known.x, known.log_px, known.posterior_mean, strict=True):
        terms = bounds.identity(known.model, x)
        assert abs(terms.residual) < 1e-3
        assert terms.log_px == pytest.approx(log_px, abs=1e-3)
        q = known.model.encode(x[None])
        # D[N(m, s²) ‖ N(mean, 1/precision)], in closed form.
        m, s2 = q.mu[0].detach().numpy(), q.logvar[0].exp().detach().numpy()
        ratio = s2 * known.precision
        exact = 0.5 * (ratio - 1 - np.log(ratio) + known.precision * np.square(m - mean)).sum()
        assert terms.kl_q_posterior == pytest.approx(exact, abs=1e-3)
        assert terms.elbo <= terms.log_px


def test_too_many_dimensions_for_the_grid_are_refused() -> None:
    known = Known(3)
    with pytest.raises(ConfigError, match="latent_dim=3: the exact grid needs 1 or 2; use importance sampling"):
        bounds.on_grid(known.model, known.x[0])


def test_a_figure_that_is_no_log_likelihood_says_so() -> None:
    model = VAE(RunConfig(dataset="digits"), torch.Generator().manual_seed(0))
    x = torch.rand(2, 1, 8, 8, generator=seed())
    assert not bounds.from_posterior(model, x, 3, seed()).is_log_likelihood
    assert not bounds.identity(model, x[0]).is_log_likelihood
    assert bounds.from_posterior(Known(2).model, Known(2).x, 3, seed()).is_log_likelihood
