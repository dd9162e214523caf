"""log P(X) between two bounds, for any number of latent dimensions: annealed importance sampling in both directions.

A path of densities f_β(z) ∝ p₀(z)^(1−β) · (P(X|z)P(z))^β leads from p₀, the prior or Q(z|X), at β = 0 to the posterior
at β = 1; Hamiltonian Monte Carlo moves a chain along it (Neal 2001, arXiv physics/9803008; 2011, arXiv 1206.1901).

- Forward, p₀ to posterior: the weight ∏ f_t(z_{t−1})/f_{t−1}(z_{t−1}) has the mean P(X), so the logarithm of its
  average over chains is in expectation a lower bound of log P(X).
- Backward, from an exact sample of the posterior: the inverse weight has the mean 1/P(X), so minus the logarithm of its
  average is in expectation an upper bound (Grosse, Ghahramani & Adams 2015, arXiv 1511.02543).

Of a real image nobody has an exact sample of the posterior. `simulate` makes images that come with one: z ∼ P(z), then
X ∼ P(X|z), and z is a sample of P(z|X). For a real image the backward chains start where forward chains ended, picked
by their weights; the figure is then only about an upper bound, and `upper_is_bound` says so. Wu et al. (2017),
arXiv 1611.04273, measured decoders so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.config.errors import ConfigError
from vae_core.networks.posterior.torch_ import Posterior, log_prior
from vae_core.networks.torch_ import VAE, log_likelihood

Float64 = NDArray[np.float64]
Single = NDArray[np.float32]

Start = Literal["prior", "q"]

CHAINS = 4096
"""Chains that move at a time: what bounds the memory, whatever the number of images."""
TARGET = 0.65
"""Acceptance towards which the warm-up turns the step size (Neal 2011)."""
FIRST_STEP = 0.5
"""Where the warm-up begins, in units of a dimension's width."""
LEARNING = 100
"""Transitions that the warm-up takes at least: a path of few temperatures stays a while at each."""


@dataclass(frozen=True, kw_only=True)
class Annealing:
    """How the chains run."""

    chains: int = 16
    """K: chains for each image, in each direction."""
    temperatures: int = 200
    """T: steps from p₀ to the posterior, each followed by one transition."""
    leapfrog: int = 10
    """Steps of the integrator in one transition."""
    start: Start = "prior"
    """p₀: P(z), or Q(z|X), from which the path is shorter where Q is near the posterior."""

    def __post_init__(self) -> None:
        """Check the fields."""
        for name, least in (("chains", 1), ("temperatures", 2), ("leapfrog", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name}={getattr(self, name)}: give {least} or more")
        if self.start not in ("prior", "q"):
            raise ConfigError(f"start={self.start!r}: choose one of prior, q")

    def schedule(self) -> Float64:
        """β₀ = 0 … β_T = 1, (T+1,): a sigmoid, slow at both ends, where the densities change fastest."""
        s = 1 / (1 + np.exp(-4 * np.linspace(-1, 1, self.temperatures + 1)))
        return (s - s[0]) / (s[-1] - s[0])


@dataclass(frozen=True, eq=False)
class Bracket:
    """Bounds of log P(X) for B images, nats. Both hold in expectation; a single run may err by about its error."""

    lower: Float64
    """(B,)"""
    upper: Float64
    """(B,)"""
    lower_stderr: Float64
    """(B,) by the delta method over the chains; too small where few chains carry the weight."""
    upper_stderr: Float64
    """(B,) the same; chains that start at one common sample do not show how that sample might have differed."""
    upper_is_bound: bool
    """Whether the backward chains began at exact samples of the posterior; else `upper` is close to a bound at best."""
    acceptance: float
    """Mean rate at which transitions were accepted, both directions, after the warm-up."""
    is_log_likelihood: bool
    """Whether log P(X|z) is the log of a probability or density of these data."""


@dataclass(frozen=True)
class Between:
    """The means over the images of a bracket, with what they are worth together; nats."""

    lower: float
    lower_stderr: float
    upper: float
    upper_stderr: float
    agreement: Literal["apart", "agree", "contradict"]
    """`apart`: the lower figure is below the upper one. `agree`: it is not, by no more than their errors, so that the
    two are one figure. `contradict`: by more; the errors, of few chains each, are then too small."""


def between(bounds: Bracket) -> Between:
    """The mean lower and upper figure, and whether they are in order."""

    def mean(value: Float64, stderr: Float64) -> tuple[float, float]:
        return float(value.mean()), float(np.sqrt(np.square(stderr).sum()) / len(stderr))

    lower, upper = mean(bounds.lower, bounds.lower_stderr), mean(bounds.upper, bounds.upper_stderr)
    beyond = lower[0] - upper[0]
    agreement = "apart" if beyond <= 0 else "agree" if beyond <= 2 * math.hypot(lower[1], upper[1]) else "contradict"
    return Between(*lower, *upper, agreement)


def simulate(model: VAE, count: int, rng: np.random.Generator) -> tuple[Single, Single]:
    """Images from the model, (count, C, H, W), each with its code, (count, D): an exact sample of its posterior.

    A Bernoulli's are zeros and ones, also where the model was trained on grey pixels (`is_log_likelihood` is False):
    what is measured with them is then how it does on images that its encoder never saw.
    """
    z = rng.standard_normal((count, model.latent_dim), np.float32)
    generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
    with torch.inference_mode():
        x = model.likelihood.sample(model.decode(torch.from_numpy(z)), generator)
    return x.numpy(), z


def bracket(
    model: VAE, x: Single, settings: Annealing, rng: np.random.Generator, posterior: Single | None = None
) -> Bracket:
    """Bounds of log P(X) for images x (B, C, H, W).

    `posterior` are exact samples of P(z|X), (B, D) as `simulate` gives them, or (K, B, D), one for each chain; without
    them `upper` is no bound.
    """
    parts: list[tuple[Float64, ...]] = []
    group = max(1, CHAINS // settings.chains)
    for start in range(0, len(x), group):
        path = _Path(model, torch.from_numpy(x[start : start + group]), settings, rng)
        path.warm_up()
        log_w, ends, accepted = path.forward()
        if posterior is None:
            begin = _resampled(ends, log_w, rng)
        else:
            begin = torch.from_numpy(posterior[..., start : start + group, :]).float().expand(ends.shape)
        log_v, accepted_back = path.backward(begin)
        lower, lower_stderr = _log_mean(log_w)
        inverse, upper_stderr = _log_mean(-log_v)
        parts.append((lower, -inverse, lower_stderr, upper_stderr, (accepted + accepted_back) / 2))
    lower, upper, lower_stderr, upper_stderr, acceptance = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Bracket(
        lower=lower,
        upper=upper,
        lower_stderr=lower_stderr,
        upper_stderr=upper_stderr,
        upper_is_bound=posterior is not None,
        acceptance=float(acceptance.mean()),
        is_log_likelihood=model.design.is_log_likelihood,
    )


class _Path:
    """The path of one group of B images: K chains each, moved as one batch (K, B, D)."""

    def __init__(self, model: VAE, x: Tensor, settings: Annealing, rng: np.random.Generator) -> None:
        self.model, self.x, self.settings, self.rng = model, x, settings, rng
        self.beta = settings.schedule()
        self.shape = settings.chains, len(x), model.latent_dim
        with torch.inference_mode():
            q = model.encode(x)
        # Copies: tensors of inference mode take no part in gradients.
        self.q = Posterior(q.mu.clone(), q.logvar.clone(), None if q.lower is None else q.lower.clone())
        variance = self.q.logvar.exp() if self.q.lower is None else self.q.logvar.exp() + self.q.lower.square().sum(2)
        self.precision = 1 / variance  # (B, D)
        self.step = torch.full((len(self.beta), len(x), 1), FIRST_STEP)

    def warm_up(self) -> None:
        """One forward pass that sets a step size for each temperature and image, and is then forgotten."""
        log_step = torch.full((len(self.x), 1), math.log(FIRST_STEP))
        z = self._begin()
        for t in range(1, len(self.beta)):
            for _ in range(math.ceil(LEARNING / self.settings.temperatures)):
                self.step[t] = log_step.exp()
                z, accepted = self._transition(z, t)
                log_step = log_step + 0.3 * (accepted.mean(0)[:, None] - TARGET)

    def forward(self) -> tuple[Tensor, Tensor, Float64]:
        """log weights (K, B), the chains' ends (K, B, D), acceptance (B,)."""
        z = self._begin()
        log_w = torch.zeros(self.shape[:2], dtype=torch.float64)
        rates: list[Tensor] = []
        for t in range(1, len(self.beta)):
            log_w += (self.beta[t] - self.beta[t - 1]) * self._slope(z)
            z, accepted = self._transition(z, t)
            rates.append(accepted.mean(0))
        return log_w, z, torch.stack(rates).double().mean(0).numpy()

    def backward(self, z: Tensor) -> tuple[Tensor, Float64]:
        """The same weights (K, B) along chains that begin at samples z (K, B, D) of the posterior; acceptance (B,)."""
        log_w = torch.zeros(self.shape[:2], dtype=torch.float64)
        rates: list[Tensor] = []
        for t in range(len(self.beta) - 1, 0, -1):
            z, accepted = self._transition(z, t)
            rates.append(accepted.mean(0))
            log_w += (self.beta[t] - self.beta[t - 1]) * self._slope(z)
        return log_w, torch.stack(rates).double().mean(0).numpy()

    def _noise(self) -> Tensor:
        return torch.from_numpy(self.rng.standard_normal(self.shape, np.float32))

    def _begin(self) -> Tensor:
        return self._noise() if self.settings.start == "prior" else self.q.sample(self._noise())

    def _log_start(self, z: Tensor) -> Tensor:
        return log_prior(z) if self.settings.start == "prior" else self.q.log_prob(z)

    def _log_joint(self, z: Tensor) -> Tensor:
        return log_likelihood(self.model, self.x, z) + log_prior(z)

    def _slope(self, z: Tensor) -> Tensor:
        """d log f_β / dβ = log P(X|z)P(z) − log p₀(z), (K, B)."""
        with torch.inference_mode():
            return (self._log_joint(z) - self._log_start(z)).double()

    def _energy(self, z: Tensor, beta: float) -> tuple[Tensor, Tensor]:
        """log f_β(z) up to a constant, (K, B), and its gradient, (K, B, D)."""
        z = z.detach().requires_grad_()
        value = (1 - beta) * self._log_start(z) + beta * self._log_joint(z)
        (gradient,) = torch.autograd.grad(value.sum(), z)
        return value.detach(), gradient

    def _transition(self, z: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """One Hamiltonian step that leaves f_{β_t} as it is: the new z, and acceptance probabilities (K, B)."""
        beta = float(self.beta[t])
        # Each dimension in units of the width it has on the path if Q is right: a choice made before the chain is seen.
        first = 1 if self.settings.start == "prior" else self.precision
        scale = ((1 - beta) * first + beta * self.precision).rsqrt() * self.step[t]  # (B, D)
        # Steps of random length: with equal ones a chain may swing through whole periods and end where it began.
        scale = scale * torch.from_numpy(self.rng.uniform(0.5, 1.0, (*self.shape[:2], 1)).astype(np.float32))
        momentum = self._noise()
        value, gradient = self._energy(z, beta)
        before = value - 0.5 * momentum.square().sum(-1)
        moved = z
        for _ in range(self.settings.leapfrog):
            momentum = momentum + 0.5 * scale * gradient
            moved = moved + scale * momentum
            value, gradient = self._energy(moved, beta)
            momentum = momentum + 0.5 * scale * gradient
        # A path that ran off to infinity is refused.
        ratio = torch.nan_to_num(value - 0.5 * momentum.square().sum(-1) - before, nan=-math.inf)
        accepted = ratio.clamp(max=0).exp()
        taken = torch.from_numpy(self.rng.random(self.shape[:2], np.float32)) < accepted
        return torch.where(taken[..., None], moved, z), accepted


def _resampled(z: Tensor, log_w: Tensor, rng: np.random.Generator) -> Tensor:
    """Ends (K, B, D) of chains, drawn again in proportion to their weights (K, B)."""
    return torch.stack(list(_picked(z, torch.softmax(log_w, 0).numpy(), rng)), dim=1)


def _picked(z: Tensor, weights: Float64, rng: np.random.Generator) -> Iterator[Tensor]:
    for b in range(z.shape[1]):
        yield z[torch.from_numpy(rng.choice(len(z), len(z), p=weights[:, b])), b]


def _log_mean(log_w: Tensor) -> tuple[Float64, Float64]:
    """log of the mean of weights (K, B) and its standard error by the delta method: (B,) each."""
    count = len(log_w)
    value = torch.logsumexp(log_w, 0) - math.log(count)
    relative = torch.exp(log_w - value)
    if count == 1:
        return value.numpy(), np.zeros(value.shape)
    return value.numpy(), (relative.std(0) / math.sqrt(count)).numpy()
