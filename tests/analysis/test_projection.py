from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from vae_core.analysis.projection import EARLY, MAIN, pca, remark, tsne
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
