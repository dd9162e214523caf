"""A map of the encoded means: `embedding` (N, 2), `labels` (N,), `indices` (N,) in the test set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vae_core import data
from vae_core.analysis import projection
from vae_core.config.errors import ConfigError
from vae_core.jobs.derived.codes import Codes
from vae_core.jobs.derived.thing import Result, Source, Tell, Thing


@dataclass(frozen=True, kw_only=True)
class MapRequest(Thing):
    """Which map of the encoded means: the first `limit` test images, by t-SNE or PCA."""

    kind: ClassVar[str] = "map"
    needs: ClassVar[tuple[str, ...]] = ("codes",)

    method: projection.Method = "tsne"
    limit: int = 5000
    perplexity: float = 30.0
    seed: int = 0
    start: projection.Start = "pca"
    """Where t-SNE starts: from PCA, or at random by the seed."""

    def __post_init__(self) -> None:
        """Check the fields."""
        if self.method not in ("tsne", "pca"):
            raise ConfigError(f"method={self.method!r}: choose one of tsne, pca")
        if self.start not in ("pca", "random"):
            raise ConfigError(f"start={self.start!r}: choose one of pca, random")
        if not 10 <= self.limit <= 100_000:
            raise ConfigError(f"limit={self.limit}: give a number from 10 to 100000")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"seed={self.seed}: give a number from 0 to {2**32 - 1}")

    @property
    def name(self) -> str:
        """The artifact's name."""
        if self.method == "pca":
            return f"pca-{self.limit}"
        start = "" if self.start == "pca" else f"-{self.start}"  # files from before there was a choice are from PCA
        return f"tsne-{self.limit}-p{self.perplexity:g}-s{self.seed}{start}"

    def check(self, source: Source) -> None:
        """So many neighbours there must be."""
        if self.method == "tsne":
            projection.check_perplexity(self.perplexity, len(self._labels(source)))

    def _labels(self, source: Source) -> NDArray[np.uint8]:
        return data.load_split(source.config.dataset, "test").labels[: self.limit]

    def compute(self, source: Source, tell: Tell) -> Result:
        """From the codes."""
        mu = source.get(Codes()).arrays["mu"][: self.limit]
        if self.method == "pca":
            points = projection.pca(mu)
        else:
            points = projection.tsne(mu, perplexity=self.perplexity, seed=self.seed, start=self.start, report=tell)
        indices = np.arange(len(points), dtype=np.int32)
        return Result({"embedding": points, "labels": self._labels(source), "indices": indices}, {})
