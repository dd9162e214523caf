"""The best Gaussian for one image alone, and what the encoder loses against it.

log P(X) − ELBO(Q) = [log P(X) − ELBO(Q*)] + [ELBO(Q*) − ELBO(Q)], where Q* is the best member of the family for this
image: the approximation gap and the amortisation gap (Cremer, Li & Duvenaud 2018, arXiv 1801.03558).

Q* is found by Adam on the reparameterised ELBO, whose gradient leaves out the score term, which is zero on average: its
noise vanishes where Q* is the posterior itself (Roeder, Wu & Duvenaud 2017, arXiv 1703.09194).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.config.errors import ConfigError
from vae_core.networks.posterior.numpy_ import Q
from vae_core.networks.posterior.torch_ import Posterior, log_prior
from vae_core.networks.torch_ import VAE, log_likelihood

Float64 = NDArray[np.float64]
Single = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Fitted:
    """For B images, each by itself; nats."""

    q: Q
    """Q*"""
    elbo: Float64
    """(B,) ELBO(Q*)"""
    stderr: Float64
    """(B,) of `elbo`, over the codes that estimated it"""
    amortised: Float64
    """(B,) ELBO(Q) of the encoder's Q, with the same noise ε"""
    gain: Float64
    """(B,) `elbo` − `amortised`: the amortisation gap, if Q* is of the encoder's family"""
    gain_stderr: Float64
    """(B,) of `gain`: smaller than either alone, for the noise is shared"""


def fit_q(
    model: VAE,
    x: Single,
    rng: np.random.Generator,
    *,
    covariance: Literal["diagonal", "full"] | None = None,
    steps: int = 500,
    samples: int = 16,
    learning_rate: float = 0.1,
    evaluated: int = 1000,
) -> Fitted:
    """Fit Q* to every image of x (B, C, H, W), from the encoder's Q on, with `samples` codes an image in each step.

    `covariance` is that of the encoder's own Q unless another is asked for. The result is the mean of the last half of
    the steps; its ELBO comes from `evaluated` codes not used before.
    """
    if covariance not in ("diagonal", "full", None):
        raise ConfigError(f"covariance={covariance!r}: choose one of diagonal, full")
    if min(steps, samples) < 1 or evaluated < 2:
        raise ConfigError(f"steps={steps}, samples={samples}, evaluated={evaluated}: give positive numbers")
    images, full = torch.from_numpy(x), (covariance or model.design.posterior) == "full"
    with torch.no_grad():
        start = model.encode(images)
    family = _Family(start, full)
    best = family.at(_ascended(model, images, family, rng, steps, samples, learning_rate))
    ours, theirs = _elbos(model, images, (best, start), rng, samples, evaluated)
    row, column = np.tril_indices(model.latent_dim, -1)
    lower = None if best.lower is None else best.lower.numpy()[:, row, column]
    root = math.sqrt(evaluated)
    return Fitted(
        q=Q(best.mu.numpy(), best.logvar.numpy(), lower),
        elbo=ours.mean(0),
        stderr=ours.std(0, ddof=1) / root,
        amortised=theirs.mean(0),
        gain=(ours - theirs).mean(0),
        gain_stderr=(ours - theirs).std(0, ddof=1) / root,
    )


class _Family:
    """Gaussians around the encoder's Q, in units of its own widths, so that one learning rate suits every dimension."""

    def __init__(self, start: Posterior, full: bool) -> None:
        (b, self.d), self.start, self.full = start.mu.shape, start, full
        variance = start.variance()
        self.scale = variance.sqrt()  # (B, D)
        self.first_logvar = start.logvar if full else variance.log()
        self.below = torch.ones(self.d, self.d).tril(-1)
        self.shape = b, 2 * self.d + (self.d**2 if full else 0)

    def at(self, theta: Tensor) -> Posterior:
        """The one at θ (B, …): μ, ½ log σ², and with a full covariance L; 0 is the encoder's Q."""
        d, start = self.d, self.start
        mu = start.mu + self.scale * theta[:, :d]
        logvar = self.first_logvar + 2 * theta[:, d : 2 * d]
        if not self.full:
            return Posterior(mu, logvar)
        lower = self.scale[:, :, None] * theta[:, 2 * d :].view(-1, d, d) * self.below
        return Posterior(mu, logvar, lower if start.lower is None else start.lower + lower)


def _ascended(
    model: VAE,
    images: Tensor,
    family: _Family,
    rng: np.random.Generator,
    steps: int,
    samples: int,
    learning_rate: float,
) -> Tensor:
    """θ of Q*, the mean over the last half of the steps."""
    theta = torch.zeros(family.shape, requires_grad=True)
    optimiser = torch.optim.Adam([theta], lr=learning_rate, betas=(0.9, 0.99))
    kept, total = torch.zeros_like(theta), 0
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = learning_rate * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
        q = family.at(theta)
        z = q.sample(_noise(rng, samples, family))
        elbo = log_likelihood(model, images, z) + log_prior(z) - q.detach().log_prob(z)
        (theta.grad,) = torch.autograd.grad(-elbo.mean(0).sum(), theta)
        optimiser.step()
        if 2 * step >= steps:
            kept, total = kept + theta.detach(), total + 1
    return kept / total


def _elbos(
    model: VAE, images: Tensor, of: tuple[Posterior, Posterior], rng: np.random.Generator, samples: int, evaluated: int
) -> tuple[Float64, Float64]:
    """The ELBO of two Qs at the same noise, (evaluated, B) each; `samples` codes at a time."""
    found: tuple[list[Tensor], list[Tensor]] = ([], [])
    with torch.inference_mode():
        for start in range(0, evaluated, samples):
            count = min(samples, evaluated - start)
            epsilon = torch.from_numpy(rng.standard_normal((count, *of[0].mu.shape), np.float32))
            for q, values in zip(of, found, strict=True):
                values.append(log_likelihood(model, images, q.sample(epsilon)) - q.kl().sum(1))
    ours, theirs = (torch.cat(values).double().numpy() for values in found)
    return ours, theirs


def _noise(rng: np.random.Generator, count: int, family: _Family) -> Tensor:
    return torch.from_numpy(rng.standard_normal((count, family.shape[0], family.d), np.float32))
