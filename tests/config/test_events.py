from __future__ import annotations

import json
import math

import numpy as np
import pytest

from vae_core.config import events
from vae_core.config.events import Diverged, Event, Finished, Frame, Losses, Progress, Snapshot, Started, Terms

TERMS = Terms(-100.25, 7.5, [5.0, 2.5])
ALL: list[Event] = [
    Started(steps=10, steps_per_epoch=5, parameters=1234, precision="float32"),
    Progress(step=3, steps=10, epoch=0.6, images_per_second=1e4, seconds=0.5, eta_seconds=1.25),
    Progress(3, 10, 0.6, 1e4, 0.5, 1.25, train=Terms(-90.0, 3.0, [1.0, 2.0]), frame=2),
    Frame(step=3, epoch=0.6),
    Losses(step=3, epoch=0.6, beta=1.0, train=TERMS, held_out=Terms(-99.0, 8.0, [6.0, 2.0])),
    Snapshot(index=2, step=3, epoch=0.6),
    Finished(10, 2.0, 1.5, 1e4, TERMS, True, stopped=True),
    Diverged(7, 1.4, "smaller steps"),
]


@pytest.mark.parametrize("event", ALL, ids=lambda e: e.type)
def test_round_trip(event: Event) -> None:
    line = events.to_json(event)
    assert "\n" not in line
    assert json.loads(line)["type"] == event.type
    assert events.from_json(line) == event


def test_elbo_is_reconstruction_minus_kl() -> None:
    assert TERMS.elbo == -107.75


def test_arrays_stay_out_of_the_json() -> None:
    line = events.to_json(Snapshot(0, 0, 0.0, {"samples": np.zeros((2, 1, 4, 4))}))
    assert set(json.loads(line)) == {"type", "index", "step", "epoch"}


def test_numbers_keep_more_than_float32_carries() -> None:
    value = float(np.float32(math.pi) * 100)
    line = events.to_json(Diverged(1, value, ""))
    back = events.from_json(line)
    assert isinstance(back, Diverged)
    assert np.float32(back.epoch) == np.float32(value)
    assert back.epoch == pytest.approx(value, rel=1e-9)


def test_a_field_of_a_later_version_is_passed_over() -> None:
    values = {**json.loads(events.to_json(ALL[1])), "mood": "good"}
    assert events.from_json(json.dumps(values)) == ALL[1]


@pytest.mark.parametrize("line", ["", "{", "3", "[]", "{}", '{"type": "party"}'])
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        events.from_json(line)
    assert isinstance(caught.value, ValueError)
