"""Runs: what a home holds of them, and the only place that writes it (`layout.py` says where).

Models that ship with the program appear beside a home's own, read-only; what is derived from them is kept in the home.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock, Timeout
from platformdirs import user_data_path

from vae_core import data
from vae_core.config import RunConfig, events
from vae_core.config.errors import CorruptFileError, RunBusyError, RunNotFoundError, StoreError
from vae_core.config.events import Event, Finished, Progress, Snapshot
from vae_core.store import layout
from vae_core.store.files import (
    Arrays,
    explained,
    read_arrays,
    read_json,
    remove_ours,
    strangers,
    write_arrays,
    write_bytes,
    write_json,
)
from vae_core.store.layout import Layout, RunFolder, Runs

Status = Literal["queued", "running", "paused", "interrupted", "failed", "stopped", "finished"]
"""`interrupted`: its process died; `stopped`: a person ended it early and kept the model. Both can go on."""

Wish = Literal["go", "pause", "stop", "cancel"]
"""What a person wants of a run that is under way."""

EXPLORABLE: tuple[Status, ...] = ("finished", "stopped")
_STATES = get_args(Status)


@dataclass(frozen=True)
class RunInfo:
    """What the store knows of a run without reading its arrays."""

    run_id: str
    config: RunConfig
    status: Status
    created: float
    """Seconds since 1970."""
    result: Finished | None
    message: str = ""
    """Why it failed, in one sentence."""
    shipped: bool = False
    """It came with the program and cannot be deleted."""

    @property
    def explorable(self) -> bool:
        """Whether it has a trained model."""
        return self.status in EXPLORABLE

    @property
    def under_way(self) -> bool:
        """Whether it is being trained or waits for its turn."""
        return self.status in ("queued", "running")


class Store:
    """All runs under one home folder, and those that ship. Creating one touches no disk."""

    def __init__(self, home: Path | str | None = None, *, shipped: Path | None = None) -> None:
        default = os.environ.get("ELBO_HOME") or user_data_path("elbo-room", appauthor=False)
        self.home = Path(home or default).expanduser()
        self.shipped = shipped or data.assets() / "models"

    @cached_property
    def layout(self) -> Layout:
        """Where things are in this home."""
        return Layout(self.home)

    @property
    def runs(self) -> Path:
        """Folder of this home's own runs."""
        return self.layout.runs.path

    def folder(self, run_id: str) -> Path:
        """The folder that holds the run. Raises `RunNotFoundError`."""
        return self._at(run_id).path

    def resolve(self, name: str) -> str:
        """The run_id that `name` is, or is the unmistakable beginning of. Raises `RunNotFoundError`."""
        with contextlib.suppress(RunNotFoundError):
            return self.folder(name).name
        fits = [run_id for run_id in self.run_ids() if name and run_id.startswith(name)]
        if len(fits) > 1:
            raise RunNotFoundError(f"{name!r} fits {len(fits)} runs: {', '.join(fits)}; give more of the name")
        if not fits:
            raise RunNotFoundError(f"no run named {name!r} in {self.home}; `elbo runs` lists them")
        return fits[0]

    def run_ids(self) -> list[str]:
        """Names of all runs, this home's and those that ship."""
        found: set[str] = set()
        for root in (self.runs, self.shipped):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                found.update(p.name for p in root.iterdir() if p.name[0] != "." and RunFolder(p).config.is_file())
        return sorted(found)

    def infos(self) -> list[RunInfo]:
        """Every readable run, newest first; then those that ship, in the order in which they were made."""
        infos: list[RunInfo] = []
        for run_id in self.run_ids():
            # A run deleted in the meantime, or one damaged, must not hide the others; `get` says what is wrong with it.
            with contextlib.suppress(RunNotFoundError, CorruptFileError):
                infos.append(self.get(run_id))
        return sorted(infos, key=lambda info: (info.shipped, info.created if info.shipped else -info.created))

    def damaged(self) -> dict[str, str]:
        """The runs that `infos` leaves out because their files cannot be believed: name -> what is wrong."""
        found: dict[str, str] = {}
        for run_id in self.run_ids():
            try:
                self.get(run_id)
            except CorruptFileError as error:
                found[run_id] = str(error)
            except RunNotFoundError:
                continue
        return found

    def get(self, run_id: str) -> RunInfo:
        """Raises `RunNotFoundError`, or `CorruptFileError` when its files cannot be believed."""
        folder = self._at(run_id)
        try:
            config = RunConfig.from_json(folder.config.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunNotFoundError(f"no run named {run_id!r} in {self.home}; it was deleted") from None
        except ValueError as error:  # a ConfigError, or bytes that are not text
            raise CorruptFileError(f"{folder.config}: {error}") from error
        if config.run_id != run_id:
            raise CorruptFileError(f"{folder.config}: describes {config.run_id}, not {run_id}; it was changed")
        shipped = folder.path.parent == self.shipped
        state = self._state(folder)
        created, message = float(state.get("created", 0.0)), str(state.get("message", ""))
        with contextlib.suppress(FileNotFoundError):
            result = self._result(folder)
            # A stopped run that was resumed is running again; its earlier model stays explorable on disk.
            if state.get("state") not in ("queued", "running", "paused") or not result.stopped:
                status: Status = "stopped" if result.stopped else "finished"
                return RunInfo(run_id, config, status, created, result, message, shipped)
        status = state.get("state", "interrupted")
        if status in ("running", "queued") and not self.is_locked(run_id):
            status = "queued" if self.is_queued(run_id) else "interrupted"
        return RunInfo(run_id, config, status, created, None, message, shipped)

    # -- writing a run

    def create(self, config: RunConfig) -> str:
        """Make the run's folder if there is none; the name of the run. Raises `StoreError`."""
        run_id, runs = config.run_id, self.layout.runs
        if runs.run(run_id).config.is_file() or Runs(self.shipped).run(run_id).config.is_file():
            return run_id
        with explained(runs.path):
            runs.path.mkdir(parents=True, exist_ok=True)
            temporary = RunFolder(Path(tempfile.mkdtemp(prefix=runs.new_prefix, dir=runs.path)))
            try:
                write_bytes(temporary.config, (config.to_json() + "\n").encode())
                write_json(temporary.state, {"state": "interrupted", "created": time.time()})
                temporary.snapshots.mkdir()
                with contextlib.suppress(FileExistsError, OSError):
                    temporary.path.rename(runs.run(run_id).path)
            finally:
                remove_ours(temporary.path, layout.is_of_a_run)
            if not runs.run(run_id).config.is_file():
                raise StoreError(f"{runs.run(run_id).path}: could not be created; remove what stands in its place")
        return run_id

    def set_state(self, run_id: str, state: str, message: str = "") -> None:
        """Record where the run stands."""
        folder = self._own(run_id)
        created = self._state(folder).get("created", time.time())
        write_json(folder.state, {"state": state, "message": message, "created": created})

    def append(self, run_id: str, event: Event) -> None:
        """Keep what a run said. Progress replaces the last one; everything else is added to events.jsonl."""
        folder = self._own(run_id)
        if isinstance(event, Progress):
            write_bytes(folder.progress, events.to_json(event).encode(), durable=False)
            return
        if isinstance(event, Snapshot):
            with explained(folder.snapshots):
                folder.snapshots.mkdir(exist_ok=True)
            write_arrays(folder.snapshot(event.index), event.arrays, durable=False)
        with explained(folder.events), folder.events.open("a", encoding="utf-8") as file:
            file.write(events.to_json(event) + "\n")

    def save_checkpoint(self, run_id: str, arrays: Arrays, meta: dict[str, Any]) -> None:
        """Replace the moment from which the run would go on, together with how much had been said by then."""
        folder = self._own(run_id)
        said = folder.events.stat().st_size if folder.events.exists() else 0
        write_arrays(folder.checkpoint, arrays, {**meta, "events_bytes": said})

    def load_checkpoint(self, run_id: str) -> tuple[Arrays, dict[str, Any]] | None:
        """The last checkpoint, or None; what was said after it is taken back, so that no point stands twice."""
        folder = self._own(run_id)
        for half_written in folder.half_written():  # by a process that was killed
            half_written.unlink(missing_ok=True)
        try:
            arrays, meta, _ = read_arrays(folder.checkpoint)
        except FileNotFoundError:
            arrays, meta = None, {"events_bytes": 0}
        with explained(folder.events), folder.events.open("ab") as file:
            if file.tell() < meta["events_bytes"]:
                raise CorruptFileError(f"{folder.events}: shorter than its checkpoint says; delete the run")
            file.truncate(meta["events_bytes"])
        return None if arrays is None else (arrays, meta)

    def publish(self, run_id: str, weights: Arrays, result: Finished) -> None:
        """Make the run complete: weights first, `result.json` last, so that half a run is never listed as finished."""
        folder = self._own(run_id)
        # A run that was stopped and went on has another model now: what was derived from the old one goes with it.
        remove_ours(self.layout.artifacts(run_id), layout.is_artifact)
        digest = write_arrays(folder.weights, weights)
        facts = {"weights_sha256": digest, "event": json.loads(events.to_json(result))}
        write_json(folder.result, {**facts, "sha256": _seal(facts)})
        self.set_state(run_id, "stopped" if result.stopped else "finished")
        if not result.stopped:
            with contextlib.suppress(FileNotFoundError):
                folder.checkpoint.unlink()

    def delete(self, run_id: str) -> None:
        """Remove a run and all that is derived from it.

        Raises `StoreError` for one that ships, one that is being trained, and one whose folder holds what is not ours.
        """
        folder = self._own(run_id)
        with self.lock(run_id), explained(folder.path):
            if found := strangers(folder.path, layout.is_of_a_run):
                raise StoreError(
                    f"{folder.path / found[0]}: not made by Elbo Room, so {run_id} is not deleted; move it away first"
                )
            # Renamed first: a deletion that is cut off leaves nothing that looks like a run.
            gone = self.layout.runs.deleted(run_id)
            folder.path.rename(gone)
            remove_ours(gone, layout.is_of_a_run)
            remove_ours(self.layout.artifacts(run_id), layout.is_artifact)

    @contextlib.contextmanager
    def lock(self, run_id: str, timeout: float = 2.0) -> Generator[None]:
        """Be the only process that trains or deletes this run. Raises `RunBusyError`."""
        with self.file_lock(f"run-{run_id}", timeout):
            yield

    @contextlib.contextmanager
    def file_lock(self, name: str, timeout: float = 2.0) -> Generator[None]:
        """A lock of this home by name; the system takes it back when its process dies. Raises `RunBusyError`."""
        path = self._lock_path(name)
        lock = FileLock(path, thread_local=False)
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=timeout, poll_interval=0.02)
            except Timeout:
                raise RunBusyError(f"{name}: another process is at work on it; wait for it or stop it first") from None
        try:
            yield
        finally:
            lock.release()

    def is_locked(self, run_id: str) -> bool:
        """Whether a living process is training the run."""
        return self.is_file_locked(f"run-{run_id}")

    def is_file_locked(self, name: str) -> bool:
        """Whether a living process holds the lock."""
        if not self._lock_path(name).exists():
            return False  # nobody ever held it; looking must not write
        try:
            with self.file_lock(name, timeout=0):
                return False
        except RunBusyError:
            return True

    def is_queued(self, run_id: str) -> bool:
        """Whether the run waits for the worker."""
        folder = self.layout.waiting("train")
        return folder.is_dir() and any(folder.glob(f"*-{run_id}.json"))

    # -- reading a run

    def events(self, run_id: str, since: int = 0) -> tuple[list[Event], int]:
        """Events from byte `since` on, and the byte to go on from. A torn last line waits until it is whole."""
        path = self._at(run_id).events
        try:
            with path.open("rb") as file:
                if since > file.seek(0, os.SEEK_END):
                    since = 0  # the run went back to its checkpoint
                file.seek(since)
                raw = file.read()
        except FileNotFoundError:
            return [], 0
        whole = raw[: raw.rfind(b"\n") + 1]
        try:
            found = [events.from_json(line) for line in whole.decode().splitlines()]
        except (ValueError, TypeError) as error:
            raise CorruptFileError(f"{path}: damaged ({error})") from error
        return found, since + len(whole)

    def progress(self, run_id: str) -> Progress | None:
        """The last progress, or None before the first."""
        try:
            event = events.from_json(self._at(run_id).progress.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise CorruptFileError(f"progress of {run_id}: damaged ({error})") from error
        return event if isinstance(event, Progress) else None

    def snapshot(self, run_id: str, index: int) -> Arrays:
        """A snapshot's arrays. Raises FileNotFoundError for one that was never taken or does not ship."""
        return read_arrays(self._at(run_id).snapshot(index)).arrays

    def weights(self, run_id: str) -> Arrays:
        """The trained weights, verified. Raises `RunNotFoundError` when there are none yet, `CorruptFileError`."""
        folder = self._at(run_id)
        try:
            self._result(folder)
            expected = read_json(folder.result)["weights_sha256"]
            weights = read_arrays(folder.weights)
        except FileNotFoundError:
            raise RunNotFoundError(f"{run_id} has no trained model yet; train it to the end or stop it") from None
        if expected != weights.sha256:
            raise CorruptFileError(f"{folder.weights}: damaged, not the weights that the run published")
        return weights.arrays

    def size(self, run_id: str) -> int:
        """Bytes that the run takes, without what is derived from it."""
        return sum(p.stat().st_size for p in self.folder(run_id).rglob("*") if p.is_file())

    # -- what is derived from a finished run (artifacts.py)

    def artifact_path(self, run_id: str, name: str) -> Path:
        """Where an artifact of this run is kept; what ships comes first."""
        shipped = Runs(self.shipped).run(run_id).artifact(name)
        return shipped if shipped.is_file() else self.layout.artifact(run_id, name)

    def artifact(self, run_id: str, name: str) -> tuple[Arrays, dict[str, Any]] | None:
        """Arrays and facts of an artifact, or None when it has not been computed."""
        try:
            file = read_arrays(self.artifact_path(run_id, name))
        except FileNotFoundError:
            return None
        return file.arrays, file.meta

    def save_artifact(self, run_id: str, name: str, arrays: Arrays, meta: dict[str, Any] | None = None) -> None:
        """Keep an artifact beside the run."""
        path = self.layout.artifact(run_id, name)
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_arrays(path, arrays, meta, durable=False)

    # -- inside

    def _at(self, run_id: str) -> RunFolder:
        """The run's files, in this home or among what ships. Raises `RunNotFoundError`."""
        if run_id and Path(run_id).name == run_id and not run_id.startswith("."):
            for runs in (self.layout.runs, Runs(self.shipped)):
                if runs.run(run_id).config.is_file():
                    return runs.run(run_id)
        raise RunNotFoundError(f"no run named {run_id!r} in {self.home}; `elbo runs` lists them")

    def _own(self, run_id: str) -> RunFolder:
        folder = self._at(run_id)
        if folder.path.parent == self.shipped:
            raise StoreError(f"{run_id} ships with Elbo Room and is read-only")
        return folder

    def _lock_path(self, name: str) -> Path:
        return self.layout.lock(name)

    def _state(self, folder: RunFolder) -> dict[str, Any]:
        try:
            state = read_json(folder.state)
        except FileNotFoundError:
            return {}
        if state.get("state") not in _STATES or not isinstance(state.get("created"), (int, float)):
            raise CorruptFileError(f"{folder.state}: damaged (not a state of a run)")
        return state

    def _result(self, folder: RunFolder) -> Finished:
        path = folder.result
        facts = read_json(path)
        if facts.pop("sha256", None) != _seal(facts):
            raise CorruptFileError(f"{path}: damaged (its contents do not match their checksum)")
        event = events.from_json(json.dumps(facts["event"]))
        if not isinstance(event, Finished):
            raise CorruptFileError(f"{path}: damaged (holds a {event.type!r} event)")
        return event


def _seal(facts: dict[str, Any]) -> str:
    """SHA-256 of a JSON object's canonical text."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
