"""The network in the page (`app/components/frontend/net/engine.js`) against torch, in a real browser.

Layer by layer on small networks of every shape, and whole on the architectures as the page is sent them.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser
from safetensors.torch import save
from torch.nn import functional as F

from tests.browser.fixtures import page_of_modules
from vae_core.config import ACTIVATIONS, PER_PIXEL, POSTERIORS, RunConfig
from vae_core.data import load_split
from vae_core.networks.evaluate import to_unit
from vae_core.networks.likelihoods.torch_ import ContinuousBernoulli
from vae_core.store.export import model_blob
from vae_core.training.loop import untrained

pytestmark = pytest.mark.browser

Layer = dict[str, Any]


def linear(i: int, o: int) -> Layer:
    return {"type": "linear", "in": i, "out": o}


def conv(i: int, o: int, *, transposed: bool = False, kernel: int = 4, stride: int = 2, padding: int = 1) -> Layer:
    kind = "conv_transpose2d" if transposed else "conv2d"
    return {"type": kind, "in": i, "out": o, "kernel": kernel, "stride": stride, "padding": padding}


def moves(kind: str, *shape: int) -> Layer:
    return {"type": kind, "shape": list(shape)}


RELU: Layer = {"type": "relu"}
TANH: Layer = {"type": "tanh"}
SILU: Layer = {"type": "silu"}
SIGMA = 0.3
"""Of the Gaussian, where the output is real-valued."""
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


def up(i: int, o: int) -> Layer:
    return conv(i, o, transposed=True)


# name -> (D, image shape, output, decoder, encoder)
NETWORKS: dict[str, tuple[int, list[int], str, list[Layer], list[Layer]]] = {
    "relu mlp": (
        10,
        [1, 28, 28],
        "sigmoid",
        [linear(10, 64), RELU, linear(64, 400), RELU, linear(400, 784), moves("reshape", 1, 28, 28)],
        [moves("reshape", 784), linear(784, 400), RELU, linear(400, 20)],
    ),
    "tanh mlp, real-valued output": (
        2,
        [1, 28, 28],
        "identity",
        [linear(2, 200), TANH, linear(200, 784), moves("reshape", 1, 28, 28)],
        [TANH, moves("reshape", 784), linear(784, 200), TANH, linear(200, 4)],
    ),
    "silu mlp": (
        3,
        [1, 8, 8],
        "sigmoid",
        [linear(3, 50), SILU, linear(50, 64), moves("reshape", 1, 8, 8)],
        [moves("reshape", 64), linear(64, 50), SILU, linear(50, 6)],
    ),
    "conv 32x32, colour": (
        10,
        [3, 32, 32],
        "sigmoid",
        [
            linear(10, 256),
            RELU,
            linear(256, 512),
            RELU,
            moves("reshape", 32, 4, 4),
            up(32, 32),
            RELU,
            up(32, 32),
            RELU,
            up(32, 3),
        ],
        [
            conv(3, 32),
            RELU,
            conv(32, 32),
            RELU,
            conv(32, 32),
            RELU,
            moves("reshape", 512),
            linear(512, 256),
            RELU,
            linear(256, 20),
        ],
    ),
    "conv around 28x28, padded and cropped": (
        4,
        [1, 28, 28],
        "sigmoid",
        [
            linear(4, 128),
            RELU,
            moves("reshape", 8, 4, 4),
            up(8, 6),
            RELU,
            up(6, 5),
            TANH,
            up(5, 1),
            moves("crop", 1, 28, 28),
        ],
        [moves("pad", 1, 32, 32), conv(1, 5), RELU, conv(5, 6), TANH, moves("reshape", 384), linear(384, 8)],
    ),
    "odd kernels, strides and margins": (
        3,
        [2, 9, 7],
        "identity",
        [
            linear(3, 30),
            moves("reshape", 2, 5, 3),
            conv(2, 4, kernel=3, stride=1),
            TANH,
            conv(4, 2, transposed=True, kernel=3, stride=2, padding=0),
            moves("crop", 2, 10, 6),
            moves("pad", 2, 10, 9),
            moves("crop", 2, 9, 7),
        ],
        [
            moves("pad", 2, 12, 10),
            conv(2, 3, kernel=5, stride=3, padding=0),
            RELU,
            conv(3, 1, kernel=1, stride=1, padding=0),
            moves("reshape", 6),
            linear(6, 6),
        ],
    ),
}


def weigh(layers: list[Layer], prefix: str, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Random tensors for `layers`, whose names are written into them; scaled so that values stay near 1."""
    tensors = {}
    for n, layer in enumerate(layers):
        if "in" not in layer:
            continue
        i, o, k = layer["in"], layer["out"], layer.get("kernel")
        shape = {"linear": (o, i), "conv2d": (o, i, k, k), "conv_transpose2d": (i, o, k, k)}[layer["type"]]
        layer["weight"], layer["bias"] = f"{prefix}.{n}.weight", f"{prefix}.{n}.bias"
        fan = i * (k or 1) ** 2 / (layer.get("stride", 1) ** 2 if layer["type"] == "conv_transpose2d" else 1)
        tensors[layer["weight"]] = torch.randn(shape, generator=generator) * math.sqrt(2 / fan)
        tensors[layer["bias"]] = torch.randn(o, generator=generator) * 0.1
    return tensors


def centred(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """`x` (C, h, w) centred in (C, height, width), by torch's own padding: negative where it crops."""
    rows, columns = height - x.shape[1], width - x.shape[2]
    top, left = int(rows / 2), int(columns / 2)
    return F.pad(x, (left, columns - left, top, rows - top))


def torch_forward(layers: list[Layer], tensors: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    for layer in layers:
        kind = layer["type"]
        if kind in ACTIVATIONS:
            x = getattr(F, kind)(x)
        elif kind == "reshape":
            x = x.reshape(layer["shape"])
        elif kind in ("pad", "crop"):
            x = centred(x, *layer["shape"][1:])
        elif kind == "linear":
            x = F.linear(x, tensors[layer["weight"]], tensors[layer["bias"]])
        else:
            function = F.conv2d if kind == "conv2d" else F.conv_transpose2d
            weight, bias = tensors[layer["weight"]], tensors[layer["bias"]]
            x = function(x[None], weight, bias, stride=layer["stride"], padding=layer["padding"])[0]
    return x


IN_PAGE = """
async ({ blob, zs, xs }) => {
  const { parseSafetensors } = await import("/net/safetensors.js");
  const { compile } = await import("/net/engine.js");
  const { gaussianKL } = await import("/net/likelihoods.js");
  const bytes = Uint8Array.from(atob(blob), (c) => c.charCodeAt(0));
  const { metadata, tensors } = parseSafetensors(bytes);
  try {
    const net = compile(JSON.parse(metadata.manifest), tensors);
    const batch = [...net.decodeBatch(Float32Array.from(zs.flat()))];
    const pictures = zs.map((z) => [...net.decode(Float32Array.from(z))]);
    const parameters = zs.map((z) => [...net.parameters(Float32Array.from(z))]);
    const codes = (net.encode ? xs : []).map((x) => {
      const { mu, logvar, lower } = net.encode(Float32Array.from(x));
      return { mu: [...mu], logvar: [...logvar], lower: lower && [...lower], kl: gaussianKL(mu, logvar, lower) };
    });
    const nats = zs.map((z, n) => net.distortion(Float32Array.from(z), xs[n]));
    return { batch, pictures, parameters, codes, nats, isLogLikelihood: net.isLogLikelihood };
  } catch (error) {
    return { error: error.message };
  }
}
"""


@pytest.fixture(scope="module")
def in_page(chromium: Browser) -> Iterator[Any]:
    page = page_of_modules(chromium)

    def run(blob: bytes, zs: Any = (), xs: Any = ()) -> Any:
        return page.evaluate(IN_PAGE, {"blob": base64.b64encode(blob).decode(), "zs": zs, "xs": xs})

    yield run
    page.close()


def packed(manifest: dict[str, Any], tensors: dict[str, torch.Tensor]) -> bytes:
    return save(tensors, {"id": "parity", "manifest": json.dumps(manifest)})


def manifest_of(name: str, generator: torch.Generator) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    latent_dim, shape, output, decoder, encoder = json.loads(json.dumps(NETWORKS[name]))
    tensors = weigh(decoder, "decoder", generator) | weigh(encoder, "encoder", generator)
    manifest = {"format": 1, "run_id": "parity", "latent_dim": latent_dim, "image_shape": shape, "sigma": SIGMA}
    return manifest | {"output": output, "decoder": decoder, "encoder": encoder}, tensors


@pytest.mark.parametrize("name", NETWORKS)
def test_page_computes_what_torch_computes(name: str, in_page: Any) -> None:
    generator = torch.Generator().manual_seed(7)
    manifest, tensors = manifest_of(name, generator)
    d, shape = manifest["latent_dim"], manifest["image_shape"]
    zs = torch.randn(4, d, generator=generator)  # (N, D)
    xs = torch.rand(4, *shape, generator=generator)  # (N, C, H, W)
    result = in_page(packed(manifest, tensors), zs.tolist(), xs.flatten(1).tolist())

    f = torch.stack([torch_forward(manifest["decoder"], tensors, z).flatten() for z in zs])
    mean = torch.sigmoid(f) if manifest["output"] == "sigmoid" else f.clamp(0, 1)
    assert mean.std() > 0.05  # pictures that are all alike would prove nothing
    torch.testing.assert_close(torch.tensor(result["parameters"]), f, **CLOSE)
    torch.testing.assert_close(torch.tensor(result["pictures"]), mean, **CLOSE)
    torch.testing.assert_close(torch.tensor(result["batch"]).view_as(mean), mean, **CLOSE)

    codes = torch.stack([torch_forward(manifest["encoder"], tensors, x) for x in xs])
    mu, logvar = codes[:, :d], codes[:, d:]
    torch.testing.assert_close(torch.tensor([code["mu"] for code in result["codes"]]), mu, **CLOSE)
    torch.testing.assert_close(torch.tensor([code["logvar"] for code in result["codes"]]), logvar, **CLOSE)
    prior = torch.distributions.Normal(0.0, 1.0)
    kl = torch.distributions.kl_divergence(torch.distributions.Normal(mu, (logvar / 2).exp()), prior).sum(1)
    torch.testing.assert_close(torch.tensor([code["kl"] for code in result["codes"]]), kl, rtol=1e-4, atol=1e-3)
    if manifest["output"] == "sigmoid":
        nats = F.binary_cross_entropy_with_logits(f, xs.flatten(1), reduction="none").sum(1)
    else:
        nats = -torch.distributions.Normal(f, SIGMA).log_prob(xs.flatten(1)).sum(1)
    torch.testing.assert_close(torch.tensor(result["nats"]), nats, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("dataset", ["mnist", "digits"])
@pytest.mark.parametrize("architecture", ["mlp", "conv", "burgess"])
def test_page_computes_what_the_model_computes(architecture: str, dataset: str, likelihood: str, in_page: Any) -> None:
    agree(RunConfig(dataset=dataset, architecture=architecture, latent_dim=5, likelihood=likelihood), in_page)


@pytest.mark.parametrize("posterior", POSTERIORS)
@pytest.mark.parametrize(
    "family",
    [
        {"likelihood": "bernoulli"},
        {"likelihood": "bernoulli", "binarize": "static"},
        {"likelihood": "continuous-bernoulli"},
        {"likelihood": "gaussian", "sigma": 0.2},
        {"likelihood": "gaussian"},
        {"likelihood": "gaussian", "sigma": PER_PIXEL},
    ],
    ids=lambda family: "-".join(map(str, family.values())),
)
def test_every_likelihood_with_every_posterior(family: dict[str, Any], posterior: str, in_page: Any) -> None:
    agree(RunConfig(dataset="digits", hidden=(20,), latent_dim=4, posterior=posterior, **family), in_page)


def agree(config: RunConfig, in_page: Any) -> None:
    """Every figure of the page for this configuration against the model's."""
    generator = torch.Generator().manual_seed(11)
    model = untrained(config, generator)
    with torch.inference_mode():
        for parameter in model.parameters():
            parameter.mul_(2.0)  # fresh weights paint grey; these paint something
        if config.sigma == PER_PIXEL:  # the smallest are below what the density allows
            model.likelihood.log_sigma.copy_(torch.linspace(-6, 1, config.pixels).view(config.image_shape))
        zs = torch.randn(4, config.latent_dim, generator=generator)  # (N, D)
        grey = load_split(config.dataset, "test").x[:4].copy()
        xs = to_unit(torch.from_numpy(grey)).view(4, *config.image_shape)
        f, q, mean = model.decode(zs), model.encode(xs), model.pictures(zs)
        nats, kl = -model.likelihood.log_prob(xs, f), q.kl().sum(1)
    assert mean.std() > 0.05
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    result = in_page(model_blob(config, weights), zs.tolist(), xs.flatten(1).tolist())

    torch.testing.assert_close(torch.tensor(result["parameters"]), f.flatten(1), **CLOSE)
    torch.testing.assert_close(torch.tensor(result["pictures"]), mean.flatten(1), **CLOSE)
    torch.testing.assert_close(torch.tensor(result["batch"]).view_as(mean), mean, **CLOSE)
    torch.testing.assert_close(torch.tensor([code["mu"] for code in result["codes"]]), q.mu, **CLOSE)
    torch.testing.assert_close(torch.tensor([code["logvar"] for code in result["codes"]]), q.logvar, **CLOSE)
    torch.testing.assert_close(torch.tensor([code["kl"] for code in result["codes"]]), kl, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(torch.tensor(result["nats"]), nats, rtol=1e-4, atol=1e-3)
    assert result["isLogLikelihood"] == model.design.is_log_likelihood
    if q.lower is None:
        assert result["codes"][0]["lower"] is None
    else:
        row, column = torch.tril_indices(config.latent_dim, config.latent_dim, -1)
        lower = torch.tensor([code["lower"] for code in result["codes"]])
        torch.testing.assert_close(lower, q.lower[:, row, column], **CLOSE)
        assert lower.abs().max() > 0.05


def test_a_continuous_bernoulli_at_every_size_of_log_odds(in_page: Any) -> None:
    """A decoder that hands on its code: f from −90 to 90, through zero and the edge of the series there."""
    manifest: dict[str, Any] = {
        "format": 1,
        "latent_dim": 1,
        "image_shape": [1, 1, 1],
        "output": "continuous-bernoulli",
        "encoder": [],
        "decoder": [linear(1, 1) | {"weight": "w", "bias": "b"}, moves("reshape", 1, 1, 1)],
    }
    sizes = [0.0, 1e-6, 1e-3, 0.0099, 0.0101, 0.3, 2.0, 15.0, 40.0, 90.0]
    f = torch.tensor([[sign * size] for size in sizes for sign in (1, -1)])
    xs = torch.linspace(0, 1, len(f))[:, None]
    result = in_page(packed(manifest, {"w": torch.ones(1, 1), "b": torch.zeros(1)}), f.tolist(), xs.tolist())
    likelihood = ContinuousBernoulli()
    torch.testing.assert_close(torch.tensor(result["pictures"]), likelihood.mean(f.double()).float())
    expected = -likelihood.log_prob(xs.double().view(-1, 1, 1, 1), f.double().view(-1, 1, 1, 1)).float()
    torch.testing.assert_close(torch.tensor(result["nats"]), expected, rtol=1e-5, atol=1e-5)


def test_what_the_page_does_not_know_is_one_sentence(in_page: Any) -> None:
    manifest, tensors = manifest_of("relu mlp", torch.Generator().manual_seed(1))
    assert in_page(packed(manifest | {"output": "poisson"}, tensors))["error"] == (
        'the page does not know the output "poisson"'
    )
    assert in_page(packed(manifest | {"posterior": "full"}, tensors))["error"] == (
        "the encoder gives [20]; μ, log σ² and the covariances of 10 dimensions need 65"
    )
    assert in_page(packed(manifest | {"output": "identity", "sigma": [0.1, 0.2]}, tensors))["error"] == (
        "the model gives σ of 2 pixels; a picture has 784"
    )


def test_shapes_that_do_not_fit_are_one_sentence(in_page: Any) -> None:
    manifest, tensors = manifest_of("relu mlp", torch.Generator().manual_seed(1))
    narrow = tensors | {"decoder.2.weight": torch.zeros(400, 63)}
    error = in_page(packed(manifest, narrow))["error"]
    assert error == "tensor decoder.2.weight has shape [400,63]; its layer needs [400,64]"
    assert (
        in_page(packed(manifest | {"latent_dim": 3}, tensors))["error"]
        == "a linear layer of 10 inputs came after 3 values"
    )
    assert in_page(packed(manifest | {"image_shape": [1, 32, 32]}, tensors))["error"] == (
        "the decoder gives [1,28,28]; a picture is [1,32,32]"
    )
