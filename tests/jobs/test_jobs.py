"""Asking for work, and a real worker process that does it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import listing, same, timeless, tiny, until
from vae_core.analysis import projection
from vae_core.config import RunConfig
from vae_core.config.errors import RunBusyError, RunNotFoundError, StoreError
from vae_core.jobs import artifacts
from vae_core.jobs.derived.codes import Codes
from vae_core.jobs.derived.maps import MapRequest
from vae_core.jobs.partial import PartialFile
from vae_core.jobs.queue import Jobs, Look
from vae_core.jobs.run import run
from vae_core.jobs.table import Kind
from vae_core.jobs.worker import Worker
from vae_core.store import Store

pytestmark = pytest.mark.timeout(1200)  # a hang ends; nothing here has to happen within a time

LONG = {"epochs": 120, "batch_size": 64}
"""A few seconds of training."""


@pytest.fixture
def alone(home: Store, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """A queue that no worker looks at."""
    monkeypatch.setattr(Jobs, "ensure_worker", lambda *_: None)
    return Jobs(home)


def waiting(jobs: Jobs, kind: Kind = "train") -> list[str]:
    return [job.subject for job in jobs.table.living(kind) if job.state == "waiting"]


# -- asking, without a worker


def test_asking_puts_a_run_into_the_queue_once(alone: Jobs) -> None:
    one, two = alone.submit(tiny()), alone.submit(tiny(seed=1))
    assert alone.submit(tiny()) == one
    assert waiting(alone) == [one, two]
    assert {alone.store.get(r).status for r in (one, two)} == {"queued"}
    assert [alone.ahead(r) for r in (one, two, "nothing")] == [0, 1, None]
    job = alone.table.claim("train", "worker")
    assert job is not None
    assert (job.subject, job.state, job.attempts) == (one, "running", 1)
    assert waiting(alone) == [two]
    assert alone.table.end(job, "failed", "a reason")
    alone.submit(tiny())
    assert waiting(alone) == [two, one]


def test_a_complete_run_is_not_queued(alone: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    list(run(tiny(), alone.store))
    before = listing(alone.store.home)
    run_id = alone.submit(tiny())
    alone.stop(run_id)
    with pytest.raises(RunBusyError, match="complete"):
        alone.resume(run_id)
    assert listing(alone.store.home) == before
    assert alone.store.get(run_id).status == "finished"


def test_one_that_waits_can_be_paused_and_resumed(alone: Jobs) -> None:
    run_id = alone.submit(tiny())
    alone.pause(run_id)
    assert waiting(alone) == []
    assert alone.store.get(run_id).status == "paused"
    assert alone.wish(run_id) == "pause"
    alone.resume(run_id)
    assert waiting(alone) == [run_id]
    assert alone.wish(run_id) == "go"  # or it would be halted at once


def test_one_that_waits_can_be_cancelled(alone: Jobs) -> None:
    run_id = alone.submit(tiny())
    alone.cancel(run_id)
    assert waiting(alone) == []
    assert list(alone.store.runs.iterdir()) == []
    with pytest.raises(RunNotFoundError):
        alone.cancel(run_id)


def test_what_ships_cannot_be_asked_to_stop_or_go(alone: Jobs) -> None:
    run_id = next(i.run_id for i in alone.store.infos() if i.shipped)
    for ask in (alone.pause, alone.cancel):
        with pytest.raises(StoreError, match="read-only"):
            ask(run_id)
    alone.stop(run_id)
    assert waiting(alone) == []


def test_a_map_is_asked_for_once_and_looking_asks_for_nothing(alone: Jobs) -> None:
    run_id = next(i.run_id for i in alone.store.infos() if i.shipped)
    request = MapRequest(method="pca", limit=50)
    assert alone.look(run_id, request).state == "absent"
    assert listing(alone.store.home) == {}
    for _ in range(2):
        alone.ask(run_id, request)
    alone.ask(run_id, Codes())  # they ship
    assert alone.look(run_id, Codes()).state == "ready"
    assert waiting(alone, "derive") == [run_id]
    assert alone.look(run_id, request).state == "waiting"
    job = alone.table.claim("derive", "worker")
    assert job is not None
    assert alone.look(run_id, request) == Look("running")
    PartialFile(alone.store, run_id, request.name).tell(5, 20, None)
    partial = alone.look(run_id, request).partial
    assert partial is not None
    assert (partial.done, partial.total) == (5, 20)
    alone.table.end(job, "failed", "too few")
    assert alone.look(run_id, request) == Look("failed", reason="too few", attempts=1)
    assert waiting(alone, "derive") == []  # not asked again by itself
    alone.ask(run_id, request)
    assert alone.look(run_id, request).state == "waiting"
    alone.drop(run_id, request)
    assert alone.look(run_id, request).state == "cancelled"
    Worker(alone, "derive").derive(job)  # says nothing of the one that failed before
    assert alone.look(run_id, request).state == "ready"


def test_where_nothing_can_be_written_asking_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Jobs(Store(tmp_path / "file" / "home")).submit(tiny())
    assert listing(tmp_path) == {"file": b""}


# -- a worker process


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@contextlib.contextmanager
def wanted(store: Store) -> Iterator[None]:
    """This process is a client of the store's workers, so that none of them leaves in between."""
    with store.file_lock(f"client-{os.getpid()}"):
        yield


@contextlib.contextmanager
def working(store: Store, kind: Kind = "train", grace: float = 10.0) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of this store, for as long as the test is inside; somebody has to want it (`wanted`)."""
    store.home.mkdir(parents=True, exist_ok=True)
    log = store.home / f"worker-{kind}.log"
    command = [sys.executable, "-m", "vae_core.jobs.worker", "--home", str(store.home), "--kind", kind]
    with log.open("ab") as output:
        worker = subprocess.Popen([*command, "--grace", str(grace)], stdout=output, stderr=output)
    try:
        until(lambda: store.is_file_locked(f"worker-{kind}") or worker.poll() is not None, "a worker")
        yield worker
    finally:
        end(worker)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("jobs") / "home")


@pytest.fixture(scope="module")
def worker(store: Store) -> Iterator[subprocess.Popen[bytes]]:
    """The worker that the tests of this file share; the module holds it alive."""
    with wanted(store), working(store) as process:
        yield process


@pytest.fixture(scope="module")
def jobs(store: Store, worker: subprocess.Popen[bytes]) -> Jobs:
    """The queue of that worker."""
    jobs = Jobs(store)
    jobs.ensure_worker = lambda *_: None  # type: ignore[method-assign]
    return jobs


def test_the_shared_worker_stays_though_nobody_asks_for_a_while(jobs: Jobs, worker: subprocess.Popen[bytes]) -> None:
    # What a worker decides by: somebody wants it as long as this module runs.
    assert jobs.has_client()
    assert worker.poll() is None


def check(store: Store, config: RunConfig, whole: Store) -> None:
    """It is the run that this process makes of it in a store of its own, without interruption."""
    list(run(config, whole))
    assert same(store.weights(config.run_id), whole.weights(config.run_id))
    assert timeless(store.events(config.run_id)[0]) == timeless(whole.events(config.run_id)[0])


def status(store: Store, run_id: str) -> str:
    return store.get(run_id).status


def moving(store: Store, run_id: str) -> None:
    """Wait until it is being trained."""
    until(lambda: store.progress(run_id) is not None and status(store, run_id) == "running", f"{run_id} to run")


def cut_short(jobs: Jobs, store: Store, cut: Callable[[str], None], *then: str, seed: int = 0) -> RunConfig:
    """A run that was cut short and came to stand as one of `then`.

    This process may be held up for longer than a training takes: one that was over by then gets a longer successor.
    """
    config = tiny(**LONG, seed=seed)
    while True:
        run_id = jobs.submit(config)
        until(lambda: store.progress(run_id) is not None, "a first step")  # noqa: B023
        cut(run_id)
        until(lambda: status(store, run_id) in (*then, "finished"), "the run cut short, or over")  # noqa: B023
        if status(store, run_id) in then:
            return config
        jobs.forget_wish(run_id)
        config = replace(config, epochs=2 * config.epochs)


def test_paused_and_resumed_by_the_worker_it_is_the_same_run(jobs: Jobs, store: Store, tmp_path: Path) -> None:
    config = cut_short(jobs, store, jobs.pause, "paused")
    run_id = config.run_id
    progress = store.progress(run_id)
    assert progress is not None
    assert progress.step < progress.steps
    until(lambda: not store.is_locked(run_id), "the lock to be given back")
    jobs.resume(run_id)
    until(lambda: status(store, run_id) == "finished", "the end")
    check(store, config, Store(tmp_path))
    # Encoded while the model was warm.
    until(lambda: store.artifact(run_id, "codes") is not None, "the codes")
    assert jobs.wish(run_id) == "go"
    assert waiting(jobs) == []


def test_stopped_it_keeps_a_model_and_can_go_on(jobs: Jobs, store: Store, tmp_path: Path) -> None:
    config = cut_short(jobs, store, jobs.stop, "stopped", seed=2)
    run_id = config.run_id
    info = store.get(run_id)
    assert info.result is not None
    assert info.result.stopped
    artifacts.load_model(store, run_id)
    until(lambda: jobs.wish(run_id) == "go", "the wish to be forgotten")
    jobs.resume(run_id)
    until(lambda: status(store, run_id) == "finished", "the end")
    check(store, config, Store(tmp_path))


def test_one_that_waits_goes_its_way_and_one_that_runs_is_cancelled(jobs: Jobs, store: Store) -> None:
    first, second, third = (jobs.submit(tiny(epochs=9000, batch_size=64, seed=s)) for s in (3, 4, 5))
    moving(store, first)
    assert [status(store, r) for r in (second, third)] == ["queued", "queued"]
    jobs.pause(second)
    jobs.cancel(third)
    jobs.cancel(first)
    until(lambda: first not in store.run_ids(), "the run to be gone")
    assert third not in store.run_ids()
    assert status(store, second) == "paused"
    assert store.events(second) == ([], 0)
    # Stopped before it began, it becomes a model as it stands.
    jobs.stop(second)
    until(lambda: status(store, second) == "stopped", "the stop")
    info = store.get(second)
    assert info.result is not None
    assert info.result.step <= 2000
    store.weights(second)
    until(lambda: not store.is_locked(second), "the lock to be given back")
    jobs.cancel(second)
    assert second not in store.run_ids()


def test_a_job_that_fails_does_not_take_the_worker_along(jobs: Jobs, store: Store) -> None:
    gone = jobs.table.ask("train", "nothing", {})
    broken = store.create(tiny(seed=6))
    (store.folder(broken) / "checkpoint.safetensors").write_bytes(b"damaged")
    jobs.submit(tiny(seed=6))
    good = jobs.submit(tiny(seed=7))
    until(lambda: status(store, good) == "finished", "the good run")
    info = store.get(broken)
    assert info.status == "failed"
    assert "checkpoint.safetensors: damaged" in info.message
    job = jobs.table.find("train", broken, {})
    assert job is not None
    assert (job.state, job.attempts) == ("failed", 1)
    assert "checkpoint.safetensors: damaged" in job.reason
    job = jobs.table.job(gone.id)
    assert job is not None
    assert job.state == "cancelled"
    assert "no run named 'nothing'" in job.reason


def test_a_second_worker_steps_back(jobs: Jobs, store: Store) -> None:
    with working(store) as second:
        assert second.wait() == 0
    assert store.is_file_locked("worker-train")


def test_maps_are_derived_by_a_worker_of_their_own(store: Store, jobs: Jobs) -> None:
    run_id = jobs.submit(tiny(seed=8))
    until(lambda: status(store, run_id) == "finished", "a model")
    request, impossible = MapRequest(method="pca", limit=80), MapRequest(limit=20, perplexity=19)
    with working(store, "derive"):
        jobs.ask(run_id, impossible)
        jobs.ask(run_id, request)
        until(lambda: jobs.look(run_id, request).state == "ready", "the map")
        assert "perplexity=19 with 20 codes" in jobs.look(run_id, impossible).reason
        assert jobs.look(run_id, impossible).state == "failed"
    kept = store.artifact(run_id, request.name)
    assert kept is not None
    np.testing.assert_array_equal(kept[0]["embedding"], projection.pca(artifacts.codes(store, run_id)["mu"][:80]))


# -- workers and clients come and go

CLIENT = """
import sys
from vae_core.config import RunConfig
from vae_core.jobs.queue import Jobs
from vae_core.store import Store
jobs = Jobs(Store(sys.argv[1]))
jobs.submit(RunConfig.from_json(sys.argv[2]))
print("asked", "torch" in sys.modules, flush=True)
sys.stdin.read()
"""


def test_the_worker_outlives_its_client_by_its_grace_only(home: Store) -> None:
    config = tiny(epochs=9000, batch_size=64)
    # Wanted by the test, until the client wants it: however long that takes to start.
    with contextlib.ExitStack() as so_far, contextlib.ExitStack() as ours:
        so_far.enter_context(wanted(home))
        worker = ours.enter_context(working(home, grace=0.5))
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(home.home), config.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with client:
            assert client.stdout is not None
            assert client.stdout.readline() == "asked False\n"
            moving(home, config.run_id)
            so_far.close()
            assert Jobs(home).has_client()
            client.kill()
        # Nobody is left: it halts what it trains at a checkpoint, and ends.
        assert worker.wait() == 0
    # It waits, in its place, for somebody to come back.
    assert status(home, config.run_id) == "queued"
    assert waiting(Jobs(home)) == [config.run_id]
    assert (home.folder(config.run_id) / "checkpoint.safetensors").exists()
    assert not home.is_file_locked("worker-train")


def test_a_run_whose_worker_was_killed_goes_on_with_the_next(
    home: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The real start of a worker this time, by the client itself.
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def kept(*args: object, **more: object) -> object:
        started.append(popen(*args, **more))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", kept)
    jobs = Jobs(home)
    try:

        def kill(_run_id: str) -> None:
            worker = started[-1]
            assert os.getpgid(worker.pid) != os.getpgid(0)  # Ctrl-C in our terminal does not reach it
            worker.send_signal(signal.SIGKILL)
            worker.wait()

        config = cut_short(jobs, home, kill, "interrupted", "queued")
        killed = len(started)
        # Nobody asks once more: who looks at the queue notices.
        until(lambda: (jobs.watch(), status(home, config.run_id) == "finished")[1], "the end")
        assert len(started) == killed + 1
        check(home, config, Store(tmp_path / "whole"))
    finally:
        for worker in started:
            end(worker)
        jobs.close()
