"""Which latent dimension of one model corresponds to which of another: nothing in training fixes their order or sign.

Dimension i of the first model goes with dimension π(i) of the second, with sign sᵢ, so that the sum of |r| between the
encoded means of the same images is largest: an assignment problem, solved exactly (Kuhn 1955; the measure is the mean
correlation coefficient of Hyvärinen & Morioka 2016, arXiv 1605.06336).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Match:
    """Dimension `other` of the second model moves as `sign` times dimension `dim` of the first; both count from 0."""

    dim: int
    other: int
    sign: int
    """1 or −1."""
    correlation: float
    """|r| of the encoded means, from 0 to 1."""


def correlations(a: Array, b: Array) -> Float64:
    """Pearson's r between the columns of a (N, D) and b (N, E): (D, E). A column that does not vary has r = 0.

    Raises ValueError where the two are not about the same number of images.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} codes: give codes of the same images, in the same order")
    return _standardised(a).T @ _standardised(b)


def _standardised(codes: Array) -> Float64:
    """Columns with mean 0 and length 1, or 0 where nothing varies."""
    away = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64)
    length = np.sqrt(np.square(away).sum(axis=0))
    # What is left of a constant by rounding is no variation.
    varies = length > 1e-7 * np.sqrt(len(codes)) * (1 + np.abs(codes).max(axis=0))
    return away / np.where(varies, length, np.inf)


def align(a: Array, b: Array) -> list[Match]:
    """Match the columns of the encoded means a (N, D) and b (N, E) of the same images, in the order of a's.

    min(D, E) pairs; the other dimensions of the larger model stay without a partner.
    """
    from scipy.optimize import linear_sum_assignment

    r = correlations(a, b)
    rows, columns = linear_sum_assignment(-np.abs(r))
    return [
        Match(int(i), int(j), -1 if r[i, j] < 0 else 1, float(min(1.0, abs(r[i, j]))))
        for i, j in zip(rows, columns, strict=True)
    ]
