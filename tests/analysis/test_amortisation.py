"""The best Gaussian of one image against a linear Gaussian VAE, where its ELBO is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from tests.linear import Known, close
from vae_core.analysis.amortisation import fit_q
from vae_core.config.errors import ConfigError


def rng(n: int = 0) -> np.random.Generator:
    return np.random.default_rng(n)


def covariance(known: Known, q: object) -> np.ndarray:
    factor = q.cholesky()  # type: ignore[attr-defined]
    return factor @ factor.transpose(0, 2, 1)


def test_the_best_diagonal_q_is_reached() -> None:
    known = Known(4, blur=1.5, shift=0.3, correlated=True)
    found = fit_q(known.model, known.x, rng())
    gaps = np.array([known.gap(found.q.mu, c)[b] for b, c in enumerate(covariance(known, found.q))])
    best = known.best_diagonal_gap()
    assert best > 0.1  # a diagonal Q cannot be the posterior here
    assert (gaps >= best - 1e-4).all()
    np.testing.assert_allclose(gaps, best, atol=0.01)
    assert close(found.elbo, known.log_px - gaps, found.stderr)


@pytest.mark.parametrize("encoder_is_full", [False, True])
def test_a_full_q_becomes_the_posterior_and_its_elbo_log_px(encoder_is_full: bool) -> None:
    known = Known(3, blur=1.5, shift=0.3, full=encoder_is_full, correlated=True)
    found = fit_q(known.model, known.x, rng(), covariance="full", steps=250)
    gaps = np.array([known.gap(found.q.mu, c)[b] for b, c in enumerate(covariance(known, found.q))])
    np.testing.assert_allclose(gaps, 0, atol=0.01)
    assert close(found.elbo, known.log_px, found.stderr, slack=0.01)


def test_what_the_encoder_loses_is_its_distance_from_the_best() -> None:
    known = Known(2, blur=1.4, shift=0.2)
    q = known.scorer.encode(known.x)
    amortised = known.log_px - np.array([known.gap(q.mu, c)[b] for b, c in enumerate(covariance(known, q))])
    found = fit_q(known.model, known.x, rng(1), steps=150, evaluated=3000)
    assert close(found.amortised, amortised, found.stderr * 2)
    np.testing.assert_allclose(found.gain, found.elbo - found.amortised)
    assert close(found.gain, known.log_px - amortised, found.gain_stderr, slack=0.01)  # Q* is the posterior here
    assert found.gain.min() > 0.1


def test_a_q_that_is_the_best_stays() -> None:
    known = Known(3)
    found = fit_q(known.model, known.x, rng(2), steps=100)
    np.testing.assert_allclose(found.q.mu, known.posterior_mean, atol=0.02)
    assert np.abs(found.gain).max() < 0.01


def test_no_gradient_is_left_in_the_model() -> None:
    known = Known(1)
    fit_q(known.model, known.x, rng(), steps=2, evaluated=10)
    assert all(parameter.grad is None for parameter in known.model.parameters())


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"samples": 0}, {"evaluated": 1}])
def test_numbers_that_make_no_fit_are_refused(wrong: dict[str, int]) -> None:
    known = Known(1)
    with pytest.raises(ConfigError, match="give positive numbers"):
        fit_q(known.model, known.x, rng(), **wrong)


def test_an_unknown_family_is_refused() -> None:
    known = Known(1)
    with pytest.raises(ConfigError, match="covariance='round': choose one of diagonal, full"):
        fit_q(known.model, known.x, rng(), covariance="round")  # type: ignore[arg-type]


def test_the_family_is_the_encoders_own_unless_another_is_asked_for() -> None:
    known = Known(3, blur=1.5, shift=0.3, full=True, correlated=True)
    own = fit_q(known.model, known.x, rng(), steps=250)
    assert own.q.lower is not None
    assert close(own.elbo, known.log_px, own.stderr, slack=0.01)
    assert fit_q(known.model, known.x, rng(), covariance="diagonal", steps=2).q.lower is None
