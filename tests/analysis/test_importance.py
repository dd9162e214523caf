"""Samples one by one, against the estimators that do not keep them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.analysis.test_gaussian_fit import Linear
from tests.conftest import tiny
from vae_core import data
from vae_core.analysis import bounds
from vae_core.analysis.importance import posterior_samples, prior_samples, running
from vae_core.networks.builders import design
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.networks.posterior.numpy_ import Q, log_standard_normal
from vae_core.store import models


@pytest.fixture(scope="module")
def scorer() -> OnnxScorer:
    """A network with random weights: what is compared holds for any."""
    config, rng = tiny(latent_dim=2), np.random.default_rng(5)
    weights = {
        name: rng.standard_normal(shape) * (2 / math.sqrt(shape[1]) if len(shape) == 2 else 0.1)
        for name, shape in design(config).tensors.items()
    }
    return OnnxScorer(models.of(config, weights))


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return data.load_split("digits", "test").x[7].astype(np.float32) / 255


def test_from_the_prior_the_running_estimate_is_the_librarys_at_every_mark(
    scorer: OnnxScorer, image: np.ndarray
) -> None:
    known = bounds.from_prior(scorer, image[None], 400, np.random.default_rng(11))
    samples = prior_samples(scorer, image, 400, np.random.default_rng(11))
    log_px, ess = running(samples.log_weight)
    at = np.array(known.curve_k) - 1
    np.testing.assert_allclose(log_px[at], known.curve[:, 0], atol=1e-3)
    np.testing.assert_allclose(ess[at], known.curve_ess[:, 0], rtol=1e-3)
    assert np.ptp(log_px) > 0.1, "a flat curve would prove nothing"


def test_from_the_true_posterior_every_weight_is_p_of_x() -> None:
    class Exact(Linear):
        def encode(self, x: np.ndarray) -> Q:
            factor = np.linalg.cholesky(np.linalg.inv(self.precision))
            return Q(self.mean[None], 2 * np.log(np.diag(factor))[None], factor[[1], [0]][None])

    linear = Exact()
    samples = posterior_samples(linear, linear.x, 40, np.random.default_rng(1))
    np.testing.assert_allclose(samples.log_weight, linear.log_px, atol=1e-3)
    assert np.ptp(samples.log_likelihood) > 0.5, "the codes differ, their weights do not"


def test_the_weight_is_the_joint_over_the_proposal(scorer: OnnxScorer, image: np.ndarray) -> None:
    samples = posterior_samples(scorer, image, 50, np.random.default_rng(2))
    q = scorer.encode(image[None])
    joint = samples.log_likelihood + log_standard_normal(samples.z)
    np.testing.assert_allclose(samples.log_weight, joint - q.log_prob(samples.z[:, None])[:, 0], atol=1e-6)
    again = scorer.log_likelihood(image[None], samples.z[:, None])[:, 0]
    np.testing.assert_allclose(samples.log_likelihood, again, rtol=1e-5)


def test_a_few_samples_are_the_first_of_many(scorer: OnnxScorer, image: np.ndarray) -> None:
    for draw in (prior_samples, posterior_samples):
        few = draw(scorer, image, 20, np.random.default_rng(4))
        many = draw(scorer, image, 90, np.random.default_rng(4))
        np.testing.assert_array_equal(few.z, many.z[:20])
        np.testing.assert_allclose(few.log_weight, many.log_weight[:20], rtol=1e-5)


def test_equal_weights_count_fully_and_one_heavy_one_counts_alone() -> None:
    log_px, ess = running(np.full(30, -700.0))
    np.testing.assert_allclose(log_px, -700.0)
    np.testing.assert_allclose(ess, np.arange(1, 31))
    log_px, ess = running(np.array([-900.0, -900.0, -100.0, -900.0]))
    np.testing.assert_allclose(log_px, [-900, -900, -100 - math.log(3), -100 - math.log(4)])
    np.testing.assert_allclose(ess, [1, 2, 1, 1])
