"""One graph, three readers: torch, onnxruntime and the page's engine compute the same, to 1e-5 of what comes out.

On graphs that nobody chose (odd sizes, strides, uneven pads, residual branches, a second input, values read twice), and
on every model that ships.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.networks.readers import Arrays, Page, by_onnx, by_torch, page  # noqa: F401
from vae_core import data
from vae_core.networks import onnx_, torch_
from vae_core.networks.graph import OPERATORS, Graph, Node, Shape
from vae_core.networks.likelihoods.torch_ import ContinuousBernoulli
from vae_core.networks.model import Design, Model
from vae_core.store import Store, models

CLOSE = 1e-5
BATCH = 3


class Drawn:
    """A graph that grows by operators which fit what is there."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw
        self.nodes: list[Node] = []
        self.initializers: dict[str, Shape] = {}
        picture = self.integer(0, 2)
        self.inputs: dict[str, Shape] = {"x": self._picture() if picture else (self.integer(1, 9),)}
        if self.integer(0, 1):
            self.inputs["y"] = (self.integer(1, 4),)
        self.values: dict[str, Shape] = dict(self.inputs)

    def integer(self, low: int, high: int) -> int:
        return int(self._draw(st.integers(low, high)))

    def one_of(self, choices: list[Any]) -> Any:
        return self._draw(st.sampled_from(choices))

    def _picture(self) -> Shape:
        return (self.integer(1, 3), self.integer(1, 7), self.integer(1, 7))

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """A node with its outputs; their shapes are worked out by a graph of all so far."""
        names = tuple(f"v{len(self.values) + n}" for n in range(outputs))
        node = Node(op, inputs, names, attributes)
        known = Graph(self.inputs, (*self.nodes, node), names, self.initializers)
        self.nodes.append(node)
        self.values |= {name: known.shapes[name] for name in names}
        return names[0]

    def weight(self, shape: Shape, *, bias: int) -> list[str]:
        """Names of a new weight and, sometimes, its bias."""
        name = f"w{len(self.initializers)}"
        self.initializers[name] = shape
        if not self.integer(0, 3):
            return [name]
        self.initializers[f"{name}b"] = (bias,)
        return [name, f"{name}b"]

    def grow(self) -> None:
        """One operator more, on a value that is there."""
        name = self.one_of(list(self.values))
        shape = self.values[name]
        grown: list[Callable[[str, Shape], None]]
        grown = [self._activation, self._silu, self._concat, self._split, self._slice, self._pad, self._pair]
        if len(shape) == 3:
            grown += [self._conv, self._conv_transpose, self._residual, self._flatten] * 2
        else:
            grown += [self._gemm, self._gemm, self._reshape] * 2
        self.one_of(grown)(name, shape)

    def _activation(self, name: str, shape: Shape) -> None:
        plain = [op for op, known in OPERATORS.items() if known == OPERATORS["Relu"]]
        self.add(self.one_of(plain), name)

    def _silu(self, name: str, shape: Shape) -> None:
        gate = self.add("Sigmoid", name)
        self.add("Mul", *self.one_of([(name, gate), (gate, name)]))

    def _pair(self, name: str, shape: Shape) -> None:
        other = self.one_of([n for n, s in self.values.items() if s == shape])
        self.add(self.one_of(["Add", "Mul"]), name, other)

    def _concat(self, name: str, shape: Shape) -> None:
        axis = self.integer(1, len(shape))
        fit = [n for n, s in self.values.items() if len(s) == len(shape) and s[: axis - 1] == shape[: axis - 1]
               and s[axis:] == shape[axis:]]  # fmt: skip
        self.add("Concat", name, self.one_of(fit), axis=axis)

    def _split(self, name: str, shape: Shape) -> None:
        axis = self.integer(1, len(shape))
        first = self.integer(1, shape[axis - 1])
        sizes = (first, shape[axis - 1] - first) if first < shape[axis - 1] else (first,)
        self.add("Split", name, outputs=len(sizes), axis=axis, split=sizes)

    def _slice(self, name: str, shape: Shape) -> None:
        axes = tuple(range(1, len(shape) + 1))
        starts = tuple(self.integer(0, size - 1) for size in shape)
        ends = tuple(self.integer(start + 1, size) for start, size in zip(starts, shape, strict=True))
        self.add("Slice", name, axes=axes, starts=starts, ends=ends)

    def _pad(self, name: str, shape: Shape) -> None:
        sides = [self.integer(0, 2) for _ in range(2 * len(shape))]
        self.add("Pad", name, pads=(0, *sides[: len(shape)], 0, *sides[len(shape) :]))

    def _flatten(self, name: str, shape: Shape) -> None:
        self.add("Flatten", name)

    def _reshape(self, name: str, shape: Shape) -> None:
        c = self.one_of([n for n in range(1, 5) if shape[0] % n == 0])
        h = self.one_of([n for n in range(1, 8) if (shape[0] // c) % n == 0])
        self.add("Reshape", name, shape=(0, c, h, shape[0] // c // h))

    def _gemm(self, name: str, shape: Shape) -> None:
        across, width = self.integer(0, 1), self.integer(1, 8)
        weights = self.weight((width, shape[0]) if across else (shape[0], width), bias=width)
        self.add("Gemm", name, *weights, **({"transB": 1} if across else {}))

    def _geometry(self, shape: Shape) -> tuple[list[int], list[int], tuple[int, int]]:
        pads = [self.integer(0, 2) for _ in range(4)]
        kernel = [self.integer(1, min(4, shape[n + 1] + pads[n] + pads[n + 2])) for n in range(2)]
        return pads, kernel, (self.integer(1, 3), self.integer(1, 3))

    def _conv(self, name: str, shape: Shape) -> None:
        pads, kernel, strides = self._geometry(shape)
        width = self.integer(1, 4)
        weights = self.weight((width, shape[0], *kernel), bias=width)
        self.add("Conv", name, *weights, kernel_shape=tuple(kernel), strides=strides, pads=tuple(pads))

    def _conv_transpose(self, name: str, shape: Shape) -> None:
        if max(shape[1:]) > 12:
            return
        pads, kernel, strides = self._geometry(shape)
        extra = tuple(self.integer(0, stride - 1) for stride in strides)
        for n in range(2):  # what is cut off leaves something
            left = (shape[n + 1] - 1) * strides[n] + kernel[n] + extra[n] - 1
            pads[n] = min(pads[n], left)
            pads[n + 2] = min(pads[n + 2], left - pads[n])
        width = self.integer(1, 4)
        weights = self.weight((shape[0], width, *kernel), bias=width)
        self.add("ConvTranspose", name, *weights, kernel_shape=tuple(kernel), strides=strides, pads=tuple(pads),
                 output_padding=extra)  # fmt: skip

    def _residual(self, name: str, shape: Shape) -> None:
        weights = self.weight((shape[0], shape[0], 3, 3), bias=shape[0])
        branch = self.add("Relu", self.add("Conv", name, *weights, kernel_shape=(3, 3), pads=(1, 1, 1, 1)))
        self.add("Add", name, branch)


@st.composite
def graphs(draw: Callable[[Any], Any]) -> Graph:
    """Three to ten operators; the last value comes out, and perhaps one in between."""
    drawn = Drawn(draw)
    for _ in range(drawn.integer(3, 10)):
        drawn.grow()
    if not drawn.nodes:
        drawn.add("Tanh", "x")
    made = [name for node in drawn.nodes for name in node.outputs]
    outputs = tuple(dict.fromkeys([made[-1], drawn.one_of(made)]))
    return Graph(drawn.inputs, tuple(drawn.nodes), outputs, drawn.initializers)


def numbers(graph: Graph, seed: int) -> tuple[Arrays, list[np.ndarray]]:
    """Weights that keep values near 1, and inputs (BATCH, …)."""
    rng = np.random.default_rng(seed)
    tensors: Arrays = {
        name: rng.normal(0, 1 / np.sqrt(max(1.0, np.prod(shape) / max(shape[:2]))), shape).astype(np.float32)
        for name, shape in graph.initializers.items()
    }
    return tensors, [rng.normal(0, 1, (BATCH, *shape)).astype(np.float32) for shape in graph.inputs.values()]


def agree(graph: Graph, seed: int, page: Page) -> None:  # noqa: F811
    tensors, inputs = numbers(graph, seed)
    onnx.checker.check_model(onnx_.proto(graph, tensors), full_check=True)
    ours = by_torch(graph, tensors, *inputs)
    others = {"onnxruntime": by_onnx(graph, tensors, *inputs), "page": page.graph(graph, tensors, *inputs)}
    for reader, found in others.items():
        assert list(found) == list(ours) == list(graph.outputs)
        for name, expected in ours.items():
            assert expected.shape == found[name].shape == (BATCH, *graph.shapes[name])
            size = max(1.0, float(np.abs(expected).max()))
            assert np.abs(found[name] - expected).max() <= CLOSE * size, (reader, name, graph.to_json())


def generated(examples: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


@generated(120)
@given(graph=graphs(), seed=st.integers(0, 2**32 - 1))
def test_every_reader_computes_the_same(graph: Graph, seed: int, page: Page) -> None:  # noqa: F811
    agree(graph, seed, page)


@pytest.mark.slow_proof
@generated(3000)
@given(graph=graphs(), seed=st.integers(0, 2**32 - 1))
def test_every_reader_computes_the_same_on_thousands(graph: Graph, seed: int, page: Page) -> None:  # noqa: F811
    agree(graph, seed, page)


@generated(60)
@given(graph=graphs())
def test_a_graph_survives_its_text(graph: Graph) -> None:
    again = Graph.from_json(graph.to_json())
    assert again == graph
    assert again.to_json() == graph.to_json()


def test_the_generated_graphs_are_not_all_alike() -> None:
    """What they hold, or the tests above would prove less than they say."""
    seen: dict[str, int] = {}
    two, twice = 0, 0

    @generated(120)
    @given(graph=graphs())
    def count(graph: Graph) -> None:
        nonlocal two, twice
        for node in graph.nodes:
            seen[node.op] = seen.get(node.op, 0) + 1
        two += len(graph.inputs) == 2 and any("y" in node.inputs for node in graph.nodes)
        twice += any(n > 1 and name in graph.shapes for name, n in graph.uses().items())

    count()
    assert seen.keys() == OPERATORS.keys()
    assert min(seen.values()) >= 5, seen
    assert two >= 5
    assert twice >= 20


SHIPPED = sorted(Store().run_ids())


@pytest.mark.parametrize("run_id", SHIPPED)
def test_every_model_that_ships_is_one_model_to_all_readers(run_id: str, page: Page) -> None:  # noqa: F811
    model = models.load(Store(), run_id)
    x = data.test_images(model.origin.dataset or "", model.origin.binarize).x[:8].astype(np.float32) / np.float32(255)
    z = np.random.default_rng(0).standard_normal((8, model.latent_dim)).astype(np.float32)
    vae, onnx_scorer = torch_.VAE.of(model), onnx_.OnnxScorer(model)
    with torch.inference_mode():
        f = vae.decode(torch.from_numpy(z)).flatten(1).numpy()
    ours, seen = torch_.TorchScorer(vae), page.model(model, z, x)
    q, other = ours.encode(x), onnx_scorer.encode(x)
    for found, expected in (
        (onnx_scorer.decode(z).reshape(len(z), -1), f),
        (seen["parameters"], f),
        (other.mu, q.mu),
        (other.logvar, q.logvar),
        (seen["mu"], q.mu),
        (seen["logvar"], q.logvar),
    ):
        assert np.abs(found - expected).max() <= CLOSE * max(1.0, float(np.abs(expected).max()))
    if q.lower is not None:
        for found in (other.lower, seen["lower"]):
            assert found is not None
            assert np.abs(found - q.lower).max() <= CLOSE * max(1.0, float(np.abs(q.lower).max()))
    nats = -ours.log_likelihood(x, z[:, None])[np.arange(8), np.arange(8)]
    np.testing.assert_allclose(seen["nats"], nats, rtol=CLOSE)
    np.testing.assert_allclose(-onnx_scorer.log_likelihood(x, z[None])[0], nats, rtol=CLOSE)
    np.testing.assert_allclose(seen["kl"], q.kl().sum(1), rtol=1e-4)


def test_a_continuous_bernoulli_at_every_size_of_log_odds(page: Page) -> None:  # noqa: F811
    """A decoder that hands on its code: f from −90 to 90, through zero and the edge of the series there."""
    decoder = Graph({"z": (1,)}, (Node("Reshape", ("z",), ("f",), {"shape": (0, 1, 1, 1)}),), ("f",), {})
    encoder = Graph(
        {"x": (1, 1, 1)},
        (Node("Flatten", ("x",), ("mu",)), Node("Tanh", ("mu",), ("logvar",))),
        ("mu", "logvar"),
        {},
    )
    design = Design(
        decoder=decoder,
        encoder=encoder,
        likelihood="continuous-bernoulli",
        sigma_shape=None,
        posterior="diagonal",
        is_log_likelihood=True,
    )
    sizes = [0.0, 1e-6, 1e-3, 0.0099, 0.0101, 0.3, 2.0, 15.0, 40.0, 90.0]
    z = np.array([[sign * size] for size in sizes for sign in (1, -1)], np.float32)
    x = np.linspace(0, 1, len(z), dtype=np.float32).reshape(-1, 1, 1, 1)
    seen = page.model(Model(design, {}), z, x)
    f, likelihood = torch.from_numpy(z).double().view(-1, 1, 1, 1), ContinuousBernoulli()
    np.testing.assert_allclose(seen["pictures"].ravel(), likelihood.mean(f).numpy().ravel(), rtol=1e-5, atol=1e-7)
    expected = -likelihood.log_prob(torch.from_numpy(x).double(), f).numpy()
    np.testing.assert_allclose(seen["nats"], expected, rtol=1e-5, atol=1e-5)
