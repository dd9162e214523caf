"""How far a derived thing is, told to other processes by a file beside it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from vae_core.store import Store
from vae_core.store.files import explained, read_arrays, write_arrays


@dataclass(frozen=True)
class Partial:
    """A derived thing on its way: `done` of `total` steps in `seconds`, and the map so far."""

    done: int
    total: int
    seconds: float
    embedding: NDArray[np.float32] | None

    @property
    def eta_seconds(self) -> float:
        """Time left at the speed so far."""
        return self.seconds / self.done * (self.total - self.done) if self.done else 0.0


class PartialFile:
    """The file: replaced at most every `every` seconds."""

    def __init__(self, store: Store, run_id: str, name: str, every: float = 0.4) -> None:
        self.path = store.layout.partial(run_id, name)
        self.every, self.started, self.told = every, time.monotonic(), 0.0

    def tell(self, done: int, total: int, embedding: NDArray[np.float32] | None) -> None:
        """Write, if the last time is long enough ago."""
        now = time.monotonic()
        if now - self.told < self.every:
            return
        self.told = now
        with explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        facts: dict[str, Any] = {"done": done, "total": total, "seconds": now - self.started}
        write_arrays(self.path, {} if embedding is None else {"embedding": embedding}, facts, durable=False)

    def read(self) -> Partial | None:
        """What was told last, or None."""
        try:
            file = read_arrays(self.path)
        except FileNotFoundError:
            return None
        points = cast("NDArray[np.float32] | None", file.arrays.get("embedding"))
        return Partial(file.meta["done"], file.meta["total"], file.meta["seconds"], points)

    def remove(self) -> None:
        """It is complete, or given up."""
        self.path.unlink(missing_ok=True)
        try:
            self.path.parent.rmdir()  # of a run that was deleted meanwhile
        except OSError:
            return
