"""A run that went wrong never leaves a model that looks like a good one, wherever it was cut off."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tests.conftest import same, tiny
from vae_core import data
from vae_core.config.events import Diverged, Event, Finished, Losses, Progress
from vae_core.jobs.run import run
from vae_core.store import Store
from vae_core.training import loop
from vae_core.training.loop import Training

DIGITS = data.load("digits")


@pytest.fixture(autouse=True)
def says_something_after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(loop, "CURVE_POINTS", 4)


def spoilt(training: Training, at: int, factor: float, stop: bool) -> tuple[list[Event], dict[str, Any]]:
    """A run whose weights are multiplied after step `at`; its events, and its weights at the last point before that."""
    said: list[Event] = []
    good: dict[str, Any] = {}
    for event in training.events():
        said.append(event)
        if isinstance(event, Losses) and training.step <= at:
            good = training.weights()
        if isinstance(event, Progress) and training.step == at and factor:
            with torch.no_grad():
                for parameter in training.model.parameters():
                    parameter.mul_(factor)
            factor = 0.0  # once
            if stop:
                training.stop()
    return said, good


@pytest.mark.parametrize("stop", [False, True])
@pytest.mark.parametrize("factor", [math.nan, 1e3], ids=["no number", "a blow-up that stays finite"])
def test_the_best_weights_are_what_is_left(factor: float, stop: bool) -> None:
    # Stopped between the divergence and the next point, or gone on to the end, which comes before it can recover.
    training = Training(tiny(epochs=20, learning_rate=5e-3), DIGITS)
    said, good = spoilt(training, 115, factor, stop)
    (diverged,) = (event for event in said if isinstance(event, Diverged))
    end = said[-1]
    assert "best weights" in diverged.message
    assert len(diverged.message) < 250
    assert isinstance(end, Finished)
    assert end.stopped
    assert same(training.weights(), good)
    assert end.test.elbo > -30


@pytest.mark.parametrize("rate", [0.6, 1.0])
@pytest.mark.parametrize("objective", ["elbo", "iwae"])
def test_weights_that_never_were_better_than_untrained_are_no_model(objective: str, rate: float) -> None:
    config = tiny(objective=objective, likelihood="gaussian", sigma=1e-3, learning_rate=rate, epochs=3)
    said = list(Training(config, DIGITS).events())
    if any(isinstance(event, Diverged) for event in said):
        assert not any(isinstance(event, Finished) for event in said)


def test_a_run_stopped_with_broken_weights_publishes_nothing(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Training._gradient_step

    def broken(self: Training, *given: Any) -> None:
        step(self, *given)
        if self.step == 2:
            with torch.no_grad():
                next(self.model.parameters()).fill_(math.nan)

    monkeypatch.setattr(Training, "_gradient_step", broken)
    monkeypatch.setattr(loop.Training, "_points", lambda self: {self.steps})
    config = tiny()
    wishes = iter(["go"] * 4)
    for event in run(config, home, wish=lambda: next(wishes, "stop")):
        assert not isinstance(event, Finished)
    info = home.get(config.run_id)
    assert info.status == "failed"
    assert "finite" in info.message


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"beta": 50.0},
        {"beta": 0.0},
        {"warmup_epochs": 3.0},
        {"warmup_cycles": 3},
        {"likelihood": "gaussian", "sigma": "per-pixel"},
        {"objective": "autoencoder"},
        {"objective": "beta-tcvae", "parameters": {"tc_weight": 100.0}},
        {"objective": "factor-vae", "parameters": {"tc_weight": 100.0, "discriminator_rate": 1e-2}},
        {"objective": "dip-vae-i", "parameters": {"lambda_od": 1000.0, "lambda_d": 1000.0}},
        {"objective": "capacity", "parameters": {"capacity": 100.0}},
        {"objective": "free-bits", "parameters": {"free_bits": 8.0}},
        {"objective": "info-vae", "parameters": {"mmd_lambda": 10_000.0}},
        {"objective": "dreg", "parameters": {"samples": 20}},
    ],
    ids=str,
)
@pytest.mark.parametrize("stop_at", [1, 17, 400])
def test_a_run_that_went_well_is_never_called_diverged(settings: dict[str, Any], stop_at: int) -> None:
    # Stopped at once, in the middle of a warm-up, or never; whatever its objective pays for.
    training = Training(tiny(epochs=5, **settings), DIGITS)
    for event in training.events():
        assert not isinstance(event, Diverged), event.message
        if training.step >= stop_at:
            training.stop()
