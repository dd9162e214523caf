"""Encoder, decoder and Q(z|X) = N(μ(X), Σ(X)), Σ diagonal or full; knows no loss.

Kingma & Welling (2014), arXiv 1312.6114: z = μ + σ·ε with ε ~ N(0, I) (section 2.4). Full covariance: Σ = L·Lᵀ and
z = μ + L·ε (Kingma & Welling 2019, arXiv 1906.02691, section 2.5.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_core.config import RunConfig
from vae_core.networks import likelihoods
from vae_core.networks.architecture import Layer, fan_in, network


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

    def kl(self) -> Tensor:
        """D[Q(z|X) ‖ N(0, I)] per dimension, (B, D) nats: ½(μ² + Σᵢᵢ − 1 − log Lᵢᵢ²) (appendix B).

        With a full covariance the terms are those of the rows of L; only their sum is the KL of a distribution.
        """
        variance = self.logvar.exp()
        if self.lower is not None:
            variance = variance + self.lower.square().sum(2)
        return 0.5 * (self.mu.square() + variance - 1 - self.logvar)

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


class VAE(nn.Module):
    """The networks of one configuration, in float32, with weights drawn from `generator`."""

    def __init__(self, config: RunConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        layers = network(config)
        self.config = config
        self.encoder = nn.Sequential(*[_MODULES[layer["type"]](layer) for layer in layers.encoder])
        self.decoder = nn.Sequential(*[_MODULES[layer["type"]](layer) for layer in layers.decoder])
        self.likelihood = likelihoods.build(config)
        if generator is not None:
            _initialise(self.encoder, layers.encoder, generator)
            _initialise(self.decoder, layers.decoder, generator)

    def encode(self, x: Tensor) -> Posterior:
        """Q(z|X) for x (B, C, H, W) in [0, 1]."""
        # Q's parameters stay float32 under autocast: exp(log σ²) in bf16 would carry two digits.
        out, d = self.encoder(x).float(), self.config.latent_dim
        mu, logvar = out[:, :d], out[:, d : 2 * d]
        if self.config.posterior == "diagonal":
            return Posterior(mu, logvar)
        row, column = torch.tril_indices(d, d, -1)
        lower = out.new_zeros(len(out), d, d)
        lower[:, row, column] = out[:, 2 * d :]
        return Posterior(mu, logvar, lower)

    def decode(self, z: Tensor) -> Tensor:
        """Parameters f(z; θ) of P(X|z) for z (B, D): (B, C, H, W)."""
        return self.decoder(z).float()

    def pictures(self, z: Tensor) -> Tensor:
        """E[X|z] for z (B, D), clipped to [0, 1] for display: (B, C, H, W)."""
        return self.likelihood.mean(self.decode(z)).clamp(0, 1)

    def start_from_mean(self, mean: Tensor) -> None:
        """Set the output bias so that the untrained decoder paints the data's mean picture (C, H, W)."""
        last = [m for m in self.decoder if isinstance(m, (nn.Linear, nn.ConvTranspose2d))][-1]
        target = self.likelihood.initial_output(mean)
        with torch.no_grad():
            # A convolution has one bias a channel, so it gets the channel's mean.
            last.bias.copy_(target.flatten() if isinstance(last, nn.Linear) else target.mean((1, 2)))  # type: ignore[union-attr]


class _Reshape(nn.Module):
    def __init__(self, shape: list[int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape)


class _Pad(nn.Module):
    """Centre in zeros; an odd pixel goes to the bottom and the right."""

    def __init__(self, shape: list[int]) -> None:
        super().__init__()
        self.height, self.width = shape[1:]

    def forward(self, x: Tensor) -> Tensor:
        down, across = self.height - x.shape[2], self.width - x.shape[3]
        return functional.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))


class _Crop(nn.Module):
    """The inverse of `_Pad`."""

    def __init__(self, shape: list[int]) -> None:
        super().__init__()
        self.height, self.width = shape[1:]

    def forward(self, x: Tensor) -> Tensor:
        top, left = (x.shape[2] - self.height) // 2, (x.shape[3] - self.width) // 2
        return x[:, :, top : top + self.height, left : left + self.width]


# skip_init leaves the weights unset: torch's own initialisation would draw from the global seed.
_MODULES: dict[str, Callable[[Layer], nn.Module]] = {
    "linear": lambda layer: nn.utils.skip_init(nn.Linear, layer["in"], layer["out"]),
    "conv2d": lambda layer: nn.utils.skip_init(
        nn.Conv2d, layer["in"], layer["out"], layer["kernel"], stride=layer["stride"], padding=layer["padding"]
    ),
    "conv_transpose2d": lambda layer: nn.utils.skip_init(
        nn.ConvTranspose2d, layer["in"], layer["out"], layer["kernel"], stride=layer["stride"], padding=layer["padding"]
    ),
    "relu": lambda layer: nn.ReLU(),
    "silu": lambda layer: nn.SiLU(),
    "tanh": lambda layer: nn.Tanh(),
    "reshape": lambda layer: _Reshape(layer["shape"]),
    "pad": lambda layer: _Pad(layer["shape"]),
    "crop": lambda layer: _Crop(layer["shape"]),
}


def _initialise(modules: nn.Sequential, layers: list[Layer], generator: torch.Generator) -> None:
    """torch's default distribution, U(−1/√fan_in, 1/√fan_in), drawn from our own generator."""
    with torch.no_grad():
        for module, layer in zip(modules, layers, strict=True):
            if "in" in layer:
                bound = 1 / math.sqrt(fan_in(layer))
                for parameter in module.parameters():
                    parameter.uniform_(-bound, bound, generator=generator)
