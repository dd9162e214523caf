"""Codes (N, D) -> a map (N, 2): PCA, and t-SNE (van der Maaten & Hinton 2008; openTSNE, Poličar et al. 2024).

Seeded. t-SNE's axes carry no unit, and its distances between clusters no meaning (Wattenberg et al. 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vae_core.analysis.diagnostics import active_units
from vae_core.config.errors import ConfigError
from vae_core.config.words import plain

Method = Literal["tsne", "pca"]
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


def tsne(
    codes: NDArray[np.float32], *, perplexity: float = 30.0, seed: int = 0, report: Report | None = None
) -> NDArray[np.float32]:
    """t-SNE of the codes, started from their PCA. Raises `ConfigError` when they are too few for the perplexity."""
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

    start = pca(codes)
    start = start / max(start[:, 0].std(), 1e-12) * 1e-4
    if codes.shape[1] == 1:  # no force ever leads out of a line
        start[:, 1] = 1e-4 * np.random.default_rng(seed).standard_normal(len(start))
    embedding = TSNE(
        perplexity=perplexity,  # type: ignore[reportArgumentType]  (annotated as a whole number, but need not be)
        early_exaggeration_iter=EARLY,
        n_iter=MAIN,
        initialization=start.astype(np.float64),
        random_state=seed,
        n_jobs=-1,
        callbacks=tell,
        callbacks_every_iters=10,
    ).fit(codes.astype(np.float64))
    return np.asarray(embedding, dtype=np.float32)
