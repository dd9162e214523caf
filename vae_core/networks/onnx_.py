"""A model in ONNX, run by onnxruntime: what a server computes with, without torch. numpy in and out.

Nothing of ONNX is imported before the first network is run: it takes a quarter of a second, which no first picture
waits for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vae_core.config.errors import ModelError
from vae_core.data import to_bytes, to_unit
from vae_core.networks.graph import Graph, Node, Shape
from vae_core.networks.likelihoods import numpy_ as likelihoods
from vae_core.networks.model import Model
from vae_core.networks.posterior.numpy_ import Q

if TYPE_CHECKING:
    import onnx

Float32 = NDArray[np.float32]

OPSET, IR_VERSION = 17, 8
"""Of what is written: read by every onnxruntime since 1.12, of 2022."""
INPUTS = 1024
"""Inputs that go through at a time: their values stay in the processor's cache, and bound the memory."""
THREADS = max(1, min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))
"""Of one network; more gain nothing on batches this small."""

_CONSTANTS = {"Reshape": ("shape",), "Pad": ("pads",), "Slice": ("starts", "ends", "axes"), "Split": ("split",)}
"""Attributes that are inputs of this opset, in its order."""


def proto(graph: Graph, tensors: Mapping[str, NDArray[Any]], name: str = "network") -> onnx.ModelProto:
    """The graph with its weights as an ONNX model: float32, the batch free and called N."""
    from onnx import TensorProto, helper, numpy_helper

    constants: list[Any] = []

    def written(node: Node) -> Any:
        inputs = list(node.inputs)
        attributes: dict[str, Any] = dict(node.attributes)
        for key in _CONSTANTS.get(node.op, ()):
            constant = f"{node.outputs[0]}:{key}"
            constants.append(numpy_helper.from_array(np.array(attributes.pop(key), np.int64), constant))
            inputs.append(constant)
        return helper.make_node(node.op, inputs, list(node.outputs), **attributes)

    def value(name: str, shape: Shape) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])

    nodes = [written(node) for node in graph.nodes]
    weights = [
        numpy_helper.from_array(np.ascontiguousarray(tensors[name], np.float32), name) for name in graph.initializers
    ]
    described = helper.make_graph(
        nodes,
        name,
        [value(name, shape) for name, shape in graph.inputs.items()],
        [value(name, graph.shapes[name]) for name in graph.outputs],
        [*weights, *constants],
    )
    return helper.make_model(
        described,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="Elbo Room",
    )


class Network:
    """One graph with its weights; made ready at the first call."""

    def __init__(self, graph: Graph, tensors: Mapping[str, NDArray[Any]]) -> None:
        self.graph = graph
        self._tensors = {name: tensors[name] for name in graph.initializers}

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that wait by spinning take the cores from everybody else on the server.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_cpu_mem_arena = False  # else the memory of the largest batch stays for ever
        text = proto(self.graph, self._tensors).SerializeToString()
        return onnxruntime.InferenceSession(text, options, providers=["CPUExecutionProvider"])

    def __call__(self, *inputs: NDArray[Any]) -> dict[str, Float32]:
        """Each input (N, …), in the graph's order, to each output by name; whatever N is."""
        count = len(inputs[0])
        named = {
            name: np.ascontiguousarray(array, np.float32) for name, array in zip(self.graph.inputs, inputs, strict=True)
        }
        for name, array in named.items():
            if array.shape != (count, *self.graph.inputs[name]):
                raise ModelError(f"{name} of shape {list(array.shape)}: this network takes [N, "
                                 f"{', '.join(map(str, self.graph.inputs[name]))}]")  # fmt: skip
        out = {name: np.empty((count, *self.graph.shapes[name]), np.float32) for name in self.graph.outputs}
        for start in range(0, count, INPUTS):
            part = slice(start, start + INPUTS)
            found = self._session.run(list(out), {name: array[part] for name, array in named.items()})
            for name, values in zip(out, found, strict=True):
                out[name][part] = values
        return out


class OnnxScorer:
    """A `scorer.Scorer` that needs no torch; its pictures too."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.latent_dim = model.latent_dim
        self.is_log_likelihood = model.is_log_likelihood
        encoder = model.design.encoder
        self._encoder = None if encoder is None else Network(encoder, model.tensors)
        self._decoder = Network(model.design.decoder, model.tensors)

    def encode(self, x: Float32) -> Q:
        """Q(z|X) for x (B, C, H, W) in [0, 1]."""
        if self._encoder is None:
            raise ModelError("this model has a decoder alone: it cannot encode")
        out = self._encoder(x)
        full = self.model.design.posterior == "full"
        return Q(out["mu"], out["logvar"], out.get("lower", np.zeros((len(x), 0), np.float32)) if full else None)

    def encode_bytes(self, x: NDArray[np.uint8]) -> Q:
        """Q(z|X) for images (B, C, H, W) uint8."""
        return self.encode(to_unit(x))

    def decode(self, z: NDArray[Any]) -> Float32:
        """Parameters f(z; θ) of P(X|z) for codes (N, D): (N, C, H, W)."""
        (f,) = self._decoder(z).values()
        return f

    def means(self, z: NDArray[Any]) -> Float32:
        """E[X|z] of codes (N, D), clipped to [0, 1] for display: (N, C, H, W)."""
        return likelihoods.MEANS[self.model.design.likelihood](self.decode(z)).clip(0, 1)

    def pictures(self, z: NDArray[Any]) -> NDArray[np.uint8]:
        """`means` as bytes: (N, C, H, W) uint8."""
        return to_bytes(self.means(z))

    @cached_property
    def _log_prob(self) -> likelihoods.LogProb:
        return likelihoods.log_prob(self.model)

    def log_likelihood(self, x: Float32, z: NDArray[Any]) -> Float32:
        """log P(X|z) in nats for x (B, C, H, W) and codes (K, B, D), or (K, 1, D) that serve every image: (K, B)."""
        flat = x.reshape(len(x), -1)  # (B, P)
        out = np.empty((len(z), len(x)), np.float32)
        step = max(1, INPUTS // z.shape[1])
        for start in range(0, len(z), step):
            codes = z[start : start + step]
            f = self.decode(codes.reshape(-1, self.latent_dim))
            out[start : start + step] = self._log_prob(flat, f.reshape(*codes.shape[:2], -1))
        return out
