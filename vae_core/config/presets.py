"""Configurations that ship by name, each to be held against a published figure.

Both are the network of Burda et al. (2016), arXiv 1509.00519, section 5: one stochastic layer of 50 dimensions, two
tanh layers of 200 units each way, MNIST binarised anew each epoch. The paper's test log P(X), with 5,000 importance
samples, is −86.76 nats for the VAE and −84.78 for the IWAE with K = 50.
"""

from __future__ import annotations

from typing import Any

from vae_core.config import RunConfig
from vae_core.config.errors import ConfigError

_BURDA: dict[str, Any] = {
    "dataset": "mnist",
    "hidden": (200, 200),
    "activation": "tanh",
    "latent_dim": 50,
    "binarize": "dynamic",
    "batch_size": 512,
    "learning_rate": 6e-3,
    # Without a slow start of the KL so large a step size leaves 18 of the 50 dimensions in use, with it 22.
    "warmup_epochs": 50,
}

PRESETS: dict[str, RunConfig] = {
    "burda-vae": RunConfig(**_BURDA, epochs=2200, parameters=(("gradient", "path"),)),
    "burda-iwae50": RunConfig(
        **_BURDA,
        epochs=1200,
        objective="dreg",
        parameters=(("samples", 50), ("start_samples", 1), ("backward", "one")),
    ),
}
"""Name -> configuration."""


def preset(name: str) -> RunConfig:
    """The configuration of that name. Raises `ConfigError` for any other."""
    if name not in PRESETS:
        raise ConfigError(f"preset={name!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
