"""The networks, as data: lists of layers that both torch (`model.py`) and the page (`export.py`) are built from.

A layer is a JSON object; `linear`, `conv2d` and `conv_transpose2d` name their tensors `<network>.<position>.weight` and
`.bias`, shaped as torch shapes them. No torch here.

- mlp: fully connected, the shape of Kingma & Welling (2014), appendix C.2, with its depth and width free.
- conv: two strided convolutions each way.
- burgess: Burgess et al. (2018), arXiv 1804.03599, appendix A.1: 4×4 kernels, stride 2, 32 channels, down to 4×4,
  then two dense layers of 256.

Pictures whose sides do not fit a convolutional network are centred in zeros on the way in and cut out on the way out,
so that the ELBO is always a sum over the data's own pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vae_core.config import RunConfig
from vae_core.config.errors import ConfigError

Layer = dict[str, Any]
Shape = tuple[int, int, int]

KERNEL, STRIDE, PADDING = 4, 2, 1


@dataclass(frozen=True)
class Network:
    """Both halves: x (C, H, W) -> `encoder` -> (2D), and z (D) -> `decoder` -> (C, H, W)."""

    encoder: list[Layer]
    decoder: list[Layer]


def network(config: RunConfig) -> Network:
    """The layers for this configuration, tensors named."""
    encoder, decoder = _BUILDERS[config.architecture](config)
    return Network(_named("encoder", encoder), _named("decoder", decoder))


def fan_in(layer: Layer) -> int:
    """Inputs that meet in one output unit, as torch counts them for its initial weights."""
    if layer["type"] == "linear":
        return int(layer["in"])
    channels = layer["in"] if layer["type"] == "conv2d" else layer["out"]
    return int(channels * layer["kernel"] ** 2)


def posterior_size(config: RunConfig) -> int:
    """Numbers that describe Q(z|X): μ, log σ² and, for a full covariance, the rows of L below its diagonal."""
    d = config.latent_dim
    return 2 * d + (d * (d - 1) // 2 if config.posterior == "full" else 0)


def _mlp(config: RunConfig) -> tuple[list[Layer], list[Layer]]:
    sizes = [config.pixels, *config.hidden]
    act = {"type": config.activation}
    encoder: list[Layer] = [{"type": "reshape", "shape": [config.pixels]}]
    for a, b in pairwise(sizes):
        encoder += [_linear(a, b), act]
    encoder.append(_linear(sizes[-1], posterior_size(config)))
    decoder: list[Layer] = []
    back = [config.latent_dim, *reversed(config.hidden)]
    for a, b in pairwise(back):
        decoder += [_linear(a, b), act]
    decoder += [_linear(back[-1], config.pixels), {"type": "reshape", "shape": list(config.image_shape)}]
    return encoder, decoder


def _conv(config: RunConfig) -> tuple[list[Layer], list[Layer]]:
    side = 4 * math.ceil(max(config.image_shape[1:]) / 4)
    return _convolutional(config, side, channels=(32, 32), dense=(256,))


def _burgess(config: RunConfig) -> tuple[list[Layer], list[Layer]]:
    largest = max(config.image_shape[1:])
    if largest > 64:
        raise ConfigError(f"architecture='burgess': pictures of {largest} pixels; it takes at most 64, use 'conv'")
    side = 32 if largest <= 32 else 64
    return _convolutional(config, side, channels=(32,) * int(math.log2(side / 4)), dense=(256, 256))


def _convolutional(
    config: RunConfig, side: int, channels: Sequence[int], dense: Sequence[int]
) -> tuple[list[Layer], list[Layer]]:
    colours, height, width = config.image_shape
    small = side // 2 ** len(channels)
    relu: Layer = {"type": "relu"}
    widths = [channels[-1] * small * small, *dense]

    encoder: list[Layer] = []
    for a, b in zip([colours, *channels], channels, strict=False):
        encoder += [_strided("conv2d", a, b), relu]
    encoder.append({"type": "reshape", "shape": [widths[0]]})
    for a, b in pairwise(widths):
        encoder += [_linear(a, b), relu]
    encoder.append(_linear(widths[-1], posterior_size(config)))

    decoder: list[Layer] = []
    back = [config.latent_dim, *reversed(widths)]
    for a, b in pairwise(back):
        decoder += [_linear(a, b), relu]
    decoder.append({"type": "reshape", "shape": [channels[-1], small, small]})
    up = [*reversed(channels), colours]
    for a, b in pairwise(up):
        decoder += [_strided("conv_transpose2d", a, b), relu]
    decoder.pop()

    if (height, width) != (side, side):
        encoder.insert(0, {"type": "pad", "shape": [colours, side, side]})
        decoder.append({"type": "crop", "shape": [colours, height, width]})
    return encoder, decoder


def _linear(inputs: int, outputs: int) -> Layer:
    return {"type": "linear", "in": inputs, "out": outputs}


def _strided(kind: str, inputs: int, outputs: int) -> Layer:
    return {"type": kind, "in": inputs, "out": outputs, "kernel": KERNEL, "stride": STRIDE, "padding": PADDING}


def _named(prefix: str, layers: list[Layer]) -> list[Layer]:
    return [
        {**layer, "weight": f"{prefix}.{i}.weight", "bias": f"{prefix}.{i}.bias"} if "in" in layer else dict(layer)
        for i, layer in enumerate(layers)
    ]


_BUILDERS: dict[str, Callable[[RunConfig], tuple[list[Layer], list[Layer]]]] = {
    "mlp": _mlp,
    "conv": _conv,
    "burgess": _burgess,
}
