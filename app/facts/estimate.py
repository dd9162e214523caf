"""How long a training will take on this machine, and how to say it."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

from app import session
from vae_core import data
from vae_core.config import DATASETS, RunConfig
from vae_core.store import RunInfo

RELATIVE_COST = {"mlp": 1.0, "conv": 6.5, "burgess": 8.0, "beta-tcvae": 1.8, "factor-vae": 2.0}
"""Time for an image relative to the mlp, and to the ELBO with the same network: measured on runs of a few epochs on two
cores. Used until such a network has been trained here.
"""
A_CODE = {"all": 0.3, "one": 0.12}
"""What each of K codes adds to the time of a step, by where the gradient goes; measured with 5 to 50 codes."""
A_STEP = 120.0
"""Images of the default mlp that take as long as what a step costs whatever its size: measured with batches of 32, 128
and 1,024, one epoch each on two cores.
"""
RECENT = 5
"""Runs of a network from which the range is taken."""
UNMEASURED = 2.0
"""How far a figure from another machine or another network may be off, to either side."""
START = 0.5
"""Seconds until the first step."""


class Span(NamedTuple):
    """From … to, in seconds."""

    low: float
    high: float
    measured: bool
    """Whether a training on this machine was the measure."""


def span(*configs: RunConfig) -> Span:
    """Seconds for all of these, one after the other: from runs that were trained here, else from what shipped."""
    each = [_span(config) for config in configs]
    return Span(sum(one.low for one in each), sum(one.high for one in each), all(one.measured for one in each))


def seconds(config: RunConfig) -> float:
    """One figure for it, between the ends of its span."""
    low, high, _ = _span(config)
    return math.sqrt(low * high)


def _span(config: RunConfig) -> Span:
    images = len(data.load_split(config.dataset, "train").labels) * config.epochs
    trained = [info for info in session.infos() if info.result is not None]
    here = [_speed(info) for info in trained if not info.shipped and _kind(info.config) == _kind(config)][:RECENT]
    if here:
        work = images * _work(config)
        return Span(START + 0.8 * work / max(here), START + 1.25 * work / min(here), True)
    # The newest first, so that a run from here goes before one that shipped.
    like = next((_speed(info) for info in trained if _kind(info.config) == ("mlp", "elbo")), 30_000.0)
    work = images * _work(config) * RELATIVE_COST[config.architecture] * RELATIVE_COST.get(config.objective, 1.0)
    middle = work / like
    return Span(START + middle / UNMEASURED, START + middle * UNMEASURED, False)


def _kind(config: RunConfig) -> tuple[str, str]:
    """What must be alike for one run's speed to say something of another's; what differs else is in `_work`."""
    return config.architecture, config.objective


def _speed(info: RunInfo) -> float:
    """Images a second of the default network, at this run's pace."""
    assert info.result is not None
    return max(1.0, info.result.images_per_second) * _work(info.config)


def _work(config: RunConfig) -> float:
    """What an image costs, beside one of the same network and objective with the default widths, batch and data."""
    usual = RunConfig()
    size = 1.0
    if config.architecture == "mlp":
        size = _multiplications(config) / _multiplications(usual)
    step = A_STEP / RELATIVE_COST[config.architecture]
    return (size + step / config.batch_size) / (1 + step / usual.batch_size) * _codes(config)


def _multiplications(config: RunConfig) -> float:
    """Of the mlp, for one image."""
    widths = [math.prod(DATASETS[config.dataset].shape), *config.hidden]
    inner = sum(a * b for a, b in itertools.pairwise(widths))
    return 2 * inner + 3 * widths[-1] * config.latent_dim


def _codes(config: RunConfig) -> float:
    """With K codes the decoder runs K times."""
    if config.objective not in ("iwae", "dreg"):
        return 1.0
    last, first = config.parameter("samples"), config.parameter("start_samples")
    # The mean of a K that grows geometrically from first to last.
    mean = (last - first) / math.log(last / first) if first and first != last else last
    return 1.0 + mean * A_CODE[config.parameter("backward")]


def told(*configs: RunConfig) -> str:
    """The span as a sentence begins, with what it rests on."""
    low, high, measured = span(*configs)
    words = between(low, high)
    busy = session.jobs().table.living("train")
    return (
        f"{words} on this machine"
        + ("" if measured else ", a guess until one like it was trained here")
        + ("; longer while another trains" if busy else "")
    )


def between(low: float, high: float) -> str:
    """Both ends, with the unit once where it is one: 8–11 s, 80 s to 2 min."""
    near, far = spoken(low).split(), spoken(high).split()
    if near == far:
        return " ".join(near)
    return f"{near[0]}–{' '.join(far)}" if near[1] == far[1] else f"{' '.join(near)} to {' '.join(far)}"


def spoken(seconds: float) -> str:
    """As a person would say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
