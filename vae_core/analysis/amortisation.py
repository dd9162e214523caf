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

Float = NDArray[np.float64]
Single = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Fitted:
    """For B images, each by itself; nats."""

    q: Q
    """Q*"""
    elbo: Float
    """(B,) ELBO(Q*)"""
    stderr: Float
    """(B,) of `elbo`, over the codes that estimated it"""
    amortised: Float
    """(B,) ELBO(Q) of the encoder's Q, with the same noise ε"""
    gain: Float
    """(B,) `elbo` − `amortised`: the amortisation gap, if Q* is of the encoder's family"""
    gain_stderr: Float
    """(B,) of `gain`: smaller than either alone, for the noise is shared"""


def fit_q(
    model: VAE,
    x: Single,
    rng: np.random.Generator,
    *,
    covariance: Literal["diagonal", "full"] = "diagonal",
    steps: int = 500,
    samples: int = 16,
    learning_rate: float = 0.1,
    evaluated: int = 1000,
) -> Fitted:
    """Fit Q* to every image of x (B, C, H, W), from the encoder's Q on, with `samples` codes an image in each step.

    The result is the mean of the last half of the steps; its ELBO comes from `evaluated` codes not used before.
    """
    if covariance not in ("diagonal", "full"):
        raise ConfigError(f"covariance={covariance!r}: choose one of diagonal, full")
    if min(steps, samples) < 1 or evaluated < 2:
        raise ConfigError(f"steps={steps}, samples={samples}, evaluated={evaluated}: give positive numbers")
    images = torch.from_numpy(x)
    with torch.no_grad():
        start = model.encode(images)
    d = model.latent_dim
    variance = start.logvar.exp() if start.lower is None else start.logvar.exp() + start.lower.square().sum(2)
    first_logvar = variance.log() if covariance == "diagonal" else start.logvar
    scale = variance.sqrt()  # (B, D)
    # In units of the encoder's own widths, so that one learning rate suits every dimension: μ, ½ log σ², L.
    size = 2 * d + (d * d if covariance == "full" else 0)
    theta = torch.zeros(len(x), size, requires_grad=True)
    below = torch.ones(d, d).tril(-1)

    def q_of(theta: Tensor) -> Posterior:
        mu = start.mu + scale * theta[:, :d]
        logvar = first_logvar + 2 * theta[:, d : 2 * d]
        if covariance == "diagonal":
            return Posterior(mu, logvar)
        lower = scale[:, :, None] * theta[:, 2 * d :].view(-1, d, d) * below
        return Posterior(mu, logvar, lower if start.lower is None else start.lower + lower)

    def noise(count: int) -> Tensor:
        return torch.from_numpy(rng.standard_normal((count, len(x), d), np.float32))

    optimiser = torch.optim.Adam([theta], lr=learning_rate, betas=(0.9, 0.99))
    kept, total = torch.zeros_like(theta), 0
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = learning_rate * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
        q = q_of(theta)
        z = q.sample(noise(samples))
        elbo = log_likelihood(model, images, z) + log_prior(z) - q.detach().log_prob(z)
        (theta.grad,) = torch.autograd.grad(-elbo.mean(0).sum(), theta)
        optimiser.step()
        if 2 * step >= steps:
            kept, total = kept + theta.detach(), total + 1

    with torch.inference_mode():
        best = q_of(kept / total)
        fitted, amortised = [], []
        for count in [samples] * (evaluated // samples) + [evaluated % samples] * (evaluated % samples > 0):
            epsilon = noise(count)
            fitted.append(log_likelihood(model, images, best.sample(epsilon)) - best.kl().sum(1))
            amortised.append(log_likelihood(model, images, start.sample(epsilon)) - start.kl().sum(1))
        ours, theirs = torch.cat(fitted).double().numpy(), torch.cat(amortised).double().numpy()  # (evaluated, B)
    row, column = np.tril_indices(d, -1)
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
