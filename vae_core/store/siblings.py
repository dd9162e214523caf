"""Runs that are the same but for what is done against posterior collapse: nothing, a warm-up of β, or free bits.

Warm-up: Bowman et al. (2016), arXiv 1511.06349, section 3.1; Sønderby et al. (2016), arXiv 1602.02282, section 2.3.
Free bits: Kingma et al. (2016), arXiv 1606.04934, equation 15.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from vae_core.config import RunConfig
from vae_core.store import RunInfo

Remedy = Literal["none", "warm-up", "free-bits", "other"]
"""What a run does so that no dimension is dropped; `other` stands for every objective that is not about that."""

FREE_NATS = 1.0
"""λ of the free bits that are proposed."""


@lru_cache(maxsize=4096)
def plain(config: RunConfig) -> RunConfig:
    """The same with the ELBO alone, β at its full weight from the first step on."""
    return replace(config, objective="elbo", parameters=(), warmup_epochs=0, warmup_cycles=0)


def remedy(config: RunConfig) -> Remedy:
    """Which of the remedies this is."""
    if config.objective == "free-bits":
        return "free-bits"
    if config.objective != "elbo":
        return "other"
    return "warm-up" if config.rise_epochs else "none"


def siblings(infos: Iterable[RunInfo], run: RunInfo) -> list[RunInfo]:
    """Those of `infos` that differ from `run` only in warm-up and objective, in their order; `run` is none of them."""
    wanted = plain(run.config)
    return [info for info in infos if info.run_id != run.run_id and plain(info.config) == wanted]


def proposals(config: RunConfig) -> dict[Remedy, RunConfig]:
    """The same run without a remedy and with each: a warm-up over a third of the epochs, `FREE_NATS` a dimension.

    Empty with β = 0: where the KL costs nothing, there is nothing to put off or to give away.
    """
    bare = plain(config)
    if bare.beta == 0:
        return {}
    return {
        "none": bare,
        "warm-up": replace(bare, warmup_epochs=max(1, round(bare.epochs / 3))),
        "free-bits": replace(bare, objective="free-bits", parameters=(("free_bits", FREE_NATS),)),
    }
