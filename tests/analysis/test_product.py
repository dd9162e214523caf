"""Every network × P(X|z) × Q(z|X) through every estimator, on three images: what one of them cannot do shows here.

The models are untrained and tiny; what is asserted is what holds of any model. The estimators' own tests hold them to
closed forms.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from tests.product import FAMILIES, NETWORKS, QS, name
from vae_core import data
from vae_core.analysis import annealing, bounds, diagnostics
from vae_core.analysis.amortisation import fit_q
from vae_core.analysis.annealing import Annealing
from vae_core.config import RunConfig
from vae_core.networks.evaluate import per_image
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.networks.posterior.numpy_ import Q
from vae_core.networks.torch_ import TorchScorer
from vae_core.store import models
from vae_core.training.loop import seeded, untrained

IMAGES = 3


def configurations() -> Iterator[RunConfig]:
    """All of them, D of 1 and 3 in turn, so that each Q and each P(X|z) meets both."""
    for i, (network, family) in enumerate(itertools.product(NETWORKS, FAMILIES)):
        for j, posterior in enumerate(QS):
            yield RunConfig(dataset="digits", posterior=posterior, latent_dim=(1, 3)[(i + j) % 2], **network, **family)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short warm-ups of the chains, and one thread: on batches of three, two threads mostly wait for each other."""
    monkeypatch.setattr(annealing, "LEARNING", 3)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("config", [pytest.param(c, id=name(c)) for c in configurations()])
def test_every_model_goes_through_every_estimator(config: RunConfig) -> None:
    pixels = data.test_images(config.dataset, config.binarize).x[:IMAGES]
    x = pixels.astype(np.float32) / np.float32(255)
    model = untrained(config, seeded(0, "weights", 0)).eval()
    weights = {key: tensor.numpy() for key, tensor in model.state_dict().items()}
    ours, theirs = TorchScorer(model), OnnxScorer(models.of(config, weights))
    rng = np.random.default_rng(0)

    # the codes and what they are like
    codes = per_image(model, pixels, seed=0)
    q = Q(codes.mu, codes.logvar, codes.lower)
    assert (codes.lower is None) == (config.posterior == "diagonal")
    np.testing.assert_allclose(q.kl(), codes.kl, rtol=1e-4, atol=1e-5)
    terms, parts = diagnostics.rate_distortion(q, codes.reconstruction), diagnostics.kl_parts(q, samples=200)
    assert terms.rate == pytest.approx(parts.rate) == pytest.approx(float(codes.kl.sum(1).mean()), abs=1e-5)
    assert parts.mutual_information + parts.marginal_kl == pytest.approx(parts.rate)
    assert len(diagnostics.findings(q, parts.dimension_wise)) == config.latent_dim

    # log P(X|z), codes of one's own and codes that serve every image, by both readers
    for z in (rng.standard_normal((4, IMAGES, config.latent_dim)), rng.standard_normal((4, 1, config.latent_dim))):
        scored = ours.log_likelihood(x, z)
        assert scored.shape == (4, IMAGES)
        np.testing.assert_allclose(theirs.log_likelihood(x, z), scored, rtol=1e-4, atol=2e-3)

    # log P(X): sampled, learned, annealed, integrated
    for found in (
        bounds.from_prior(ours, x, 20, rng),
        bounds.from_posterior(ours, x, 20, rng),
        bounds.from_posterior(theirs, x, 20, rng, bounds.Defensive()),
        bounds.estimate(ours, x, 200, rng),
    ):
        assert found.log_px.shape == (IMAGES,)
        assert np.isfinite([found.log_px, found.stderr, found.ess]).all()
        assert found.is_log_likelihood == config.is_log_likelihood
    settings = Annealing(chains=2, temperatures=3, leapfrog=2)
    simulated, exact = annealing.simulate(model, IMAGES, rng)
    assert simulated.shape == x.shape
    for images, codes_of in ((x, None), (simulated, exact)):
        bracket = annealing.bracket(model, images, settings, rng, codes_of)
        assert np.isfinite([bracket.lower, bracket.upper]).all()
        assert bracket.is_log_likelihood == config.is_log_likelihood
    if config.latent_dim == 1:
        assert abs(bounds.identity(ours, x[0]).residual) < 0.02

    # the best Q of either family
    for covariance in ("diagonal", "full"):
        fitted = fit_q(model, x, rng, covariance=covariance, steps=3, samples=2, evaluated=10)
        assert np.isfinite([fitted.elbo, fitted.gain]).all()
    with torch.inference_mode():
        assert model.pictures(torch.zeros(2, config.latent_dim)).shape == (2, *config.image_shape)
