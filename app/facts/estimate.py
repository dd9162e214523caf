"""How long a training will take on this machine, and how to say it."""

from __future__ import annotations

import math

from app import session
from vae_core import data
from vae_core.config import RunConfig

RELATIVE_COST = {"mlp": 1.0, "conv": 6.5, "burgess": 8.0, "beta-tcvae": 1.8, "factor-vae": 2.0}
"""Time for an image relative to the mlp, and to the ELBO with the same network: measured on runs of a few epochs on two
cores. Used until such a network has been trained here.
"""
A_CODE = {"all": 0.3, "one": 0.12}
"""What each of K codes adds to the time of a step, by where the gradient goes; measured with 5 to 50 codes."""


def seconds(config: RunConfig) -> float:
    """Seconds, from the last run of this network that was trained here, else from the mlp's and a measured ratio."""
    images = len(data.load_split(config.dataset, "train").labels) * config.epochs
    rates: dict[str, float] = {}  # the newest of each network, since the store lists the newest first
    for info in session.infos():
        if info.result is not None and (info.config.dataset, info.config.objective) == (config.dataset, "elbo"):
            rates.setdefault(info.config.architecture, max(1.0, info.result.images_per_second))
    rate = rates.get(config.architecture) or rates.get("mlp", 30_000.0) / RELATIVE_COST[config.architecture]
    return images / rate * _relative_cost(config) + 0.5


def _relative_cost(config: RunConfig) -> float:
    """Time for a step relative to the ELBO's with the same network; with K codes the decoder runs K times."""
    if config.objective not in ("iwae", "dreg"):
        return RELATIVE_COST.get(config.objective, 1.0)
    last, first = config.parameter("samples"), config.parameter("start_samples")
    # The mean of a K that grows geometrically from first to last.
    mean = (last - first) / math.log(last / first) if first and first != last else last
    return 1.0 + mean * A_CODE[config.parameter("backward")]


def spoken(seconds: float) -> str:
    """As a person would say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
