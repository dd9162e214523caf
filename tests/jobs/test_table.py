"""The table of jobs: order, once, attempts, limits, a damaged file, and the queue of version 0.1."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.conftest import listing, tiny
from vae_core.config.errors import LimitError, StoreError
from vae_core.jobs import table as module
from vae_core.jobs.derived.codes import Codes
from vae_core.jobs.derived.maps import MapRequest
from vae_core.jobs.queue import Jobs
from vae_core.jobs.run import run
from vae_core.jobs.table import ATTEMPTS, Asked, Limit, Refill, Table
from vae_core.store import Store
from vae_core.store.files import write_bytes, write_json


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return another(tmp_path)


def another(folder: Path, refill: Refill | None = None) -> Table:
    """The table as another process has it."""
    return Table(folder / "jobs.sqlite3", alone=contextlib.nullcontext, refill=lambda: refill or Refill())


@pytest.fixture
def alone(home: Store, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """A queue that no worker looks at."""
    monkeypatch.setattr(Jobs, "ensure_worker", lambda *_: None)
    return Jobs(home)


def test_looking_makes_no_file(table: Table, tmp_path: Path) -> None:
    assert table.living("train") == []
    assert table.find("train", "a", {}) is None
    assert table.claim("train", "w") is None
    assert table.wish("a") == ""
    table.set_wish("a", "")
    assert table.cancel("train", "a") == []
    assert not table.withdraw("train", "a")
    assert listing(tmp_path) == {}


def test_asked_twice_is_asked_once_while_it_lives(table: Table, tmp_path: Path) -> None:
    one = table.ask("derive", "a", {"x": 1, "y": 2}, by="me")
    assert another(tmp_path).ask("derive", "a", {"y": 2, "x": 1}, by="you") == one
    other = table.ask("derive", "a", {"x": 2})
    assert table.living("derive") == [one, other]
    job = table.claim("derive", "w")
    assert job is not None
    assert table.ask("derive", "a", {"x": 1, "y": 2}) == job  # it runs
    assert table.end(job, "failed", "no")
    again = table.ask("derive", "a", {"x": 1, "y": 2})
    assert again.id > other.id
    assert again.attempts == 0
    assert table.find("derive", "a", {"x": 1, "y": 2}) == again


def test_asked_again_while_it_says_its_last_words_it_comes_again(table: Table) -> None:
    table.ask("train", "a", {}, again=True)
    job = table.claim("train", "w")
    assert job is not None
    table.ask("train", "b", {})
    assert table.ask("train", "a", {}, again=True) == job
    table.end(job, "done")
    assert [(j.subject, j.state, j.attempts) for j in table.living("train")] == [
        ("b", "waiting", 0),
        ("a", "waiting", 0),
    ]
    for expected in "ba":
        job = table.claim("train", "w")
        assert job is not None
        assert job.subject == expected
        table.end(job, "done")
    assert table.living("train") == []


def test_a_job_is_claimed_once_however_many_try(table: Table, tmp_path: Path) -> None:
    ids = [table.ask("derive", str(i), {}).id for i in range(40)]
    claimed: list[int] = []

    def work(name: str) -> None:
        own = another(tmp_path)
        while job := own.claim("derive", name):
            claimed.append(job.id)
        own.close()

    threads = [threading.Thread(target=work, args=(str(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Who loses a claim to another stops here; what is left is taken in order.
    while job := table.claim("derive", "last"):
        claimed.append(job.id)
    assert sorted(claimed) == ids


def test_what_was_interrupted_comes_first_again_and_is_given_up_in_the_end(table: Table) -> None:
    for name in "abc":
        table.ask("train", name, {})
    for attempt in range(1, ATTEMPTS + 1):
        job = table.claim("train", f"worker {attempt}")
        assert job is not None
        assert (job.subject, job.attempts) == ("a", attempt)
        assert table.left_behind("train") == [job]
        table.recover(job)
    found = table.find("train", "a", {})
    assert found is not None
    assert (found.state, found.reason) == (
        "failed",
        f"its process died {ATTEMPTS} times; it may need more memory than there is",
    )
    job = table.claim("train", "worker")
    assert job is not None
    assert job.subject == "b"
    table.give_back(job)
    assert [j.subject for j in table.living("train")] == ["b", "c"]
    assert table.living("train")[0].attempts == 0


def test_a_job_that_gets_on_is_not_given_up(table: Table) -> None:
    table.ask("train", "a", {})
    for _ in range(3 * ATTEMPTS):
        job = table.claim("train", "w")
        assert job is not None
        table.forgive(job)
        assert table.recover(table.left_behind("train")[0]) == "waiting"


def test_one_that_is_skipped_keeps_its_place(table: Table) -> None:
    for name in "ab":
        table.ask("train", name, {})
    job = table.claim("train", "w", skip=lambda job: job.subject == "a")
    assert job is not None
    assert job.subject == "b"
    assert [j.subject for j in table.living("train")] == ["a", "b"]


def test_what_is_cancelled_is_over_even_while_it_runs(table: Table) -> None:
    table.ask("derive", "a", {"n": 1})
    table.ask("derive", "a", {"n": 2})
    table.ask("derive", "b", {"n": 1})
    job = table.claim("derive", "w")
    assert job is not None
    assert len(table.cancel("derive", "a", {"n": 2})) == 1
    assert [j.state for j in table.cancel("derive", "a")] == ["running"]
    now = table.job(job.id)
    assert now is not None
    assert now.state == "cancelled"
    assert not table.end(job, "done")
    assert [j.subject for j in table.living("derive")] == ["b"]


def test_limits_are_of_all_and_of_each(table: Table) -> None:
    limit = Limit(runs=3, runs_each=2)
    for name in "ab":
        table.ask("train", name, {}, by="me", limit=limit)
    table.ask("train", "a", {}, by="me", limit=limit)  # there already
    with pytest.raises(LimitError, match="2 of your trainings are under way or wait"):
        table.ask("train", "c", {}, by="me", limit=limit)
    table.ask("train", "c", {}, by="you", limit=limit)
    with pytest.raises(LimitError, match="3 trainings are under way or wait, as many as may"):
        table.ask("train", "d", {}, by="you", limit=limit)
    table.ask("derive", "d", {}, by="me", limit=limit)
    table.ask("train", "d", {}, by="me")


def test_a_run_that_finds_no_room_leaves_nothing_behind(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Jobs, "ensure_worker", lambda *_: None)
    jobs = Jobs(home, limit=Limit(runs=1))
    first = jobs.submit(tiny(), by="me")
    with pytest.raises(LimitError):
        jobs.submit(tiny(seed=1), by="you")
    assert [path.name for path in home.runs.iterdir()] == [first]
    jobs.pause(first)
    jobs.submit(tiny(seed=2))
    with pytest.raises(LimitError):
        jobs.resume(first)
    assert home.get(first).status == "paused"


@pytest.mark.parametrize("damage", ["header", "page", "text", "schema"])
def test_a_damaged_table_is_set_aside_and_what_waited_waits(
    alone: Jobs, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = alone.submit(tiny(seed=1)), alone.submit(tiny())
    path = alone.table.path
    other = Jobs(alone.store)  # another process, with the file open
    assert len(other.table.living("train")) == 2
    with contextlib.closing(sqlite3.connect(path)) as c:
        c.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if damage == "text":
            c.execute("UPDATE jobs SET parameters = '{'")
        if damage == "schema":
            c.execute("DROP TABLE wishes")
        c.commit()
    alone.close()
    if damage in ("header", "page"):
        other.close()
        raw = bytearray(path.read_bytes())
        start = 0 if damage == "header" else 4096
        raw[start : start + 4096] = b"\xa5" * len(raw[start : start + 4096])
        path.write_bytes(raw)
    for jobs in (alone, other):
        jobs.wish(one)
        assert [job.subject for job in jobs.table.living("train")] == [one, two]
    # What was damaged is still there, once.
    assert (
        len([p for p in path.parent.iterdir() if ".damaged-" in p.name and not p.name.endswith(("-wal", "-shm"))]) == 1
    )
    assert "it was set aside as" in capsys.readouterr().err
    other.close()


def test_a_newer_table_is_left_alone(table: Table, tmp_path: Path) -> None:
    table.ask("train", "a", {})
    with contextlib.closing(sqlite3.connect(table.path)) as c:
        c.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer version"):
        another(tmp_path).ask("train", "b", {})
    assert [p.name for p in tmp_path.iterdir() if "damaged" in p.name] == []


def test_a_table_is_filled_once(tmp_path: Path) -> None:
    found = Refill([Asked("train", "a", {}, 1.0), Asked("train", "a", {}, 2.0)], {"a": "stop"})
    one, two = another(tmp_path, found), another(tmp_path, found)
    job = one.ask("train", "b", {})
    two.cancel("train", "a")
    assert [j.subject for j in another(tmp_path, found).living("train")] == ["b"]
    assert one.wish("a") == "stop"
    assert one.job(job.id) == job


def test_without_a_write_ahead_log_it_works_too(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_is_shared", lambda _folder: True)
    table.ask("train", "a", {})
    assert table.claim("train", "w") is not None
    assert not table.path.with_name("jobs.sqlite3-wal").exists()


def test_over_long_ago_is_forgotten(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    table.ask("train", "waits", {})
    for i in range(8):
        table.ask("derive", str(i), {})
        job = table.claim("derive", "w")
        assert job is not None
        table.end(job, "done")
    table.ask("derive", "last", {})
    assert [i for i in range(8) if table.find("derive", str(i), {})] == [5, 6, 7]
    assert len(table.living("train")) == 1


# -- a home of version 0.1


def old(home: Store, kind: str, number: int, job: object, run_id: str) -> None:
    """A job as version 0.1 wrote it."""
    folder = home.home / "queue" / kind
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{number}-{run_id}.json", job)  # type: ignore[arg-type]


def test_what_waited_in_version_0_1_still_waits(alone: Jobs, home: Store) -> None:
    runs = [home.create(tiny(seed=seed)) for seed in range(4)]
    for run_id in runs[:3]:
        home.set_state(run_id, "queued")
    home.set_state(runs[3], "running")  # its worker was killed before it took the file away
    for number, run_id in (
        (1790000000000000003, runs[0]),
        (1790000000000000001, runs[3]),
        (1790000000000000002, runs[1]),
    ):
        old(home, "train", number, {"run_id": run_id}, run_id)
    shipped = next(i.run_id for i in home.infos() if i.shipped)
    request = MapRequest(method="pca", limit=50)
    old(home, "derive", 1790000000000000004, {"run_id": shipped, "map": asdict(request)}, f"{shipped}.pca-50")
    old(home, "derive", 1790000000000000005, {"run_id": shipped, "map": None}, f"{shipped}.codes")
    write_bytes(home.home / "queue" / "train" / "1790000000000000006-x.json", b"{")
    (home.home / "queue" / "wishes").mkdir()
    write_bytes(home.home / "queue" / "wishes" / runs[1], b"stop")

    shown = alone.submit(tiny(seed=9))
    assert [job.subject for job in alone.table.living("train")] == [runs[3], runs[1], runs[0], runs[2], shown]
    model = home.get(shipped).model
    wanted = [{"model": model, **thing.to_json()} for thing in (request, Codes())]
    assert [job.parameters for job in alone.table.living("derive")] == wanted
    assert alone.wish(runs[1]) == "stop"
    left = listing(home.home / "queue")
    # What is no job may be anybody's.
    assert [n for n in left if n.endswith(".json") or "wishes/" in n] == ["train/1790000000000000006-x.json"]
    assert json.loads(json.dumps(alone.table.living("train")[0].parameters)) == {}


def test_the_state_of_a_run_whose_worker_died_tells_what_becomes_of_its_job(alone: Jobs, home: Store) -> None:
    done, paused, running, cancelled, gone, failed = (tiny(seed=seed) for seed in range(6))
    for config in (done, paused, running, cancelled, gone, failed):
        alone.submit(config)
        job = alone.table.claim("train", "killed")
        assert job is not None
    list(run(done, home))
    list(run(paused, home, wish=lambda: "pause"))
    home.set_state(running.run_id, "running")
    home.set_state(cancelled.run_id, "paused")
    alone.table.set_wish(cancelled.run_id, "cancel")
    home.delete(gone.run_id)
    home.set_state(failed.run_id, "failed", "a reason")
    alone.recover("train")
    found = [alone.table.find("train", c.run_id, {}) for c in (done, paused, running, cancelled, gone, failed)]
    assert [job and job.state for job in found] == ["done", "done", "waiting", "cancelled", "cancelled", "failed"]
    assert home.get(running.run_id).status == "queued"
    assert {cancelled.run_id, gone.run_id}.isdisjoint(home.run_ids())


def test_a_run_that_says_it_waits_but_was_never_asked_for_is_asked_for(alone: Jobs, home: Store) -> None:
    alone.table.ask("train", "other", {})
    run_id = home.create(tiny())
    home.set_state(run_id, "queued")  # its client was killed here
    alone.recover("train")
    assert [job.subject for job in alone.table.living("train")] == ["other", run_id]


def test_a_client_is_seen_whoever_looks_at_the_same_moment(home: Store) -> None:
    # Who looks whether a client lives holds its lock for a moment; the client takes it all the same.
    jobs, watcher, stop = Jobs(home), Jobs(home), threading.Event()

    def look() -> None:
        while not stop.is_set():
            watcher.has_client()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(20):
            jobs._be_a_client()
            assert watcher.has_client()
            jobs.close()
    finally:
        stop.set()
        thread.join()
    assert not watcher.has_client()
    assert list((home.home / "locks").iterdir()) == []
