"""One test image under a model, for all visitors: the posterior on a grid, and samples."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app import session
from app.facts import payloads
from app.facts.kept import kept
from vae_core import data
from vae_core.analysis import bounds
from vae_core.analysis.gaussian_fit import fit_gaussian
from vae_core.analysis.importance import Samples, posterior_samples, prior_samples
from vae_core.networks.posterior.numpy_ import Q
from vae_core.networks.scorer import Scorer
from vae_core.store import RunInfo


def test_image(run: RunInfo, index: int) -> NDArray[np.uint8]:
    """(C, H, W), as the run sees it."""
    return data.test_images(run.config.dataset, run.config.binarize).x[index]


CODES_AT_ONCE = 1000
"""Codes between two looks at whether anybody still waits: a fraction of a second for the slowest network."""


class WhileWanted:
    """A scorer that is asked little by little, and gives up once its visitor has gone on: `session.go_on`.

    A final grid is seconds of all cores; those of images that were paged past must not hold up the one that is shown.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.latent_dim = scorer.latent_dim
        self.is_log_likelihood = scorer.is_log_likelihood

    def encode(self, x: NDArray[np.float32]) -> Q:
        """Q(z|X) for x (B, C, H, W) in [0, 1]."""
        session.go_on()
        return self._scorer.encode(x)

    def log_likelihood(self, x: NDArray[np.float32], z: NDArray[Any]) -> NDArray[np.float32]:
        """log P(X|z) in nats for x (B, C, H, W) and codes (K, B, D) or (K, 1, D): (K, B)."""
        out = np.empty((len(z), len(x)), np.float32)
        for start in range(0, len(z), CODES_AT_ONCE):
            session.go_on()
            part = slice(start, start + CODES_AT_ONCE)
            out[part] = self._scorer.log_likelihood(x, z[part])
        return out


@dataclass(frozen=True, eq=False)
class Posterior:
    """P(z|X) of one test image on a grid of the plane, and what Gaussians in Q's place leave of log P(X)."""

    log_density: NDArray[np.float32]
    """(n, m): at most 161 points an axis, for a picture."""
    low: tuple[float, float]
    high: tuple[float, float]
    """The first and the last point of each axis."""
    levels: list[float]
    """Of the log density: what is above holds 50, 90 and 99 % of the posterior."""
    gaussians: dict[str, Q]
    """"encoder", and where the grid is the final one "diagonal" and "full", the best for this image."""
    terms: dict[str, bounds.Identity]
    """Of each, where the grid is the final one."""


MASSES = (0.5, 0.9, 0.99)
SHOWN_POINTS = 161


@kept
def posterior(run_id: str, version: str, index: int, final: bool) -> Posterior:
    """On a first, coarse grid, or on the `final` one with all numbers, about ten times as much work."""
    model = WhileWanted(payloads.scorer(run_id, version))
    x = data.to_unit(test_image(session.store().get(run_id), index))
    gaussians = {"encoder": model.encode(x[None])}
    terms: dict[str, bounds.Identity] = {}
    if final:
        grid = bounds.on_grid(model, x)
        # A diagonal Gaussian is a full one too: starting there, the larger family cannot leave more.
        gaussians["diagonal"] = fit_gaussian(grid, full=False, starts=[gaussians["encoder"]]).q
        gaussians["full"] = fit_gaussian(grid, full=True, starts=list(gaussians.values())).q
        terms = {name: bounds.identity(model, x, grid=grid, q=q) for name, q in gaussians.items()}
    else:
        grid = bounds.on_grid(model, x, math.inf, zoom_points=33, points=49)
    highest = np.sort(grid.log_density, axis=None)[::-1]
    held = np.cumsum(np.exp(highest)) * grid.cell
    step = math.ceil((len(grid.axes[0]) - 1) / (SHOWN_POINTS - 1))
    axes = [axis[::step] for axis in grid.axes]
    return Posterior(
        log_density=grid.log_density[::step, ::step].astype(np.float32),
        low=(float(axes[0][0]), float(axes[1][0])),
        high=(float(axes[0][-1]), float(axes[1][-1])),
        levels=[float(highest[min(np.searchsorted(held, mass), len(held) - 1)]) for mass in MASSES],
        gaussians=gaussians,
        terms=terms,
    )


class Draws(NamedTuple):
    """Samples of both kinds for one test image; of their codes only the first `SHOWN` are kept."""

    prior: Samples
    q: Samples
    reference: float
    """log P(X) on the grid, or the bound of REFERENCE_SAMPLES other samples from Q; NaN where only a few are drawn."""
    reference_samples: int
    """How many samples the reference took; 0 for the grid."""


REFERENCE_SAMPLES = 20_000
SHOWN = 24
"""Samples whose pictures are shown."""


@kept
def draws(run_id: str, version: str, index: int, seed: int, count: int, final: bool) -> Draws:
    """The first `count` samples of this seed, and where `final` what they are held against."""
    model = WhileWanted(payloads.scorer(run_id, version))
    x = data.to_unit(test_image(session.store().get(run_id), index))
    prior, q = (
        replace(drawn, z=drawn.z[:SHOWN].copy())  # 5,000 codes of 64 dimensions would be 2.6 MB for each kind
        for drawn in (
            prior_samples(model, x, count, np.random.default_rng([seed, 0])),
            posterior_samples(model, x, count, np.random.default_rng([seed, 1])),
        )
    )
    if not final:
        return Draws(prior, q, math.nan, 0)
    if model.latent_dim <= 2:
        return Draws(prior, q, bounds.on_grid(model, x).log_px, 0)
    other = bounds.from_posterior(model, x[None], REFERENCE_SAMPLES, np.random.default_rng([seed, 2]))
    return Draws(prior, q, float(other.log_px[0]), REFERENCE_SAMPLES)
