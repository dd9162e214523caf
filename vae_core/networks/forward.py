"""Either network run in numpy, for pages that paint a few pictures and must not wait for torch.

The layers are those of `architecture.py`, the densities those of `densities.py`; `tests/networks/test_forward.py` holds
every one of them to torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core.config import RunConfig
from vae_core.networks import builders
from vae_core.networks.architecture import Layer, network
from vae_core.networks.likelihoods import numpy_ as densities
from vae_core.networks.model import Model
from vae_core.networks.posterior.numpy_ import Q

Arrays = dict[str, NDArray[Any]]
Float = NDArray[np.float32]

ROWS = 1024
"""Codes that are decoded at a time when they are scored: their pictures stay in the processor's cache."""


def decode(config: RunConfig, weights: Arrays, z: NDArray[Any]) -> NDArray[np.uint8]:
    """Mean pictures E[X|z] of codes (N, D), as bytes: (N, C, H, W) uint8."""
    f = apply(network(config).decoder, weights, z.astype(np.float32))
    return (densities.MEANS[config.likelihood](f).clip(0, 1) * 255).round().astype(np.uint8)


def encode(config: RunConfig, weights: Arrays, x: NDArray[np.uint8]) -> tuple[Float, Float]:
    """μ and log σ² of Q(z|X) for images (N, C, H, W) uint8: (N, D) each; `NumpyScorer` knows its covariances too."""
    out = apply(network(config).encoder, weights, x.astype(np.float32) / np.float32(255))
    return out[:, : config.latent_dim], out[:, config.latent_dim : 2 * config.latent_dim]


class NumpyScorer:
    """Q(z|X) and log P(X|z) of a trained model, in float32: a `bounds.Scorer` without torch."""

    def __init__(self, config: RunConfig, weights: Arrays) -> None:
        self.latent_dim = config.latent_dim
        self.is_log_likelihood = config.is_log_likelihood
        self._layers = network(config)
        self._weights = {name: np.asarray(array, np.float32) for name, array in weights.items()}
        self._full = config.posterior == "full"
        self._log_prob = densities.log_prob(Model(builders.design(config), self._weights))

    def encode(self, x: Float) -> Q:
        """Q(z|X) for x (B, C, H, W) in [0, 1]."""
        out, d = apply(self._layers.encoder, self._weights, x), self.latent_dim
        return Q(out[:, :d], out[:, d : 2 * d], out[:, 2 * d :] if self._full else None)

    def log_likelihood(self, x: Float, z: NDArray[Any]) -> Float:
        """log P(X|z) in nats for x (B, C, H, W) and codes (K, B, D), or (K, 1, D) that serve every image: (K, B)."""
        flat = x.reshape(len(x), -1)  # (B, P)
        out = np.empty((len(z), len(x)), np.float32)
        step = max(1, ROWS // z.shape[1])
        for start in range(0, len(z), step):
            codes = z[start : start + step].astype(np.float32)
            f = apply(self._layers.decoder, self._weights, codes.reshape(-1, self.latent_dim))
            out[start : start + step] = self._log_prob(flat, f.reshape(*codes.shape[:2], -1))
        return out


def apply(layers: Sequence[Layer], weights: Arrays, x: Float) -> Float:
    """The layers in order, on a batch (N, …)."""
    for layer in layers:
        x = _apply(layer, weights, x)
    return x


def _apply(layer: Layer, weights: Arrays, x: Float) -> Float:
    kind = layer["type"]
    if "in" in layer:
        weight = weights[layer["weight"]].astype(np.float32, copy=False)
        bias = weights[layer["bias"]].astype(np.float32, copy=False)
        if kind == "linear":
            return x @ weight.T + bias
        convolve = _conv2d if kind == "conv2d" else _conv_transpose2d
        return convolve(x, weight, layer["stride"], layer["padding"]) + bias[:, None, None]
    if kind == "reshape":
        return x.reshape(len(x), *layer["shape"])
    if kind == "pad":
        down, across = layer["shape"][1] - x.shape[2], layer["shape"][2] - x.shape[3]
        sides = ((0, 0), (0, 0), (down // 2, down - down // 2), (across // 2, across - across // 2))
        return np.pad(x, sides)
    if kind == "crop":
        height, width = layer["shape"][1:]
        top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
        return x[:, :, top : top + height, left : left + width]
    return _ACTIVATIONS[kind](x)


def _conv2d(x: Float, weight: Float, stride: int, padding: int) -> Float:
    """x (N, I, H, W), weight (O, I, K, K): a sum over the K² positions of the kernel."""
    kernel = weight.shape[2]
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    height, width = ((side - kernel) // stride + 1 for side in x.shape[2:])
    out = np.zeros((len(x), weight.shape[0], height, width), np.float32)
    for i in range(kernel):
        for j in range(kernel):
            seen = x[:, :, i : i + stride * height : stride, j : j + stride * width : stride]
            out += np.einsum("nihw,oi->nohw", seen, weight[:, :, i, j], optimize=True)
    return out


def _conv_transpose2d(x: Float, weight: Float, stride: int, padding: int) -> Float:
    """x (N, I, H, W), weight (I, O, K, K): each input paints a kernel, then `padding` is cut off."""
    n, _, height, width = x.shape
    kernel = weight.shape[2]
    shape = (stride * (height - 1) + kernel, stride * (width - 1) + kernel)
    out = np.zeros((n, weight.shape[1], *shape), np.float32)
    for i in range(kernel):
        for j in range(kernel):
            painted = np.einsum("nihw,io->nohw", x, weight[:, :, i, j], optimize=True)
            out[:, :, i : i + stride * height : stride, j : j + stride * width : stride] += painted
    return out[:, :, padding : shape[0] - padding, padding : shape[1] - padding]


_ACTIVATIONS: dict[str, Callable[[Float], Float]] = {
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x * densities.sigmoid(x),
    "tanh": lambda x: np.tanh(x),
}
