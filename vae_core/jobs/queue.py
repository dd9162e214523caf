"""Ask for work, and say what shall become of it: submit, pause, resume, stop, cancel.

Asking is a row in a table (`table.py`); one worker process for each kind (`worker.py`) takes them in order. `train`
holds runs, `derive` holds artifacts, so that a map need not wait for a training. Nothing here imports torch or starts a
thread.

A worker holds a lock as long as it lives, and the system takes that back when it dies. So that somebody notices, every
process that looks at the queue also looks at the lock (`watch`): where jobs are there and no worker is, what it left
behind goes back to its place, and a new one is started.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal, get_args

from vae_core.config import RunConfig
from vae_core.config.errors import ElboRoomError, RunBusyError, RunNotFoundError, StoreError
from vae_core.jobs import derived
from vae_core.jobs.derived import Thing
from vae_core.jobs.derived.codes import Codes
from vae_core.jobs.derived.maps import MapRequest
from vae_core.jobs.partial import Partial, PartialFile
from vae_core.jobs.table import Asked, Job, Kind, Limit, Refill, Table, died
from vae_core.store import RunInfo, Store, Wish
from vae_core.store.files import explained, read_json

KINDS: tuple[Kind, ...] = get_args(Kind)
_WISHES: dict[str, Wish] = {"pause": "pause", "stop": "stop", "cancel": "cancel"}
_WATCH_SECONDS = 1.0


@dataclass(frozen=True)
class Look:
    """How it stands with a derived thing."""

    state: Literal["absent", "waiting", "running", "ready", "failed", "cancelled"]
    ahead: int = 0
    """How many come first, while it waits."""
    partial: Partial | None = None
    """How far it is, while it runs."""
    reason: str = ""
    """Why it failed, in one sentence."""
    attempts: int = 0
    by: str = ""
    """Who asked; empty for the person at this machine."""


class Jobs:
    """The queues of one store. Every method returns at once.

    With `limit` asking for more than may wait raises `LimitError`.
    """

    def __init__(self, store: Store, *, limit: Limit | None = None) -> None:
        self.store, self.limit = store, limit
        self.table = Table(
            store.layout.jobs,
            alone=lambda: store.file_lock("queue", timeout=20.0),
            refill=lambda: _waiting_in(store),
        )
        self._mutex = threading.Lock()
        self._client: Any = None
        self._client_lock = store.layout.lock(f"client-{os.getpid()}-{secrets.token_hex(4)}")
        self._started: dict[Kind, subprocess.Popen[bytes]] = {}
        self._watched = -_WATCH_SECONDS

    # -- asking

    def submit(self, config: RunConfig, *, by: str = "") -> str:
        """Have it trained, unless it is complete or under way; the run's name. `by` is who asks.

        Raises `StoreError`, `LimitError`.
        """
        new = config.run_id not in self.store.run_ids()
        run_id = self.store.create(config)
        if self.store.get(run_id).status in ("finished", "stopped"):
            return run_id
        try:
            self.resume(run_id, by=by)
        except ElboRoomError:
            if new:  # nobody asked for it as far as the queue is concerned
                with contextlib.suppress(ElboRoomError):
                    self.store.delete(run_id)
            raise
        return run_id

    def resume(self, run_id: str, *, by: str = "") -> None:
        """Let a paused, interrupted, stopped or failed run go on from its checkpoint."""
        status = self.store.get(run_id).status
        if status == "finished":
            raise RunBusyError(f"{run_id} is complete; there is nothing to go on with")
        self.forget_wish(run_id)  # one from before would halt it at once
        if status != "running":
            self._enqueue_run(run_id, by)

    def pause(self, run_id: str) -> None:
        """Halt it at a checkpoint; the worker turns to the next in the queue."""
        self._wish(run_id, "pause")  # heeded if the worker has just taken it
        if self.table.withdraw("train", run_id):
            self.store.set_state(run_id, "paused")

    def stop(self, run_id: str) -> None:
        """End it and keep what was learned; one that has not begun or is paused becomes explorable as it stands."""
        if self.store.get(run_id).complete:
            return
        self._wish(run_id, "stop")
        if self.store.get(run_id).status != "running":
            self._enqueue_run(run_id, "", limited=False)

    def cancel(self, run_id: str) -> None:
        """End it and forget it, with all its files and whatever was being derived from it."""
        taken = any(job.state == "running" for job in self.table.living("train", run_id))
        if not (taken and self.store.is_locked(run_id)):
            self.table.withdraw("train", run_id)
            self.table.cancel("derive", run_id)
            try:
                self.store.delete(run_id)
            except RunBusyError:
                pass  # a worker has just taken it, or a command trains it
            else:
                self.forget_wish(run_id)
                return
        self._wish(run_id, "cancel")

    def expects(self, run_id: str) -> bool:
        """Whether the queue holds it: it waits, is trained, or goes on once somebody notices that its worker died."""
        return bool(self.table.living("train", run_id))

    def ahead(self, run_id: str) -> int | None:
        """How many runs come before a waiting one; None for one that does not wait."""
        for place, job in enumerate(self.table.living("train")):
            if job.subject == run_id:
                return place if job.state == "waiting" else None
        return None

    # -- what is derived from a model

    def look(self, run_id: str, thing: Thing) -> Look:
        """How it stands with a derived thing of the model that the run has now. Looking never starts anything."""
        run = self.store.get(run_id)
        job = self.table.find("derive", run_id, _parameters(run, thing))
        if job is not None and job.state == "waiting":
            ahead = sum(other.id < job.id for other in self.table.living("derive"))
            return Look("waiting", ahead=ahead, by=job.asked_by)
        if job is not None and job.state == "running":
            return Look("running", partial=PartialFile(self.store, run_id, thing.name).read(), by=job.asked_by)
        if derived.peek(self.store, run, thing) is not None:
            return Look("ready")
        if job is None or job.state == "done":  # done, and not there: removed since, or the disk was full
            return Look("absent")
        return Look(job.state, reason=job.reason, attempts=job.attempts)

    def ask(self, run_id: str, thing: Thing, *, by: str = "") -> None:
        """Have it computed; asking twice is asking once. Raises `StoreError`, `LimitError`."""
        run = self.store.get(run_id)
        if derived.peek(self.store, run, thing) is None:
            self.table.ask("derive", run_id, _parameters(run, thing), by=by, limit=self.limit)
            self.ensure_worker("derive")

    def drop(self, run_id: str, thing: Thing) -> None:
        """Nobody wants it any more; what computes it stops at its next step."""
        self.table.cancel("derive", run_id, _parameters(self.store.get(run_id), thing))

    # -- the worker processes

    def ensure_worker(self, kind: Kind = "train") -> None:
        """Start the worker of this kind if none is alive. It lives as long as some process that called this does."""
        self._be_a_client()
        if self.store.is_file_locked(f"worker-{kind}"):
            return
        started = self._started.get(kind)
        if started is not None and started.poll() is None:
            return  # on its way to its lock
        log = self.store.layout.log(kind)
        with explained(log), log.open("ab") as output:
            self._started[kind] = subprocess.Popen(
                [sys.executable, "-m", "vae_core.jobs.worker", "--home", str(self.store.home), "--kind", kind],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Of its own: Ctrl-C in the server's terminal must not cut a training off between two checkpoints.
                start_new_session=True,
            )

    def watch(self) -> None:
        """Notice that a worker died while jobs are there. Cheap: whoever shows a queue calls it at every look."""
        now = time.monotonic()
        if now - self._watched < _WATCH_SECONDS:
            return
        self._watched = now
        for kind in KINDS:
            if not self.table.living(kind):
                continue
            if not self.store.is_file_locked(f"worker-{kind}"):
                with contextlib.suppress(RunBusyError), self.store.file_lock(f"worker-{kind}", timeout=0):
                    self.recover(kind)
            self.ensure_worker(kind)  # who waits wants it alive, too

    def close(self) -> None:
        """Be no client any more, and let go of the table's file."""
        with self._mutex:
            if self._client is not None:
                self._client.__exit__(None, None, None)
            self._client = None
        self.table.close()

    # -- what the worker calls

    def recover(self, kind: Kind) -> None:
        """Put back what a worker left behind that died. Only for who holds the lock of the worker."""
        for job in self.table.left_behind(kind):
            if kind == "train":
                self._recover_run(job)
            else:
                self.table.recover(job)
        if kind == "train":
            for info in self.store.infos():
                # Who asked died between its two words; one of them is enough.
                if info.status == "queued" and not self.table.living("train", info.run_id):
                    self.table.ask("train", info.run_id, {})

    def wish(self, run_id: str) -> Wish:
        """What is wished of the run that is under way."""
        return _WISHES.get(self.table.wish(run_id), "go")

    def forget_wish(self, run_id: str) -> None:
        """It has been granted."""
        self.table.set_wish(run_id, "")

    def has_client(self) -> bool:
        """Whether a process that wants a worker is alive. The locks of those that are not are removed."""
        for path in self.store.layout.locks.glob("client-*.lock"):
            if self.store.is_file_locked(path.stem):
                return True
            with contextlib.suppress(ElboRoomError), self.store.file_lock(path.stem, timeout=0):
                pass  # no other process will ever take this name; letting go of it removes it
        return False

    # -- inside

    def _be_a_client(self) -> None:
        """Hold a lock that no other object holds, so that workers see that somebody lives who wants them."""
        with self._mutex:
            while self._client is None or not self._client_lock.exists():
                client = self.store.file_lock(self._client_lock.stem, timeout=10.0)  # who looks holds it for a moment
                client.__enter__()
                self._client = client

    def _enqueue_run(self, run_id: str, by: str, *, limited: bool = True) -> None:
        before = self.store.get(run_id)
        if before.status != "queued":
            self.store.set_state(run_id, "queued")  # first: a warm worker is faster with "running"
        try:
            limit = self.limit if limited else None
            self.table.ask("train", run_id, {}, by=by, limit=limit, again=True)
        except ElboRoomError:
            self.store.set_state(run_id, before.status, before.message)
            raise
        self.ensure_worker("train")

    def _recover_run(self, job: Job) -> None:
        run_id = job.subject
        try:
            if self.wish(run_id) == "cancel" and not self.store.is_locked(run_id):
                self.store.delete(run_id)
                self.forget_wish(run_id)
            info = self.store.get(run_id)
        except RunNotFoundError:
            self.table.end(job, "cancelled")
            return
        except ElboRoomError as error:
            self.table.end(job, "failed", str(error))
            return
        if info.status in ("finished", "stopped", "paused"):
            self.table.end(job, "done")
        elif info.status == "failed":
            self.table.end(job, "failed", info.message)
        else:
            failed = self.table.recover(job) == "failed"
            if not self.store.is_locked(run_id):  # by a command that trains it; then it speaks for itself
                self.store.set_state(run_id, *(("failed", died(job.attempts)) if failed else ("queued", "")))

    def _wish(self, run_id: str, wish: Wish) -> None:
        if self.store.get(run_id).shipped:
            raise StoreError(f"{run_id} ships with Elbo Room and is read-only")
        self.table.set_wish(run_id, wish)


def _parameters(run: RunInfo, thing: Thing) -> dict[str, Any]:
    """Of a job: which thing, of which model."""
    return {"model": run.model, **thing.to_json()}


# -- a table's first rows


def _waiting_in(store: Store) -> Refill:
    """What waits in this home though no table says so: in version 0.1's folder of files, and by the runs' own state."""
    found = Refill()
    for kind in KINDS:
        for path in sorted(store.layout.old_jobs(kind).glob("[0-9]*-*.json")):
            with contextlib.suppress(ElboRoomError, FileNotFoundError, KeyError, TypeError, ValueError):
                job = read_json(path)
                run_id, asked_at = str(job["run_id"]), int(path.name.partition("-")[0]) / 1e9
                found.jobs.append(Asked(kind, run_id, _of_0_1(store, kind, run_id, job), asked_at))
                found.taken.append(path)  # one of ours: what else lies there stays
    for info in reversed(store.infos()):
        if info.status == "queued":
            found.jobs.append(Asked("train", info.run_id, {}, info.created))
    for path in store.layout.old_wishes.glob("[!.]*"):
        with contextlib.suppress(OSError, ValueError, RunNotFoundError):
            wish = path.read_text(encoding="utf-8")
            if wish in ("pause", "stop", "cancel"):
                found.wishes[store.folder(path.name).name] = wish
                found.taken.append(path)
    return found


def _of_0_1(store: Store, kind: Kind, run_id: str, job: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a job as version 0.1 wrote it."""
    if kind == "train":
        return {}
    thing = MapRequest(**job["map"]) if job["map"] else Codes()
    return _parameters(store.get(run_id), thing)
