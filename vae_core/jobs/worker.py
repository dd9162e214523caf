"""The worker process: `python -m vae_core.jobs.worker --home DIR --kind train|derive`, started by `Jobs.ensure_worker`.

It pays for importing torch, unpacking the data and the first slow step before anyone asks, then waits. One at a time
for each kind and home; it ends when no process that wants it is left.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from vae_core import data
from vae_core.config import RunConfig
from vae_core.config.errors import ElboRoomError, RunBusyError
from vae_core.jobs import artifacts
from vae_core.jobs.artifacts import MapRequest, PartialFile
from vae_core.jobs.queue import Jobs, Kind
from vae_core.jobs.run import run
from vae_core.store import Store, Wish
from vae_core.training.loop import Training

POLL_SECONDS = 0.02
GRACE_SECONDS = 10.0
"""How long the worker outlives its last client, so that a server's restart finds it warm and its run under way."""


class Worker:
    """Takes jobs of one kind until nobody wants it any more."""

    def __init__(self, jobs: Jobs, kind: Kind, grace: float = GRACE_SECONDS) -> None:
        self.jobs, self.grace = jobs, grace
        self.kind: Kind = kind
        self._wanted_at = self._looked_at = time.monotonic()

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
        while self.wanted():
            found = self.jobs.next(self.kind)
            if found is None:
                time.sleep(POLL_SECONDS)
                continue
            try:
                self.train(*found) if self.kind == "train" else self.derive(*found)
            except Exception:  # whatever one job does, the next one gets its turn; the log keeps the trace
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                found[0].unlink(missing_ok=True)

    def train(self, waiting: Path, job: dict[str, Any]) -> None:
        """One run to its end, or to what is wished of it."""
        run_id, store = str(job["run_id"]), self.jobs.store

        heard: set[Wish] = set()

        def wish() -> Wish:
            asked = self.jobs.wish(run_id)
            heard.add(asked)
            return asked if self.wanted() else "pause"

        for _event in run(store.get(run_id).config, store, wish=wish, resume_stopped=True):
            waiting.unlink(missing_ok=True)
        asked = self.jobs.wish(run_id)
        if asked in heard or asked == "cancel":
            # One that was never heard is about what comes next: the run was halted, resumed, and wished about anew.
            self.jobs.forget_wish(run_id)
        if asked == "cancel":
            store.delete(run_id)
        elif store.get(run_id).complete:
            # While the model is warm, so that the first look need not wait: the codes at once, then what they are like.
            artifacts.diagnostics(store, run_id)

    def derive(self, waiting: Path, job: dict[str, Any]) -> None:
        """One artifact."""
        run_id, store = str(job["run_id"]), self.jobs.store
        request = MapRequest(**job["map"]) if job["map"] else None
        name = request.name if request else "codes"
        partial = PartialFile(store, run_id, name)
        with store.file_lock(f"derive-{run_id}.{name}"):
            waiting.unlink(missing_ok=True)
            self.jobs.report_derive_error(run_id, name, "")
            try:
                if request:
                    artifacts.embedding(store, run_id, request, partial.tell)
                else:
                    artifacts.codes(store, run_id)
            except ElboRoomError as error:
                self.jobs.report_derive_error(run_id, name, str(error))
                raise
            finally:
                partial.remove()


def warm_up() -> None:
    """Pay for what is slow only once: the data, the optimiser's first step, the first low-precision product."""
    training = Training(RunConfig(epochs=1), data.load("mnist"))
    for event in training.events():
        if event.type == "losses":
            break


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="python -m vae_core.jobs.worker")
    parser.add_argument("--home", required=True)
    parser.add_argument("--kind", choices=("train", "derive"), required=True)
    parser.add_argument("--grace", type=float, default=GRACE_SECONDS, help="seconds to outlive the last client")
    args = parser.parse_args()
    jobs = Jobs(Store(args.home))
    try:
        with jobs.store.file_lock(f"worker-{args.kind}", timeout=0.5):
            if args.kind == "train":
                warm_up()
            Worker(jobs, args.kind, args.grace).loop()
    except RunBusyError:
        return  # another worker was faster


if __name__ == "__main__":
    main()
