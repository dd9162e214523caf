"""Every objective at its default and at both ends of every range: it trains, and no number stops being one.

The long form, ten epochs of MNIST each, is a proof of its own (`pytest -m slow_proof`); its short form runs always.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.conftest import tiny
from vae_core import data
from vae_core.config import RunConfig
from vae_core.config.catalogue import OBJECTIVES, Entry
from vae_core.config.events import Diverged, Finished, Losses
from vae_core.training.loop import train


def settings_of(entry: Entry) -> list[dict[str, Any]]:
    """The default, then each parameter at its ends, or at its other choices, the others at their default."""
    cases: list[dict[str, Any]] = [{}]
    for p in entry.parameters:
        others = [choice for choice in p.choices if choice != p.default] if p.choices else [p.low, p.high]
        cases += [{p.name: value} for value in others if value != p.default]
    if entry.weighs_kl:
        cases += [{"beta": 0.0}, {"beta": 1000.0}]
    return [{"objective": entry.name, **case} for case in cases]


CASES = [case for entry in OBJECTIVES.values() for case in settings_of(entry)]


def in_time(settings: dict[str, Any], epochs: int) -> dict[str, Any]:
    """The same, but that the capacity has risen when the training ends, without which nothing is trained."""
    if settings["objective"] != "capacity":
        return settings
    return {**settings, "capacity_epochs": min(settings.get("capacity_epochs", 5.0), epochs)}


def check(config: RunConfig) -> None:
    """Train it; every point of the curves is finite and it ends as it should."""
    last: Any = None
    for event in train(config, data.load(config.dataset, config.binarize)):
        assert not isinstance(event, Diverged), event.message
        if isinstance(event, Losses):
            assert event.objective is not None
            assert math.isfinite(event.objective + event.train.elbo + event.held_out.elbo)
        last = event
    assert isinstance(last, Finished)
    assert not last.stopped
    assert math.isfinite(last.test.elbo)


@pytest.mark.parametrize("settings", CASES, ids=str)
def test_it_trains(settings: dict[str, Any]) -> None:
    check(RunConfig.from_dict({**tiny(epochs=1, batch_size=128, latent_dim=3).to_dict(), **in_time(settings, 1)}))


@pytest.mark.slow_proof
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("settings", CASES, ids=str)
def test_it_trains_on_mnist_for_ten_epochs(settings: dict[str, Any]) -> None:
    # A small network: what may go wrong at the ends of a range is the objective's doing.
    check(
        RunConfig.from_dict(
            {"hidden": [128], "latent_dim": 10, "batch_size": 256, "epochs": 10, **in_time(settings, 10)}
        )
    )
