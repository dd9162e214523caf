"""log P(X) from samples, one sample at a time: the codes, their weights, and the estimate as the weights come in.

`bounds.from_prior` and `bounds.from_posterior` give the same estimates for many images, without keeping the samples;
this is for looking at them. w = P(X|z)·P(z)/proposal(z); the estimate after k samples is log((1/k) Σ w), whose
expectation is below log P(X) and rises towards it with k (Burda et al. 2016, arXiv 1509.00519, theorem 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_core.networks.posterior.numpy_ import log_standard_normal
from vae_core.networks.scorer import Scorer

Float64 = NDArray[np.float64]
Single = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Samples:
    """K codes for one image, in the order in which they were drawn."""

    z: Float64
    """(K, D)"""
    log_likelihood: Float64
    """(K,) log P(X|z), nats."""
    log_weight: Float64
    """(K,) log w, nats."""


def prior_samples(scorer: Scorer, x: Single, count: int, rng: np.random.Generator) -> Samples:
    """Codes from N(0, I) for one image x (C, H, W) in [0, 1]: w = P(X|z). Fewer are the first of many."""
    z = rng.standard_normal((count, scorer.latent_dim))
    log_likelihood = scorer.log_likelihood(x[None], z[:, None])[:, 0].astype(np.float64)
    return Samples(z, log_likelihood, log_likelihood)


def posterior_samples(scorer: Scorer, x: Single, count: int, rng: np.random.Generator) -> Samples:
    """Codes from Q(z|X) for one image x (C, H, W) in [0, 1]: w = P(X|z)·P(z)/Q(z|X). Fewer are the first of many."""
    q = scorer.encode(x[None])
    z = q.sample(rng.standard_normal((count, 1, scorer.latent_dim)))  # (K, 1, D)
    log_likelihood = scorer.log_likelihood(x[None], z)[:, 0].astype(np.float64)
    log_ratio = (log_standard_normal(z) - q.log_prob(z))[:, 0]
    return Samples(z[:, 0], log_likelihood, log_likelihood + log_ratio)


def running(log_weight: Float64) -> tuple[Float64, Float64]:
    """After each of K weights: log((1/k) Σ w) in nats, and the effective sample size (Σw)²/Σw², 1 to k; (K,) each."""
    k = np.arange(1, len(log_weight) + 1)
    total = np.logaddexp.accumulate(log_weight)
    squares = np.logaddexp.accumulate(2 * log_weight)
    return total - np.log(k), np.exp(2 * total - squares).clip(1, k)
