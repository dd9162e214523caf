from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats

from tests.conftest import tiny
from vae_core.config import RunConfig
from vae_core.networks.builders import design
from vae_core.networks.likelihoods.torch_ import SMALLEST_SIGMA, Bernoulli, ContinuousBernoulli, Gaussian
from vae_core.training.loop import untrained


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def family(config: RunConfig) -> Bernoulli | ContinuousBernoulli | Gaussian:
    return untrained(config).likelihood


def all_images(pixels: int) -> torch.Tensor:
    """Every binary image of so many pixels, (2^n, 1, 1, n)."""
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=pixels))).reshape(-1, 1, 1, pixels)


@pytest.mark.parametrize("pixels", [1, 3, 4])
@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0])
def test_the_bernoulli_probabilities_of_all_images_sum_to_one(pixels: int, scale: float) -> None:
    f = scale * torch.randn(1, 1, 1, pixels, generator=generator())
    x = all_images(pixels)
    log_p = Bernoulli().log_prob(x, f.expand_as(x))
    assert log_p.shape == (2**pixels,)
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_bernoulli_is_the_product_over_pixels() -> None:
    f = torch.randn(1, 1, 2, 2, generator=generator())
    p = torch.sigmoid(f).flatten().tolist()
    for x in all_images(4).reshape(-1, 1, 2, 2):
        product = math.prod(q if bit else 1 - q for q, bit in zip(p, x.flatten().tolist(), strict=True))
        assert Bernoulli().log_prob(x[None], f).item() == pytest.approx(math.log(product), abs=1e-5)


def test_bernoulli_means_and_samples_are_those_of_the_enumeration() -> None:
    f = torch.tensor([-2.0, 0.0, 1.5]).reshape(1, 1, 1, 3)
    x = all_images(3)
    expected = (Bernoulli().log_prob(x, f.expand_as(x)).exp()[:, None] * x.flatten(1)).sum(0)
    torch.testing.assert_close(Bernoulli().mean(f).flatten(), expected)
    n = 100_000
    drawn = Bernoulli().sample(f.expand(n, 1, 1, 3), generator()).flatten(1)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    error = (expected * (1 - expected) / n).sqrt()
    assert ((drawn.mean(0) - expected).abs() < 5 * error).all()


def test_bernoulli_stays_finite_where_the_probability_rounds_to_one() -> None:
    f = torch.full((1, 1, 1, 2), 200.0)
    assert Bernoulli().log_prob(torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2), f).item() == pytest.approx(-200)


@pytest.mark.parametrize("sigma", [0.01, 0.3, 1.0, 5.0])
def test_gaussian_is_that_of_scipy(sigma: float) -> None:
    x, f = (torch.randn(6, 1, 3, 2, generator=generator(s)) for s in (0, 1))
    expected = stats.norm(f.double().numpy(), sigma).logpdf(x.double().numpy()).sum((1, 2, 3))
    found = Gaussian(sigma).log_prob(x, f)
    assert found.shape == (6,)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_the_gaussian_density_integrates_to_one(sigma: float) -> None:
    x = torch.linspace(-12 * sigma, 12 * sigma, 4001).reshape(-1, 1, 1, 1)
    density = Gaussian(sigma).log_prob(x, torch.zeros_like(x)).exp()
    assert torch.trapezoid(density, x.flatten()).item() == pytest.approx(1, abs=1e-4)


def test_gaussian_samples_have_its_mean_and_spread() -> None:
    f = torch.tensor([0.2, 0.9]).reshape(1, 1, 1, 2).expand(100_000, 1, 1, 2)
    drawn = Gaussian(0.25).sample(f, generator())
    torch.testing.assert_close(drawn.mean(0), f[0], atol=5 * 0.25 / math.sqrt(1e5), rtol=0)
    torch.testing.assert_close(drawn.std(0), torch.full((1, 1, 2), 0.25), rtol=0.02, atol=0)


def test_a_learned_sigma_finds_the_residuals_spread() -> None:
    # The likelihood's maximum in σ is the root mean square of the residuals.
    x, f = torch.randn(200, 1, 4, 4, generator=generator()) * 0.7, torch.zeros(200, 1, 4, 4)
    gaussian = Gaussian(None)
    optimizer = torch.optim.Adam(gaussian.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        gaussian.log_prob(x, f).mean().neg().backward()
        optimizer.step()
    assert gaussian.log_sigma.exp().item() == pytest.approx(x.square().mean().sqrt().item(), rel=1e-3)


def test_a_fixed_sigma_is_not_learned() -> None:
    assert list(Gaussian(0.3).parameters()) == []
    assert len(list(Gaussian(None).parameters())) == 1


def test_the_configuration_chooses_the_family() -> None:
    assert isinstance(family(tiny()), Bernoulli)
    fixed = family(tiny(likelihood="gaussian", sigma=0.2))
    assert isinstance(fixed, Gaussian)
    assert isinstance(family(tiny(likelihood="continuous-bernoulli")), ContinuousBernoulli)
    each = family(tiny(likelihood="gaussian", sigma="per-pixel"))
    assert isinstance(each, Gaussian)
    assert each.log_sigma.shape == (1, 8, 8)
    assert fixed.log_sigma.exp().item() == pytest.approx(0.2)


LOGITS = (-30.0, -8.0, -1.0, -0.0101, -0.0099, 0.0, 1e-5, 0.004, 0.5, 3.0, 12.0, 40.0)


@pytest.mark.parametrize("f", LOGITS)
def test_the_continuous_bernoulli_integrates_to_one_and_has_its_mean(f: float) -> None:
    # Fine near both ends, where its mass is when |f| is large.
    x = torch.tensor(0.5 - 0.5 * np.cos(np.linspace(0, np.pi, 20_001)))
    logits = torch.full((len(x), 1, 1, 1), f, dtype=torch.float64)
    density = ContinuousBernoulli().log_prob(x.reshape(-1, 1, 1, 1), logits).exp()
    assert torch.trapezoid(density, x).item() == pytest.approx(1, abs=1e-5)
    mean = ContinuousBernoulli().mean(logits[:1]).item()
    assert torch.trapezoid(density * x, x).item() == pytest.approx(mean, abs=1e-5)


def test_the_continuous_bernoulli_is_that_of_torch_distributions() -> None:
    f = 4 * torch.randn(5, 1, 3, 2, generator=generator())
    x = torch.rand(5, 1, 3, 2, generator=generator(1))
    peer = torch.distributions.ContinuousBernoulli(logits=f.double())
    expected = peer.log_prob(x.double()).sum((1, 2, 3))
    torch.testing.assert_close(ContinuousBernoulli().log_prob(x, f).double(), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ContinuousBernoulli().mean(f).double(), peer.mean, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("f", [-12.0, -0.5, 0.0, 5e-5, 2.0, 30.0])
def test_continuous_bernoulli_samples_have_its_mean(f: float) -> None:
    drawn = ContinuousBernoulli().sample(torch.full((100_000, 1, 1, 1), f), generator())
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    error = drawn.std().item() / math.sqrt(1e5)
    assert abs(drawn.mean().item() - ContinuousBernoulli().mean(torch.tensor(f)).item()) < 5 * error + 1e-5


def test_gradients_of_the_continuous_bernoulli_are_finite_everywhere() -> None:
    f = torch.tensor(LOGITS).reshape(-1, 1, 1, 1).requires_grad_()
    ContinuousBernoulli().log_prob(torch.full_like(f, 0.3), f).sum().backward()
    assert f.grad is not None
    assert torch.isfinite(f.grad).all()
    assert f.grad[5].item() == pytest.approx(0.3 - 0.5, abs=1e-4)  # at f = 0: x − E[X|z]


def test_the_untrained_output_is_the_mean_picture() -> None:
    mean = torch.tensor([0.03, 0.2, 0.5, 0.77]).reshape(1, 2, 2)
    for family in (Bernoulli(), ContinuousBernoulli(), Gaussian(None)):
        torch.testing.assert_close(family.mean(family.initial_output(mean)), mean, rtol=0, atol=1e-4)


def test_one_sigma_for_each_pixel_is_that_of_scipy_and_stays_above_one_grey_level() -> None:
    gaussian = Gaussian((1, 3, 2))
    with torch.no_grad():
        gaussian.log_sigma.copy_(torch.linspace(-2, 0.5, 6).reshape(1, 3, 2))
    x, f = (torch.randn(6, 1, 3, 2, generator=generator(s)) for s in (0, 1))
    sigma = gaussian.log_sigma.exp().detach().numpy()
    expected = stats.norm(f.numpy(), sigma).logpdf(x.numpy()).sum((1, 2, 3))
    np.testing.assert_allclose(gaussian.log_prob(x, f).detach().numpy(), expected, rtol=1e-5)
    with torch.no_grad():
        gaussian.log_sigma.fill_(-50)
    limit = stats.norm(0, SMALLEST_SIGMA).logpdf(0) * 6
    assert gaussian.log_prob(x[:1], x[:1]).item() == pytest.approx(limit, rel=1e-5)
    drawn = gaussian.sample(torch.zeros(5000, 1, 3, 2), generator())
    assert drawn.std().item() == pytest.approx(SMALLEST_SIGMA, rel=0.05)


def test_densities_take_more_axes_in_front() -> None:
    x, f = torch.rand(2, 1, 3, 2, generator=generator()), torch.randn(4, 2, 1, 3, 2, generator=generator(1))
    for family in (Bernoulli(), ContinuousBernoulli(), Gaussian(0.3), Gaussian((1, 3, 2))):
        found = family.log_prob(x.expand_as(f), f)
        assert found.shape == (4, 2)
        torch.testing.assert_close(found[3], family.log_prob(x, f[3]))


def test_binary_pixels_have_probabilities() -> None:
    assert not design(tiny()).is_log_likelihood
    for how in ("static", "dynamic", "threshold"):
        assert design(tiny(binarize=how)).is_log_likelihood


def test_only_a_density_calls_itself_a_log_likelihood() -> None:
    # The cross-entropy on grey pixels does not integrate to one over [0, 1].
    x = torch.linspace(0, 1, 2001).reshape(-1, 1, 1, 1)
    mass = torch.trapezoid(Bernoulli().log_prob(x, torch.full_like(x, 1.0)).exp(), x.flatten()).item()
    assert abs(mass - 1) > 0.1
    assert design(tiny(likelihood="gaussian")).is_log_likelihood
    assert design(tiny(likelihood="continuous-bernoulli")).is_log_likelihood


@pytest.mark.parametrize("family", [Bernoulli(), Gaussian(0.5)])
def test_initial_output_makes_the_mean_the_given_picture(family: Bernoulli | Gaussian) -> None:
    mean = torch.rand(1, 4, 4, generator=generator()) * 0.9 + 0.05
    torch.testing.assert_close(family.mean(family.initial_output(mean)), mean)
    assert torch.isfinite(family.initial_output(torch.tensor([0.0, 1.0]))).all()
