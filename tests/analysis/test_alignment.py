"""The dimensions of two models are matched by what their means do, whatever their order and sign."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vae_core.analysis.alignment import align, correlations

RNG = np.random.default_rng(3)
CODES = RNG.standard_normal((400, 5)) @ np.diag([2.0, 1.0, 0.5, 1.5, 0.1])


def test_permuted_and_flipped_dimensions_are_found_again() -> None:
    order, signs = np.array([3, 0, 4, 2, 1]), np.array([-1, 1, 1, -1, -1])
    other = 7 * CODES[:, order] * signs + 0.2  # neither scale nor shift may matter
    found = align(CODES, other)
    assert [match.dim for match in found] == [0, 1, 2, 3, 4]
    for match in found:
        assert order[match.other] == match.dim
        assert signs[match.other] == match.sign
        assert match.correlation == pytest.approx(1.0)


def test_noise_lowers_the_correlation_by_what_it_should() -> None:
    noisy = CODES[:, :1] + CODES[:, :1].std() * np.random.default_rng(4).standard_normal((400, 1))
    (match,) = align(CODES[:, :1], noisy)
    assert match.correlation == pytest.approx(0.5**0.5, abs=0.06)  # as much noise as signal


def test_it_is_the_best_assignment_and_no_greedy_one() -> None:
    one, two, three = RNG.standard_normal((3, 400))
    a, b = np.column_stack([one, two]), np.column_stack([0.7 * one + 0.6 * two, 0.6 * one + 0.8 * three])
    r = np.abs(correlations(a, b))
    assert r[0, 0] == r.max(), "the largest pair is the one that leaves nothing for the other"
    assert [(match.dim, match.other) for match in align(a, b)] == [(0, 1), (1, 0)]

    a, b = RNG.standard_normal((60, 4)), RNG.standard_normal((60, 4))
    r = np.abs(correlations(a, b))
    best = max(sum(r[i, j] for i, j in enumerate(order)) for order in itertools.permutations(range(4)))
    assert sum(match.correlation for match in align(a, b)) == pytest.approx(best)
    assert np.allclose(correlations(a, b), np.corrcoef(a.T, b.T)[:4, 4:])


@pytest.mark.parametrize(("d", "e"), [(5, 2), (2, 5)])
def test_the_larger_model_keeps_dimensions_without_a_partner(d: int, e: int) -> None:
    found = align(CODES[:, :d], CODES[:, ::-1][:, :e])
    assert len(found) == 2
    assert len({match.dim for match in found}) == len({match.other for match in found}) == 2


def test_a_dimension_that_says_nothing_matches_with_no_correlation() -> None:
    silent = np.column_stack([CODES[:, 0], np.full(400, 0.3)])
    found = align(silent, CODES[:, :2])
    assert found[0].other == 0
    assert found[0].correlation == pytest.approx(1.0)
    assert found[1].correlation == 0.0


def test_codes_of_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="400 and 399 codes"):
        align(CODES, CODES[1:])
