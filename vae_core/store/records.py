"""What the files of a run say of it, verified, without its arrays; and a memory of that, so that a thousand runs are
listed at the cost of looking whether their files are still the same.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, cast, get_args

from vae_core.config import RunConfig, events
from vae_core.config.errors import ConfigError, CorruptFileError, NewerFileError, RunNotFoundError
from vae_core.config.events import Finished, Started
from vae_core.config.run_config import FORMAT, checksum
from vae_core.store import journal
from vae_core.store.files import read_bytes, read_record, reading
from vae_core.store.journal import Mark
from vae_core.store.layout import BELIEVED, RunFolder

Status = Literal["queued", "running", "paused", "interrupted", "failed", "stopped", "finished"]
"""`interrupted`: its process died; `stopped`: a person ended it early and kept the model. Both can go on."""

COMPLETE: tuple[Status, ...] = ("finished", "stopped")
_STATES = get_args(Status)
_OLD_STATES = (("state", "created"), ("state", "created", "message"))
"""What version 0.1 wrote, without a checksum."""
_LAST_SECOND = 253_402_300_799
"""Of the year 9999, the last that a date can have."""


@dataclass(frozen=True)
class State:
    """Where a run stands, as was last recorded."""

    state: Status
    created: float
    """Seconds since 1970."""
    message: str = ""
    """Why it failed, in one sentence."""


@dataclass(frozen=True)
class Record:
    """What the files of a run say. Whether it is being trained, only its lock can say."""

    config: RunConfig
    state: State | None
    result: Finished | None
    """Of the model that is there."""
    model: str
    """SHA-256 of that model's weights, its name wherever something is derived from it; empty if there is none."""
    said: Mark | None
    """How much the run had said when it was complete; None where version 0.1 did not record it."""
    precision: str
    """In which it was trained last: `bfloat16`, `float32`, or empty where that is not known."""

    @property
    def complete(self) -> bool:
        """Whether the model that is there is the last word."""
        return self.result is not None and (
            not self.result.stopped or self.state is None or self.state.state in COMPLETE
        )


def read(folder: RunFolder) -> Record:
    """Raises `RunNotFoundError`, `CorruptFileError`, `NewerFileError`, `StoreError`."""
    config = read_config(folder)
    state = read_state(folder)
    result, model, said = None, "", None
    with contextlib.suppress(FileNotFoundError):
        result, model, said = _result(folder.result, config)
    return Record(config, state, result, model, said, _precision(folder))


def read_config(folder: RunFolder) -> RunConfig:
    """What the run is; its name must be that of its content."""
    path = folder.config
    try:
        raw = read_bytes(path)
    except FileNotFoundError:
        if folder.is_run():
            raise CorruptFileError(f"{path}: missing, so nobody can say what this run is") from None
        raise RunNotFoundError(f"no run named {folder.run_id!r} in {folder.path.parent}; it was deleted") from None
    try:
        text = raw.decode("utf-8").strip()
    except ValueError as error:
        raise CorruptFileError(f"{path}: damaged ({error})") from error
    slug, _, digits = folder.run_id.rpartition("-")
    whole = checksum(text) == digits
    try:
        config = RunConfig.from_json(text)
    except ConfigError as error:
        # As it was written, or of a format that is not ours: then it is us who do not know.
        if whole or _format(text) > FORMAT:
            raise NewerFileError(f"{path}: made by a newer Elbo Room ({error}); update") from error
        raise CorruptFileError(f"{path}: {error}") from error
    if not whole or slug != config.slug:
        raise CorruptFileError(f"{path}: describes {config.run_id}, not {folder.run_id}; it was changed")
    return config


def _format(text: str) -> int:
    with contextlib.suppress(ValueError):
        values = events.parse(text)
        if isinstance(values, dict):
            found = cast("dict[str, object]", values).get("format")
            return found if isinstance(found, int) else 0
    return 0


def read_state(folder: RunFolder) -> State | None:
    """Where it stands; None if that was never recorded."""
    path = folder.state
    try:
        facts, sealed = read_record(path, unsealed=_OLD_STATES)
    except FileNotFoundError:
        return None
    state, created, message = facts.get("state"), facts.get("created"), facts.get("message", "")
    is_time = isinstance(created, (int, float)) and not isinstance(created, bool) and 0 <= created <= _LAST_SECOND
    if state not in _STATES or not is_time or not isinstance(message, str):
        if sealed:
            raise NewerFileError(f"{path}: made by a newer Elbo Room (its state is {str(state)[:40]!r}); update")
        raise CorruptFileError(f"{path}: damaged (not a state of a run)")
    return State(cast("Status", state), float(cast("float", created)), message)


def _result(path: Path, config: RunConfig) -> tuple[Finished, str, Mark | None]:
    facts, _ = read_record(path)
    try:
        event = events.from_dict(facts.get("event"))
        if not isinstance(event, Finished):
            raise ValueError(f"it holds a {event.type!r} event")
        if len(event.test.kl_per_dim) != config.latent_dim:
            raise ValueError(f"{len(event.test.kl_per_dim)} dimensions instead of {config.latent_dim}")
        model, said = facts.get("weights_sha256"), cast("Any", facts.get("events"))
        if not isinstance(model, str):
            raise ValueError("it names no weights")
        return event, model, None if said is None else Mark(int(said["bytes"]), int(said["crc"], 16))
    except (ValueError, TypeError, KeyError) as error:  # as it was written, so it is us who do not know
        raise NewerFileError(f"{path}: made by a newer Elbo Room ({error}); update") from error


def read_made(folder: RunFolder) -> list[dict[str, Any]]:
    """With what the run was trained, one entry a sitting, oldest first; empty where that was not recorded.

    Raises `CorruptFileError`, `StoreError`.
    """
    try:
        facts, _ = read_record(folder.made)
    except FileNotFoundError:
        return []
    sittings = facts.get("sittings")
    if not isinstance(sittings, list) or not all(isinstance(one, dict) for one in cast("list[object]", sittings)):
        raise NewerFileError(f"{folder.made}: made by a newer Elbo Room; update")
    return cast("list[dict[str, Any]]", sittings)


def _precision(folder: RunFolder) -> str:
    """A fact beside the run: where it cannot be read, it is not known."""
    with contextlib.suppress(CorruptFileError, OSError):
        if sittings := read_made(folder):
            return str(sittings[-1].get("precision", ""))
        with reading(folder.events), folder.events.open("rb", buffering=1024) as file:
            event, _ = journal.parsed(folder.events, file.readline(1000).rstrip(b"\n"))
            return event.precision if isinstance(event, Started) else ""
    return ""


T = TypeVar("T")

Looks = tuple[int, int, int, int] | None
"""How a file looks from outside; None for one that is not there."""

RACY_NS = 2_000_000_000
"""A file that changed this shortly before it was read may change again without looking otherwise."""


class Remembered(Generic[T]):
    """What was last read from some files. Never the truth: forgotten as soon as one of them looks otherwise."""

    def __init__(self) -> None:
        self._kept: dict[Path | str, tuple[tuple[Looks, ...], T | CorruptFileError]] = {}

    def get(self, path: Path | str, look: tuple[Looks, ...], anew: Callable[[], T]) -> T:
        """What `anew` reads, under this name, from files that look so; from memory where all is as it was."""
        at = time.time_ns()
        kept = self._kept.get(path)
        if kept is None or kept[0] != look:
            try:
                found: T | CorruptFileError = anew()
            except CorruptFileError as error:
                found = error
            kept = (look, found)
            if all(one is None or max(one[:2]) < at - RACY_NS for one in look):
                self._kept[path] = kept
            else:
                self._kept.pop(path, None)
        if isinstance(kept[1], CorruptFileError):
            raise kept[1].with_traceback(None)
        return kept[1]


class Memory:
    """What was last read of each run."""

    def __init__(self) -> None:
        self._kept: Remembered[Record] = Remembered()

    def read(self, folder: RunFolder, anew: Callable[[RunFolder], Record] = read) -> Record:
        """As `read`, from memory where all is as it was."""
        root = f"{folder.path}{os.sep}"  # a thousand times four: the time goes into the making of paths
        return self._kept.get(folder.path, tuple(looks(root + name) for name in BELIEVED), lambda: anew(folder))


def looks(path: str) -> Looks:
    """How the file looks: when it changed, how large it is, which it is."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
