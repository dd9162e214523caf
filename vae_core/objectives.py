"""What is optimised: reconstruction − β·KL (Higgins et al. 2017), with β on a linear warm-up (Bowman et al. 2016).

Per image, in nats; β = 1 is the ELBO.
"""

from __future__ import annotations

from torch import Tensor

from vae_core.config import RunConfig


def beta_at(config: RunConfig, epoch: float) -> float:
    """The weight of the KL when `epoch` (fractional, 0 at the start) epochs have passed."""
    if config.warmup_epochs == 0:
        return config.beta
    return config.beta * min(1.0, epoch / config.warmup_epochs)


def objective(reconstruction: Tensor, kl: Tensor, beta: float) -> Tensor:
    """reconstruction (B,) and KL (B, D) -> what is maximised, (B,) nats."""
    return reconstruction - beta * kl.sum(1)
