"""How long a training is said to take: what it rests on, and what it grows with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.facts import estimate
from vae_core.config import RunConfig
from vae_core.config.events import Finished, Terms
from vae_core.store import RunInfo

USUAL = RunConfig(epochs=4)


def ran(config: RunConfig, images_per_second: float, *, shipped: bool = False) -> RunInfo:
    result = Finished(10, config.epochs, 7.0, images_per_second, Terms(-100.0, 9.0, [9.0]), False)
    info = RunInfo(config.run_id, config, "finished", 0.0, result)
    return replace(info, shipped=shipped) if shipped else info


def known(monkeypatch: pytest.MonkeyPatch, *infos: RunInfo) -> None:
    monkeypatch.setattr(estimate.session, "infos", lambda: list(infos))


def test_a_run_from_here_is_the_measure_and_its_own_time_lies_within(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, ran(USUAL, 20_000.0), ran(USUAL, 25_000.0), ran(USUAL, 90_000.0, shipped=True))
    low, high, measured = estimate.span(USUAL)
    assert measured
    assert low < 240_000 / 25_000 < 240_000 / 20_000 < high
    assert high / low < 2.5


def test_without_one_the_range_is_wide_and_said_to_be_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, ran(USUAL, 24_000.0, shipped=True))
    low, high, measured = estimate.span(USUAL)
    assert not measured
    assert low < 10 < high
    assert high / low > 3


def test_it_grows_with_width_with_smaller_batches_with_codes_and_with_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, ran(USUAL, 24_000.0))
    usual = estimate.seconds(USUAL)
    assert estimate.seconds(replace(USUAL, hidden=(1024, 1024))) > 3 * usual
    assert estimate.seconds(replace(USUAL, batch_size=32)) > 1.5 * usual
    assert estimate.seconds(replace(USUAL, batch_size=1024)) < usual
    assert estimate.seconds(replace(USUAL, epochs=8)) == pytest.approx(2 * usual, rel=0.1)
    known(monkeypatch, ran(USUAL, 24_000.0, shipped=True))
    assert estimate.seconds(replace(USUAL, architecture="conv")) > 4 * estimate.seconds(USUAL)
    k5, k50 = (RunConfig(objective="iwae", parameters=(("samples", k),)) for k in (5, 50))
    assert estimate.seconds(k50) > 4 * estimate.seconds(k5)


def test_several_are_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, ran(USUAL, 24_000.0))
    one, two = estimate.span(USUAL), estimate.span(USUAL, USUAL)
    assert two.low == pytest.approx(2 * one.low)
    assert two.high == pytest.approx(2 * one.high)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(8.2, 11.4, "8–11 s"), (80, 150, "80 s to 2 min"), (3.1, 3.2, "3 s"), (4000, 9000, "67 min to 2.5 h")],
)
def test_a_range_is_said_with_its_unit_once_where_it_is_one(low: float, high: float, said: str) -> None:
    assert estimate.between(low, high) == said
