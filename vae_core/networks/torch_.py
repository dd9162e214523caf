"""A model in torch: for training, and wherever a gradient is needed. Knows no loss.

Each operator of `graph.OPERATORS` is one function of torch. SiLU, which a graph writes as x · Sigmoid(x), is torch's
own, so that a graph trains as fast as modules by hand, and with the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from vae_core.config.errors import ModelError
from vae_core.networks.graph import Graph, Node, steps
from vae_core.networks.likelihoods import torch_ as likelihoods
from vae_core.networks.model import Design, Model, Origin
from vae_core.networks.posterior.numpy_ import Q
from vae_core.networks.posterior.torch_ import Posterior

Float32 = NDArray[np.float32]

SCORED = 2048
"""Codes that are decoded at a time when they are scored: their pictures stay in the cache."""


class VAE(nn.Module):
    """A design in torch, in float32: its parameters are called as in `Design.tensors`.

    Their values are unset until `load`, or drawn from `generator`. A `sigma` that is given is not trained.
    """

    def __init__(self, design: Design, generator: torch.Generator | None = None, *, sigma: float | None = None) -> None:
        super().__init__()
        self.design = design
        self.latent_dim, self.image_shape = design.latent_dim, design.image_shape
        # Not `encoder` and `decoder`: those are the modules that hold the parameters by their names.
        self.encoding = None if design.encoder is None else Network(self, design.encoder)
        self.decoding = Network(self, design.decoder)
        self.likelihood = likelihoods.build(design, sigma)
        if generator is not None:
            for network in (self.encoding, self.decoding):
                if network is not None:
                    network.draw(generator)

    @staticmethod
    def of(model: Model) -> VAE:
        """The model in torch, in evaluation mode."""
        vae = VAE(model.design)
        vae.load_state_dict(
            {name: torch.from_numpy(np.array(model.tensors[name], np.float32)) for name in model.design.tensors}
        )
        return vae.eval()

    def model(self, origin: Origin | None = None) -> Model:
        """The model as it is now, without torch."""
        tensors = {name: tensor.detach().numpy().copy() for name, tensor in self.state_dict().items()}
        return Model(self.design, tensors, origin or Origin())

    def encode(self, x: Tensor, *given: Tensor) -> Posterior:
        """Q(z|X) for x (B, C, H, W) in [0, 1], and what else the encoder takes."""
        if self.encoding is None:
            raise ModelError("this model has a decoder alone: it cannot encode")
        # Q's parameters stay float32 under autocast: exp(log σ²) in bf16 would carry two digits.
        out = {name: value.float() for name, value in self.encoding(x, *given).items()}
        mu, logvar, d = out["mu"], out["logvar"], self.latent_dim
        if self.design.posterior == "diagonal":
            return Posterior(mu, logvar)
        lower = mu.new_zeros(len(mu), d, d)
        if d > 1:
            row, column = torch.tril_indices(d, d, -1)
            lower[:, row, column] = out["lower"]
        return Posterior(mu, logvar, lower)

    def decode(self, z: Tensor, *given: Tensor) -> Tensor:
        """Parameters f(z; θ) of P(X|z) for z (B, D), and what else the decoder takes: (B, C, H, W)."""
        (f,) = self.decoding(z, *given).values()
        return f.float()

    def pictures(self, z: Tensor) -> Tensor:
        """E[X|z] for z (B, D), clipped to [0, 1] for display: (B, C, H, W)."""
        return self.likelihood.mean(self.decode(z)).clamp(0, 1)

    def start_from_mean(self, mean: Tensor) -> None:
        """Set the output bias so that the untrained decoder paints the data's mean picture (C, H, W)."""
        last = [node for node in self.design.decoder.nodes if node.op in _BIASED and len(node.inputs) == 3][-1]
        target = self.likelihood.initial_output(mean)
        with torch.no_grad():
            # A convolution has one bias a channel, so it gets the channel's mean.
            self.get_parameter(last.inputs[2]).copy_(target.flatten() if last.op == "Gemm" else target.mean((1, 2)))


_BIASED = ("Gemm", "Conv", "ConvTranspose")


class Network:
    """One graph. Its weights are parameters of the module that it is made for, by their names in the graph."""

    def __init__(self, owner: nn.Module, graph: Graph) -> None:
        self.graph = graph
        self.tensors = {name: _placed(owner, name, shape) for name, shape in graph.initializers.items()}
        self._steps: list[tuple[Callable[..., Any], tuple[str, ...], list[nn.Parameter], Node, list[str]]] = []
        order = steps(graph)
        last = {name: n for n, node in enumerate(order) for name in node.inputs}
        for n, node in enumerate(order):
            values = tuple(name for name in node.inputs if name in graph.shapes)
            weights = [self.tensors[name] for name in node.inputs if name in self.tensors]
            done = [name for name in dict.fromkeys(values) if last[name] == n and name not in graph.outputs]
            self._steps.append((_FUNCTIONS[node.op](node), values, weights, node, done))

    def __call__(self, *inputs: Tensor) -> dict[str, Tensor]:
        """Each input (B, …), in the graph's order, to each output by name."""
        values = dict(zip(self.graph.inputs, inputs, strict=True))
        for function, names, weights, node, done in self._steps:
            found = function(*[values[name] for name in names], *weights)
            if len(node.outputs) == 1:
                values[node.outputs[0]] = found
            else:
                values.update(zip(node.outputs, found, strict=True))
            for name in done:  # its memory can be had again
                del values[name]
        return {name: values[name] for name in self.graph.outputs}

    def draw(self, generator: torch.Generator) -> None:
        """torch's default distribution, U(−1/√fan_in, 1/√fan_in), for every tensor in the graph's order."""
        fan_in = {name: _fan_in(node, self.graph) for node in self.graph.nodes for name in node.inputs[1:]}
        with torch.no_grad():
            for name, parameter in self.tensors.items():
                bound = 1 / math.sqrt(fan_in[name])
                parameter.uniform_(-bound, bound, generator=generator)


def _fan_in(node: Node, graph: Graph) -> int:
    """Inputs that meet in one output unit, as torch counts them: of a transposed convolution, its output channels."""
    if node.op not in _BIASED:
        return 1
    weight = graph.initializers[node.inputs[1]]
    if node.op == "Gemm":
        return weight[1] if node.attributes.get("transB", 0) else weight[0]
    return math.prod(weight[1:])


def _placed(owner: nn.Module, name: str, shape: Sequence[int]) -> nn.Parameter:
    """A parameter of unset values at a dotted name, through modules that hold nothing else."""
    *path, last = name.split(".")
    parameter = nn.Parameter(torch.empty(*shape))
    try:
        for part in path:
            if part not in dict(owner.named_children()):
                owner.add_module(part, nn.Module())
            owner = owner.get_submodule(part)
        owner.register_parameter(last, parameter)
    except (KeyError, AttributeError) as error:
        raise ModelError(f"the tensor name {name!r} is none that torch can hold ({error})") from error
    return parameter


# -- each operator as a function of its values, then its weights


Function = Callable[..., Any]


def _of(node: Node, name: str, default: Any = None) -> Any:
    """An attribute, whose type the graph has checked."""
    return node.attributes.get(name, default)


def _gemm(node: Node) -> Function:
    if _of(node, "transB", 0):
        return functional.linear

    def multiply(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return functional.linear(x, weight.t(), bias)

    return multiply


def _conv(node: Node) -> Function:
    strides, (top, left, bottom, right) = _of(node, "strides", (1, 1)), _of(node, "pads", (0, 0, 0, 0))
    even = (top, left) == (bottom, right)

    def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if even:
            return functional.conv2d(x, weight, bias, strides, (top, left))
        return functional.conv2d(functional.pad(x, (left, right, top, bottom)), weight, bias, strides)

    return convolve


def _conv_transpose(node: Node) -> Function:
    strides, (top, left, bottom, right) = _of(node, "strides", (1, 1)), _of(node, "pads", (0, 0, 0, 0))
    extra = _of(node, "output_padding", (0, 0))
    even = (top, left) == (bottom, right)

    def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if even:
            return functional.conv_transpose2d(x, weight, bias, strides, (top, left), extra)
        out = functional.conv_transpose2d(x, weight, bias, strides, 0, extra)
        return out[:, :, top : out.shape[2] - bottom, left : out.shape[3] - right]

    return convolve


def _pad(node: Node) -> Function:
    pads = _of(node, "pads")
    axes = len(pads) // 2
    # torch counts from the last axis back, each with both its sides.
    sides = [side for axis in range(axes - 1, 0, -1) for side in (pads[axis], pads[axes + axis])]

    def pad(x: Tensor) -> Tensor:
        return functional.pad(x, sides)

    return pad


def _slice(node: Node) -> Function:
    windows = zip(_of(node, "axes"), _of(node, "starts"), _of(node, "ends"), strict=True)
    cut = {axis: slice(start, end) for axis, start, end in windows}
    everything = tuple(cut.get(axis, slice(None)) for axis in range(max(cut, default=0) + 1))

    def window(x: Tensor) -> Tensor:
        return x[everything]

    return window


def _split(node: Node) -> Function:
    sizes, axis = list(_of(node, "split")), _of(node, "axis")

    def split(x: Tensor) -> Any:
        return x.split(sizes, axis) if len(sizes) > 1 else x  # one output is no list

    return split


def _reshape(node: Node) -> Function:
    shape = _of(node, "shape")[1:]

    def reshape(x: Tensor) -> Tensor:
        return x.reshape(len(x), *shape)

    return reshape


def _flatten(_node: Node) -> Function:
    def flatten(x: Tensor) -> Tensor:
        return x.flatten(1)

    return flatten


def _concat(node: Node) -> Function:
    axis = _of(node, "axis")

    def concat(*parts: Tensor) -> Tensor:
        return torch.cat(parts, axis)

    return concat


def _always(function: Function) -> Callable[[Node], Function]:
    return lambda _node: function


_FUNCTIONS: Mapping[str, Callable[[Node], Function]] = {
    "Gemm": _gemm,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Relu": _always(functional.relu),
    "Tanh": _always(torch.tanh),
    "Sigmoid": _always(torch.sigmoid),
    "Silu": _always(functional.silu),
    "Mul": _always(torch.mul),
    "Add": _always(torch.add),
    "Concat": _concat,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Pad": _pad,
    "Slice": _slice,
    "Split": _split,
}


# -- scores


def log_likelihood(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    """log P(X|z) in nats for x (B, C, H, W) and codes (K, B, D), or (K, 1, D) that serve every image: (K, B)."""
    count, batch = len(z), len(x)
    f = model.decode(z.flatten(0, 1))
    f = f.view(count, z.shape[1], *f.shape[1:]).expand(count, batch, *f.shape[1:])
    return model.likelihood.log_prob(x.expand(f.shape).flatten(0, 1), f.flatten(0, 1)).view(count, batch)


class TorchScorer:
    """A `scorer.Scorer` around a model, whose weights are read at each call; float32, without gradients."""

    def __init__(self, model: VAE) -> None:
        self.model = model
        self.latent_dim = model.latent_dim
        self.is_log_likelihood = model.design.is_log_likelihood

    def encode(self, x: Float32) -> Q:
        """Q(z|X) for x (B, C, H, W) in [0, 1]."""
        with torch.inference_mode():
            q = self.model.encode(torch.from_numpy(x))
        if q.lower is None:
            return Q(q.mu.numpy(), q.logvar.numpy())
        row, column = np.tril_indices(self.latent_dim, -1)
        return Q(q.mu.numpy(), q.logvar.numpy(), q.lower.numpy()[:, row, column])

    def log_likelihood(self, x: Float32, z: NDArray[Any]) -> Float32:
        """log P(X|z) in nats for x (B, C, H, W) and codes (K, B, D), or (K, 1, D) that serve every image: (K, B)."""
        images, codes = torch.from_numpy(x), torch.from_numpy(z.astype(np.float32))
        score = _bernoulli if isinstance(self.model.likelihood, likelihoods.Bernoulli) else log_likelihood
        with torch.inference_mode():
            parts = [score(self.model, images, part) for part in codes.split(max(1, SCORED // z.shape[1]))]
            return torch.cat(parts).numpy()


def _bernoulli(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    """`log_likelihood` of a Bernoulli; codes that serve every image are scored by one product of matrices."""
    # reshape, not view: what a network has cut out of larger pictures does not lie in one piece
    f = model.decode(z.flatten(0, 1)).reshape(len(z), z.shape[1], -1)
    pixels = x.flatten(1)
    inner = f[:, 0] @ pixels.T if f.shape[1] == 1 else torch.linalg.vecdot(f, pixels.expand_as(f))
    return inner - likelihoods.log_partition(f)
