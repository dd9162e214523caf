"""One run end to end: cached, interrupted anywhere, killed anywhere, on a disk that fills up."""

from __future__ import annotations

import errno
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Run, listing, same, timeless, tiny, until
from vae_core import data
from vae_core.config import RunConfig
from vae_core.config.errors import CorruptFileError, RunBusyError, StoreError
from vae_core.config.events import Event, Finished, Losses, Progress, Snapshot
from vae_core.jobs import run as run_module
from vae_core.jobs.run import run
from vae_core.store import Store, Wish, files
from vae_core.store.files import Arrays
from vae_core.training.loop import Training


class Whole:
    """What a configuration gives when nothing comes in between."""

    def __init__(self, config: RunConfig, folder: Path) -> None:
        store = Store(folder)
        list(run(config, store))
        self.weights: Arrays = store.weights(config.run_id)
        self.said: list[Event] = timeless(store.events(config.run_id)[0])

    def check(self, store: Store, config: RunConfig) -> None:
        """The store's run is the same run."""
        assert store.get(config.run_id).status == "finished"
        assert same(store.weights(config.run_id), self.weights)
        assert timeless(store.events(config.run_id)[0]) == self.said
        assert not [name for name in listing(store.runs) if name.endswith((".tmp", "checkpoint.safetensors"))]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(tiny(), tmp_path_factory.mktemp("whole"))


# -- the cache


def test_a_complete_run_is_never_trained_again(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    said = list(run(tiny(), home))
    before = listing(home.home)
    monkeypatch.setattr(Training, "__init__", lambda *_: pytest.fail("trained again"))
    again = list(run(tiny(), home))
    assert again == [home.get(tiny().run_id).result]
    assert timeless(again)[0][:2] == timeless(said)[-1][:2]
    assert listing(home.home) == before


def test_a_run_that_ships_is_never_trained_again(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    info = next(i for i in home.infos() if i.shipped)
    monkeypatch.setattr(Training, "__init__", lambda *_: pytest.fail("trained again"))
    assert list(run(info.config, home)) == [info.result]
    assert not home.home.exists()


def test_a_run_that_another_completed_meanwhile_is_not_trained_again(home: Store, whole: Whole) -> None:
    config = tiny()
    run_id = home.create(config)
    entered = threading.Event()
    got: list[Event] = []

    def wait_for_it() -> None:
        entered.set()
        got.extend(run(config, home))

    with home.lock(run_id):
        home.set_state(run_id, "running")
        thread = threading.Thread(target=wait_for_it)
        thread.start()
        entered.wait()
        time.sleep(0.1)  # it stands before the lock by now, or soon
        result = Finished(12, 2.0, 0.5, 1e4, next(e.train for e in whole.said if isinstance(e, Losses)), False)
        home.publish(run_id, whole.weights, result)
    thread.join()
    assert got == [home.get(run_id).result]


def test_a_run_that_another_process_trains_is_busy(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = home.create(tiny())
    lock = home.lock
    monkeypatch.setattr(home, "lock", lambda name: lock(name, timeout=0.05))
    with lock(run_id), pytest.raises(RunBusyError, match="another process"):
        list(run(tiny(), home))
    assert isinstance(list(run(tiny(), home))[-1], Finished)


# -- interrupted


@pytest.mark.parametrize("seed", range(6))
def test_interrupted_again_and_again_it_is_the_same_run(
    home: Store, whole: Whole, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(run_module, "CHECKPOINT_SECONDS", chance.choice([0.0, 0.0, 0.02]))
    for _ in range(5):
        going = run(tiny(), home)
        for _event in range(chance.randint(1, 8)):
            next(going, None)
        going.close()  # type: ignore[attr-defined]
        info = home.get(tiny().run_id)
        assert info.status in ("interrupted", "finished")
    assert isinstance(list(run(tiny(), home))[-1], Finished)
    whole.check(home, tiny())


@pytest.mark.parametrize("after", range(0, 14))
def test_paused_at_any_moment_it_is_the_same_run(home: Store, whole: Whole, after: int) -> None:
    asked = 0

    def wish() -> Wish:
        nonlocal asked
        asked += 1
        return "pause" if asked == after + 1 else "go"

    said = list(run(tiny(), home, wish=wish))
    if home.get(tiny().run_id).status != "finished":
        assert home.get(tiny().run_id).status == "paused"
        assert not isinstance(said[-1], Finished)
        list(run(tiny(), home))
    whole.check(home, tiny())


def test_stopped_it_keeps_a_model_and_can_go_on(home: Store, whole: Whole) -> None:
    asked = 0

    def wish() -> Wish:
        nonlocal asked
        asked += 1
        return "stop" if asked > 5 else "go"

    end = list(run(tiny(), home, wish=wish))[-1]
    assert isinstance(end, Finished)
    assert end.stopped
    assert 0 < end.step < 12
    info = home.get(tiny().run_id)
    assert (info.status, info.explorable) == ("stopped", True)
    assert not same(home.weights(tiny().run_id), whole.weights)
    # Asked for again it counts as complete, unless one wants more.
    assert list(run(tiny(), home)) == [info.result]
    assert isinstance(list(run(tiny(), home, resume_stopped=True))[-1], Finished)
    whole.check(home, tiny())


def test_a_keyboard_interrupt_leaves_a_run_that_goes_on(
    home: Store, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "CHECKPOINT_SECONDS", 0.0)
    step = Training._gradient_step

    def interrupted(self: Training, *args: Any) -> None:
        if self.step == 7:
            raise KeyboardInterrupt
        step(self, *args)

    monkeypatch.setattr(Training, "_gradient_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(run(tiny(), home))
    assert home.get(tiny().run_id).status == "interrupted"
    monkeypatch.setattr(Training, "_gradient_step", step)
    list(run(tiny(), home))
    whole.check(home, tiny())


def test_a_failure_is_recorded_and_the_run_goes_on_from_its_checkpoint(
    home: Store, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "CHECKPOINT_SECONDS", 0.0)
    with monkeypatch.context() as broken:
        step = Training._gradient_step

        def fail(self: Training, *args: Any) -> None:
            if self.step == 7:
                raise RuntimeError("no more")
            step(self, *args)

        broken.setattr(Training, "_gradient_step", fail)
        with pytest.raises(RuntimeError):
            list(run(tiny(), home))
    info = home.get(tiny().run_id)
    assert (info.status, info.message) == ("failed", "no more")
    again = list(run(tiny(), home))
    assert min(e.step for e in again if isinstance(e, Losses)) > 1  # not from the start
    whole.check(home, tiny())


def test_a_damaged_checkpoint_is_never_loaded_nor_passed_over(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    list(run(tiny(), home, wish=lambda: "pause"))
    path = home.folder(tiny().run_id) / "checkpoint.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(CorruptFileError, match=r"checkpoint\.safetensors: damaged"):
        list(run(tiny(), home))
    info = home.get(tiny().run_id)
    assert info.status == "failed"
    assert "checkpoint.safetensors" in info.message


def test_a_run_that_diverges_says_why(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bad_from = 0  # the step from which on the weights are no numbers
    step = Training._gradient_step

    def bad(self: Training, *args: Any) -> None:
        step(self, *args)
        if self.step >= bad_from:
            for parameter in self.model.parameters():
                parameter.data.fill_(math.nan)

    monkeypatch.setattr(Training, "_gradient_step", bad)
    said = list(run(tiny(), home))
    assert not any(isinstance(e, Finished) for e in said)
    info = home.get(tiny().run_id)
    assert (info.status, info.explorable) == ("failed", False)
    assert "smaller learning rate" in info.message

    bad_from = 8
    assert isinstance(list(run(tiny(seed=1), home))[-1], Finished)
    info = home.get(tiny(seed=1).run_id)
    assert (info.status, info.explorable) == ("stopped", True)
    assert "smaller learning rate" in info.message
    assert all(np.isfinite(array).all() for array in home.weights(info.run_id).values())


def test_snapshots_stay_in_the_store(home: Store) -> None:
    said = list(run(tiny(), home))
    assert not any(isinstance(e, Snapshot) for e in said)
    kept = [e for e in home.events(tiny().run_id)[0] if isinstance(e, Snapshot)]
    assert [e.index for e in kept] == list(range(len(kept)))
    for event in kept:
        assert "samples" in home.snapshot(tiny().run_id, event.index)


# -- killed

KILLED_WHILE_PUBLISHING = """
import os, signal, sys
from pathlib import Path
from vae_core.config import RunConfig
from vae_core.jobs.run import run
from vae_core.store import Store

config = RunConfig.from_json(sys.argv[1])
replace, publish = Path.replace, Store.publish
# One process imports torch; each of its children trains and kills itself at another rename.
for number in range(4):
    for before in (True, False):
        if os.fork() == 0:
            renamed, publishing = 0, False

            def counted(self, target):
                global renamed
                if publishing and renamed == number and before:
                    os.kill(os.getpid(), signal.SIGKILL)
                found = replace(self, target)
                if publishing and renamed == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                renamed += publishing
                return found

            def watched(self, *args):
                global publishing
                publishing = True
                publish(self, *args)
                publishing = False

            Path.replace, Store.publish = counted, watched
            list(run(config, Store(f"{sys.argv[2]}/{number}-{'before' if before else 'after'}")))
            os._exit(0)
        print(number, before, os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


def test_killed_at_any_rename_of_the_publication_a_run_is_whole_or_not_there(
    home: Store, whole: Whole, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_PUBLISHING, tiny().to_json(), str(tmp_path)],
        capture_output=True,
        text=True,
    )
    killed = -signal.SIGKILL
    # Weights, result, state: three renames; a fourth never comes.
    expected = [(n, b, killed if n < 3 else 0) for n in range(4) for b in (True, False)]
    assert done.stdout.splitlines() == [f"{n} {b} {code}" for n, b, code in expected], done.stderr
    complete = 0
    for number, before, _ in expected:
        store = Store(tmp_path / f"{number}-{'before' if before else 'after'}")
        info = store.get(tiny().run_id)
        if info.status == "finished":
            complete += 1
            assert same(store.weights(info.run_id), whole.weights)
        else:
            assert info.status == "interrupted"
            assert not info.explorable
        list(run(tiny(), store))
        assert store.get(tiny().run_id).status == "finished"
        assert same(store.weights(tiny().run_id), whole.weights)
    assert complete == 5  # from the result's rename on


COMMAND = """
import sys
import vae_core.jobs.run
vae_core.jobs.run.CHECKPOINT_SECONDS = 0.1
from vae_core.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def killed_and_resumed(config: RunConfig, home: Path, kills: int, seed: int) -> None:
    """Train by the command line, killed so many times at random moments, then to the end."""
    store, chance = Store(home), random.Random(seed)
    settings = [f"--{name.replace('_', '-')}={value}" for name, value in (
        ("dataset", config.dataset), ("hidden", ",".join(map(str, config.hidden))), ("epochs", config.epochs),
        ("batch_size", config.batch_size), ("seed", config.seed))]  # fmt: skip
    command = [sys.executable, "-c", COMMAND, "train", *settings, "--json"]
    environment = {**os.environ, "ELBO_HOME": str(home)}
    seen: list[int] = []
    for _ in range(kills):
        reached = max([0, *seen])
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:

            def moves(reached: int = reached) -> bool:
                progress = store.progress(config.run_id) if config.run_id in store.run_ids() else None
                return progress is not None and progress.step > reached

            until(lambda: moves() or process.poll() is not None, "a training that moves on")
            time.sleep(chance.uniform(0, 0.25))
            process.kill()
        if store.get(config.run_id).status == "finished":
            break  # it was faster than we
        progress = store.progress(config.run_id)
        assert progress is not None
        seen.append(progress.step)
        assert store.get(config.run_id).status == "interrupted"
    assert seen, "it was never killed"
    assert seen == sorted(seen), "it lost more than it had promised"
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("epochs", "kills"),
    [(100, 3), pytest.param(1500, 20, marks=[pytest.mark.slow_proof, pytest.mark.timeout(1800)])],
)
def test_killed_at_random_moments_it_is_the_same_run(home: Store, tmp_path: Path, epochs: int, kills: int) -> None:
    config = tiny(epochs=epochs, batch_size=64)
    killed_and_resumed(config, home.home, kills, seed=kills)
    Whole(config, tmp_path / "whole").check(home, config)


# -- a disk that cannot take it


def test_a_home_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written .*ELBO_HOME"):
        list(run(tiny(), Store(tmp_path / "file" / "home")))
    assert listing(tmp_path) == {"file": b""}


@pytest.mark.parametrize("write", range(0, 60, 3))
def test_whichever_write_finds_the_disk_full_the_run_goes_on_later(
    home: Store, whole: Whole, write: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "CHECKPOINT_SECONDS", 0.0)
    count, fsync = 0, os.fsync

    def full(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count > write:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(files, "sync_folder", lambda _folder: None)
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        try:
            list(run(tiny(), home))
        except StoreError as error:
            assert "the disk is full; free some space" in str(error)  # noqa: PT017
            assert not [name for name in listing(home.home) if name.endswith(".tmp")]
    assert count > write or write > 15, "the disk was never full"
    list(run(tiny(), home))
    whole.check(home, tiny())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of 4 MB that can be made smaller and larger; only root can mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root can mount a small disk; the test above simulates one")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=4m", "elbo-test", folder], capture_output=True).returncode:
        pytest.skip("this system mounts no tmpfs; the test above simulates a full disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("pages", [0, 1, 2, 4, 6, 9, 13, 18, 25, 34])
def test_on_a_disk_that_is_full_the_run_goes_on_later(
    small_disk: Path, whole: Whole, pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "CHECKPOINT_SECONDS", 0.0)
    store, ballast = Store(small_disk / "home"), small_disk / "ballast"
    # All but a few pages of 4 kB are taken.
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    ballast.write_bytes(b"\1" * (free - 4096 * pages))
    with pytest.raises(StoreError, match="the disk is full; free some space") as caught:
        list(run(tiny(), store))
    assert "\n" not in str(caught.value)
    left = listing(store.home) if store.home.exists() else {}
    assert not [name for name in left if name.endswith(".tmp")]
    for name in left:
        if name.endswith(".safetensors"):
            files.read_arrays(store.home / name)  # whole or absent
    if tiny().run_id in store.run_ids():
        assert store.get(tiny().run_id).status in ("interrupted", "failed")
    ballast.unlink()
    list(run(tiny(), store))
    whole.check(store, tiny())


def test_progress_is_kept_apart(finished: Run) -> None:
    progress = finished.store.progress(finished.run_id)
    assert progress is not None
    assert progress.step == progress.steps
    assert not any(isinstance(e, Progress) for e in finished.store.events(finished.run_id)[0])


def test_unknown_data_is_refused_before_anything_is_written(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(_name: str, _binarize: str) -> None:
        raise CorruptFileError("digits.npz: damaged")

    monkeypatch.setattr(data, "load", damaged)
    with pytest.raises(CorruptFileError):
        list(run(tiny(), home))
    assert (home.get(tiny().run_id).status, home.get(tiny().run_id).message) == ("failed", "digits.npz: damaged")
