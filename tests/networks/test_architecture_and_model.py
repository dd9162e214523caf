from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence

from tests.conftest import tiny
from vae_core.config import ACTIVATIONS, ARCHITECTURES, DATASETS, RunConfig
from vae_core.config.errors import ConfigError
from vae_core.networks.builders import design
from vae_core.networks.posterior.torch_ import Posterior
from vae_core.networks.torch_ import _FUNCTIONS
from vae_core.training.loop import untrained

CONFIGS = [
    *(RunConfig(dataset=d, architecture=a, latent_dim=n) for d in DATASETS for a in ARCHITECTURES for n in (1, 2, 7)),
    *(RunConfig(dataset="digits", activation=a, hidden=(5, 9, 3)) for a in ACTIVATIONS),
    RunConfig(dataset="digits", likelihood="gaussian"),
]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def posterior(b: int = 5, d: int = 3) -> Posterior:
    return Posterior(torch.randn(b, d, generator=generator(1)) * 2, torch.randn(b, d, generator=generator(2)))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.run_id}-{c.activation}")
def test_shapes_and_names_are_those_the_layers_promise(config: RunConfig) -> None:
    model = untrained(config, generator())
    x = torch.rand(3, *config.image_shape, generator=generator())
    q = model.encode(x)
    assert q.mu.shape == q.logvar.shape == (3, config.latent_dim)
    assert model.decode(q.mu).shape == x.shape
    assert {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()} == model.design.tensors


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.run_id}-{c.activation}")
def test_each_picture_is_treated_on_its_own(config: RunConfig) -> None:
    model = untrained(config, generator()).eval()
    x = torch.rand(4, *config.image_shape, generator=generator())
    with torch.inference_mode():
        together, alone = model.encode(x).mu, torch.cat([model.encode(picture[None]).mu for picture in x])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_initial_weights_follow_torchs_distribution(architecture: str) -> None:
    model = untrained(RunConfig(architecture=architecture), generator())
    state = model.state_dict()
    for name, weight in ((name, state[name]) for name in state if name.endswith(".weight")):
        bound = 1 / math.sqrt(nn.init._calculate_fan_in_and_fan_out(weight)[0])
        for tensor in (weight, state[name.replace("weight", "bias")]):
            assert tensor.abs().max() <= bound
        if weight.numel() > 1000:
            # U(−b, b) has standard deviation b/√3.
            assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_weights_come_from_the_generator_alone() -> None:
    before = torch.get_rng_state()
    one, again, other = (untrained(tiny(), generator(s)).state_dict() for s in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one[n], again[n]) for n in one)
    assert not any(torch.equal(one[n], other[n]) for n in one)


def test_burgess_refuses_pictures_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATASETS, "digits", replace(DATASETS["digits"], shape=(1, 65, 65)))
    with pytest.raises(ConfigError, match=r"65 pixels.*at most 64"):
        design(RunConfig(dataset="digits", architecture="burgess"))


@pytest.mark.parametrize("shape", [(1, 9, 5), (3, 30, 31), (1, 33, 64), (2, 7, 8)])
@pytest.mark.parametrize("architecture", ["conv", "burgess"])
def test_padding_and_cropping_are_inverse(
    shape: tuple[int, int, int], architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DATASETS, "digits", replace(DATASETS["digits"], shape=shape))
    model = untrained(RunConfig(dataset="digits", architecture=architecture), generator())
    pad, crop = model.design.encoder.nodes[0], model.design.decoder.nodes[-1]
    assert (pad.op, crop.op) == ("Pad", "Slice")
    x = torch.rand(2, *shape, generator=generator())
    wide = _FUNCTIONS["Pad"](pad)(x)
    assert torch.equal(_FUNCTIONS["Slice"](crop)(wide), x)
    assert wide.sum() == pytest.approx(x.sum().item(), rel=1e-5)
    assert wide.shape[2] == wide.shape[3]
    assert model.decode(model.encode(x).mu).shape == x.shape


# -- Q(z|X)


def test_kl_is_that_of_torch_distributions() -> None:
    q = posterior()
    expected = kl_divergence(Normal(q.mu, (q.logvar / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(q.kl(), expected)


def test_kl_is_the_mean_log_ratio_under_q() -> None:
    q = posterior(b=2, d=3)
    z = q.sample(torch.randn(200_000, 2, 3, generator=generator()))
    ratio = Independent(Normal(q.mu, (q.logvar / 2).exp()), 1).log_prob(z) - Independent(
        Normal(torch.zeros_like(q.mu), torch.ones_like(q.mu)), 1
    ).log_prob(z)
    error = ratio.std(0) / math.sqrt(len(z))
    assert ((ratio.mean(0) - q.kl().sum(1)).abs() < 5 * error).all()


def test_kl_is_zero_only_at_the_prior() -> None:
    zero = torch.zeros(1, 1)
    assert Posterior(zero, zero).kl().item() == 0
    grid = torch.linspace(-3, 3, 61)
    mu, logvar = torch.meshgrid(grid, grid, indexing="ij")
    kl = Posterior(mu.reshape(-1, 1), logvar.reshape(-1, 1)).kl()
    assert (kl > -1e-6).all()  # float32 cancels near zero
    assert (kl < 1e-6).sum() == 1
    # A shift by one costs half a nat.
    assert Posterior(torch.ones(1, 1), zero).kl().item() == pytest.approx(0.5)


def test_samples_have_qs_mean_and_spread() -> None:
    q = posterior()
    z = q.sample(torch.randn(100_000, 5, 3, generator=generator()))
    sigma = (q.logvar / 2).exp()
    assert ((z.mean(0) - q.mu).abs() < 5 * sigma / math.sqrt(len(z))).all()
    torch.testing.assert_close(z.std(0), sigma, rtol=0.02, atol=0)


def test_the_gradient_passes_through_the_sample() -> None:
    mu, logvar, epsilon = (torch.randn(4, 2, generator=generator(s)) for s in range(3))
    mu.requires_grad_()
    logvar.requires_grad_()
    Posterior(mu, logvar).sample(epsilon).sum().backward()
    # z = μ + e^{½ log σ²}·ε: ∂z/∂μ = 1 and ∂z/∂log σ² = ½σε.
    torch.testing.assert_close(mu.grad, torch.ones(4, 2))
    torch.testing.assert_close(logvar.grad, 0.5 * (logvar.detach() / 2).exp() * epsilon)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_the_untrained_decoder_paints_the_mean_picture(likelihood: str, architecture: str) -> None:
    config = RunConfig(dataset="digits", likelihood=likelihood, architecture=architecture)
    model = untrained(config, generator())
    mean = torch.rand(1, 8, 8, generator=generator()) * 0.8 + 0.1
    model.start_from_mean(mean)
    last = [name for name in model.design.decoder.initializers if name.endswith("weight")][-1]
    with torch.no_grad():
        model.get_parameter(last).zero_()
        painted = model.pictures(torch.randn(3, 2, generator=generator()))
    if architecture == "mlp":
        torch.testing.assert_close(painted, mean.expand(3, 1, 8, 8))
    else:  # one bias for a whole channel
        assert painted.std().item() == pytest.approx(0, abs=1e-6)
        inner = torch.logit(mean).mean() if likelihood == "bernoulli" else mean.mean()
        assert model.likelihood.mean(inner).item() == pytest.approx(painted.mean().item(), abs=1e-5)
