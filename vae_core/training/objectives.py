"""What is optimised, one function or class for each entry of `catalogue.OBJECTIVES`: paper and equation stand there.

Each takes a `Step` (a batch, the model, the moment, the random numbers) and gives a `Found`: what is maximised, and the
two terms of the ELBO as the curves show them. Per image, in nats; only `surrogate` is averaged over the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from vae_core.config import RunConfig
from vae_core.config.catalogue import OBJECTIVES
from vae_core.config.errors import ConfigError
from vae_core.networks.posterior.torch_ import Posterior, log_prior
from vae_core.networks.torch_ import VAE

CODES = 1024
"""Codes that are decoded together where no gradient is needed: so few that their pictures stay in the cache."""


@dataclass(frozen=True)
class Step:
    """What one gradient step starts from."""

    model: VAE
    x: Tensor
    """(B, C, H, W) in [0, 1]"""
    epoch: float
    """Epochs passed, fractional."""
    images: int
    """N, the size of the training set."""
    generator: torch.Generator
    """Of every random number of this step."""
    low_precision: bool = False
    """Whether the networks may multiply in bfloat16."""

    def noise(self, *shape: int) -> Tensor:
        """ε ~ N(0, 1)."""
        return torch.randn(*shape, generator=self.generator)

    def encode(self) -> Posterior:
        """Q(z|X)."""
        with self._precision():
            return self.model.encode(self.x)

    def log_likelihood(self, z: Tensor) -> Tensor:
        """log P(X|z) for z (B, D) or (K, B, D): (B,) or (K, B) nats."""
        with self._precision():
            f = self.model.decode(z.reshape(-1, z.shape[-1]))
        f = f.view(*z.shape[:-1], *self.x.shape[1:])
        return self.model.likelihood.log_prob(self.x.expand_as(f), f)

    def _precision(self) -> torch.autocast:
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.low_precision)


@dataclass(frozen=True)
class Found:
    """What one step found."""

    surrogate: Tensor
    """Its gradient is the one to follow, upwards."""
    objective: Tensor
    """What is maximised, the mean over the batch."""
    reconstruction: Tensor
    """(B,) log P(X|z)"""
    kl: Tensor
    """(B, D) D[Q(z|X) ‖ P(z)]"""


class Objective(nn.Module):
    """An objective with its parameters; most have no weights of their own."""

    optimizer: torch.optim.Optimizer | None = None
    """Of its own weights, if it has any."""

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, step: Step) -> Found:
        """Evaluate it on one batch."""
        raise NotImplementedError

    def learn(self) -> None:
        """Train its own weights, after the model's step."""

    def beta(self, step: Step) -> float:
        """The weight of the KL in this step."""
        return beta_at(self.config, step.epoch)

    def worth(self, step: Step) -> float:
        """What is maximised, for this model: by it two models are told apart, without a gradient."""
        with torch.no_grad():
            return float(self(step).objective)


def build(config: RunConfig, generator: torch.Generator) -> Objective:
    """The objective that the configuration names; first weights, if any, from `generator`."""
    return _CLASSES[config.objective](config, generator)


# -- the weight of the KL


def beta_at(config: RunConfig, epoch: float) -> float:
    """The weight of the KL when `epoch` (fractional, 0 at the start) epochs have passed.

    Linear warm-up (Bowman et al. 2016), once or in each of `warmup_cycles` cycles (Fu et al. 2019, equation 6); a cycle
    without `warmup_epochs` rises over its first half.
    """
    rise = config.rise_epochs
    if config.warmup_cycles:
        cycle = config.epochs / config.warmup_cycles
        epoch %= cycle
        # At a border that binary fractions miss by a rounding error, the remainder is a whole cycle instead of nothing.
        if cycle - epoch < 1e-12 * config.epochs:
            epoch = 0.0
    return config.beta * (min(1.0, epoch / rise) if rise else 1.0)


# -- with one code for each image


class _OneCode(Objective):
    """The ELBO's terms with one z for each image, and a function of them."""

    def forward(self, step: Step) -> Found:
        """Draw, score, combine."""
        q = step.encode()
        z = self._draw(step, q)
        reconstruction, kl = step.log_likelihood(z), q.kl()
        per_image = self._combine(step, q, z, reconstruction, kl)
        objective = per_image.mean()
        return Found(objective, objective.detach(), reconstruction, kl)

    def _draw(self, step: Step, q: Posterior) -> Tensor:
        """The code (B, D)."""
        return q.sample(step.noise(*q.mu.shape))

    def _combine(self, step: Step, q: Posterior, z: Tensor, reconstruction: Tensor, kl: Tensor) -> Tensor:
        """What is maximised, (B,) or its mean."""
        raise NotImplementedError


class Elbo(_OneCode):
    """reconstruction − β·KL; with the path gradient the KL is log Q(z|X) − log P(z), Q's own parameters held still."""

    def _combine(self, step: Step, q: Posterior, z: Tensor, reconstruction: Tensor, kl: Tensor) -> Tensor:
        if self.config.parameter("gradient") == "path":
            return reconstruction - self.beta(step) * (q.detach().log_prob(z) - log_prior(z))
        return reconstruction - self.beta(step) * kl.sum(1)


class FreeBits(_OneCode):
    """The KL of a dimension, averaged over the batch, counts from λ upwards."""

    def _combine(self, step: Step, q: Posterior, z: Tensor, reconstruction: Tensor, kl: Tensor) -> Tensor:
        paid = kl.mean(0).clamp(min=self.config.parameter("free_bits")).sum()
        return reconstruction - self.beta(step) * paid


class Capacity(_OneCode):
    """The batch's KL is held at C(t)."""

    def _combine(self, step: Step, q: Posterior, z: Tensor, reconstruction: Tensor, kl: Tensor) -> Tensor:
        rise = self.config.parameter("capacity_epochs")
        target = self.config.parameter("capacity") * (min(1.0, step.epoch / rise) if rise else 1.0)
        return reconstruction - self.config.parameter("capacity_weight") * (kl.sum(1).mean() - target).abs()


class BetaTCVAE(_OneCode):
    """The KL in three parts, each estimated with the batch's codes."""

    def _combine(self, step: Step, q: Posterior, z: Tensor, reconstruction: Tensor, kl: Tensor) -> Tensor:
        information, correlation, marginal = kl_parts(q, z, step.images, self.config.parameter("sampling"))
        return (
            reconstruction
            - self.config.parameter("mi_weight") * information
            - self.config.parameter("tc_weight") * correlation
            - self.config.parameter("dimension_weight") * marginal
        )


PAIRS = 1 << 24
"""Numbers (codes of a batch × codes × D) beyond which the pairs are looked at in parts: what bounds the memory."""


def kl_parts(q: Posterior, z: Tensor, images: int, sampling: str) -> tuple[Tensor, Tensor, Tensor]:
    """log Q(z|X) − log P(z) at codes z (B, D) ~ Q(z|X) in three parts, (B,) nats each, for N = `images`, B ≥ 2.

    log Q(z|X)/Q(z), log Q(z)/∏Q(zⱼ), ∑ log Q(zⱼ)/P(zⱼ): their means estimate the index-code mutual information, the
    total correlation and the dimension-wise KL (Chen et al. 2018, equation 2). Q(z) = Σₙ Q(z|xₙ)/N is estimated with
    the batch, by weighted (`mws`, equation S3) or stratified (`mss`, equation S5) sampling.

    In parts, each part's pairs are worked out again on the way back, so that only one part's are held at a time.
    """
    size, d = z.shape
    _at_least_two(size)
    weight = _batch_weights(size, images, sampling).log()
    rows = max(1, PAIRS // (size * d))
    if rows >= size:
        log_own, log_qz, log_product = _aggregate(q, z, weight, 0)
    else:
        found = [
            checkpoint(_aggregate, q, z[start : start + rows], weight[start : start + rows], start, use_reentrant=False)
            for start in range(0, size, rows)
        ]
        log_own, log_qz, log_product = (torch.cat(part) for part in zip(*found, strict=True))
    return log_own - log_qz, log_qz - log_product, log_product - log_prior(z)


def _aggregate(q: Posterior, z: Tensor, weight: Tensor, first: int) -> tuple[Tensor, Tensor, Tensor]:
    """log Q(z|X), log Q(z) and log ∏ Q(zⱼ), (M,) each, at codes z (M, D) of the images `first`, `first` + 1, …"""
    size = len(q.mu)
    variance = q.logvar.exp() if q.lower is None else q.logvar.exp() + q.lower.square().sum(2)
    marginal = Posterior(q.mu, variance.log())
    # [i, j]: code i under the posterior of image j.
    joint = q.log_prob(z[:, None].expand(len(z), size, -1))
    by_dimension = _log_normal(z[:, None], marginal)  # (M, B, D)
    log_qz = (joint + weight).logsumexp(1)
    log_product = (by_dimension + weight[:, :, None]).logsumexp(1).sum(1)
    return joint.diagonal(first), log_qz, log_product


def _batch_weights(size: int, images: int, sampling: str) -> Tensor:
    """(B, B): how much image j of the batch counts in the estimate of Q(z) at the code of image i, B ≥ 2."""
    if sampling == "mws":
        return torch.full((size, size), 1 / (images * size))
    # The image itself stands for 1/N; of the others, one stands for the rest, so that the weights add up to one. In a
    # batch that is the whole training set there is no rest: each stands for 1/N.
    others = size - 1
    weights = torch.full((size, size), 1 / others)
    own = torch.arange(size)
    weights[own, own] = 1 / images
    weights[own, (own + 1) % size] = (images - others) / (images * others)
    return weights


def _at_least_two(size: int) -> None:
    if size < 2:
        raise ConfigError("a batch of one image: this objective compares the codes of a batch; give two or more")


def _log_normal(z: Tensor, q: Posterior) -> Tensor:
    """log N(z; μ, σ²) by dimension."""
    return -0.5 * ((z - q.mu).square() / q.logvar.exp() + q.logvar + math.log(2 * math.pi))


class FactorVAE(_OneCode):
    """The total correlation by the odds of a discriminator that tells codes from codes with shuffled dimensions.

    The paper takes a second batch for the shuffled codes; here they are the same batch's, out of reach of the gradient.
    """

    def __init__(self, config: RunConfig, generator: torch.Generator) -> None:
        super().__init__(config)
        units, layers = config.parameter("discriminator_units"), config.parameter("discriminator_layers")
        sizes = [config.latent_dim, *[units] * layers, 2]
        modules: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
            bound = 1 / math.sqrt(inputs)
            for parameter in linear.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
            modules += [linear, nn.LeakyReLU(0.2)]
        self.discriminator = nn.Sequential(*modules[:-1])
        self.optimizer = torch.optim.Adam(
            self.discriminator.parameters(), lr=config.parameter("discriminator_rate"), betas=(0.5, 0.9), fused=True
        )
        self._seen: tuple[Tensor, Tensor] | None = None

    def _combine(self, step: Step, q: Posterior, z: Tensor, reconstruction: Tensor, kl: Tensor) -> Tensor:
        self._seen = z.detach(), shuffled_dimensions(z.detach(), step.generator)
        correlation = self.total_correlation(z)
        elbo = reconstruction - self.beta(step) * kl.sum(1)
        return elbo - self.config.parameter("tc_weight") * correlation

    def worth(self, step: Step) -> float:
        """Without the total correlation: the discriminator knows it of the codes that it was trained on alone."""
        with torch.no_grad():
            q = step.encode()
            return float((step.log_likelihood(self._draw(step, q)) - self.beta(step) * q.kl().sum(1)).mean())

    def total_correlation(self, z: Tensor) -> Tensor:
        """log of the odds that z (B, D) was not shuffled, (B,): its mean estimates the TC (equation 3)."""
        odds = self.discriminator(z)
        return odds[:, 0] - odds[:, 1]

    def learn(self) -> None:
        """One step of the discriminator on the codes that the model's step drew."""
        assert self._seen is not None
        assert self.optimizer is not None
        real, shuffled = self._seen
        self.optimizer.zero_grad(set_to_none=True)  # the model's step has left gradients here
        loss = self.discriminator_loss(real, shuffled)
        loss.backward()
        self.optimizer.step()

    def discriminator_loss(self, real: Tensor, shuffled: Tensor) -> Tensor:
        """½(E[−log D(z)] + E[−log(1 − D(z̄))]) (algorithm 2)."""
        kinds = torch.zeros(len(real), dtype=torch.long)
        first = functional.cross_entropy(self.discriminator(real), kinds)
        return 0.5 * (first + functional.cross_entropy(self.discriminator(shuffled), kinds + 1))


def shuffled_dimensions(z: Tensor, generator: torch.Generator) -> Tensor:
    """Each dimension of z (B, D) in an order of its own: codes from ∏ Q(zⱼ) (Kim & Mnih 2018, algorithm 1)."""
    order = torch.rand(z.shape, generator=generator).argsort(0)
    return z.gather(0, order)


class DIPVAE(_OneCode):
    """The covariance of the codes is drawn to the identity: I looks at the means, II at the codes themselves."""

    def _combine(self, step: Step, q: Posterior, z: Tensor, reconstruction: Tensor, kl: Tensor) -> Tensor:
        covariance = covariance_of_codes(q, noise=self.config.objective == "dip-vae-ii")
        diagonal = covariance.diagonal()
        off = covariance.square().sum() - diagonal.square().sum()
        penalty = self.config.parameter("lambda_od") * off
        penalty = penalty + self.config.parameter("lambda_d") * (diagonal - 1).square().sum()
        return reconstruction - self.beta(step) * kl.sum(1) - penalty


def covariance_of_codes(q: Posterior, *, noise: bool) -> Tensor:
    """Cov[μ(X)] over the batch, plus E[Σ(X)] with `noise`: (D, D) (Kumar et al. 2018, equation 5)."""
    _at_least_two(len(q.mu))
    centred = q.mu - q.mu.mean(0)
    covariance = centred.T @ centred / len(centred)
    if noise:
        tril = torch.diag_embed(torch.exp(0.5 * q.logvar))
        tril = tril if q.lower is None else tril + q.lower
        covariance = covariance + (tril @ tril.mT).mean(0)
    return covariance


class InfoVAE(_OneCode):
    """The codes of the batch against as many draws from the prior, by maximum mean discrepancy."""

    def _combine(self, step: Step, q: Posterior, z: Tensor, reconstruction: Tensor, kl: Tensor) -> Tensor:
        alpha, weight = self.config.parameter("alpha"), self.config.parameter("mmd_lambda")
        discrepancy = mmd(z, step.noise(*z.shape))
        return reconstruction - (1 - alpha) * kl.sum(1) - (alpha + weight - 1) * discrepancy


def mmd(a: Tensor, b: Tensor) -> Tensor:
    """Squared MMD of two samples (B, D), without bias (Gretton et al. 2012, equation 3).

    The kernel is exp(−‖a − b‖²/2D): two codes from the prior are √(2D) apart, root mean square.
    """
    size, d = a.shape
    _at_least_two(size)

    def kernel(left: Tensor, right: Tensor) -> Tensor:
        squares = left.square().sum(1)[:, None] + right.square().sum(1) - 2 * left @ right.T
        return torch.exp(-squares / (2 * d))

    def within(codes: Tensor) -> Tensor:
        values = kernel(codes, codes)
        return (values.sum() - values.diagonal().sum()) / (size * (size - 1))

    return within(a) + within(b) - 2 * kernel(a, b).mean()


class Autoencoder(_OneCode):
    """z = μ(X), nothing else."""

    def _draw(self, step: Step, q: Posterior) -> Tensor:
        return q.mu

    def _combine(self, step: Step, q: Posterior, z: Tensor, reconstruction: Tensor, kl: Tensor) -> Tensor:
        return reconstruction


# -- with K codes for each image


class ImportanceWeighted(Objective):
    """L_K, by its own gradient (IWAE) or with the encoder's part reparameterised twice (DReG).

    With wₖ = P(X|zₖ)·(P(zₖ)/Q(zₖ|X))^β and w̃ₖ = wₖ/Σw, IWAE follows Σ w̃ₖ ∇log wₖ. DReG holds Q's parameters inside
    log wₖ still and follows Σ w̃ₖ² ∂log wₖ/∂zₖ ∂zₖ/∂φ for the encoder; the decoder's part is the same. At a β other than
    1, as during a warm-up (Sønderby et al. 2016), w̃ₖ² is w̃ₖ·(1 − β + β·w̃ₖ): what was replaced is the
    gradient of −β·log Q alone.
    """

    def forward(self, step: Step) -> Found:
        """L_K and its gradient."""
        q = step.encode()
        epsilon = step.noise(self.samples_at(step.epoch / self.config.epochs), *q.mu.shape)
        if self.config.parameter("backward") == "one":
            return self._through_one(step, q, epsilon)
        log_w, reconstruction, z = self._log_weights(step, q, epsilon)
        objective = (log_w.logsumexp(0) - math.log(len(log_w))).mean()
        surrogate = objective
        if self._doubly:
            share = log_w.detach().softmax(0)
            _scale_gradient(z, self._twice(step, share))
            surrogate = (share * log_w).sum(0).mean()
        return Found(surrogate, objective.detach(), reconstruction.mean(0), q.kl())

    def samples_at(self, passed: float) -> int:
        """K when this fraction of the training has passed."""
        last, first = self.config.parameter("samples"), self.config.parameter("start_samples")
        return last if not first else round(first * (last / first) ** min(1.0, passed))

    @property
    def _doubly(self) -> bool:
        return self.config.objective == "dreg"

    def _log_weights(self, step: Step, q: Posterior, epsilon: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """log wₖ and log P(X|zₖ), (K, B), and zₖ (K, B, D), for ε (K, B, D)."""
        z = q.sample(epsilon)
        likelihood = step.log_likelihood(z)
        log_ratio = log_prior(z) - (q.detach() if self._doubly else q).log_prob(z)
        return likelihood + self.beta(step) * log_ratio, likelihood, z

    def _twice(self, step: Step, share: Tensor) -> Tensor:
        """By what the encoder's gradient is multiplied beside w̃ₖ = `share`."""
        beta = self.beta(step)
        return 1 - beta + beta * share

    def _through_one(self, step: Step, q: Posterior, epsilon: Tensor) -> Found:
        """The gradient of a code that is drawn with probability w̃ₖ has the sum's expectation."""
        with torch.no_grad():
            parts = [self._log_weights(step, q, part)[:2] for part in epsilon.split(max(1, CODES // epsilon.shape[1]))]
            log_w, reconstruction = (torch.cat(column) for column in zip(*parts, strict=True))
            share = log_w.softmax(0)
            # The largest of log w̃ₖ + Gumbel noise is k with probability w̃ₖ.
            gumbel = -torch.log(-torch.log(torch.rand(log_w.shape, generator=step.generator).clamp(1e-20, 1 - 1e-7)))
            chosen = (log_w + gumbel).argmax(0)
            at = torch.arange(len(chosen))
        log_one, _, z = self._log_weights(step, q, epsilon[chosen, at][None])
        if self._doubly:
            _scale_gradient(z, self._twice(step, share[chosen, at][None]))
        objective = (log_w.logsumexp(0) - math.log(len(log_w))).mean()
        return Found(log_one.mean(), objective, reconstruction.mean(0), q.kl())


def _scale_gradient(z: Tensor, factor: Tensor) -> None:
    """Multiply what flows back through z (K, B, D) by a factor (K, B)."""

    def scaled(gradient: Tensor) -> Tensor:
        return gradient * factor[:, :, None]

    if z.requires_grad:
        z.register_hook(scaled)


def _plain(kind: Callable[[RunConfig], Objective]) -> Callable[[RunConfig, torch.Generator], Objective]:
    """A class without weights of its own."""
    return lambda config, _generator: kind(config)


_CLASSES: dict[str, Callable[[RunConfig, torch.Generator], Objective]] = {
    "elbo": _plain(Elbo),
    "free-bits": _plain(FreeBits),
    "capacity": _plain(Capacity),
    "beta-tcvae": _plain(BetaTCVAE),
    "factor-vae": FactorVAE,
    "dip-vae-i": _plain(DIPVAE),
    "dip-vae-ii": _plain(DIPVAE),
    "info-vae": _plain(InfoVAE),
    "iwae": _plain(ImportanceWeighted),
    "dreg": _plain(ImportanceWeighted),
    "autoencoder": _plain(Autoencoder),
}
assert _CLASSES.keys() == OBJECTIVES.keys()
