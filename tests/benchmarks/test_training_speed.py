"""Training throughput against the loop that everybody writes, in one process, in turns.

The reference: DataLoader, fp32, the 784-400-20 network, batch 128, Adam; as in PyTorch's example VAE.
"""

import statistics
import time
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from vae_core import data
from vae_core.config import RunConfig
from vae_core.events import Losses
from vae_core.training import Training

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


def reference() -> float:
    """Images a second of the plain loop."""
    torch.set_num_threads(torch.get_num_threads())
    images = torch.from_numpy(data.load_split("mnist", "train").x.reshape(-1, 784).copy()).float() / 255
    loader = DataLoader(TensorDataset(images), batch_size=128, shuffle=True)
    model = Reference()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    start = 0.0
    for step, (x,) in enumerate(loader):
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
    rates: dict[str, list[float]] = {"reference": [], "ours": []}
    cores = torch.get_num_threads()
    runs: tuple[tuple[str, Callable[[], float]], ...] = (("reference", reference), ("ours", lambda: ours(config)))
    for _ in range(ROUNDS):
        for key, measure in runs:
            torch.set_num_threads(cores)
            rates[key].append(measure())
    ratio = statistics.median(a / b for a, b in zip(rates["ours"], rates["reference"], strict=True))
    a, b = (statistics.median(rates[key]) for key in ("ours", "reference"))
    print(f"\n{name}: {a:,.0f} images/s, reference {b:,.0f}: {ratio:.2f}×")
    return ratio


def test_the_same_network_trains_at_least_two_and_a_half_times_as_fast() -> None:
    same = RunConfig(latent_dim=20, hidden=(400,), activation="relu", batch_size=128, learning_rate=1e-3)
    assert compare("784-400-20, batch 128", same) >= 2.5


@pytest.mark.parametrize("architecture", ["mlp", "conv", "burgess"])
def test_speed_of_each_architecture_at_its_defaults(architecture: str) -> None:
    assert compare(architecture, RunConfig(architecture=architecture)) > 0.05
