"""Training throughput against the loop that everybody writes, in one process, in turns.

The reference: the 784-400-20 network, batch 128, fp32, Adam, and a DataLoader over a data set that turns one picture at
a time into a tensor, as PyTorch's example VAE with torchvision's MNIST and ToTensor does. A second, faster one reads a
tensor that is float already; its ratio is printed, too.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset

from vae_core import data
from vae_core.config import RunConfig
from vae_core.config.events import Losses
from vae_core.training.loop import Training

pytestmark = pytest.mark.benchmark

STEPS = 300
ROUNDS = 5


class Reference(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.mu, self.logvar = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.up, self.out = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        h = functional.relu(self.hidden(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return torch.sigmoid(self.out(functional.relu(self.up(z)))), mu, logvar


class Pictures(Dataset[tuple[torch.Tensor, int]]):
    """MNIST as torchvision serves it: a picture object, then ToTensor."""

    def __init__(self) -> None:
        train = data.load_split("mnist", "train")
        self.x, self.labels = train.x[:, 0], train.labels

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture = Image.fromarray(self.x[index])
        return torch.from_numpy(np.array(picture, copy=True)).view(-1).float().div(255), int(self.labels[index])


def tensors() -> TensorDataset:
    train = data.load_split("mnist", "train")
    return TensorDataset(
        torch.from_numpy(train.x.reshape(-1, 784).copy()).float() / 255, torch.from_numpy(train.labels.copy())
    )


def reference(dataset: Dataset[Any]) -> float:
    """Images a second of the plain loop."""
    loader = DataLoader(dataset, batch_size=128, shuffle=True)
    model = Reference()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    start = 0.0
    for step, (x, _label) in enumerate(loader):
        if step == 20:
            start = time.perf_counter()
        p, mu, logvar = model(x)
        loss = functional.binary_cross_entropy(p, x, reduction="sum")
        loss = loss - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step == 20 + STEPS:
            break
    return STEPS * 128 / (time.perf_counter() - start)


def ours(config: RunConfig) -> float:
    """Images a second of `Training`, with its curves and progress."""
    training = Training(config, data.load("mnist"))
    start, first = 0.0, 0
    for event in training.events():
        if isinstance(event, Losses):
            if start == 0.0 and event.step >= 20:
                start, first = time.perf_counter(), event.step
            elif event.step >= first + STEPS and start:
                break
    return (training.step - first) * config.batch_size / (time.perf_counter() - start)


def compare(name: str, config: RunConfig) -> float:
    """The median over rounds of ours / reference, each round one after the other; prints what it saw."""
    cores = torch.get_num_threads()
    pictures, ready = Pictures(), tensors()
    runs: dict[str, Callable[[], float]] = {
        "pictures": lambda: reference(pictures),
        "ours": lambda: ours(config),
        "tensors": lambda: reference(ready),
    }
    rates: dict[str, list[float]] = {key: [] for key in runs}
    for _ in range(ROUNDS):
        for key, measure in runs.items():
            torch.set_num_threads(cores)
            rates[key].append(measure())

    def ratio(key: str) -> float:
        return statistics.median(a / b for a, b in zip(rates["ours"], rates[key], strict=True))

    print(
        f"\n{name}: {statistics.median(rates['ours']):,.0f} images/s; plain loop "
        f"{statistics.median(rates['pictures']):,.0f}: {ratio('pictures'):.2f}×; plain loop on ready float tensors "
        f"{statistics.median(rates['tensors']):,.0f}: {ratio('tensors'):.2f}×"
    )
    return ratio("pictures")


def test_the_same_network_trains_at_least_two_and_a_half_times_as_fast() -> None:
    same = RunConfig(latent_dim=20, hidden=(400,), activation="relu", batch_size=128, learning_rate=1e-3)
    assert compare("784-400-20, batch 128", same) >= 2.5


@pytest.mark.parametrize("architecture", ["mlp", "conv", "burgess"])
def test_speed_of_each_architecture_at_its_defaults(architecture: str) -> None:
    assert compare(architecture, RunConfig(architecture=architecture)) > 0.05
