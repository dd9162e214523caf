from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.conftest import tiny
from tests.networks.readers import FAMILIES
from vae_core.config import ACTIVATIONS, ARCHITECTURES, DATASETS, RunConfig
from vae_core.config.errors import ModelError
from vae_core.networks.builders import Chain
from vae_core.networks.graph import Graph, Node
from vae_core.networks.likelihoods.torch_ import Gaussian
from vae_core.networks.onnx_ import Network, OnnxScorer
from vae_core.networks.posterior.numpy_ import Q
from vae_core.networks.posterior.torch_ import Posterior
from vae_core.networks.torch_ import VAE, TorchScorer
from vae_core.store import models
from vae_core.training.loop import seeded, untrained


def arrays(module: nn.Module) -> dict[str, np.ndarray]:
    return {n: t.numpy() for n, t in module.state_dict().items()}


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def run(node: Node, x: torch.Tensor, tensors: dict[str, np.ndarray] | None = None) -> np.ndarray:
    """One operator by onnxruntime."""
    shapes = {name: array.shape for name, array in (tensors or {}).items()}
    return Network(Graph({"x": tuple(x.shape[1:])}, (node,), node.outputs, shapes), tensors or {})(x.numpy())["y"]


CONFIGS = [
    *(RunConfig(dataset=d, architecture=a, likelihood=p, latent_dim=3)
      for d in DATASETS for a in ARCHITECTURES for p in ("bernoulli", "gaussian")),
    *(tiny(activation=a, hidden=(7, 5, 3)) for a in ACTIVATIONS),
    tiny(hidden=()),
    tiny(likelihood="continuous-bernoulli", posterior="full", latent_dim=4),
]  # fmt: skip


def named(value: object) -> str:
    return "-".join(str(part) for part in value.values()) if isinstance(value, dict) else str(value)


def trained(config: RunConfig, scale: float) -> VAE:
    """Random weights, the decoder's `scale` times the usual, and every σ different."""
    model = untrained(config, seeded(0, "weights", 0))
    with torch.no_grad():
        for parameter in model.decoding.tensors.values():
            parameter.mul_(scale)
        if isinstance(model.likelihood, Gaussian) and model.likelihood.log_sigma.ndim:
            # The smallest are below what the density allows, and are to be treated so.
            model.likelihood.log_sigma.copy_(torch.linspace(-7, 1, 64).view(1, 8, 8))
    return model


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.run_id}-{c.activation}")
def test_both_networks_are_those_of_torch(config: RunConfig) -> None:
    model = untrained(config, seeded(0, "weights", 0))
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (3, *config.image_shape)).astype(np.uint8)
    z = rng.normal(size=(4, config.latent_dim)) * 2
    with torch.inference_mode():
        q = model.encode(torch.from_numpy(x).float() / 255)
        f = model.decode(torch.from_numpy(z).float())
        pictures = model.pictures(torch.from_numpy(z).float()).numpy()
    scorer = OnnxScorer(model.model())
    found = scorer.encode_bytes(x)
    np.testing.assert_allclose(found.mu, q.mu.numpy(), atol=2e-5)
    np.testing.assert_allclose(found.logvar, q.logvar.numpy(), atol=2e-5)
    np.testing.assert_allclose(scorer.decode(z), f.numpy(), atol=2e-5)
    painted = scorer.pictures(z)
    assert painted.dtype == np.uint8
    assert painted.shape == (4, *config.image_shape)
    assert np.abs(painted - pictures * 255).max() <= 0.51


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_convolutions_with_every_geometry(kernel: int, stride: int, padding: int) -> None:
    if 2 * padding >= kernel + 4:
        pytest.skip("nothing would be left")
    x = noise(2, 3, 7, 6)
    weight, bias = noise(4, 3, kernel, kernel, seed=1), noise(4, seed=2)
    for op, tensor, convolve in (
        ("Conv", weight, functional.conv2d),
        ("ConvTranspose", weight.transpose(0, 1).contiguous(), functional.conv_transpose2d),
    ):
        tensors = {"w": tensor.numpy(), "b": bias.numpy()}
        window = {"strides": (stride, stride), "pads": (padding,) * 4}
        found = run(Node(op, ("x", "w", "b"), ("y",), window), x, tensors)
        np.testing.assert_allclose(found, convolve(x, tensor, bias, stride, padding).numpy(), atol=1e-4)


@pytest.mark.parametrize("kind", ["Relu", "Sigmoid", "Tanh"])
def test_activations_also_where_an_exponential_would_overflow(kind: str) -> None:
    x = torch.tensor([[-200.0, -20.0, -1.0, 0.0, 1e-3, 1.0, 20.0, 200.0]])
    expected = {"Relu": functional.relu, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh}[kind](x)
    np.testing.assert_allclose(run(Node(kind, ("x",), ("y",)), x), expected.numpy(), atol=1e-5)


def test_padding_puts_the_odd_pixel_at_the_bottom_and_the_right() -> None:
    chain = Chain("encoder", "x", (1, 1, 2))
    chain.pad(1, 2, to=5)
    x = np.ones((1, 1, 1, 2), np.float32)
    padded = Network(chain.graph("encoder.0"), {})(x)["encoder.0"]
    assert padded[0, 0].tolist() == [[0] * 5, [0] * 5, [0, 1, 1, 0, 0], [0] * 5, [0] * 5]
    back = Chain("decoder", "x", (1, 5, 5))
    back.crop(1, 2, of=5)
    np.testing.assert_array_equal(Network(back.graph("decoder.0"), {})(padded)["decoder.0"], x)


def test_half_precision_weights_of_a_moment_are_computed_in_single() -> None:
    model = untrained(tiny(), seeded(0, "weights", 0))
    half = models.of(tiny(), {n: a.astype(np.float16) for n, a in arrays(model).items()}, moment=0)
    z = np.zeros((1, 2), np.float32)
    np.testing.assert_allclose(
        OnnxScorer(half).pictures(z).astype(int), OnnxScorer(model.model()).pictures(z).astype(int), atol=1
    )
    with pytest.raises(ModelError, match="a decoder alone"):
        OnnxScorer(half).encode(np.zeros((1, 1, 8, 8), np.float32))


def test_no_pictures_are_no_pictures() -> None:
    scorer = OnnxScorer(untrained(tiny(), seeded(0, "weights", 0)).model())
    assert scorer.pictures(np.zeros((0, 2))).shape == (0, 1, 8, 8)
    assert scorer.encode(np.zeros((0, 1, 8, 8), np.float32)).mu.shape == (0, 2)


def test_what_does_not_fit_a_network_is_one_sentence() -> None:
    scorer = OnnxScorer(untrained(tiny(), seeded(0, "weights", 0)).model())
    with pytest.raises(ModelError, match=r"z of shape \[3, 5\]: this network takes \[N, 2\]"):
        scorer.pictures(np.zeros((3, 5)))


@pytest.mark.parametrize("posterior", ["diagonal", "full"])
@pytest.mark.parametrize("family", FAMILIES, ids=named)
def test_both_scorers_agree_to_single_precision(family: dict[str, Any], posterior: str) -> None:
    config = tiny(**family, posterior=posterior, latent_dim=3)
    model = trained(config, scale=4.0)
    ours, theirs = OnnxScorer(model.model()), TorchScorer(model)
    assert ours.latent_dim == theirs.latent_dim == 3
    assert ours.is_log_likelihood is theirs.is_log_likelihood
    rng = np.random.default_rng(0)
    x = rng.random((5, 1, 8, 8), dtype=np.float32)
    a, b = ours.encode(x), theirs.encode(x)
    np.testing.assert_allclose(a.cholesky(), b.cholesky(), atol=1e-5)
    assert (a.lower is None) == (posterior == "diagonal")
    each = a.sample(rng.standard_normal((7, 5, 3)))  # (K, B, D)
    shared = 3 * rng.standard_normal((6, 1, 3))
    for z in (each, shared):
        found, expected = ours.log_likelihood(x, z), theirs.log_likelihood(x, z)
        assert found.shape == (len(z), 5)
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-4)
    # Codes that serve every image are those codes for each.
    np.testing.assert_allclose(
        ours.log_likelihood(x, shared), ours.log_likelihood(x, np.tile(shared, (1, 5, 1))), rtol=2e-5, atol=2e-4
    )
    with torch.inference_mode():  # and one by one, as the likelihood itself is called
        f = model.decode(torch.from_numpy(each[2].astype(np.float32)))
        expected = model.likelihood.log_prob(torch.from_numpy(x), f).numpy()
    np.testing.assert_allclose(ours.log_likelihood(x, each)[2], expected, rtol=2e-5, atol=2e-4)


@pytest.mark.parametrize("family", [{"likelihood": "bernoulli"}, {"likelihood": "continuous-bernoulli"}], ids=named)
def test_densities_and_means_at_every_size_of_log_odds(family: dict[str, str]) -> None:
    """A decoder that hands on its code: f from −90 to 90, through zero and the edge of the series there."""
    values = [0.0, 1e-6, 1e-3, 0.0099, 0.0101, 0.3, 2.0, 15.0, 40.0, 90.0]
    config = tiny(**family, hidden=(), latent_dim=1)
    model = untrained(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.get_parameter("decoder.0.weight").fill_(1.0)
    z = np.array([sign * value for value in values for sign in (1, -1)], np.float32)[:, None]
    x = np.linspace(0, 1, 3 * 64, dtype=np.float32).reshape(3, 1, 8, 8)
    found = OnnxScorer(model.model()).log_likelihood(x, z[:, None])
    np.testing.assert_allclose(found, TorchScorer(model).log_likelihood(x, z[:, None]), rtol=1e-5, atol=2e-3)
    painted = OnnxScorer(model.model()).pictures(z)
    with torch.inference_mode():
        pictures = model.pictures(torch.from_numpy(z)).numpy()
    assert np.abs(painted - pictures * 255).max() <= 0.51
    assert pictures.min() < 0.05
    assert pictures.max() > 0.95


def test_a_sigma_below_a_grey_level_does_not_lose_the_digits() -> None:
    config = tiny(likelihood="gaussian", sigma=0.001)
    model = untrained(config, seeded(0, "weights", 0))
    z = np.zeros((1, 1, 2))
    with torch.inference_mode():
        x = (model.decode(torch.zeros(1, 2)) + 0.001).numpy()  # one σ away, in every pixel
    found = OnnxScorer(model.model()).log_likelihood(x, z)
    assert found[0, 0] == pytest.approx(64 * (-0.5 - np.log(0.001) - 0.5 * np.log(2 * np.pi)), abs=0.01)


@pytest.mark.parametrize("full", [False, True])
def test_q_is_the_posterior_of_torch(full: bool) -> None:
    mu, logvar, lower = noise(4, 3), noise(4, 3, seed=1), noise(4, 3, seed=2)
    square = torch.zeros(4, 3, 3)
    square[:, *np.tril_indices(3, -1)] = lower
    theirs = Posterior(mu, logvar, square if full else None)
    ours = Q(mu.numpy(), logvar.numpy(), lower.numpy() if full else None)
    epsilon = noise(5, 4, 3, seed=3)
    z = theirs.sample(epsilon)
    np.testing.assert_allclose(ours.sample(epsilon.numpy()), z.numpy(), atol=1e-5)
    np.testing.assert_allclose(ours.sample(epsilon[0].numpy()), z[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(ours.log_prob(z.numpy()), theirs.log_prob(z).numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours.log_prob(z[0].numpy()), theirs.log_prob(z[0]).numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours.kl(), theirs.kl().numpy(), rtol=1e-5, atol=1e-5)
    covariance = ours.cholesky() @ ours.cholesky().transpose(0, 2, 1)
    np.testing.assert_allclose(ours.variance(), np.diagonal(covariance, axis1=1, axis2=2))
