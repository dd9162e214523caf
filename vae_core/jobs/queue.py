"""Ask for work, and say what shall become of it: submit, pause, resume, stop, cancel.

Asking is writing a small file under `<home>/queue/<kind>/`; one worker process for each kind (`worker.py`) takes them
in order. `train` holds runs, `derive` holds artifacts, so that a map need not wait for a training. A wish about a run
that is under way is a file `<home>/queue/wishes/<run_id>`. Nothing here imports torch or starts a thread.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from vae_core.config import RunConfig
from vae_core.config.errors import CorruptFileError, RunBusyError, StoreError
from vae_core.jobs.artifacts import MapRequest, Partial, PartialFile
from vae_core.store import Store, Wish
from vae_core.store.files import explained, read_json, write_bytes, write_json

Kind = Literal["train", "derive"]
_NAMES: dict[str, Wish] = {"pause": "pause", "stop": "stop", "cancel": "cancel"}


class Jobs:
    """The queues of one store. Every method returns at once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._client: Any = None

    # -- asking

    def submit(self, config: RunConfig) -> str:
        """Have it trained, unless it is complete or under way; the run's name. Raises `StoreError`."""
        run_id = self.store.create(config)
        if self.store.get(run_id).status not in ("finished", "stopped"):
            self.resume(run_id)
        return run_id

    def resume(self, run_id: str) -> None:
        """Let a paused, interrupted, stopped or failed run go on from its checkpoint."""
        status = self.store.get(run_id).status
        if status == "finished":
            raise RunBusyError(f"{run_id} is complete; there is nothing to go on with")
        self.forget_wish(run_id)  # one from before would halt it at once
        if status not in ("queued", "running"):
            self._enqueue_run(run_id)

    def pause(self, run_id: str) -> None:
        """Halt it at a checkpoint; the worker turns to the next in the queue."""
        self._wish(run_id, "pause")  # heeded if the worker has just taken it
        if self._dequeue(run_id):
            self.store.set_state(run_id, "paused")

    def stop(self, run_id: str) -> None:
        """End it and keep what was learned; one that has not begun or is paused becomes explorable as it stands."""
        if self.store.get(run_id).complete:
            return
        self._wish(run_id, "stop")
        if self.store.get(run_id).status not in ("queued", "running"):
            self._enqueue_run(run_id)

    def cancel(self, run_id: str) -> None:
        """End it and forget it, with all its files."""
        if self.store.is_locked(run_id):
            self._wish(run_id, "cancel")
        else:
            self._dequeue(run_id)
            self.store.delete(run_id)
            self.forget_wish(run_id)

    def derive(self, run_id: str, request: MapRequest | None) -> None:
        """Have a map computed, or with None the codes of the test set; asking twice is asking once."""
        name = request.name if request else "codes"
        if self.store.artifact_path(run_id, name).is_file() or self._waiting("derive", f"{run_id}.{name}"):
            return
        if self.store.is_file_locked(f"derive-{run_id}.{name}"):
            return
        self._enqueue("derive", f"{run_id}.{name}", {"run_id": run_id, "map": asdict(request) if request else None})

    def partial(self, run_id: str, request: MapRequest) -> Partial | None:
        """How far a map is, or None before it began."""
        return PartialFile(self.store, run_id, request.name).read()

    def derive_error(self, run_id: str, request: MapRequest | None) -> str:
        """Why it could not be computed, in one sentence; empty if nothing went wrong."""
        path = self._error_path(run_id, request.name if request else "codes")
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    # -- the worker processes

    def ensure_worker(self, kind: Kind = "train") -> None:
        """Start the worker of this kind if none is alive. It lives as long as some process that called this does."""
        if self._client is None:
            self._client = self.store.file_lock(f"client-{os.getpid()}", timeout=0)
            with contextlib.suppress(RunBusyError):
                self._client.__enter__()
        if self.store.is_file_locked(f"worker-{kind}"):
            return
        log = self.store.home / f"worker-{kind}.log"
        with explained(log), log.open("ab") as output:
            subprocess.Popen(
                [sys.executable, "-m", "vae_core.jobs.worker", "--home", str(self.store.home), "--kind", kind],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Of its own: Ctrl-C in the server's terminal must not cut a training off between two checkpoints.
                start_new_session=True,
            )

    # -- what the worker calls

    def next(self, kind: Kind) -> tuple[Path, dict[str, Any]] | None:
        """The oldest waiting job and its file, or None. Who has begun it removes the file, so that no job is lost."""
        for path in self._queue(kind):
            try:
                return path, read_json(path)
            except FileNotFoundError:
                continue
            except CorruptFileError as error:
                path.unlink(missing_ok=True)
                print(f"dropped a job: {error}", file=sys.stderr, flush=True)
        return None

    def wish(self, run_id: str) -> Wish:
        """What is wished of the run that is under way."""
        with contextlib.suppress(FileNotFoundError):
            return _NAMES.get(self._wish_path(run_id).read_text(encoding="utf-8"), "go")
        return "go"

    def forget_wish(self, run_id: str) -> None:
        """It has been granted."""
        self._wish_path(run_id).unlink(missing_ok=True)

    def report_derive_error(self, run_id: str, name: str, message: str) -> None:
        """Say why an artifact could not be computed; an empty message takes it back."""
        path = self._error_path(run_id, name)
        if message:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, message.encode(), durable=False)
        else:
            path.unlink(missing_ok=True)

    def has_client(self) -> bool:
        """Whether a process that wants a worker is alive."""
        folder = self.store.home / "locks"
        return any(self.store.is_file_locked(path.stem) for path in folder.glob("client-*.lock"))

    # -- inside

    def _enqueue_run(self, run_id: str) -> None:
        self.store.set_state(run_id, "queued")  # first: a warm worker is faster with "running"
        self._enqueue("train", run_id, {"run_id": run_id})

    def _enqueue(self, kind: Kind, name: str, job: dict[str, Any]) -> None:
        folder = self.store.home / "queue" / kind
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / f"{time.time_ns()}-{name}.json", job)
        self.ensure_worker(kind)

    def _dequeue(self, run_id: str) -> bool:
        found = self._waiting("train", run_id)
        for path in found:
            path.unlink(missing_ok=True)
        return bool(found)

    def _waiting(self, kind: Kind, name: str) -> list[Path]:
        return [path for path in self._queue(kind) if path.name.partition("-")[2] == f"{name}.json"]

    def _queue(self, kind: Kind) -> list[Path]:
        folder = self.store.home / "queue" / kind
        return sorted(folder.glob("[0-9]*.json")) if folder.is_dir() else []

    def _wish(self, run_id: str, wish: Wish) -> None:
        if self.store.get(run_id).shipped:
            raise StoreError(f"{run_id} ships with Elbo Room and is read-only")
        path = self._wish_path(run_id)
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, wish.encode(), durable=False)

    def _wish_path(self, run_id: str) -> Path:
        return self.store.home / "queue" / "wishes" / run_id

    def _error_path(self, run_id: str, name: str) -> Path:
        return self.store.home / "artifacts" / run_id / f"{name}.error"
