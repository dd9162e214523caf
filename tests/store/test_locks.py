"""Locks between processes: one holder at a time, and no file left when there is none."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vae_core.config.errors import RunBusyError
from vae_core.store import locks


def test_its_file_is_there_while_it_is_held(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "x.lock"
    assert not locks.is_held(path)
    assert not path.parent.exists()  # looking writes nothing
    with locks.held(path, 1):
        assert locks.is_held(path)
        with pytest.raises(RunBusyError, match="x: another process is at work on it"), locks.held(path, 0):
            pass
        assert locks.is_held(path)
    assert not locks.is_held(path)
    assert list(path.parent.iterdir()) == []


def test_a_file_that_a_killed_process_left_is_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.write_text("")
    assert not locks.is_held(path)
    with locks.held(path, 0):
        assert locks.is_held(path)
    assert not path.exists()


def test_looking_needs_no_right_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.lock"
    with locks.held(path, 1):
        monkeypatch.setattr(locks, "held", lambda *_: pytest.fail("it took the lock"))
        assert locks.is_held(path)


COUNT = """
import sys
from pathlib import Path
from vae_core.store import locks
lock, counter = Path(sys.argv[1]) / "x.lock", Path(sys.argv[1]) / "counter"
for _ in range(int(sys.argv[2])):
    with locks.held(lock, 120):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


def test_nobody_else_is_in_while_files_come_and_go(tmp_path: Path) -> None:
    """Four processes that add to a number: one that held the lock at the same time as another would lose a count."""
    (tmp_path / "counter").write_text("0")
    running = [subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path), "100"]) for _ in range(4)]
    assert [one.wait() for one in running] == [0, 0, 0, 0]
    assert (tmp_path / "counter").read_text() == "400"
    assert [path.name for path in tmp_path.iterdir()] == ["counter"]


def test_threads_too_are_one_at_a_time(tmp_path: Path) -> None:
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(30):
            with locks.held(tmp_path / "x.lock", 60):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
