"""Graphs: their words, their checks, their text; and that the networks which are trained keep their names."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.conftest import tiny
from vae_core.config import RunConfig
from vae_core.config.errors import ModelError
from vae_core.networks.builders import design
from vae_core.networks.graph import OPERATORS, Graph, Node, steps
from vae_core.networks.model import Model, Origin


def graph(*nodes: Node, inputs: dict[str, Any] | None = None, weights: dict[str, Any] | None = None) -> Graph:
    return Graph(inputs or {"x": (2, 5, 4)}, nodes, nodes[-1].outputs, weights or {})


def one(op: str, *inputs: str, **attributes: Any) -> Node:
    return Node(op, inputs or ("x",), ("y",), attributes)


@pytest.mark.parametrize(
    ("node", "weights", "shape"),
    [
        (one("Flatten"), {}, (40,)),
        (one("Reshape", shape=(0, 8, 5)), {}, (8, 5)),
        (one("Conv", "x", "w", "b", strides=(2, 1), pads=(1, 0, 0, 2)), {"w": (3, 2, 3, 2), "b": (3,)}, (3, 2, 5)),
        (one("Conv", "x", "w"), {"w": (3, 2, 5, 4)}, (3, 1, 1)),
        (
            one("ConvTranspose", "x", "w", strides=(2, 3), pads=(1, 1, 0, 0), output_padding=(1, 2)),
            {"w": (2, 7, 3, 3)},
            (7, 11, 13),
        ),
        (one("Pad", pads=(0, 0, 1, 2, 0, 0, 0, 1)), {}, (2, 6, 7)),
        (one("Slice", axes=(1, 3), starts=(1, 0), ends=(2, 3)), {}, (1, 5, 3)),
        (one("Concat", "x", "x", axis=2), {}, (2, 10, 4)),
        (one("Add", "x", "x"), {}, (2, 5, 4)),
    ],
    ids=str,
)
def test_shapes_follow(node: Node, weights: dict[str, Any], shape: tuple[int, ...]) -> None:
    made = graph(node, weights=weights)
    assert made.shapes["y"] == shape
    assert Graph.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("node", "weights", "says"),
    [
        (one("Dropout"), {}, "this operator is not known; those that are: Gemm"),
        (one("Relu", "z"), {}, "its input 'z' is no value that is known by then"),
        (one("Relu", "x", "x"), {}, "2 inputs came; it takes 1"),
        (one("Gemm", "x", "w"), {"w": (3, 2)}, r"a value of \[N, 2, 5, 4\]"),
        (one("Conv", "x", "w"), {"w": (3, 1, 3, 3)}, "does not fit a weight of"),
        (one("Conv", "x", "v"), {"w": (3, 2, 3, 3)}, "its weight 'v' is not among the initializers"),
        (one("Conv", "x", "w"), {"w": (3, 2, 6, 3)}, r"it would give \[3, 0, 2\]"),
        (one("Conv", "x", "w", dilations=(2, 2)), {"w": (3, 2, 3, 3)}, "dilations and groups"),
        (one("Conv", "x", "w", kernel_shape=(2, 2)), {"w": (3, 2, 3, 3)}, r"kernel_shape is \[2, 2\]"),
        (one("ConvTranspose", "x", "w", output_padding=(1, 0)), {"w": (2, 3, 3, 3)}, "below the strides"),
        (one("Concat", "x", "x", axis=0), {}, "axis 0 of .* give one from 1 to 3"),
        (one("Reshape", shape=(-1, 40)), {}, "begins with 0"),
        (one("Slice", axes=(2,), starts=(3,), ends=(9,)), {}, "3 to 9 of an axis of 5"),
        (one("Split", axis=1, split=(1, 2)), {}, "its parts add up to 2"),
        (one("Flatten", alpha=3), {}, "it has no attribute 'alpha'; it has axis"),
        (Node("Relu", ("x",), ("x",)), {}, "the name 'x' is taken"),
        (Node("Relu", ("x",), ("y", "z")), {}, "2 outputs are named; it gives 1|zip"),
        (one("Pad", pads=(0, 0, 9**9, 0, 0, 0, 0, 0)), {}, "from 0 to 4096"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_fit_is_one_sentence(node: Node, weights: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        graph(node, weights=weights)


@pytest.mark.parametrize(
    "text",
    ["[]", "3", "{}", "{", "null", '{"inputs": [], "nodes": [], "outputs": [], "initializers": []}', "[" * 10_000,
     '{"inputs": [{"name": "x", "shape": [3]}], "nodes": [], "outputs": [], "initializers": []}',
     '{"inputs": [{"name": "x", "shape": ["N", 1e300]}], "nodes": [], "outputs": [], "initializers": []}',
     '{"inputs": [{"name": "x", "shape": ["N", 0]}], "nodes": [], "outputs": [], "initializers": []}'],
)  # fmt: skip
def test_text_that_is_no_graph_is_one_sentence(text: str) -> None:
    with pytest.raises(ModelError):
        Graph.from_json(text)


def test_a_declared_output_is_checked() -> None:
    described = graph(one("Relu")).to_dict()
    described["outputs"][0]["shape"] = ["N", 2, 5, 5]
    with pytest.raises(ModelError, match="is declared as"):
        Graph.from_dict(described)


def test_silu_is_found_where_nothing_else_reads_its_gate() -> None:
    gate = Node("Sigmoid", ("x",), ("g",))
    joined = graph(gate, one("Mul", "g", "x"))
    assert [(n.op, n.inputs) for n in steps(joined)] == [("Silu", ("x",))]
    shared = graph(gate, Node("Mul", ("x", "g"), ("m",)), one("Add", "m", "g"))
    assert [n.op for n in steps(shared)] == ["Sigmoid", "Mul", "Add"]
    other = graph(gate, Node("Tanh", ("x",), ("t",)), one("Mul", "t", "g"))
    assert [n.op for n in steps(other)] == ["Sigmoid", "Tanh", "Mul"]


def test_every_operator_is_known_to_torch() -> None:
    from vae_core.networks.torch_ import _FUNCTIONS

    assert _FUNCTIONS.keys() == OPERATORS.keys() | {"Silu"}


# -- the networks that are trained


@pytest.mark.parametrize(
    ("config", "encoder", "decoder"),
    [
        (tiny(), ["encoder.1", "encoder.3"], ["decoder.0", "decoder.2"]),
        (tiny(hidden=()), ["encoder.1"], ["decoder.0"]),
        (
            RunConfig(architecture="conv"),
            ["encoder.0", "encoder.2", "encoder.5", "encoder.7"],
            ["decoder.0", "decoder.2", "decoder.5", "decoder.7"],
        ),
        (
            RunConfig(architecture="burgess"),
            ["encoder.1", "encoder.3", "encoder.5", "encoder.8", "encoder.10", "encoder.12"],
            ["decoder.0", "decoder.2", "decoder.4", "decoder.7", "decoder.9", "decoder.11"],
        ),
    ],
    ids=["mlp", "linear", "conv", "burgess"],
)
def test_tensors_keep_the_names_of_the_first_version(config: RunConfig, encoder: list[str], decoder: list[str]) -> None:
    made = design(config)
    named = [f"{layer}.{part}" for layer in [*encoder, *decoder] for part in ("weight", "bias")]
    assert list(made.tensors) == named


# -- a model


def model(config: RunConfig | None = None, **origin: Any) -> Model:
    made = design(config or tiny())
    rng = np.random.default_rng(0)
    tensors = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in made.tensors.items()}
    return Model(made, tensors, Origin(**origin))


def test_the_key_is_of_the_content_and_of_nothing_else() -> None:
    one, again = model(run_id="a", dataset="digits"), model(tiny(epochs=9, beta=4.0), run_id="b", moment=3)
    assert one.key == again.key
    assert len(one.key) == 64
    changed = {**one.tensors, "decoder.2.bias": one.tensors["decoder.2.bias"].copy()}
    changed["decoder.2.bias"][5] = np.nextafter(changed["decoder.2.bias"][5], np.float32(9))
    others = [
        Model(one.design, changed),
        Model(one.design, dict(reversed(one.tensors.items()))),  # the same
        Model(replace(one.design, is_log_likelihood=True), one.tensors),
        Model(replace(one.design, likelihood="continuous-bernoulli"), one.tensors),
        model(tiny(activation="tanh")),
        one.without_encoder(),
    ]
    keys = [other.key for other in others]
    assert keys[1] == one.key
    assert len({*keys, one.key}) == len(others)


def test_the_key_stays_what_it_is() -> None:
    """What was derived from a model is kept under it: a key that changed would lose all of it."""
    assert json.loads(json.dumps(design(tiny()).to_dict())) == design(tiny()).to_dict()
    made = design(tiny(hidden=()))
    zeros = Model(made, {name: np.zeros(shape, np.float32) for name, shape in made.tensors.items()})
    assert zeros.key == "0edaa67d862653079f38f1a3dcad5cea63a456cf7364c8657804f36807c960c4"


def test_tensors_that_do_not_fit_are_one_sentence() -> None:
    whole = model()
    with pytest.raises(ModelError, match=r"the weights lack decoder\.2\.bias"):
        Model(whole.design, {n: a for n, a in whole.tensors.items() if n != "decoder.2.bias"})
    with pytest.raises(ModelError, match=r"decoder\.2\.bias is float32 of shape \[3\]"):
        Model(whole.design, {**whole.tensors, "decoder.2.bias": np.zeros(3, np.float32)})
    with pytest.raises(ModelError, match="is int64"):
        Model(whole.design, {**whole.tensors, "decoder.2.bias": np.zeros(64, np.int64)})


def test_networks_that_do_not_fit_are_one_sentence() -> None:
    made = design(tiny())
    with pytest.raises(ModelError, match="an encoder from"):
        replace(made, posterior="full")
    with pytest.raises(ModelError, match="an encoder from"):
        replace(made, encoder=design(tiny(latent_dim=3)).encoder)
    with pytest.raises(ModelError, match="it has none"):
        replace(made, sigma_shape=())
    with pytest.raises(ModelError, match="it is one number, or one for each"):
        replace(made, likelihood="gaussian", sigma_shape=(3,))
    with pytest.raises(ModelError, match="begins with decoder"):
        replace(made, decoder=made.encoder and graph(Node("Gemm", ("x", "w"), ("f0",)), one("Reshape", "f0", shape=(0, 1, 8, 8)), inputs={"x": (2,)}, weights={"w": (2, 64)}))  # fmt: skip  # noqa: E501
