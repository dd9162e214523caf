"""log P(X) of the first test images from K codes each, with its error (`analysis.bounds.estimate`)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from vae_core import data
from vae_core.config import RunConfig
from vae_core.config.errors import ConfigError
from vae_core.jobs.derived.thing import Result, Source, Tell, Thing
from vae_core.store import models
from vae_core.store.files import Arrays

EVALUATED = 20
"""Test images whose log P(X) is estimated together."""
SAVED_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class LogPx(Thing):
    """`log_px`, `stderr`, `ess`, `tail` (limit,). One file for all limits: it grows; what was cut off is gone on with.

    Always worked out for whole groups of images, each with a seed of its own, so that the figures depend neither on the
    limit nor on the order of calls. What another proposal or another rule gave is computed anew.
    """

    kind: ClassVar[str] = "log-px"

    samples: int = 5000
    limit: int = 100

    def __post_init__(self) -> None:
        """Check the fields."""
        if not 1 <= self.samples <= 1_000_000 or self.limit < 1:
            raise ConfigError(
                f"samples={self.samples}, limit={self.limit}: give 1 to 1000000 samples and a positive limit"
            )

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.kind}-{self.samples}"

    def _facts(self, config: RunConfig) -> dict[str, object]:
        """By what rule the figures are made."""
        from vae_core.analysis import bounds

        return {"proposal": bounds.proposal_for(config.latent_dim, self.samples), "groups_of": EVALUATED}

    def served(self, kept: Result, config: RunConfig) -> Result | None:
        """The first `limit` images, if there are so many by the rule of today."""
        wanted = min(self.limit, len(data.load_split(config.dataset, "test").labels))
        if not kept.facts.items() >= self._facts(config).items() or len(kept.arrays["log_px"]) < wanted:
            return None
        return Result({key: array[:wanted] for key, array in kept.arrays.items()}, kept.facts)

    def compute(self, source: Source, tell: Tell) -> Result:
        """Keep it as it grows, so that a call that was cut off is gone on with."""
        from vae_core.analysis import bounds
        from vae_core.networks.torch_ import VAE, TorchScorer

        config, kept = source.config, source.file(self)
        facts = self._facts(config)
        goes_on = kept is not None and kept.facts.items() >= facts.items()
        arrays: Arrays = (
            kept.arrays if kept and goes_on else {key: np.zeros(0) for key in ("log_px", "stderr", "ess", "tail")}
        )
        x = data.test_images(config.dataset, config.binarize).x
        wanted = min(self.limit, len(x))
        scorer = TorchScorer(VAE.of(models.load(source.store, config.run_id)))
        saved = time.monotonic()
        for start in range(len(arrays["log_px"]), wanted, EVALUATED):
            batch = data.to_unit(x[start : start + EVALUATED])
            found = bounds.estimate(scorer, batch, self.samples, np.random.default_rng(start))
            fresh = {"log_px": found.log_px, "stderr": found.stderr, "ess": found.ess, "tail": found.tail}
            arrays = {key: np.concatenate([arrays[key], values]) for key, values in fresh.items()}
            tell(min(len(arrays["log_px"]), wanted), wanted, None)
            if time.monotonic() - saved > SAVED_SECONDS:
                source.keep(self, Result(arrays, facts))
                saved = time.monotonic()
        return Result(arrays, facts)
