"""The worker process: `python -m vae_core.jobs.worker --home DIR --kind train|derive`, started by `Jobs.ensure_worker`.

One at a time for each kind and home: it takes its lock first and imports what is slow after, so that those who come too
late cost nothing. Then it pays for importing torch, unpacking the data and the first slow step before anyone asks, and
waits. It ends when no process that wants it is left.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
import traceback

import numpy as np
from numpy.typing import NDArray

from vae_core.config.errors import ElboRoomError, RunBusyError, RunNotFoundError
from vae_core.jobs import derived
from vae_core.jobs.derived import CancelledError
from vae_core.jobs.partial import PartialFile
from vae_core.jobs.queue import Jobs
from vae_core.jobs.table import Job, Kind
from vae_core.store import Store, Wish
from vae_core.store.layout import RunFolder

POLL_SECONDS = 0.02
GRACE_SECONDS = 10.0
"""How long the worker outlives its last client, so that a server's restart finds it warm and its run under way."""
IDLE_SECONDS = 60.0
"""How long a worker that derives waits for the next job before it gives its memory back; a client starts another."""
ASKED_SECONDS = 0.3
"""How often what is computed asks whether anybody still wants it."""
LOCK_SECONDS = 2.0
"""Those who look whether a worker is there hold its lock for a moment."""


class Worker:
    """Takes jobs of one kind until nobody wants it any more."""

    def __init__(self, jobs: Jobs, kind: Kind, grace: float = GRACE_SECONDS) -> None:
        self.jobs, self.grace = jobs, grace
        self.kind: Kind = kind
        self.name = secrets.token_hex(8)
        self._wanted_at = self._looked_at = self._worked_at = time.monotonic()

    def wanted(self) -> bool:
        """Whether a client lives, or lived a moment ago."""
        now = time.monotonic()
        if now - self._looked_at > 1.0 or now - self._wanted_at >= self.grace:
            self._looked_at = now
            if self.jobs.has_client():
                self._wanted_at = now
        return now - self._wanted_at < self.grace

    def loop(self) -> None:
        """Take jobs in order."""
        self.jobs.recover(self.kind)
        while self.wanted() and not self._is_idle():
            job = self.jobs.table.claim(self.kind, self.name, self._is_busy_elsewhere)
            if job is None:
                time.sleep(POLL_SECONDS)
                continue
            try:
                self.work(job)
            except ElboRoomError as error:
                print(f"{job.subject}: {error}", file=sys.stderr, flush=True)
            except Exception:  # whatever one job does, the next one gets its turn; the log keeps the trace
                traceback.print_exc()
                sys.stderr.flush()
            self._worked_at = time.monotonic()

    def work(self, job: Job) -> None:
        """One job, to its end; what it raises is written down, and raised again."""
        try:
            (self.train if self.kind == "train" else self.derive)(job)
        except RunBusyError:
            self.jobs.table.give_back(job)  # a command was faster
            raise
        except RunNotFoundError as error:
            self.jobs.table.end(job, "cancelled", str(error))
            raise
        except Exception as error:
            self.jobs.table.end(job, "failed", str(error) or type(error).__name__)
            raise
        self.jobs.table.end(job, "done")

    def train(self, job: Job) -> None:
        """One run to its end, or to what is wished of it."""
        from vae_core.jobs import artifacts
        from vae_core.jobs.run import run

        run_id, store = job.subject, self.jobs.store
        heard: set[Wish] = set()
        leaving = False

        def wish() -> Wish:
            nonlocal leaving
            asked = self.jobs.wish(run_id)
            heard.add(asked)
            leaving = asked == "go" and not self.wanted()
            return "pause" if leaving else asked

        saved = _checkpointed(store, run_id)
        for _event in run(store.get(run_id).config, store, wish=wish, resume_stopped=True):
            now = _checkpointed(store, run_id)
            if saved != now:
                saved = now
                self.jobs.table.forgive(job)
        if leaving and store.get(run_id).status == "paused":
            # Not what anybody wished: it waits, in its place, for somebody to come back.
            store.set_state(run_id, "queued")
            self.jobs.table.give_back(job)
            return
        asked = self.jobs.wish(run_id)
        if asked in heard:
            # One that was never heard is about what comes next: the run was halted, resumed, and wished about anew.
            self.jobs.forget_wish(run_id)
        if asked != "cancel" and store.get(run_id).complete:
            self.jobs.table.end(job, "done")
            # While the model is warm, so that the first look need not wait: the codes at once, then what they are like.
            artifacts.diagnostics(store, run_id)
        if "cancel" in (asked, self.jobs.wish(run_id)):
            store.delete(run_id)
            self.jobs.forget_wish(run_id)

    def derive(self, job: Job) -> None:
        """One derived thing."""
        run, store = self.jobs.store.get(job.subject), self.jobs.store
        rest = dict(job.parameters)
        if rest.pop("model", None) != run.model:
            self.jobs.table.end(job, "cancelled", "the run has another model by now")
            return
        thing = derived.parsed(rest)
        partial, asked_at = PartialFile(store, run.run_id, thing.name), time.monotonic()

        def tell(done: int, total: int, seen: NDArray[np.float32] | None) -> None:
            nonlocal asked_at
            if time.monotonic() - asked_at > ASKED_SECONDS:
                asked_at = time.monotonic()
                now = self.jobs.table.job(job.id)
                if now is None or now.state != "running" or not self.wanted():
                    raise CancelledError
            partial.tell(done, total, seen)

        try:
            derived.get(store, run.run_id, thing, tell)
        except CancelledError:
            self.jobs.table.give_back(job)  # it was cancelled already, or nobody is there: then it waits
        finally:
            partial.remove()

    def _is_busy_elsewhere(self, job: Job) -> bool:
        """A command trains it; when that ends, or dies, the job gets its turn."""
        return self.kind == "train" and self.jobs.store.is_locked(job.subject)

    def _is_idle(self) -> bool:
        return self.kind == "derive" and time.monotonic() - self._worked_at > IDLE_SECONDS


def _checkpointed(store: Store, run_id: str) -> int:
    """When the run got on for the last time, as far as a process that dies is concerned."""
    try:
        return RunFolder(store.folder(run_id)).checkpoint.stat().st_mtime_ns
    except (OSError, RunNotFoundError):
        return 0


def warm_up() -> None:
    """Pay for what is slow only once: the data, the optimiser's first step, the first low-precision product."""
    from vae_core import data
    from vae_core.config import RunConfig
    from vae_core.training.loop import Training

    training = Training(RunConfig(epochs=1), data.load("mnist"))
    for event in training.events():
        if event.type == "losses":
            break


def serve(jobs: Jobs, kind: Kind, grace: float) -> None:
    """Be the worker, unless another is."""
    while True:
        try:
            with jobs.store.file_lock(f"worker-{kind}", timeout=LOCK_SECONDS):
                if kind == "train" and not jobs.table.living(kind):
                    warm_up()
                Worker(jobs, kind, grace).loop()
        except RunBusyError:
            return
        # Who asked in this moment saw the lock and started nobody.
        if not (jobs.table.living(kind) and jobs.has_client()):
            return


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="python -m vae_core.jobs.worker")
    parser.add_argument("--home", required=True)
    parser.add_argument("--kind", choices=("train", "derive"), required=True)
    parser.add_argument("--grace", type=float, default=GRACE_SECONDS, help="seconds to outlive the last client")
    args = parser.parse_args()
    serve(Jobs(Store(args.home)), args.kind, args.grace)


if __name__ == "__main__":
    main()
