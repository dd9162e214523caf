"""Q(z|X) = N(μ, L·Lᵀ) in torch, with gradients: samples, its density, its KL. The twin of `numpy_`; knows no network.

Kingma & Welling (2014), arXiv 1312.6114: z = μ + σ·ε with ε ~ N(0, I) (section 2.4). Full covariance: Σ = L·Lᵀ and
z = μ + L·ε (Kingma & Welling 2019, arXiv 1906.02691, section 2.5.1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Posterior:
    """Q(z|X) = N(μ, L·Lᵀ) for a batch, L lower triangular with diag(L) = exp(½·logvar).

    Without `lower` Q is diagonal and `logvar` = log σ². With it, `logvar` is the logarithm of the variance that
    dimension i has once dimensions 1 … i−1 are known.
    """

    mu: Tensor
    """(B, D)"""
    logvar: Tensor
    """(B, D)"""
    lower: Tensor | None = None
    """(B, D, D), zero on and above the diagonal: the rest of L."""

    def sample(self, epsilon: Tensor) -> Tensor:
        """Reparameterised: z = μ + L·ε, for ε (B, D) or (K, B, D)."""
        z = self.mu + torch.exp(0.5 * self.logvar) * epsilon
        return z if self.lower is None else z + torch.einsum("bij,...bj->...bi", self.lower, epsilon)

    def variance(self) -> Tensor:
        """The diagonal of L·Lᵀ, (B, D)."""
        variance = self.logvar.exp()
        return variance if self.lower is None else variance + self.lower.square().sum(2)

    def kl(self) -> Tensor:
        """D[Q(z|X) ‖ N(0, I)] per dimension, (B, D) nats: ½(μ² + Σᵢᵢ − 1 − log Lᵢᵢ²) (appendix B).

        With a full covariance the terms are those of the rows of L; only their sum is the KL of a distribution.
        """
        return 0.5 * (self.mu.square() + self.variance() - 1 - self.logvar)

    def log_prob(self, z: Tensor) -> Tensor:
        """log Q(z|X) for z (…, B, D): (…, B) nats."""
        if self.lower is None:
            epsilon_squared = (z - self.mu).square() / self.logvar.exp()
        else:
            tril = self.lower + torch.diag_embed(torch.exp(0.5 * self.logvar))
            flat = (z - self.mu).reshape(-1, *self.mu.shape).permute(1, 2, 0)  # (B, D, …)
            epsilon = torch.linalg.solve_triangular(tril, flat, upper=False)
            epsilon_squared = epsilon.permute(2, 0, 1).reshape(z.shape).square()
        return -0.5 * (epsilon_squared + self.logvar + math.log(2 * math.pi)).sum(-1)

    def detach(self) -> Posterior:
        """The same Q, through which no gradient flows."""
        return Posterior(self.mu.detach(), self.logvar.detach(), None if self.lower is None else self.lower.detach())


def log_prior(z: Tensor) -> Tensor:
    """log P(z) = log N(z; 0, I) in nats for z (…, D): (…)."""
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(-1)
