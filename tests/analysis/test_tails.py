"""The tail's shape against distributions whose shape is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vae_core.analysis.tails import FEWEST, HEAVY, shape_of, size_of


def fitted(weights: np.ndarray) -> float:
    return shape_of(np.sort(np.log(weights))[-size_of(len(weights)) - 1 :])


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.7, 1.0, 1.5])
def test_the_shape_of_a_pareto_is_found(shape: float) -> None:
    rng = np.random.default_rng(0)
    found = [fitted(rng.pareto(1 / shape, 20_000)) for _ in range(20)]
    assert np.mean(found) == pytest.approx(shape, abs=0.05)
    assert np.std(found) < 0.15


def test_tails_that_have_every_moment_or_end_are_not_heavy() -> None:
    rng = np.random.default_rng(1)
    assert abs(fitted(rng.exponential(size=20_000))) < 0.15
    assert fitted(rng.random(20_000)) < -0.5
    assert fitted(np.exp(0.3 * rng.standard_normal(5000))) < HEAVY


def test_the_scale_does_not_matter_even_where_weights_underflow() -> None:
    weights = np.random.default_rng(2).pareto(2, 5000)
    largest = np.sort(np.log(weights))[-size_of(5000) - 1 :]
    assert shape_of(largest - 5000) == pytest.approx(shape_of(largest))


def test_nothing_is_said_of_few_weights_and_equal_ones_have_no_tail() -> None:
    assert math.isnan(shape_of(np.zeros(FEWEST)))
    assert math.isnan(shape_of(np.zeros(0)))
    assert shape_of(np.zeros(100)) == -math.inf
