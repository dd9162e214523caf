"""Codes (N, D) -> a map (N, 2): PCA, and t-SNE (van der Maaten & Hinton 2008; openTSNE, Poličar et al. 2024).

Seeded. t-SNE's axes carry no unit, and its distances between clusters no meaning (Wattenberg et al. 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from vae_core.analysis.diagnostics import active_units
from vae_core.config.errors import ConfigError
from vae_core.config.words import plain

Method = Literal["tsne", "pca"]
Start = Literal["pca", "random"]
"""Where t-SNE starts: from the codes' PCA, or from places drawn at random by the seed."""
Report = Callable[[int, int, NDArray[np.float32]], None]
"""Called with iterations done, iterations in all, and the map so far (N, 2)."""

EARLY, MAIN = 250, 500
"""Iterations with and without early exaggeration, openTSNE's defaults; scikit-learn takes 1,000 in all."""


def pca(codes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The two principal components of the codes; for D = 1 the second is zero. The largest loading is positive."""
    centred = codes.astype(np.float64) - codes.mean(0, dtype=np.float64)
    if centred.shape[1] == 1:
        return np.hstack([centred, np.zeros_like(centred)]).astype(np.float32)
    directions = np.linalg.eigh(np.cov(centred, rowvar=False))[1][:, ::-1][:, :2]
    directions = directions * np.sign(directions[np.abs(directions).argmax(0), [0, 1]])
    return (centred @ directions).astype(np.float32)


def remark(codes: NDArray[np.float32]) -> str:
    """What has to be said beside a map of these codes (N, D), or nothing."""
    if active_units(codes):
        return ""
    return "All codes are nearly the same, for this model has collapsed: what spreads them here is noise."


def check_perplexity(perplexity: float, count: int) -> None:
    """Raise `ConfigError` unless t-SNE of `count` codes can have this many neighbours."""
    if not 1 <= perplexity <= (count - 1) / 3:
        raise ConfigError(
            f"perplexity={plain(perplexity)} with {count} codes: give a number from 1 to {(count - 1) // 3}"
        )


def beginning(codes: NDArray[np.float32], start: Start, seed: int) -> NDArray[np.float32]:
    """Where t-SNE of these codes starts (N, 2), at the tiny scale it needs: a standard deviation of about 1e-4."""
    rng = np.random.default_rng(seed)
    if start == "random":
        return (1e-4 * rng.standard_normal((len(codes), 2))).astype(np.float32)
    points = pca(codes)
    points = points / max(points[:, 0].std(), 1e-12) * 1e-4
    if codes.shape[1] == 1:  # no force ever leads out of a line
        points[:, 1] = 1e-4 * rng.standard_normal(len(points))
    return points


def tsne(
    codes: NDArray[np.float32],
    *,
    perplexity: float = 30.0,
    seed: int = 0,
    start: Start = "pca",
    report: Report | None = None,
) -> NDArray[np.float32]:
    """t-SNE of the codes. Raises `ConfigError` when they are too few for the perplexity.

    Started from PCA, the seed decides only which neighbours openTSNE's approximation finds, and below 1,000 codes,
    whose neighbours are exact, nothing: to see what another run would give, start at random.
    """
    check_perplexity(perplexity, len(codes))
    from openTSNE import TSNE  # slow to import: only who computes a map pays

    done = 0

    def tell(iteration: int, _error: float, embedding: NDArray[np.float64]) -> bool:
        nonlocal done
        # openTSNE counts each phase from one.
        done = iteration if done < EARLY and iteration <= EARLY and iteration > done else EARLY + iteration
        if report is not None:
            report(min(done, EARLY + MAIN), EARLY + MAIN, np.asarray(embedding, dtype=np.float32))
        return False

    embedding = TSNE(
        perplexity=perplexity,  # type: ignore[reportArgumentType]  (annotated as a whole number, but need not be)
        early_exaggeration_iter=EARLY,
        n_iter=MAIN,
        initialization=cast("Any", beginning(codes, start, seed).astype(np.float64)),  # annotated as a name alone
        random_state=seed,
        n_jobs=-1,
        callbacks=tell,
        callbacks_every_iters=10,
    ).fit(codes.astype(np.float64))
    return np.asarray(embedding, dtype=np.float32)


NEIGHBOURS = 10
"""How many nearest neighbours two pictures of the same codes are compared by."""


def neighbours(points: NDArray[np.float32], k: int = NEIGHBOURS) -> NDArray[np.int32]:
    """The rows (N, k) of the k nearest others of each of the points (N, D), in no order. Raises `ConfigError`."""
    n = len(points)
    if not 1 <= k < n:
        raise ConfigError(f"k={k} with {n} points: give a number from 1 to {n - 1}")
    x = points.astype(np.float64) - points.mean(0, dtype=np.float64)
    half = np.square(x).sum(1) / 2
    found = np.empty((n, k), np.int32)
    for first in range(0, n, _AT_ONCE):
        rows = np.arange(first, min(first + _AT_ONCE, n))
        distance = half - x[rows] @ x.T  # (|x - y|² - |y|²) / 2 of each y: in the order of the distances
        distance[np.arange(len(rows)), rows] = np.inf
        found[rows] = np.argpartition(distance, k - 1, axis=1)[:, :k]
    return found


_AT_ONCE = 256
"""Rows of distances held at a time: 20 MB for 10,000 points."""


def shared_neighbours(a: NDArray[np.int32], b: NDArray[np.int32]) -> float:
    """The share of each point's nearest neighbours in one picture that are among them in the other, from 0 to 1.

    Q = 1/(N k) Σᵢ |aᵢ ∩ bᵢ| for a and b (N, k) from `neighbours`: Q_NX(k) of Lee & Verleysen (2009). Equal pictures
    share all, and unrelated ones k/(N − 1) on average; turning, mirroring or scaling a picture changes nothing.
    """
    return float((a[:, :, None] == b[:, None, :]).any(2).mean())
