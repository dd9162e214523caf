from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.conftest import tiny
from vae_core import forward
from vae_core.config import ACTIVATIONS, ARCHITECTURES, DATASETS, RunConfig
from vae_core.model import VAE
from vae_core.training import seeded


def arrays(module: nn.Module) -> dict[str, np.ndarray]:
    return {n: t.numpy() for n, t in module.state_dict().items()}


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


CONFIGS = [
    *(RunConfig(dataset=d, architecture=a, likelihood=p, latent_dim=3)
      for d in DATASETS for a in ARCHITECTURES for p in ("bernoulli", "gaussian")),
    *(tiny(activation=a, hidden=(7, 5, 3)) for a in ACTIVATIONS),
]  # fmt: skip


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.run_id}-{c.activation}")
def test_both_networks_are_those_of_torch(config: RunConfig) -> None:
    model = VAE(config, seeded(0, "weights", 0))
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (3, *config.image_shape)).astype(np.uint8)
    z = rng.normal(size=(4, config.latent_dim)) * 2
    with torch.inference_mode():
        q = model.encode(torch.from_numpy(x).float() / 255)
        f = model.decode(torch.from_numpy(z).float())
        pictures = model.pictures(torch.from_numpy(z).float()).numpy()
    mu, logvar = forward.encode(config, arrays(model), x)
    np.testing.assert_allclose(mu, q.mu.numpy(), atol=2e-5)
    np.testing.assert_allclose(logvar, q.logvar.numpy(), atol=2e-5)
    from vae_core.architecture import network

    np.testing.assert_allclose(
        forward.apply(network(config).decoder, arrays(model), z.astype(np.float32)), f.numpy(), atol=2e-5
    )
    painted = forward.decode(config, arrays(model), z)
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
    layer = {"in": 3, "out": 4, "kernel": kernel, "stride": stride, "padding": padding, "weight": "w", "bias": "b"}
    own = {"w": weight.numpy(), "b": bias.numpy()}
    expected = functional.conv2d(x, weight, bias, stride, padding)
    found = forward.apply([{"type": "conv2d", **layer}], own, x.numpy())
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)

    own["w"] = weight.transpose(0, 1).contiguous().numpy()
    expected = functional.conv_transpose2d(x, weight.transpose(0, 1), bias, stride, padding)
    found = forward.apply([{"type": "conv_transpose2d", **layer}], own, x.numpy())
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)


@pytest.mark.parametrize("kind", ["relu", "silu", "tanh"])
def test_activations_also_where_an_exponential_would_overflow(kind: str) -> None:
    x = torch.tensor([[-200.0, -20.0, -1.0, 0.0, 1e-3, 1.0, 20.0, 200.0]])
    expected = {"relu": functional.relu, "silu": functional.silu, "tanh": torch.tanh}[kind](x)
    np.testing.assert_allclose(forward.apply([{"type": kind}], {}, x.numpy()), expected.numpy(), atol=1e-5)


def test_padding_puts_the_odd_pixel_at_the_bottom_and_the_right() -> None:
    x = np.ones((1, 1, 1, 2), np.float32)
    padded = forward.apply([{"type": "pad", "shape": [1, 4, 5]}], {}, x)
    assert padded[0, 0].tolist() == [[0, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(forward.apply([{"type": "crop", "shape": [1, 1, 2]}], {}, padded), x)


def test_half_precision_weights_of_a_moment_are_computed_in_single() -> None:
    model = VAE(tiny(), seeded(0, "weights", 0))
    half = {n: a.astype(np.float16) for n, a in arrays(model).items()}
    z = np.zeros((1, 2), np.float32)
    np.testing.assert_allclose(
        forward.decode(tiny(), half, z).astype(int), forward.decode(tiny(), arrays(model), z).astype(int), atol=1
    )


def test_no_pictures_are_no_pictures() -> None:
    own = arrays(VAE(tiny(), seeded(0, "weights", 0)))
    assert forward.decode(tiny(), own, np.zeros((0, 2))).shape == (0, 1, 8, 8)
