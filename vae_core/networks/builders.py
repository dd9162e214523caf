"""From a configuration to the design of its model: the networks that can be trained here, as graphs.

Tensors are called `<network>.<position>.weight` and `.bias`, where the position counts the layers, activations and
changes of shape too.

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
from itertools import pairwise

from vae_core.config import PER_PIXEL, RunConfig
from vae_core.config.errors import ConfigError
from vae_core.networks import likelihoods, posterior
from vae_core.networks.graph import OPERATORS, Attributes, Graph, Node, Shape
from vae_core.networks.model import Design

KERNEL, STRIDE, PADDING = 4, 2, 1


def design(config: RunConfig) -> Design:
    """What this configuration trains. Raises `ConfigError` where its network cannot take its pictures."""
    encoder, decoder = _NETWORKS[config.architecture](config)
    return Design(
        decoder=decoder.graph("f"),
        encoder=encoder.graph(*posterior.outputs(config.posterior, config.latent_dim)),
        likelihood=config.likelihood,
        sigma_shape=(config.image_shape if config.sigma == PER_PIXEL else ())
        if likelihoods.has_sigma(config.likelihood)
        else None,
        posterior=config.posterior,
        is_log_likelihood=config.is_log_likelihood,
    )


class Chain:
    """A network without branches, layer by layer; each layer counts in the names of tensors."""

    def __init__(self, network: str, value: str, shape: Shape) -> None:
        self._network, self._value, self._position = network, value, 0
        self._inputs = {value: shape}
        self._nodes: list[Node] = []
        self._initializers: dict[str, Shape] = {}

    def linear(self, inputs: int, outputs: int) -> None:
        """x·Wᵀ + b."""
        self._layer("Gemm", {"transB": 1}, (outputs, inputs), outputs)

    def conv(self, inputs: int, outputs: int) -> None:
        """A strided convolution."""
        self._layer("Conv", _WINDOW, (outputs, inputs, KERNEL, KERNEL), outputs)

    def conv_transpose(self, inputs: int, outputs: int) -> None:
        """Its transpose: each input paints a kernel."""
        self._layer("ConvTranspose", _WINDOW, (inputs, outputs, KERNEL, KERNEL), outputs)

    def activation(self, kind: str) -> None:
        """One of `config.ACTIVATIONS`."""
        if kind == "silu":
            gate = f"{self._network}.{self._position}.gate"
            self._nodes.append(Node("Sigmoid", (self._value,), (gate,)))
            self._add("Mul", self._value, gate)
        else:
            self._add(_NAMED[kind], self._value)

    def reshape(self, *shape: int) -> None:
        """The same numbers, batch by batch."""
        self._add("Reshape", self._value, attributes={"shape": (0, *shape)})

    def pad(self, height: int, width: int, to: int) -> None:
        """Centre in zeros, to × to; an odd pixel goes to the bottom and the right."""
        top, left = (to - height) // 2, (to - width) // 2
        pads = (0, 0, top, left, 0, 0, to - height - top, to - width - left)
        self._add("Pad", self._value, attributes={"pads": pads})

    def crop(self, height: int, width: int, of: int) -> None:
        """The inverse of `pad`."""
        top, left = (of - height) // 2, (of - width) // 2
        window: Attributes = {"axes": (2, 3), "starts": (top, left), "ends": (top + height, left + width)}
        self._add("Slice", self._value, attributes=window)

    def graph(self, *names: str) -> Graph:
        """The graph, its outputs so named; several are parts of the last value, one beside the other."""
        return Graph(self._inputs, tuple(self._nodes), names, self._initializers)

    def split(self, sizes: dict[str, int]) -> None:
        """Parts of the last value, by name."""
        parts: Attributes = {"axis": 1, "split": tuple(sizes.values())}
        self._nodes.append(Node("Split", (self._value,), tuple(sizes), parts))

    def call(self, name: str) -> None:
        """Name the last value."""
        last = self._nodes[-1]
        self._nodes[-1] = Node(last.op, last.inputs, (name,), last.attributes)
        self._value = name

    def _layer(self, op: str, attributes: Attributes, weight: Shape, outputs: int) -> None:
        names = [f"{self._network}.{self._position}.{part}" for part in ("weight", "bias")]
        self._initializers |= {names[0]: weight, names[1]: (outputs,)}
        self._add(op, self._value, *names, attributes=attributes)

    def _add(self, op: str, *inputs: str, attributes: Attributes | None = None) -> None:
        self._value = f"{self._network}.{self._position}"
        self._nodes.append(Node(op, inputs, (self._value,), attributes or {}))
        self._position += 1


_NAMED = {op.lower(): op for op in OPERATORS}
"""An activation is called as its operator, in small letters."""

_WINDOW: Attributes = {
    "kernel_shape": (KERNEL, KERNEL),
    "strides": (STRIDE, STRIDE),
    "pads": (PADDING, PADDING, PADDING, PADDING),
}


def _start(config: RunConfig) -> tuple[Chain, Chain]:
    return Chain("encoder", "x", config.image_shape), Chain("decoder", "z", (config.latent_dim,))


def _parts(config: RunConfig) -> dict[str, int]:
    return posterior.outputs(config.posterior, config.latent_dim)


def _mlp(config: RunConfig) -> tuple[Chain, Chain]:
    encoder, decoder = _start(config)
    sizes = [config.pixels, *config.hidden]
    encoder.reshape(config.pixels)
    for a, b in pairwise(sizes):
        encoder.linear(a, b)
        encoder.activation(config.activation)
    encoder.linear(sizes[-1], sum(_parts(config).values()))
    encoder.split(_parts(config))
    back = [config.latent_dim, *reversed(config.hidden)]
    for a, b in pairwise(back):
        decoder.linear(a, b)
        decoder.activation(config.activation)
    decoder.linear(back[-1], config.pixels)
    decoder.reshape(*config.image_shape)
    decoder.call("f")
    return encoder, decoder


def _conv(config: RunConfig) -> tuple[Chain, Chain]:
    side = 4 * math.ceil(max(config.image_shape[1:]) / 4)
    return _convolutional(config, side, channels=(32, 32), dense=(256,))


def _burgess(config: RunConfig) -> tuple[Chain, Chain]:
    largest = max(config.image_shape[1:])
    if largest > 64:
        raise ConfigError(f"architecture='burgess': pictures of {largest} pixels; it takes at most 64, use 'conv'")
    side = 32 if largest <= 32 else 64
    return _convolutional(config, side, channels=(32,) * int(math.log2(side / 4)), dense=(256, 256))


def _convolutional(config: RunConfig, side: int, channels: Sequence[int], dense: Sequence[int]) -> tuple[Chain, Chain]:
    encoder, decoder = _start(config)
    colours, height, width = config.image_shape
    small = side // 2 ** len(channels)
    widths = [channels[-1] * small * small, *dense]
    fits = (height, width) == (side, side)

    if not fits:
        encoder.pad(height, width, side)
    for a, b in zip([colours, *channels], channels, strict=False):
        encoder.conv(a, b)
        encoder.activation("relu")
    encoder.reshape(widths[0])
    for a, b in pairwise(widths):
        encoder.linear(a, b)
        encoder.activation("relu")
    encoder.linear(widths[-1], sum(_parts(config).values()))
    encoder.split(_parts(config))

    back = [config.latent_dim, *reversed(widths)]
    for a, b in pairwise(back):
        decoder.linear(a, b)
        decoder.activation("relu")
    decoder.reshape(channels[-1], small, small)
    up = [*reversed(channels), colours]
    for n, (a, b) in enumerate(pairwise(up)):
        if n:
            decoder.activation("relu")
        decoder.conv_transpose(a, b)
    if not fits:
        decoder.crop(height, width, side)
    decoder.call("f")
    return encoder, decoder


_NETWORKS: dict[str, Callable[[RunConfig], tuple[Chain, Chain]]] = {"mlp": _mlp, "conv": _conv, "burgess": _burgess}
