"""Runs: what a home holds of them, and the only place that writes it (`layout.py` says where).

Models that ship with the program appear beside a home's own, read-only; what is derived from them is kept in the home.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from platformdirs import user_data_path

from vae_core import data
from vae_core.config import RunConfig, events
from vae_core.config.errors import (
    CorruptFileError,
    NewerFileError,
    NotFiniteError,
    RunBusyError,
    RunNotFoundError,
    StoreError,
)
from vae_core.config.events import Event, Finished, Frame, Progress, Snapshot
from vae_core.config.notes import Notes, checked
from vae_core.store import journal, layout, locks, notes, records
from vae_core.store.files import (
    Arrays,
    array_bytes,
    explained,
    read_arrays,
    read_bytes,
    reading,
    record_bytes,
    remove_ours,
    strangers,
    write_arrays,
    write_bytes,
    write_record,
    write_together,
)
from vae_core.store.journal import Mark, Said
from vae_core.store.layout import Layout, RunFolder, Runs
from vae_core.store.records import COMPLETE, Record, Status

Wish = Literal["go", "pause", "stop", "cancel"]
"""What a person wants of a run that is under way."""


@dataclass(frozen=True)
class RunInfo:
    """What the store knows of a run without reading its arrays."""

    run_id: str
    config: RunConfig
    status: Status
    created: float
    """Seconds since 1970."""
    result: Finished | None
    """Of the model that is there: of a run that was stopped and goes on, the one it was stopped with."""
    message: str = ""
    """Why it failed, in one sentence."""
    shipped: bool = False
    """It came with the program and cannot be deleted."""
    model: str = ""
    """SHA-256 of the weights that are there; empty if there are none. What is derived from them goes by it."""
    precision: str = ""
    """In which it was trained last, `bfloat16` or `float32`; empty where that is not known."""
    notes: Notes = field(default_factory=Notes)
    """What a person calls it and says of it, as far as that can be read."""

    @property
    def explorable(self) -> bool:
        """Whether it has a trained model, be it one from which the run goes on."""
        return self.result is not None

    @property
    def complete(self) -> bool:
        """Whether its training has come to an end, its own or a person's, and the model that is there is its last."""
        return self.status in COMPLETE

    @property
    def under_way(self) -> bool:
        """Whether it is being trained or waits for its turn."""
        return self.status in ("queued", "running")


@dataclass(frozen=True)
class Odd:
    """A run that is not listed among the others, or a folder of runs that cannot be looked into."""

    run_id: str
    """Empty for the folder."""
    kind: Literal["damaged", "newer", "unreadable"]
    """Its files cannot be believed; were written by a version that knows more; cannot be read now."""
    message: str
    """What is wrong, in one sentence without its full stop."""

    @property
    def deletable(self) -> bool:
        """Whether deleting it is a good idea: what is newer or out of reach is whole, as far as anybody knows."""
        return self.kind == "damaged"


class Store:
    """All runs under one home folder, and those that ship. Creating one touches no disk."""

    def __init__(self, home: Path | str | None = None, *, shipped: Path | None = None) -> None:
        default = os.environ.get("ELBO_HOME") or user_data_path("elbo-room", appauthor=False)
        self.home = Path(home or default).expanduser()
        self.shipped = shipped or data.assets() / "models"
        self._memory = records.Memory()
        self._notes = notes.Memory()

    @cached_property
    def layout(self) -> Layout:
        """Where things are in this home."""
        return Layout(self.home)

    @property
    def runs(self) -> Path:
        """Folder of this home's own runs."""
        return self.layout.runs.path

    # -- looking

    def folder(self, run_id: str) -> Path:
        """The folder that holds the run. Raises `RunNotFoundError`."""
        return self._at(run_id).path

    def resolve(self, name: str) -> str:
        """The run_id that `name` is, or is the unmistakable beginning of. Raises `RunNotFoundError`."""
        with contextlib.suppress(RunNotFoundError):
            return self._at(name).run_id
        fits = [run_id for run_id in self.run_ids() if name and run_id.startswith(name)]
        if len(fits) > 1:
            raise RunNotFoundError(f"{name!r} fits {len(fits)} runs: {', '.join(fits)}; give more of the name")
        if not fits:
            raise RunNotFoundError(f"no run named {name!r} in {self.home}; `elbo runs` lists them")
        return fits[0]

    def run_ids(self) -> list[str]:
        """Names of all runs, this home's and those that ship, readable or not. Raises `StoreError`."""
        folders = [*_folders(self.layout.runs), *_folders(Runs(self.shipped))]
        return sorted({folder.run_id for folder in folders if folder.is_run()})

    def infos(self) -> list[RunInfo]:
        """Every readable run, newest first; then those that ship, in the order in which they were made.

        Never fails: what it leaves out, `odd` names. What was read before is read again only if it looks otherwise.
        """
        found = [one for one in self._look() if isinstance(one, RunInfo)]
        return sorted(found, key=lambda info: (info.shipped, info.created if info.shipped else -info.created))

    def odd(self) -> list[Odd]:
        """What `infos` leaves out, by name."""
        return sorted((one for one in self._look() if isinstance(one, Odd)), key=lambda one: one.run_id)

    def get(self, run_id: str) -> RunInfo:
        """Raises `RunNotFoundError`, `StoreError`, or `CorruptFileError` when its files cannot be believed."""
        folder = self._at(run_id)
        return self._info(folder, records.read(folder), self._notes.read(str(self.layout.notes_of(run_id))))

    def _look(self) -> Iterator[RunInfo | Odd]:
        seen: set[str] = set()
        noted = notes.listed(self.layout.notes)
        for runs in (self.layout.runs, Runs(self.shipped)):
            try:
                folders = [folder for folder in _folders(runs) if folder.run_id not in seen]
            except StoreError as error:
                yield Odd("", "unreadable", str(error))
                continue
            for folder in folders:
                seen.add(folder.run_id)
                try:
                    record, said = self._memory.read(folder), noted.get(layout.notes_name(folder.run_id))
                    yield self._info(folder, record, self._notes.read(said) if said else Notes())
                except RunNotFoundError:  # deleted in the meantime, or somebody's folder
                    continue
                except NewerFileError as error:
                    yield Odd(folder.run_id, "newer", str(error))
                except CorruptFileError as error:
                    yield Odd(folder.run_id, "damaged", str(error))
                except StoreError as error:
                    yield Odd(folder.run_id, "unreadable", str(error))

    def _info(self, folder: RunFolder, record: Record, said: Notes) -> RunInfo:
        run_id, state, result = folder.run_id, record.state, record.result
        if result is not None and record.complete:
            status: Status = "stopped" if result.stopped else "finished"
        else:
            status = state.state if state else "interrupted"
            if status in COMPLETE:
                status = "interrupted"  # by its own word complete, and without a model
            if status == "running" and not self.is_locked(run_id):
                status = "interrupted"
        created, message = (state.created, state.message) if state else (0.0, "")
        shipped = folder.path.parent == self.shipped
        about = (record.model, record.precision, said)
        return RunInfo(run_id, record.config, status, created, result, message, shipped, *about)

    def made(self, run_id: str) -> list[dict[str, Any]]:
        """With what it was trained: one entry a sitting, oldest first. Empty for runs that are older than the record.

        What makes other weights of the same configuration: `torch`, `processor`, `capability`, `threads`,
        `precision`, `environment` (`training.machine`); and `step`, from which that sitting went on.
        """
        return records.read_made(self._at(run_id))

    def notes(self, run_id: str) -> Notes:
        """What a person calls it and says of it.

        Raises `RunNotFoundError`, `StoreError`, and `CorruptFileError` where `infos` leaves both out.
        """
        return notes.read(self.layout.notes_of(self._at(run_id).run_id))

    # -- writing a run

    def create(self, config: RunConfig) -> str:
        """Make the run's folder if there is none; the name of the run.

        Raises `StoreError`, and `ConfigError` for a new run that cannot be trained as it says (`RunConfig.trainable`).
        """
        run_id, runs = config.run_id, self.layout.runs
        if runs.run(run_id).is_run() or Runs(self.shipped).run(run_id).is_run():
            return run_id
        config.trainable()
        with explained(runs.path):
            runs.path.mkdir(parents=True, exist_ok=True)
            temporary = RunFolder(Path(tempfile.mkdtemp(prefix=runs.new_prefix, dir=runs.path)))
            try:
                write_bytes(temporary.config, (config.to_json() + "\n").encode())
                write_record(temporary.state, {"state": "interrupted", "message": "", "created": time.time()})
                temporary.snapshots.mkdir()
                with contextlib.suppress(FileExistsError, OSError):
                    temporary.path.rename(runs.run(run_id).path)
            finally:
                remove_ours(temporary.path, layout.is_of_a_run)
            if not runs.run(run_id).is_run():
                raise StoreError(f"{runs.run(run_id).path}: could not be created; remove what stands in its place")
        return run_id

    def set_state(self, run_id: str, state: str, message: str = "") -> None:
        """Record where the run stands."""
        folder = self._own(run_id)
        known = records.read_state(folder)
        created = known.created if known else time.time()
        write_record(folder.state, {"state": state, "message": message, "created": created})

    def add_sitting(self, run_id: str, facts: dict[str, Any]) -> None:
        """Record with what the run is trained from now on (`made`)."""
        folder = self._own(run_id)
        write_record(folder.made, {"sittings": [*records.read_made(folder), facts]})

    def append(self, run_id: str, event: Event) -> None:
        """Keep what a run said. Progress and Frame replace the last one; all else is added to events.jsonl."""
        folder = self._own(run_id)
        if isinstance(event, Progress):
            write_bytes(folder.progress, journal.line(event), durable=False)
            return
        if isinstance(event, Frame):
            write_arrays(folder.frame, event.arrays, {"step": event.step}, durable=False)
            return
        if isinstance(event, Snapshot):
            with explained(folder.snapshots):
                folder.snapshots.mkdir(exist_ok=True)
            write_arrays(folder.snapshot(event.index), event.arrays, durable=False)
        journal.append(folder.events, event)

    def save_checkpoint(self, run_id: str, arrays: Arrays, meta: dict[str, Any]) -> None:
        """Replace the moment from which the run would go on, together with how much had been said by then."""
        folder = self._own(run_id)
        said = journal.mark(folder.events)
        write_arrays(folder.checkpoint, arrays, {**meta, "events_bytes": said.size, "events_crc": said.crc})

    def load_checkpoint(self, run_id: str) -> tuple[Arrays, dict[str, Any]] | None:
        """The last checkpoint, or None; what was said after it is taken back, so that no point stands twice."""
        folder = self._own(run_id)
        for half_written in folder.half_written():  # by a process that was killed
            half_written.unlink(missing_ok=True)
        try:
            arrays, meta, _ = read_arrays(folder.checkpoint)
        except FileNotFoundError:
            arrays, meta = None, {"events_bytes": 0}
        journal.go_back(folder.events, Mark(meta["events_bytes"], meta.get("events_crc", 0)))
        return None if arrays is None else (arrays, meta)

    def publish(self, run_id: str, weights: Arrays, result: Finished) -> None:
        """Make the run complete: weights first, `result.json` last, so that half a run is never listed as finished.

        Raises `NotFiniteError`, and leaves all as it was, for weights or terms that are not finite.
        """
        folder = self._own(run_id)
        _require_finite(run_id, weights)
        said = journal.mark(folder.events)
        content, digest = array_bytes(folder.weights, weights)
        facts = {
            "weights_sha256": digest,
            "event": json.loads(events.to_json(result)),
            "events": {"bytes": said.size, "crc": f"{said.crc:08x}"},
        }
        with self.file_lock(_deriving(run_id), timeout=30):
            # A run that was stopped and went on has another model now: what was derived from the old one goes with it.
            remove_ours(self.layout.artifacts(run_id), layout.is_artifact)
            write_together({folder.weights: content, folder.result: record_bytes(folder.result, facts)})
        self.set_state(run_id, "stopped" if result.stopped else "finished")
        folder.frame.unlink(missing_ok=True)
        if not result.stopped:
            folder.checkpoint.unlink(missing_ok=True)

    def describe(self, run_id: str, *, label: str | None = None, note: str | None = None) -> Notes:
        """Keep what a person calls a run and says of it, also of one that ships; None leaves that text as it is.

        What cannot be believed of an earlier text is replaced. Raises `NotesError` for one that is too long,
        `NewerFileError` and leaves it where a newer version wrote it, `RunNotFoundError`, `StoreError`, `RunBusyError`.
        """
        records.read_config(self._at(run_id))
        path = self.layout.notes_of(run_id)
        with self.file_lock(_deriving(run_id)):
            self._at(run_id)  # it may have been deleted in the meantime
            try:
                known = notes.read(path)
            except NewerFileError:
                raise
            except CorruptFileError:
                known = Notes()
            said = checked(known.label if label is None else label, known.note if note is None else note)
            notes.write(path, said)
        return said

    def delete(self, run_id: str) -> None:
        """Remove a run, all that is derived from it, and what was said of it.

        Raises `StoreError` for one that ships, one that is being trained, and one whose folder holds what is not ours.
        """
        folder = self._own(run_id)
        with self.lock(run_id), self.file_lock(_deriving(run_id), timeout=30), explained(folder.path):
            if found := strangers(folder.path, layout.is_of_a_run):
                raise StoreError(
                    f"{folder.path / found[0]}: not made by Elbo Room, so {run_id} is not deleted; move it away first"
                )
            # Renamed first: a deletion that is cut off leaves nothing that looks like a run.
            gone = self.layout.runs.deleted(run_id)
            folder.path.rename(gone)
            remove_ours(gone, layout.is_of_a_run)
            remove_ours(self.layout.artifacts(run_id), layout.is_artifact)
            remove_ours(self.layout.notes, lambda name: layout.is_notes_of(run_id, name))

    # -- one at a time

    @contextlib.contextmanager
    def lock(self, run_id: str, timeout: float = 2.0) -> Generator[None]:
        """Be the only process that trains or deletes this run. Raises `RunBusyError`."""
        with self.file_lock(f"run-{run_id}", timeout):
            yield

    @contextlib.contextmanager
    def file_lock(self, name: str, timeout: float = 2.0) -> Generator[None]:
        """A lock of this home by name; the system takes it back when its process dies. Raises `RunBusyError`."""
        with locks.held(self.layout.lock(name), timeout):
            yield

    def is_locked(self, run_id: str) -> bool:
        """Whether a living process is training the run."""
        return self.is_file_locked(f"run-{run_id}")

    def is_file_locked(self, name: str) -> bool:
        """Whether a living process holds the lock."""
        return locks.is_held(self.layout.lock(name))

    # -- reading a run

    def events(self, run_id: str, since: int = 0) -> tuple[list[Event], int]:
        """Events from byte `since` on, and the byte to go on from; `said` also tells when they begin anew."""
        found = self.said(run_id, since)
        return found.events, found.end.size

    def said(self, run_id: str, since: int = 0) -> Said:
        """Events from byte `since` on; from the start when `since` is no end of a line any more, as when the run has
        gone back to its checkpoint. A torn last line waits until it is whole.

        Raises `CorruptFileError` for damage; of a run that is complete, also when something is missing at the end.
        """
        folder = self._at(run_id)
        for _ in range(2):  # a run that becomes complete between the two reads is looked at again
            found = journal.read(folder.events, since)
            record = self._memory.read(folder)
            if not record.complete or record.said in (None, found.end):
                return found
        raise CorruptFileError(f"{folder.events}: damaged (not all that the run said)")

    def progress(self, run_id: str) -> Progress | None:
        """The last progress, or None before the first."""
        path = self._at(run_id).progress
        try:
            event, _ = journal.parsed(path, read_bytes(path).rstrip(b"\n"))
        except FileNotFoundError:
            return None
        return event if isinstance(event, Progress) else None

    def snapshot(self, run_id: str, index: int) -> Arrays:
        """A snapshot's arrays. Raises FileNotFoundError for one that was never taken or does not ship."""
        return read_arrays(self._at(run_id).snapshot(index)).arrays

    def frame(self, run_id: str) -> Arrays:
        """The arrays of the last frame. Raises FileNotFoundError before the first, and when the run is complete."""
        return read_arrays(self._at(run_id).frame).arrays

    def weights(self, run_id: str) -> Arrays:
        """The trained weights, verified. Raises `RunNotFoundError` when there are none yet, `CorruptFileError`."""
        found = self._weights(run_id)
        if found is None and not self.get(run_id).shipped:
            # Two files: a run that gets its next model at this moment is looked at again when it has it.
            with contextlib.suppress(RunBusyError), self.file_lock(_deriving(run_id), timeout=30):
                found = self._weights(run_id)
        if found is None:
            path = self._at(run_id).weights
            raise CorruptFileError(f"{path}: damaged, not the weights that the run published")
        return found

    def _weights(self, run_id: str) -> Arrays | None:
        """What the weights file holds; None where it is not what the run says that it published."""
        folder = self._at(run_id)
        record = records.read(folder)
        try:
            weights = read_arrays(folder.weights) if record.model else None
        except FileNotFoundError:
            weights = None
        if weights is None:
            raise RunNotFoundError(f"{run_id} has no trained model yet; train it to the end or stop it")
        return weights.arrays if record.model == weights.sha256 else None

    def size(self, run_id: str) -> int:
        """Bytes that the run takes, without what is derived from it."""
        folder = self._at(run_id)
        with reading(folder.path):
            return sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())

    # -- what is derived from a model

    def artifact_path(self, run_id: str, name: str) -> Path:
        """Where an artifact of this run is kept; what ships comes first."""
        shipped = Runs(self.shipped).run(run_id).artifact(name)
        return shipped if shipped.is_file() else self.layout.artifact(run_id, name)

    def artifact_names(self, run_id: str) -> list[str]:
        """Names of what is derived from this run and kept."""
        folders = (Runs(self.shipped).run(run_id).artifacts, self.layout.artifacts(run_id))
        paths = [path for folder in folders if folder.is_dir() for path in folder.glob("*.safetensors")]
        return sorted({path.stem for path in paths if layout.is_artifact(path.name)})

    def artifact(self, run_id: str, name: str) -> tuple[Arrays, dict[str, Any]] | None:
        """Arrays and facts of an artifact, or None when it has not been computed."""
        try:
            file = read_arrays(self.artifact_path(run_id, name))
        except FileNotFoundError:
            return None
        return file.arrays, file.meta

    def save_artifact(
        self, run_id: str, name: str, arrays: Arrays, meta: dict[str, Any] | None = None, *, model: str = ""
    ) -> bool:
        """Keep an artifact beside the run; whether it was kept.

        It is not kept when the run has been deleted or, given the `model` from which it was derived (`RunInfo.model`),
        has another by now; nor when the home is full or cannot be written, since what was computed is none the worse
        for that: a warning goes to the log.
        """
        path = self.layout.artifact(run_id, name)
        try:
            with self.file_lock(_deriving(run_id), timeout=30):
                if model not in ("", records.read(self._at(run_id)).model):
                    return False
                with explained(path):
                    path.parent.mkdir(parents=True, exist_ok=True)
                write_arrays(path, arrays, meta, durable=False)
                return True
        except RunNotFoundError:
            return False
        except (StoreError, RunBusyError) as error:
            logging.getLogger("elbo").warning("%s of %s was computed and not kept: %s", name, run_id, error)
            return False

    # -- inside

    def _at(self, run_id: str) -> RunFolder:
        """The run's files, in this home or among what ships. Raises `RunNotFoundError`, `StoreError`."""
        if _could_be_a_name(run_id):
            own, shipped = self.layout.runs.run(run_id), Runs(self.shipped).run(run_id)
            try:
                with reading(self.runs):
                    if own.is_run():
                        return own
            except StoreError:
                if not shipped.is_run():
                    raise
            if shipped.is_run():
                return shipped
        raise RunNotFoundError(f"no run named {run_id!r} in {self.home}; `elbo runs` lists them")

    def _own(self, run_id: str) -> RunFolder:
        folder = self._at(run_id)
        if folder.path.parent == self.shipped:
            raise StoreError(f"{run_id} ships with Elbo Room and is read-only")
        return folder


def _folders(runs: Runs) -> list[RunFolder]:
    """What may be runs in a folder. Raises `StoreError` when it cannot be read."""
    try:
        with reading(runs.path), os.scandir(runs.path) as entries:
            return [runs.run(entry.name) for entry in entries if entry.name[0] != "." and entry.is_dir()]
    except (FileNotFoundError, CorruptFileError):  # nothing there, or a file: no runs
        return []


def _deriving(run_id: str) -> str:
    """The lock under which the model of a run is replaced, and what is kept beside it is written and removed."""
    return f"artifacts-{run_id}"


def _require_finite(run_id: str, weights: Arrays) -> None:
    for name, array in weights.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise NotFiniteError(
                f"{run_id}: its weights are not finite ({name}), so they are not kept as a model; "
                "try a smaller learning rate or a larger σ"
            )


def _could_be_a_name(run_id: str) -> bool:
    """Whether a folder could be called that: one that no system can look for is not there either."""
    try:
        whole = 0 < len(os.fsencode(run_id)) <= 255 and "\0" not in run_id
    except UnicodeEncodeError:
        return False
    return whole and Path(run_id).name == run_id and not run_id.startswith(".")
