"""Sweeps: models that are equal but for β, which is how one sees what β does.

Each maximises reconstruction − β·KL (Higgins et al. 2017). Between them they trace the rate–distortion curve: at the
optimum for β its slope is −β (Alemi et al. 2018, arXiv 1711.00464). No torch here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from vae_core.config import RunConfig
from vae_core.config.errors import ConfigError
from vae_core.store import RunInfo

BETAS = (0.0, 0.25, 1.0, 4.0, 16.0)
"""What a sweep is trained with: no price for the code, a low one, the ELBO's, and two high ones."""


@dataclass(frozen=True)
class Sweep:
    """Two or more finished runs whose configurations are equal but for β, in the order of β."""

    runs: tuple[RunInfo, ...]

    @property
    def key(self) -> str:
        """The name that a link carries; the same whichever of its members are trained: the name of the run with β 1."""
        return replace(self.runs[0].config, beta=1.0).run_id

    @property
    def betas(self) -> tuple[float, ...]:
        """Of its members, smallest first."""
        return tuple(run.config.beta for run in self.runs)

    @property
    def shipped(self) -> bool:
        """Whether any of it came with the program."""
        return any(run.shipped for run in self.runs)


def find(infos: Iterable[RunInfo]) -> list[Sweep]:
    """The sweeps among these runs: first those that ship, then the larger ones, then those with more dimensions.

    A run that was stopped early is no member: it differs by more than β.
    """
    families: dict[RunConfig, list[RunInfo]] = {}
    for info in infos:
        if info.status == "finished" and info.result is not None and info.config.objective == "elbo":
            families.setdefault(_family(info.config), []).append(info)
    found = [
        Sweep(tuple(sorted(members, key=lambda info: info.config.beta)))
        for members in families.values()
        if len(members) > 1
    ]
    return sorted(
        found, key=lambda sweep: (not sweep.shipped, -len(sweep.runs), -sweep.runs[0].config.latent_dim, sweep.key)
    )


@lru_cache(maxsize=4096)
def _family(config: RunConfig) -> RunConfig:
    """What the members of a sweep have in common."""
    return replace(config, beta=1.0)


def configs(base: RunConfig, betas: Sequence[float] = BETAS) -> list[RunConfig]:
    """The configurations of a sweep: `base` with each of these β, smallest first.

    Raises `ConfigError` for an objective in which there is more than β to vary.
    """
    if base.objective != "elbo":
        raise ConfigError(f"objective={base.objective!r}: a β-sweep varies the weight of the KL alone; choose 'elbo'")
    return [replace(base, beta=beta) for beta in sorted(set(betas))]
