"""Training: the same bits every time, in pieces, with any number of threads; and the numbers it reports."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from tests.conftest import same, timeless, tiny
from vae_core import data
from vae_core.config import RunConfig
from vae_core.config.events import Diverged, Event, Finished, Frame, Losses, Progress, Snapshot, Started
from vae_core.networks.evaluate import per_image
from vae_core.training.loop import HELD_OUT, Training, plane_codes, train

DIGITS = data.load("digits")


def finish(config: RunConfig) -> tuple[Training, list[Event]]:
    training = Training(config, DIGITS)
    return training, list(training.events())


def test_the_events_of_a_run_in_their_order() -> None:
    events = list(train(tiny(), DIGITS))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert events[0].steps == 12
    losses = [e for e in events if isinstance(e, Losses)]
    assert [e.step for e in losses] == sorted({e.step for e in losses})
    assert losses[-1].step == 12
    for point in losses:
        assert point.train.kl == pytest.approx(sum(point.train.kl_per_dim))
        assert point.train.elbo == pytest.approx(point.train.reconstruction - point.train.kl)


def test_the_elbo_rises_and_the_reported_one_is_that_of_the_weights() -> None:
    training, events = finish(tiny(epochs=30, hidden=(32,)))
    losses = [e for e in events if isinstance(e, Losses)]
    assert losses[-1].held_out.elbo > losses[0].held_out.elbo + 0.5
    again = per_image(training.model, DIGITS.test.x, seed=0)
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.test.reconstruction == pytest.approx(float(again.reconstruction.mean()), rel=1e-6)
    assert last.test.kl == pytest.approx(float(again.kl.sum(1).mean()), rel=1e-5)
    # The mean over images, worked out another way: one image at a time, at a z of its own.
    with torch.inference_mode():
        total = 0.0
        noise = torch.randn((297, 2), generator=torch.Generator().manual_seed(0))
        for x, epsilon in zip(DIGITS.test.x, noise, strict=True):
            image = torch.from_numpy(x.copy())[None].float() / 255
            q = training.model.encode(image)
            p = torch.sigmoid(training.model.decode(q.mu + torch.exp(q.logvar / 2) * epsilon)).double()
            total += float((image * p.log() + (1 - image) * (1 - p).log()).sum())
    assert last.test.reconstruction == pytest.approx(total / 297, rel=1e-4)


def test_held_out_points_are_the_first_test_images() -> None:
    training = Training(tiny(epochs=1), DIGITS)
    for event in training.events():
        if isinstance(event, Losses):
            scored = per_image(training.model, DIGITS.test.x[:HELD_OUT], seed=0).terms()
            assert scored == event.held_out
            return
    pytest.fail("no point of the curve")


@pytest.mark.parametrize("architecture", ["mlp", "conv", "burgess"])
def test_equal_configurations_give_equal_bits_and_another_seed_does_not(architecture: str) -> None:
    settings: dict[str, Any] = {"dataset": "digits", "architecture": architecture, "epochs": 1, "batch_size": 256}
    first, said = finish(RunConfig(**settings))
    second, said_again = finish(RunConfig(**settings))
    other, _ = finish(RunConfig(**settings, seed=1))
    assert same(first.weights(), second.weights())
    assert timeless(said) == timeless(said_again)
    assert not same(first.weights(), other.weights())


@pytest.mark.parametrize("stop_at", [0, 1, 3, 7, 11])
def test_a_run_in_two_pieces_says_and_learns_the_same(stop_at: int) -> None:
    config = tiny(likelihood="gaussian", warmup_epochs=1.5)
    whole, said = finish(config)
    first = Training(config, DIGITS)
    pieces: list[Event] = []
    for event in first.events():
        pieces.append(event)
        if isinstance(event, Losses) and event.step > stop_at:
            break
    arrays, meta = first.state()
    at = len([e for e in pieces if not isinstance(e, Progress | Frame)])
    second = Training(config, DIGITS, (arrays, meta))
    pieces += list(second.events())
    assert same(whole.weights(), second.weights())
    # A snapshot that falls on the step of the interruption is said by the first piece alone, or not at all.
    losses = [e for e in timeless(pieces) if isinstance(e, Losses)]
    assert at > 0
    assert losses == [e for e in said if isinstance(e, Losses)]


def test_stopping_keeps_what_was_learned() -> None:
    training = Training(tiny(epochs=50), DIGITS)
    last: Event | None = None
    for event in training.events():
        last = event
        if isinstance(event, Losses) and event.step >= 20:
            training.stop()
    assert isinstance(last, Finished)
    assert last.stopped
    assert last.step < training.steps
    assert math.isfinite(last.test.elbo)


def test_a_run_that_diverges_says_so_and_ends_with_its_best_weights() -> None:
    training = Training(tiny(epochs=40, likelihood="gaussian"), DIGITS)
    good: dict[str, np.ndarray] | None = None
    poisoned = False
    events: list[Event] = []
    for event in training.events():
        events.append(event)
        if isinstance(event, Losses):
            if poisoned:
                pytest.fail("a step with broken weights gave a finite point")
            good = training.weights()
            with torch.no_grad():  # what a step too long does, without having to find one
                next(training.model.parameters()).fill_(float("nan"))
            poisoned = True
    assert any(isinstance(e, Diverged) for e in events)
    assert good is not None
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.stopped
    assert math.isfinite(last.test.elbo)
    assert same(good, training.weights())


def test_a_snapshot_holds_what_the_page_shows_and_the_decoder_of_that_moment() -> None:
    config = tiny()
    training = Training(config, DIGITS)
    seen = 0
    for event in training.events():
        if isinstance(event, Snapshot):
            seen += 1
            a = event.arrays
            assert a["plane"].shape == (225, 1, 8, 8)
            assert a["means"].shape == (297, 2)
            now = training.weights()
            for name in (n for n in now if n.startswith("decoder.")):
                np.testing.assert_array_equal(a[name], now[name].astype(np.float16))
            with torch.inference_mode():
                pictures = training.model.pictures(plane_codes(15)).numpy()
            np.testing.assert_allclose(a["plane"], pictures * 255, atol=0.5001)
    assert seen >= 2


def test_the_plane_is_laid_out_as_it_is_drawn() -> None:
    codes = plane_codes(15).reshape(15, 15, 2)
    assert codes[0, 0].tolist() == [-3, 3]
    assert codes[0, 14].tolist() == [3, 3]
    assert codes[14, 0].tolist() == [-3, -3]


def test_the_untrained_decoder_starts_from_the_mean_picture() -> None:
    training = Training(tiny(hidden=(16,)), DIGITS)
    p = torch.from_numpy(DIGITS.train.x.mean(0) / 255).float().clamp(1e-3, 1 - 1e-3)
    bias = dict(training.model.named_parameters())["decoder.2.bias"]
    np.testing.assert_allclose(torch.sigmoid(bias).detach(), p.flatten(), atol=1e-6)
