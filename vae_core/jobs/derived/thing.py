"""What a derived thing is: parameters that name it, a version, and how it is computed from a model.

It is kept beside the run under its name, and says of which model's content it is. A file of another model, as a run has
that was stopped and went on, or of another version, is not there as far as anybody can see, and is replaced.

Version 0.1 did not write down of which model a file is. What ships belongs to the model it ships with. What a home of
0.1 holds is believed where the codes beside it are those that this model gives, and nothing in it is older than they.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core import data
from vae_core.config import RunConfig
from vae_core.config.errors import RunBusyError, StoreError
from vae_core.store import RunInfo, Store, models
from vae_core.store.files import Arrays

Tell = Callable[[int, int, "NDArray[np.float32] | None"], None]
"""Steps done, steps in all, and what there is to see by then. It may raise `CancelledError`, which ends the work."""

PROBED = 16
"""Test images that are encoded to see whether codes are those of a model."""


class CancelledError(Exception):
    """Nobody wants it any more."""


class Result(NamedTuple):
    """What was derived."""

    arrays: Arrays
    facts: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One derived thing: a subclass in a module of its own, whose fields are its checked parameters."""

    kind: ClassVar[str]
    """Its name in the registry."""
    version: ClassVar[int] = 1
    """Changes when it is computed in another way, so that what was kept is computed anew."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Kinds of derived things that it is computed from."""

    @property
    def name(self) -> str:
        """Of its file; tells its parameters."""
        return self.kind

    def check(self, source: Source) -> None:
        """Raise `ConfigError` for what cannot be computed of this model, before anything is written."""

    def compute(self, source: Source, tell: Tell) -> Result:
        """From the model, the data and other derived things."""
        raise NotImplementedError

    def served(self, kept: Result, config: RunConfig) -> Result | None:
        """What of a kept file answers these parameters; None if it does not."""
        return kept

    def to_json(self) -> dict[str, Any]:
        """Kind and parameters."""
        return {"thing": self.kind, **asdict(self)}


class Source:
    """The model of a run at this moment, and what was derived from it."""

    def __init__(self, store: Store, run: RunInfo) -> None:
        self.store, self.run = store, run
        self.config = run.config

    def kept(self, thing: Thing) -> Result | None:
        """What was derived before, if it is of this model. Raises `CorruptFileError`."""
        kept = self.file(thing)
        return None if kept is None else thing.served(kept, self.config)

    def file(self, thing: Thing) -> Result | None:
        """The whole file, whether or not it answers all that is asked."""
        found = self.store.artifact(self.run.run_id, thing.name)
        if found is None:
            return None
        arrays, facts = found
        model, version = facts.pop("model", ""), facts.pop("version", 1)
        if version != thing.version or (model != self.run.model if model else not self._is_of_0_1(thing.name)):
            return None
        return Result(arrays, facts)

    def keep(self, thing: Thing, result: Result) -> None:
        """Keep it, unless the run has another model by now, or was deleted."""
        bound = {**result.facts, "model": self.run.model, "version": thing.version}
        self.store.save_artifact(self.run.run_id, thing.name, result.arrays, bound, model=self.run.model)

    def get(self, thing: Thing, tell: Tell = lambda _done, _total, _seen: None) -> Result:
        """What was derived before, else computed now and kept."""
        if (kept := self.kept(thing)) is not None:
            return kept
        thing.check(self)
        with self._alone(thing):
            if (kept := self.kept(thing)) is not None:  # another process was at it
                return kept
            result = thing.compute(self, tell)
            self.keep(thing, result)
        return thing.served(result, self.config) or result  # more may have been worked out than was asked for

    @contextlib.contextmanager
    def _alone(self, thing: Thing) -> Generator[None]:
        """Be the only process that computes it: wait for one that does, until it is done or dead."""
        name = f"derive-{self.run.run_id}.{thing.name}"
        with contextlib.ExitStack() as stack:
            held = False
            while not held:
                try:
                    stack.enter_context(self.store.file_lock(name, timeout=1.0))
                except RunBusyError:
                    continue
                except StoreError:
                    pass  # where no lock can be written nothing can be kept either; it is computed all the same
                held = True
            yield

    def _is_of_0_1(self, name: str) -> bool:
        """Whether a file that does not say of which model it is can only be of this one."""
        run_id = self.run.run_id
        path, codes = self.store.artifact_path(run_id, name), self.store.artifact_path(run_id, "codes")
        if not path.is_relative_to(self.store.layout.artifacts(run_id)):
            return True  # it ships
        try:
            if path.stat().st_mtime_ns < codes.stat().st_mtime_ns:
                return False
        except FileNotFoundError:
            return False
        found = self.store.artifact(run_id, "codes")
        if found is None or found[1].get("model", self.run.model) != self.run.model:
            return False
        from vae_core.networks.onnx_ import OnnxScorer

        x = data.test_images(self.config.dataset, self.config.binarize).x[:PROBED]
        mu = OnnxScorer(models.load(self.store, run_id)).encode_bytes(x).mu
        kept = found[0]["mu"][:PROBED]
        return kept.shape == mu.shape and bool(np.allclose(kept, mu, atol=1e-2))
