"""What was read of a run is remembered as long as its files look the same, and not longer."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Run, tiny
from tests.store.test_store import finished_event
from vae_core.store import Store, records
from vae_core.store.layout import RunFolder
from vae_core.store.records import Memory


def aged(folder: Path, seconds: float = 60.0) -> None:
    """As if nothing had been written for a while."""
    then = time.time() - seconds
    for path in folder.iterdir():
        os.utime(path, (then, then))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the runs that are read from the disk, as they are read; files that look old are old."""
    names: list[str] = []
    read = Memory.read

    def counted(folder: RunFolder) -> records.Record:
        names.append(folder.run_id)
        return records.read(folder)

    monkeypatch.setattr(Memory, "read", lambda self, folder: read(self, folder, counted))
    looks = records.looks

    def by_mtime(path: str) -> tuple[int, int, int, int] | None:  # a test cannot set the time of change
        found = looks(path)
        return found and (found[0], found[0], *found[2:])

    monkeypatch.setattr(records, "looks", by_mtime)
    return names


def test_it_is_read_once(copied: Run, reads: list[str]) -> None:
    aged(copied.store.folder(copied.run_id))
    first = copied.store.infos()
    assert reads.count(copied.run_id) == 1
    assert copied.store.infos() == first
    assert copied.store.odd() == []
    assert reads.count(copied.run_id) == 1
    assert Store(copied.store.home).infos() == first


@pytest.mark.parametrize("change", ["state", "result", "deleted", "damaged"])
def test_what_changes_is_read_anew(copied: Run, reads: list[str], change: str) -> None:
    store, run_id = copied.store, copied.run_id
    folder = store.folder(run_id)
    aged(folder)
    before = next(info for info in store.infos() if info.run_id == run_id)
    if change == "state":
        store.set_state(run_id, "finished", "a word")
    elif change == "result":
        store.publish(run_id, {"w": np.zeros(3)}, finished_event())
    elif change == "deleted":
        store.delete(run_id)
    else:
        (folder / "result.json").write_text("{")
    found = [info for info in store.infos() if info.run_id == run_id]
    assert found != [before]
    assert found == ([] if change in ("deleted", "damaged") else [store.get(run_id)])
    assert [odd.run_id for odd in store.odd()] == ([run_id] if change == "damaged" else [])


def test_what_has_just_been_written_is_not_remembered(home: Store, reads: list[str]) -> None:
    """Two writes within one tick of the file system's clock look the same."""
    run_id = home.create(tiny())
    for i in range(20):
        home.set_state(run_id, "paused", str(i))
        (info,) = [info for info in home.infos() if not info.shipped]
        assert info.message == str(i)
    home.infos()
    home.infos()
    assert reads.count(run_id) == 22


def test_a_damaged_run_is_remembered_too(copied: Run, reads: list[str]) -> None:
    folder = copied.store.folder(copied.run_id)
    (folder / "result.json").write_text("{")
    aged(folder)
    assert copied.store.odd() == copied.store.odd()
    assert reads.count(copied.run_id) == 1


def test_whether_it_is_under_way_is_asked_each_time(copied: Run) -> None:
    store = copied.store
    run_id = store.create(tiny(seed=3))
    store.set_state(run_id, "running")
    aged(store.folder(run_id))

    def status() -> str:
        return next(info.status for info in store.infos() if info.run_id == run_id)

    assert status() == "interrupted"
    with store.lock(run_id):
        assert status() == "running"
    assert status() == "interrupted"
