"""What a run is and what can be chosen: no torch, no disk."""

from vae_core.config.datasets import DATASETS
from vae_core.config.run_config import (
    ACTIVATIONS,
    ARCHITECTURES,
    BINARIZE,
    FORMAT,
    LIKELIHOODS,
    PER_PIXEL,
    POSTERIORS,
    RunConfig,
)

__all__ = [
    "ACTIVATIONS",
    "ARCHITECTURES",
    "BINARIZE",
    "DATASETS",
    "FORMAT",
    "LIKELIHOODS",
    "PER_PIXEL",
    "POSTERIORS",
    "RunConfig",
]
