"""How heavy the tail of importance weights is: whether their mean and the error stated with it can be believed.

The largest weights' excess over a threshold is close to a generalised Pareto distribution, whose shape k says which
moments there are: with k above ½ the weights have no variance, so that a mean of them converges more slowly than its
standard error says, and with k above about 0.7 not at any practical rate (Vehtari, Simpson, Gelman, Yao & Gabry 2024,
"Pareto smoothed importance sampling", JMLR 25, sections 2.4 and 3.2). The shape is fitted as by Zhang & Stephens
(2009), "A new and efficient estimation method for the generalized Pareto distribution", Technometrics 51.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

HEAVY = 0.7
"""k̂ above which an estimate from the weights is not to be trusted."""
FEWEST = 10
"""Weights in the tail below which nothing is said of it."""


def size_of(samples: int) -> int:
    """How many of so many weights are the tail."""
    return math.ceil(min(samples / 5, 3 * math.sqrt(samples)))


def shape_of(largest: Float64) -> float:
    """k̂ from the logarithms of the largest weights, ascending, the threshold first; nan where they are too few.

    0 for the tail of a normal or exponential distribution, negative for one that ends; equal weights have −∞.
    """
    if len(largest) - 1 < FEWEST or not np.isfinite(largest).all():
        return math.nan
    excess = np.exp(largest[1:] - largest[-1]) - np.exp(largest[0] - largest[-1])
    excess = excess[excess > 0]
    n = len(excess)
    if n < FEWEST:
        return -math.inf
    # θ = k/σ on a grid of candidates, each weighed by its profile likelihood.
    count = 30 + math.isqrt(n)
    quarter = excess[math.floor(n / 4 + 0.5) - 1]
    theta = 1 / excess[-1] + (1 - np.sqrt(count / (np.arange(count) + 0.5))) / (3 * quarter)  # (count,)
    shape = np.log1p(-theta[:, None] * excess).mean(1)
    profile = n * (np.log(-theta / shape) - shape - 1)
    weight = np.exp(profile - np.logaddexp.reduce(profile))
    found = float(np.log1p(-float(weight @ theta) * excess).mean())
    return (n * found + 5) / (n + 10)  # a little towards ½, as if ten more weights had said so
