"""log P(X|z), the mean picture and a sample, for each family of P(X|z); in torch, with gradients.

The decoder gives parameters f(z; θ), one a pixel. Every density returns (B,) nats, summed over
pixels; x and f may have more axes in front than (B, C, H, W).

- Bernoulli: P(x=1|z) = sigmoid(f). For binary X a probability; for grey x the same formula is the negative
  cross-entropy, which is no density (Loaiza-Ganem & Cunningham 2019), and `Design.is_log_likelihood` says so.
- Continuous Bernoulli (Loaiza-Ganem & Cunningham 2019, equations 4 to 7): that formula, normalised over [0, 1]. With
  log-odds f its normalising constant is C = f / tanh(f/2) and its mean 1/(1 − e⁻ᶠ) − 1/f.
- Gaussian: N(f, σ²), a density on the 0–1 scale of the pixels; σ fixed, one learned, or one learned for each pixel.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_core.networks.likelihoods import FAMILIES, NARROW, SMALLEST_SIGMA
from vae_core.networks.model import Design


class Bernoulli(nn.Module):
    """P(X|z) = ∏ Bernoulli(x; sigmoid(f)); f are log-odds."""

    def log_prob(self, x: Tensor, f: Tensor) -> Tensor:
        """Σ x·log p + (1−x)·log(1−p) for x, f (B, C, H, W): (B,) nats."""
        if torch.is_grad_enabled() and f.requires_grad:
            return -functional.binary_cross_entropy_with_logits(f, x, reduction="none").flatten(-3).sum(-1)
        return torch.linalg.vecdot(x.flatten(-3), f.flatten(-3)) - log_partition(f.flatten(-3))

    def mean(self, f: Tensor) -> Tensor:
        """E[X|z], the shape of f."""
        return torch.sigmoid(f)

    def sample(self, f: Tensor, generator: torch.Generator) -> Tensor:
        """X ~ P(X|z), zeros and ones, the shape of f."""
        return (torch.rand(f.shape, generator=generator) < torch.sigmoid(f)).to(f.dtype)

    def initial_output(self, mean: Tensor) -> Tensor:
        """The output bias at which every picture is the data's mean picture: its log-odds, kept finite."""
        return torch.logit(mean.clamp(1e-3, 1 - 1e-3))


def log_partition(f: Tensor) -> Tensor:
    """Σ log(1 + eᶠ) over the last axis, without a gradient, faster than by softplus.

    It is Σ max(f, 0) + log ∏ (1 + e^−|f|): a product of sixteen numbers from 1 to 2 has one logarithm in place of
    sixteen, and cannot overflow.
    """
    above = f.clamp(min=0).sum(-1)
    factors = f.detach().abs().neg_().exp_().add_(1)
    for _ in range(4):
        half, odd = divmod(factors.shape[-1], 2)
        if odd:
            break
        factors = factors[..., :half] * factors[..., half:]
    return above + factors.log_().sum(-1)


class ContinuousBernoulli(nn.Module):
    """P(X|z) = ∏ C(f) · sigmoid(f)ˣ · (1 − sigmoid(f))¹⁻ˣ on [0, 1]; f are log-odds."""

    def log_prob(self, x: Tensor, f: Tensor) -> Tensor:
        """Σ log C + x·log p + (1−x)·log(1−p) for x, f (B, C, H, W): (B,) nats."""
        cross_entropy = functional.binary_cross_entropy_with_logits(f, x, reduction="none")
        return (self.log_normaliser(f) - cross_entropy).flatten(-3).sum(-1)

    @staticmethod
    def log_normaliser(f: Tensor) -> Tensor:
        """log C = log(f / tanh(f/2)), the shape of f; near 0 it is log 2 + f²/12."""
        safe = torch.where(f.abs() < NARROW, torch.ones_like(f), f).abs()
        series = math.log(2) + f.square() / 12
        return torch.where(f.abs() < NARROW, series, safe.log() - torch.tanh(safe / 2).log())

    def mean(self, f: Tensor) -> Tensor:
        """E[X|z], the shape of f; near 0 it is ½ + f/12."""
        safe = torch.where(f.abs() < NARROW, torch.ones_like(f), f)
        return torch.where(f.abs() < NARROW, 0.5 + f / 12, -1 / torch.expm1(-safe) - 1 / safe)

    def sample(self, f: Tensor, generator: torch.Generator) -> Tensor:
        """X ~ P(X|z) by the inverse of its distribution function, the shape of f."""
        u = torch.rand(f.shape, generator=generator)
        safe = torch.where(f.abs() < 1e-4, torch.ones_like(f), f)
        # x = log(1 + u(eᶠ − 1))/f; for positive f with e⁻ᶠ taken out, so that it does not overflow.
        size = safe.abs()
        mirrored = torch.where(f > 0, 1 - u, u)
        x = -torch.log1p(mirrored * torch.expm1(-size)) / size
        return torch.where(f.abs() < 1e-4, u, torch.where(f > 0, 1 - x, x)).clamp(0, 1)

    def initial_output(self, mean: Tensor) -> Tensor:
        """The output bias at which every picture is the data's mean picture: found by bisection, kept within ±50."""
        low, high = torch.full_like(mean, -50.0), torch.full_like(mean, 50.0)
        for _ in range(40):
            middle = (low + high) / 2
            above = self.mean(middle) > mean
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        return (low + high) / 2


class Gaussian(nn.Module):
    """P(X|z) = N(f, σ²). `sigma=None` makes log σ a parameter that is learned; a shape (C, H, W), one a pixel."""

    log_sigma: Tensor

    def __init__(self, sigma: float | tuple[int, int, int] | None) -> None:
        super().__init__()
        if isinstance(sigma, float | int):
            self.register_buffer("log_sigma", torch.tensor(math.log(sigma)))
        else:
            self.log_sigma = nn.Parameter(torch.full(() if sigma is None else sigma, math.log(0.3)))

    def log_prob(self, x: Tensor, f: Tensor) -> Tensor:
        """−½ Σ ((x−f)/σ)² − Σ(log σ + ½ log 2π) for x, f (B, C, H, W): (B,) nats."""
        if self.log_sigma.ndim:
            log_sigma = self._bounded()
            squares = ((x - f) * torch.exp(-log_sigma)).square().flatten(-3)
            return -0.5 * squares.sum(-1) - (log_sigma + 0.5 * math.log(2 * math.pi)).sum()
        squares = (x - f).square().flatten(-3)
        constant = self.log_sigma + 0.5 * math.log(2 * math.pi)
        return -0.5 * squares.sum(-1) * torch.exp(-2 * self.log_sigma) - squares.shape[-1] * constant

    def mean(self, f: Tensor) -> Tensor:
        """E[X|z] = f."""
        return f

    def sample(self, f: Tensor, generator: torch.Generator) -> Tensor:
        """X ~ N(f, σ²I), the shape of f."""
        return f + torch.exp(self._bounded()) * torch.randn(f.shape, generator=generator)

    def _bounded(self) -> Tensor:
        return self.log_sigma.clamp(min=math.log(SMALLEST_SIGMA)) if self.log_sigma.ndim else self.log_sigma

    def initial_output(self, mean: Tensor) -> Tensor:
        """The output bias at which every picture is the data's mean picture."""
        return mean


Likelihood = Bernoulli | ContinuousBernoulli | Gaussian


def build(design: Design, sigma: float | None) -> Likelihood:
    """The family that the design names; its σ is `sigma`, or learned."""
    return _CLASSES[design.likelihood](design, sigma)


def _gaussian(design: Design, sigma: float | None) -> Gaussian:
    return Gaussian(sigma if sigma is not None else (design.sigma_shape or None))  # type: ignore[arg-type]


def _plain(kind: Callable[[], Likelihood]) -> Callable[[Design, float | None], Likelihood]:
    """A class without a σ."""
    return lambda _design, _sigma: kind()


_CLASSES: dict[str, Callable[[Design, float | None], Likelihood]] = {
    "bernoulli": _plain(Bernoulli),
    "continuous-bernoulli": _plain(ContinuousBernoulli),
    "gaussian": _gaussian,
}
assert _CLASSES.keys() == set(FAMILIES)
