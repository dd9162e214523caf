"""log P(X|z), the mean picture and a sample, for each family of P(X|z).

The decoder gives parameters f(z; θ), one a pixel. Every density returns (B,) nats, summed over pixels.

- Bernoulli: P(x=1|z) = sigmoid(f). For binary X a probability; for grey x the same formula is the negative
  cross-entropy, which is no density (Loaiza-Ganem & Cunningham 2019), and `is_log_likelihood` says so.
- Gaussian: N(f, σ²I), a density on the 0–1 scale of the pixels; σ fixed, or one learned parameter.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_core.config import RunConfig


class Bernoulli(nn.Module):
    """P(X|z) = ∏ Bernoulli(x; sigmoid(f)); f are log-odds."""

    output = "sigmoid"
    is_log_likelihood = False
    """Of a data set's grey pixels it is not one."""

    def log_prob(self, x: Tensor, f: Tensor) -> Tensor:
        """Σ x·log p + (1−x)·log(1−p) for x, f (B, C, H, W): (B,) nats."""
        return -functional.binary_cross_entropy_with_logits(f, x, reduction="none").flatten(1).sum(1)

    def mean(self, f: Tensor) -> Tensor:
        """E[X|z], the shape of f."""
        return torch.sigmoid(f)

    def sample(self, f: Tensor, generator: torch.Generator) -> Tensor:
        """X ~ P(X|z), zeros and ones, the shape of f."""
        return (torch.rand(f.shape, generator=generator) < torch.sigmoid(f)).to(f.dtype)

    def initial_output(self, mean: Tensor) -> Tensor:
        """The output bias at which every picture is the data's mean picture: its log-odds, kept finite."""
        return torch.logit(mean.clamp(1e-3, 1 - 1e-3))


class Gaussian(nn.Module):
    """P(X|z) = N(f, σ²I). `sigma=None` makes log σ a parameter that is learned with the rest."""

    output = "identity"
    is_log_likelihood = True
    log_sigma: Tensor

    def __init__(self, sigma: float | None) -> None:
        super().__init__()
        if sigma is None:
            self.log_sigma = nn.Parameter(torch.tensor(math.log(0.3)))
        else:
            self.register_buffer("log_sigma", torch.tensor(math.log(sigma)))

    def log_prob(self, x: Tensor, f: Tensor) -> Tensor:
        """−½ Σ ((x−f)/σ)² − n·(log σ + ½ log 2π) for x, f (B, C, H, W): (B,) nats."""
        squares = (x - f).square().flatten(1)
        constant = self.log_sigma + 0.5 * math.log(2 * math.pi)
        return -0.5 * squares.sum(1) * torch.exp(-2 * self.log_sigma) - squares.shape[1] * constant

    def mean(self, f: Tensor) -> Tensor:
        """E[X|z] = f."""
        return f

    def sample(self, f: Tensor, generator: torch.Generator) -> Tensor:
        """X ~ N(f, σ²I), the shape of f."""
        return f + torch.exp(self.log_sigma) * torch.randn(f.shape, generator=generator)

    def initial_output(self, mean: Tensor) -> Tensor:
        """The output bias at which every picture is the data's mean picture."""
        return mean


Likelihood = Bernoulli | Gaussian


def build(config: RunConfig) -> Likelihood:
    """The family that the configuration names."""
    return {"bernoulli": Bernoulli, "gaussian": lambda: Gaussian(config.sigma)}[config.likelihood]()
