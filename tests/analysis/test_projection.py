from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import procrustes
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from vae_core.analysis.projection import (
    EARLY,
    MAIN,
    Start,
    beginning,
    neighbours,
    pca,
    remark,
    shared_neighbours,
    tsne,
)
from vae_core.config.errors import ConfigError


def codes(n: int = 60, d: int = 5, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) * np.arange(d, 0, -1) + 3).astype(np.float32)


@pytest.mark.parametrize("d", [2, 3, 10])
def test_pca_is_that_of_scikit_learn_up_to_sign(d: int) -> None:
    x = codes(200, d)
    ours, theirs = pca(x), PCA(2, svd_solver="full").fit_transform(x.astype(np.float64))
    assert ours.shape == (200, 2)
    for column in range(2):
        sign = np.sign(ours[:, column] @ theirs[:, column])
        np.testing.assert_allclose(ours[:, column], sign * theirs[:, column], atol=1e-4)


def test_the_sign_of_pca_is_settled() -> None:
    x = codes()
    np.testing.assert_allclose(pca(x[::-1].copy())[::-1], pca(x), atol=1e-5)
    # The largest loading is positive: the first coordinate varies most here, and points grow with it.
    assert np.corrcoef(pca(x)[:, 0], x[:, 0])[0, 1] > 0.8


def test_pca_of_one_dimension_is_that_dimension() -> None:
    x = codes(20, 1)
    np.testing.assert_allclose(pca(x), np.column_stack([x[:, 0] - x.mean(), np.zeros(20)]), atol=1e-5)


def test_pca_of_a_collapsed_model_is_a_point() -> None:
    assert (pca(np.full((20, 4), 0.5, np.float32)) == 0).all()


@pytest.mark.parametrize("d", [1, 2, 6])
def test_tsne_is_seeded_and_keeps_neighbours(d: int) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, d)) * 20
    x = (centres[np.arange(90) % 3] + rng.normal(size=(90, d))).astype(np.float32)
    one, again = tsne(x, perplexity=10, seed=1), tsne(x, perplexity=10, seed=1)
    assert one.shape == (90, 2)
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, again)
    assert np.isfinite(one).all()
    assert trustworthiness(x, one, n_neighbors=5) > 0.9


def test_tsne_of_a_collapsed_model_is_finite() -> None:
    assert np.isfinite(tsne(np.zeros((40, 2), np.float32), perplexity=5)).all()


def test_tsne_tells_how_far_it_is() -> None:
    told: list[tuple[int, int, np.ndarray]] = []
    end = tsne(codes(), perplexity=10, report=lambda done, total, points: told.append((done, total, points.copy())))
    done = [t[0] for t in told]
    assert done == sorted(set(done))
    assert (done[0], done[-1]) == (10, EARLY + MAIN)
    assert {t[1] for t in told} == {EARLY + MAIN}
    assert all(t[2].shape == (60, 2) for t in told)
    np.testing.assert_allclose(told[-1][2], end, atol=0.1)  # told just before the last step


@pytest.mark.parametrize("perplexity", [0.5, 0.0, -3.0, 20.0, float("nan")])
def test_a_perplexity_that_the_codes_cannot_have_is_refused(perplexity: float) -> None:
    with pytest.raises(ConfigError, match=r"perplexity=.* with 60 codes: give a number from 1 to 19$"):
        tsne(codes(), perplexity=perplexity)


def test_tsne_of_one_dimension_fills_the_plane() -> None:
    found = tsne(codes(120, 1), perplexity=10, seed=3)
    assert found.std(0).min() > 0.02 * found.std(0).max()
    np.testing.assert_array_equal(found, tsne(codes(120, 1), perplexity=10, seed=3))


def test_a_collapsed_model_gets_a_word() -> None:
    assert "noise" in remark((0.01 * codes()).astype(np.float32))
    assert remark(codes()) == ""


def test_a_random_start_makes_another_map_with_each_seed_and_pca_does_not() -> None:
    x = codes(120)

    def of(start: Start, seed: int) -> np.ndarray:
        return tsne(x, perplexity=10, seed=seed, start=start)

    np.testing.assert_array_equal(of("pca", 0), of("pca", 1))
    np.testing.assert_array_equal(of("random", 1), of("random", 1))
    for other in (of("random", 2), of("pca", 1)):
        assert procrustes(of("random", 1), other)[2] > 0.01  # 0: the same but for place, size and turn


@pytest.mark.parametrize("start", ["pca", "random"])
def test_tsne_starts_small(start: Start) -> None:
    assert beginning(codes(500), start, 3)[:, 0].std() == pytest.approx(1e-4, rel=0.1)


def test_neighbours_are_the_nearest_others() -> None:
    line = np.array([[0.0], [1.0], [3.0], [7.0], [15.0]], np.float32)
    assert [set(row) for row in neighbours(line, 2)] == [{1, 2}, {0, 2}, {0, 1}, {1, 2}, {2, 3}]
    x = codes(700) + 1000  # more than are looked at at once, and far from the origin
    theirs = NearestNeighbors(n_neighbors=10).fit(x.astype(np.float64)).kneighbors(return_distance=False)
    np.testing.assert_array_equal(np.sort(neighbours(x)), np.sort(theirs))


@pytest.mark.parametrize("k", [0, 60])
def test_more_neighbours_than_there_are_others_are_refused(k: int) -> None:
    with pytest.raises(ConfigError, match=rf"k={k} with 60 points: give a number from 1 to 59$"):
        neighbours(codes(), k)


def test_pictures_share_all_some_or_no_more_neighbours_than_by_chance() -> None:
    x = codes(500, 2)
    one = neighbours(x)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]], np.float32)
    assert shared_neighbours(one, one) == 1
    assert shared_neighbours(one, neighbours(3 * x @ turn + 7)) > 0.99  # float32 rounds
    unrelated = shared_neighbours(one, neighbours(codes(500, 2, seed=1)))
    assert unrelated == pytest.approx(10 / 499, abs=0.008)
    # By hand: the first keeps one of its two neighbours, the second both.
    assert shared_neighbours(np.array([[1, 2], [0, 2]], np.int32), np.array([[3, 1], [2, 0]], np.int32)) == 0.75


def test_points_that_are_all_alike_share_what_they_share_with_themselves() -> None:
    alike = np.zeros((40, 2), np.float32)
    found = neighbours(alike)
    assert shared_neighbours(found, neighbours(alike)) == 1
    assert all(row not in near for row, near in enumerate(found))
