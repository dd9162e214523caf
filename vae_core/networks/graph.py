"""A network as a graph in ONNX's words: nodes in order, each with its operator, inputs, outputs and attributes.

Operators and attributes are named and meant as in ONNX (https://onnx.ai/onnx/operators), the batch N is axis 0 of every
value. What newer versions of ONNX take as a constant input (`shape` of Reshape, `pads` of Pad, `starts`, `ends`, `axes`
of Slice, `split` of Split) is an attribute here, as it was in the first ones: the shapes of a graph are known.

A graph is checked when it is made, and every value's shape worked out: what a reader is given fits together. The
readers lie side by side: `torch_` (training), `onnx_` (onnxruntime, without torch) and `page_` (the page's engine). No
numbers here: weights are named and shaped, their values travel beside the graph.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

from vae_core.config.errors import ModelError

Shape = tuple[int, ...]
"""Without the batch: (D,) or (C, H, W)."""
Attributes = Mapping[str, int | tuple[int, ...]]

MOST_NODES = 2000
MOST_VALUES = 2**24
"""Numbers of one value for one image, and of one tensor of weights."""
LONGEST_NAME = 300


@dataclass(frozen=True)
class Node:
    """One operator: names in, names out."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Attributes = field(default_factory=dict[str, "int | tuple[int, ...]"])

    def __str__(self) -> str:
        return f"{self.op} {self.outputs[0]!r}" if self.outputs else self.op


@dataclass(frozen=True)
class Graph:
    """Nodes in order from `inputs` to `outputs`. Raises `ModelError` where they do not fit together."""

    inputs: Mapping[str, Shape]
    """Name -> shape of what is put in, in order."""
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    """Names of what comes out, in order."""
    initializers: Mapping[str, Shape]
    """Name -> shape of each tensor of weights, in the order in which it is first used."""
    shapes: Mapping[str, Shape] = field(init=False, compare=False, repr=False)
    """Name -> shape of every value: inputs, and what each node puts out."""

    def __post_init__(self) -> None:
        """Check every node and work out the shapes."""
        object.__setattr__(self, "shapes", MappingProxyType(_infer(self)))

    def uses(self) -> Counter[str]:
        """How many nodes read each value; being an output of the graph counts too."""
        return Counter([name for node in self.nodes for name in node.inputs] + list(self.outputs))

    # -- JSON

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it; every shape of an input or output begins with the free batch, "N"."""
        return {
            "inputs": [_value(name, shape) for name, shape in self.inputs.items()],
            "outputs": [_value(name, self.shapes[name]) for name in self.outputs],
            "initializers": [{"name": name, "shape": list(shape)} for name, shape in self.initializers.items()],
            "nodes": [
                {
                    "op": node.op,
                    "inputs": list(node.inputs),
                    "outputs": list(node.outputs),
                    "attributes": {
                        key: list(value) if isinstance(value, tuple) else value
                        for key, value in sorted(node.attributes.items())
                    },
                }
                for node in self.nodes
            ],
        }

    def to_json(self) -> str:
        """Canonical: equal graphs give equal text."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_dict(described: object) -> Graph:
        """Inverse of `to_dict`. Raises `ModelError` for whatever is not a graph."""
        try:
            given = cast("dict[str, Any]", described)
            graph = Graph(
                inputs={_name(v["name"]): _free(v["shape"]) for v in given["inputs"]},
                nodes=tuple(_node(v) for v in given["nodes"]),
                outputs=tuple(_name(v["name"]) for v in given["outputs"]),
                initializers={_name(v["name"]): _sizes(v["shape"]) for v in given["initializers"]},
            )
            declared = [_free(v["shape"]) for v in given["outputs"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"not a graph: {type(error).__name__} {error}; it needs inputs, nodes, outputs, "
                             "initializers as `Graph.to_dict` writes them") from error  # fmt: skip
        for name, shape in zip(graph.outputs, declared, strict=True):
            if graph.shapes[name] != shape:
                raise ModelError(f"output {name!r} is declared as {list(shape)}; its node gives {_said(graph, name)}")
        return graph

    @staticmethod
    def from_json(text: str) -> Graph:
        """Inverse of `to_json`. Raises `ModelError`."""
        try:
            return Graph.from_dict(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise ModelError(f"not a graph: the text is not JSON ({error})") from error


def steps(graph: Graph) -> list[Node]:
    """The nodes in order, with x · Sigmoid(x) joined to one "Silu" where nothing else reads that Sigmoid."""
    uses, made = graph.uses(), {node.outputs[0]: node for node in graph.nodes if node.op == "Sigmoid"}
    joined: dict[str, Node] = {}
    for node in graph.nodes:
        for value, gate in (node.inputs, node.inputs[::-1]) if node.op == "Mul" else ():
            if gate in made and made[gate].inputs == (value,) and uses[gate] == 1:
                joined[gate] = Node("Silu", (value,), node.outputs)
    kept = [node for node in graph.nodes if node.outputs[0] not in joined]
    return [joined.get(next((n for n in node.inputs if n in joined), ""), node) for node in kept]


def _value(name: str, shape: Shape) -> dict[str, Any]:
    return {"name": name, "shape": ["N", *shape]}


def _said(graph: Graph, name: str) -> list[int]:
    return list(graph.shapes[name])


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a name is {value!r}")
    return value


def _sizes(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or any(type(size) is not int for size in cast("list[object]", value)):
        raise TypeError(f"{value!r} is no list of whole numbers")
    return tuple(cast("list[int]", value))


def _free(value: object) -> Shape:
    """A shape behind its free batch."""
    if not isinstance(value, list) or not value or cast("list[object]", value)[0] != "N":
        raise TypeError(f'the shape {value!r} does not begin with the batch, "N"')
    return _sizes(cast("list[object]", value)[1:])


def _node(value: dict[str, Any]) -> Node:
    attributes: dict[str, int | tuple[int, ...]] = {
        _name(key): given if type(given) is int else _sizes(given)
        for key, given in dict(value.get("attributes", {})).items()
    }
    inputs, outputs = (tuple(_name(name) for name in value[part]) for part in ("inputs", "outputs"))
    return Node(_name(value["op"]), inputs, outputs, attributes)


# -- what each operator makes of shapes


class _Misfit(Exception):
    """What is wrong with a node, without its name."""


def _infer(graph: Graph) -> dict[str, Shape]:
    """Every value's shape. Raises `ModelError` at the first node that does not fit."""
    if not graph.inputs or not graph.outputs or len(graph.nodes) > MOST_NODES:
        raise ModelError(
            f"a graph with {len(graph.inputs)} inputs, {len(graph.outputs)} outputs and {len(graph.nodes)} nodes: "
            f"it needs one of each at least, and at most {MOST_NODES} nodes"
        )
    shapes: dict[str, Shape] = {}
    for name, shape in [*graph.inputs.items(), *graph.initializers.items()]:
        if not 0 < len(name) <= LONGEST_NAME or not shape or min(shape) < 1 or math.prod(shape) > MOST_VALUES:
            raise ModelError(f"{name[:40]!r} of shape {list(shape)}: sizes are 1 or more, {MOST_VALUES} together")
    shapes.update(graph.inputs)
    for node in graph.nodes:
        try:
            for name, shape in zip(node.outputs, _shapes_of(graph, node, shapes), strict=True):
                if name in shapes or name in graph.initializers or not 0 < len(name) <= LONGEST_NAME:
                    raise _Misfit(f"the name {name[:40]!r} is taken, empty or too long")
                if min(shape) < 1 or math.prod(shape) > MOST_VALUES:
                    raise _Misfit(f"it would give {list(shape)}; sizes are 1 or more, {MOST_VALUES} together")
                shapes[name] = shape
        except _Misfit as misfit:
            raise ModelError(f"{node}: {misfit}") from None
    for name in graph.outputs:
        if name not in shapes:
            raise ModelError(f"the output {name!r} is made by no node")
    return shapes


def _shapes_of(graph: Graph, node: Node, shapes: Mapping[str, Shape]) -> list[Shape]:
    if node.op not in OPERATORS:
        raise _Misfit(f"this operator is not known; those that are: {', '.join(OPERATORS)}")
    known = OPERATORS[node.op]
    if unknown := sorted(set(node.attributes) - known.attributes):
        raise _Misfit(f"it has no attribute {unknown[0]!r}; it has {', '.join(sorted(known.attributes)) or 'none'}")
    values, weights = node.inputs, ()
    if known.weights:
        values, weights = node.inputs[:1], node.inputs[1:]
        if len(weights) not in known.weights:
            raise _Misfit(f"{len(node.inputs)} inputs came; it takes a value, its weight and perhaps a bias")
    least, most = known.values
    if not least <= len(values) <= most:
        raise _Misfit(f"{len(values)} inputs came; it takes {least}" + (" or more" if most > least else ""))
    for name in values:
        if name not in shapes:
            raise _Misfit(f"its input {name!r} is no value that is known by then")
    for name in weights:
        if name not in graph.initializers:
            raise _Misfit(f"its weight {name!r} is not among the initializers")
    found = known.shapes(_Given(node, [shapes[n] for n in values], [graph.initializers[n] for n in weights]))
    if len(found) != len(node.outputs):
        raise _Misfit(f"{len(node.outputs)} outputs are named; it gives {len(found)}")
    return found


@dataclass(frozen=True)
class _Given:
    """What a node's shapes follow from."""

    node: Node
    values: list[Shape]
    weights: list[Shape]

    def integer(self, name: str, default: int) -> int:
        value = self.node.attributes.get(name, default)
        if not isinstance(value, int):
            raise _Misfit(f"{name} is {list(value)}; it is one whole number")
        return value

    def integers(self, name: str, default: tuple[int, ...] | None, count: int | None = None) -> tuple[int, ...]:
        value = self.node.attributes.get(name, default)
        if not isinstance(value, tuple):
            raise _Misfit(f"{name} is {value}; it is a list of whole numbers, and has to be given")
        if count is not None and len(value) != count:
            raise _Misfit(f"{name} is {list(value)}; it has {count} numbers")
        return value

    def axis(self, name: str = "axis", default: int | None = None) -> int:
        """The axis, counted with the batch as 0, which is none of ours: 1 or more."""
        return self.checked_axis(self.integer(name, 0 if default is None else default))

    def checked_axis(self, axis: int) -> int:
        if not 1 <= axis <= len(self.values[0]):
            raise _Misfit(f"axis {axis} of {self.said()}; give one from 1 to {len(self.values[0])}")
        return axis

    def said(self) -> str:
        return " and ".join(f"[N, {', '.join(map(str, shape))}]" for shape in self.values)


def _gemm(given: _Given) -> list[Shape]:
    (x,), (weight, *bias) = given.values, given.weights
    if given.integer("transB", 0) not in (0, 1):
        raise _Misfit("transB is 0 or 1")
    if len(x) != 1 or len(weight) != 2:
        raise _Misfit(f"a value of {given.said()} and a weight of {list(weight)}; it takes [N, in] and two axes")
    outputs, inputs = weight if given.integer("transB", 0) else weight[::-1]
    if x[0] != inputs or (bias and bias[0] != (outputs,)):
        raise _Misfit(f"{given.said()} does not fit a weight of {list(weight)} and a bias of {list(*bias)}")
    return [(outputs,)]


def _geometry(given: _Given, inputs_axis: int) -> tuple[Shape, tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Checked: x (C, H, W), kernel (2), strides (2), pads (top, left, bottom, right)."""
    (x,), (weight, *bias) = given.values, given.weights
    if len(x) != 3 or len(weight) != 4:
        raise _Misfit(f"a value of {given.said()} and a weight of {list(weight)}; it takes [N, C, H, W] and four axes")
    kernel = given.integers("kernel_shape", weight[2:], 2)
    strides, pads = given.integers("strides", (1, 1), 2), given.integers("pads", (0, 0, 0, 0), 4)
    if given.integers("dilations", (1, 1), 2) != (1, 1) or given.integer("group", 1) != 1:
        raise _Misfit("dilations and groups other than 1 are not read here")
    if kernel != weight[2:]:
        raise _Misfit(f"kernel_shape is {list(kernel)}; its weight has {list(weight[2:])}")
    if min(strides) < 1 or min(pads) < 0 or max(*strides, *pads) > 4096:
        raise _Misfit(f"strides {list(strides)} and pads {list(pads)}: strides from 1, pads from 0, to 4096")
    outputs = weight[1 - inputs_axis]
    if x[0] != weight[inputs_axis] or (bias and bias[0] != (outputs,)):
        raise _Misfit(f"{given.said()} does not fit a weight of {list(weight)} and a bias of {list(*bias)}")
    return x, kernel, strides, pads


def _conv(given: _Given) -> list[Shape]:
    x, kernel, strides, pads = _geometry(given, 1)
    sides = [
        (size + pads[n] + pads[n + 2] - kernel[n]) // strides[n] + 1 if size + pads[n] + pads[n + 2] >= kernel[n] else 0
        for n, size in enumerate(x[1:])
    ]
    return [(given.weights[0][0], *sides)]


def _conv_transpose(given: _Given) -> list[Shape]:
    x, kernel, strides, pads = _geometry(given, 0)
    extra = given.integers("output_padding", (0, 0), 2)
    if any(not 0 <= more < stride for more, stride in zip(extra, strides, strict=True)):
        raise _Misfit(f"output_padding is {list(extra)}; it is below the strides {list(strides)}")
    sides = [(size - 1) * strides[n] + kernel[n] + extra[n] - pads[n] - pads[n + 2] for n, size in enumerate(x[1:])]
    return [(given.weights[0][1], *sides)]


def _same(given: _Given) -> list[Shape]:
    if len(set(given.values)) > 1:
        raise _Misfit(f"{given.said()} differ; their shapes must be equal")
    return [given.values[0]]


def _concat(given: _Given) -> list[Shape]:
    axis, first = given.axis(), given.values[0]
    rest = {(*shape[: axis - 1], 0, *shape[axis:]) for shape in given.values if len(shape) == len(first)}
    if len(rest) > 1 or any(len(shape) != len(first) for shape in given.values):
        raise _Misfit(f"{given.said()} differ beside axis {axis}")
    return [(*first[: axis - 1], sum(shape[axis - 1] for shape in given.values), *first[axis:])]


def _reshape(given: _Given) -> list[Shape]:
    shape = given.integers("shape", None)
    if len(shape) < 2 or shape[0] != 0 or min(shape[1:]) < 1 or math.prod(shape[1:]) != math.prod(given.values[0]):
        raise _Misfit(f"shape {list(shape)} of {given.said()}: it begins with 0, the batch, and keeps the rest")
    return [shape[1:]]


def _flatten(given: _Given) -> list[Shape]:
    if given.integer("axis", 1) != 1:
        raise _Misfit("axis is 1: the batch stays")
    return [(math.prod(given.values[0]),)]


def _pad(given: _Given) -> list[Shape]:
    axes = len(given.values[0]) + 1
    pads = given.integers("pads", None, 2 * axes)
    if pads[0] or pads[axes] or min(pads) < 0 or max(pads) > 4096:
        raise _Misfit(f"pads {list(pads)}: zeros are put around, from 0 to 4096, and not around the batch")
    return [tuple(size + pads[n] + pads[axes + n] for n, size in enumerate(given.values[0], 1))]


def _slice(given: _Given) -> list[Shape]:
    starts, ends = given.integers("starts", None), given.integers("ends", None)
    axes = given.integers("axes", None)
    if not len(starts) == len(ends) == len(axes) == len(set(axes)):
        raise _Misfit(f"starts {list(starts)}, ends {list(ends)} and axes {list(axes)} do not go together")
    shape = list(given.values[0])
    for axis, start, end in zip(axes, starts, ends, strict=True):
        size = shape[given.checked_axis(axis) - 1]
        if not 0 <= start < end <= size:
            raise _Misfit(f"{start} to {end} of an axis of {size}: give 0 ≤ start < end ≤ {size}")
        shape[axis - 1] = end - start
    return [tuple(shape)]


def _split(given: _Given) -> list[Shape]:
    axis, sizes, shape = given.axis(), given.integers("split", None), given.values[0]
    if not sizes or min(sizes) < 1 or sum(sizes) != shape[axis - 1]:
        raise _Misfit(f"split {list(sizes)} of axis {axis} of {given.said()}: its parts add up to {shape[axis - 1]}")
    return [(*shape[: axis - 1], size, *shape[axis:]) for size in sizes]


@dataclass(frozen=True)
class Operator:
    """What may be said of an operator."""

    shapes: Callable[[_Given], list[Shape]]
    attributes: frozenset[str] = frozenset()
    values: tuple[int, int] = (1, 1)
    """Least and most values it takes."""
    weights: tuple[int, ...] = ()
    """How many tensors of weights it may have: two where there is a bias."""


_WINDOW = frozenset({"kernel_shape", "strides", "pads", "dilations", "group"})

OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "Gemm": Operator(_gemm, frozenset({"transB"}), weights=(1, 2)),
        "Conv": Operator(_conv, _WINDOW, weights=(1, 2)),
        "ConvTranspose": Operator(_conv_transpose, _WINDOW | {"output_padding"}, weights=(1, 2)),
        "Relu": Operator(_same),
        "Tanh": Operator(_same),
        "Sigmoid": Operator(_same),
        "Mul": Operator(_same, values=(2, 2)),
        "Add": Operator(_same, values=(2, 2)),
        "Concat": Operator(_concat, frozenset({"axis"}), values=(1, 64)),
        "Reshape": Operator(_reshape, frozenset({"shape"})),
        "Flatten": Operator(_flatten, frozenset({"axis"})),
        "Pad": Operator(_pad, frozenset({"pads"})),
        "Slice": Operator(_slice, frozenset({"starts", "ends", "axes"})),
        "Split": Operator(_split, frozenset({"axis", "split"})),
    }
)
"""Every operator that all three readers know. SiLU is x · Sigmoid(x), a residual branch an Add."""
