"""Either network run in numpy, for pages that paint a few pictures and must not wait for torch.

The layers are those of `architecture.py`; `tests/test_forward.py` holds every one of them to torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core.architecture import Layer, network
from vae_core.config import RunConfig
from vae_core.files import Arrays

Float = NDArray[np.float32]


def decode(config: RunConfig, weights: Arrays, z: NDArray[Any]) -> NDArray[np.uint8]:
    """Mean pictures E[X|z] of codes (N, D), as bytes: (N, C, H, W) uint8."""
    f = apply(network(config).decoder, weights, z.astype(np.float32))
    mean = _sigmoid(f) if config.likelihood == "bernoulli" else f
    return (mean.clip(0, 1) * 255).round().astype(np.uint8)


def encode(config: RunConfig, weights: Arrays, x: NDArray[np.uint8]) -> tuple[Float, Float]:
    """μ and log σ² of Q(z|X) for images (N, C, H, W) uint8: (N, D) each."""
    out = apply(network(config).encoder, weights, x.astype(np.float32) / np.float32(255))
    return out[:, : config.latent_dim], out[:, config.latent_dim :]


def apply(layers: Sequence[Layer], weights: Arrays, x: Float) -> Float:
    """The layers in order, on a batch (N, …)."""
    for layer in layers:
        x = _apply(layer, weights, x)
    return x


def _apply(layer: Layer, weights: Arrays, x: Float) -> Float:
    kind = layer["type"]
    if "in" in layer:
        weight = weights[layer["weight"]].astype(np.float32)
        bias = weights[layer["bias"]].astype(np.float32)
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
    return {"relu": lambda: np.maximum(x, 0), "silu": lambda: x * _sigmoid(x), "tanh": lambda: np.tanh(x)}[kind]()


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


def _sigmoid(x: Float) -> Float:
    half = np.float32(0.5)
    return half * (1 + np.tanh(half * x))  # does not overflow
