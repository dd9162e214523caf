from __future__ import annotations

import math

import numpy as np
import pytest

from vae_core.diagnostics import active_units, mutual_information


def test_active_units_are_those_whose_means_move() -> None:
    rng = np.random.default_rng(0)
    mu = rng.standard_normal((5000, 4)) * np.array([1.0, 0.2, 0.05, 0.0])
    assert active_units(mu) == 2


def test_codes_that_say_nothing_have_no_mutual_information() -> None:
    assert mutual_information(np.zeros((500, 3)), np.zeros((500, 3))) == pytest.approx(0, abs=1e-12)


def test_codes_that_tell_every_image_apart_have_log_n() -> None:
    mu = np.arange(64.0)[:, None] * np.ones((64, 2))
    assert mutual_information(mu, np.full((64, 2), -12.0)) == pytest.approx(math.log(64), abs=1e-9)


def test_two_overlapping_codes_against_the_integral() -> None:
    # X is one of two images, encoded at ±1 with σ = 1: I = h(mixture) − h(N(0, 1)), by numerical integration.
    z = np.linspace(-12, 12, 200_001)
    p = 0.5 * (np.exp(-0.5 * (z - 1) ** 2) + np.exp(-0.5 * (z + 1) ** 2)) / math.sqrt(2 * math.pi)
    exact = -(p * np.log(p)).sum() * (z[1] - z[0]) - 0.5 * math.log(2 * math.pi * math.e)
    # Each code a thousand times: the same two, and the same Q(z).
    mu = np.repeat([[-1.0], [1.0]], 1000, axis=0)
    estimates = [mutual_information(mu, np.zeros_like(mu), seed=s) for s in range(20)]
    assert np.mean(estimates) == pytest.approx(exact, abs=4.5 * np.std(estimates) / math.sqrt(20))
    assert np.std(estimates) < 0.05
