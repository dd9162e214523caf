"""What a trained model's codes are like: active units, and how much z says about X. Arrays in, numbers out.

All from the parameters μ, log σ² (N, D) of Q(z|X) for N images; nats.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating]

ACTIVE_VARIANCE = 0.01
"""Burda et al. (2016), section 5.2: unit u is active if Cov_X(E_Q[z_u]) > 0.01."""


def active_units(mu: Float) -> int:
    """How many dimensions' means move with the image."""
    return int((mu.var(axis=0) > ACTIVE_VARIANCE).sum())


def mutual_information(mu: Float, logvar: Float, *, seed: int = 0, samples: int = 2000, chunk: int = 100) -> float:
    """I(X; z) = E[log Q(z|X) − log Q(z)] when X is one of these N images, Q(z) = Σ Q(z|xₙ)/N (Hoffman & Johnson 2016).

    One z for each of `samples` images; never more than log N, since N images cannot be told apart by more.
    """
    mu, logvar = mu.astype(np.float64), logvar.astype(np.float64)
    n = len(mu)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(n)[:samples]
    total = 0.0
    for start in range(0, len(chosen), chunk):
        part = chosen[start : start + chunk]
        z = mu[part] + np.exp(0.5 * logvar[part]) * rng.standard_normal((len(part), mu.shape[1]))
        # log Q(z|xₙ) for every image n, without the constant, which cancels: a sum over D, one dimension at a time.
        log_q = np.zeros((len(part), n))
        for i in range(mu.shape[1]):
            log_q -= 0.5 * (np.square(z[:, i : i + 1] - mu[:, i]) * np.exp(-logvar[:, i]) + logvar[:, i])
        own = log_q[np.arange(len(part)), part]
        top = log_q.max(axis=1)
        marginal = top + np.log(np.exp(log_q - top[:, None]).sum(axis=1)) - math.log(n)
        total += float((own - marginal).sum())
    return total / len(chosen)
