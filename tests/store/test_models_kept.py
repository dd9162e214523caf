"""The model of a run and what is derived from it: served while it is there, and never that of another model."""

from __future__ import annotations

import errno
import logging
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Run, listing, same, tiny
from tests.store.test_store import finished_event
from vae_core.cli import main
from vae_core.config.errors import CorruptFileError, StoreError
from vae_core.jobs import artifacts
from vae_core.jobs.run import run
from vae_core.store import Store, files, models
from vae_core.store.export import export
from vae_core.training import machine

CODES = {"mu": np.zeros((3, 2), np.float32)}


# -- the model that is there


def test_a_stopped_run_is_explorable_whatever_becomes_of_it(home: Store) -> None:
    config = tiny(epochs=40)
    looks = iter(["go"] * 3 + ["stop"] * 99)
    list(run(config, home, wish=lambda: next(looks)))
    stopped = home.get(config.run_id)
    assert (stopped.status, stopped.explorable, stopped.complete) == ("stopped", True, True)
    weights = home.weights(config.run_id)
    pauses = iter(["go"] * 3 + ["pause"] * 99)
    list(run(config, home, wish=lambda: next(pauses), resume_stopped=True))
    paused = home.get(config.run_id)
    assert (paused.status, paused.explorable, paused.complete) == ("paused", True, False)
    assert paused.model == stopped.model
    assert same(home.weights(config.run_id), weights)
    happening = run(config, home)  # not "complete": asked for again, it goes on
    next(happening)
    assert home.get(config.run_id).status == "running"
    assert same(home.weights(config.run_id), weights)
    happening.close()
    interrupted = home.get(config.run_id)
    assert (interrupted.status, interrupted.explorable) == ("interrupted", True)
    list(run(config, home))
    finished = home.get(config.run_id)
    assert (finished.status, finished.explorable) == ("finished", True)
    assert finished.model not in ("", stopped.model)


def test_a_model_that_replaces_another_is_never_seen_in_half(home: Store) -> None:
    run_id = home.create(tiny())
    models = [{"w": np.full(2000, i, np.float32)} for i in range(2)]
    home.publish(run_id, models[0], finished_event(stopped=True))
    done = threading.Event()

    def publish() -> None:
        for i in range(40):
            home.publish(run_id, models[i % 2], finished_event(stopped=True))
        done.set()

    writer = threading.Thread(target=publish)
    writer.start()
    try:
        while not done.is_set():
            w = home.weights(run_id)["w"]
            assert (w == w[0]).all()
    finally:
        writer.join()


def test_a_disk_that_is_full_keeps_the_earlier_model(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = home.create(tiny())
    home.publish(run_id, {"w": np.zeros(3)}, finished_event(stopped=True))
    before = listing(home.folder(run_id))
    calls = iter(range(99))

    def fsync(_descriptor: int) -> None:
        if next(calls) == 1:  # the second of the two files
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreError, match="the disk is full"):
        home.publish(run_id, {"w": np.ones(3)}, finished_event())
    monkeypatch.undo()
    assert listing(home.folder(run_id)) == before
    assert same(home.weights(run_id), {"w": np.zeros(3)})


# -- what is derived


def test_what_is_derived_from_another_model_is_not_kept(copied: Run) -> None:
    store, run_id = copied.store, copied.run_id
    model = store.get(run_id).model
    assert store.save_artifact(run_id, "codes", CODES, model=model)
    store.publish(run_id, {"w": np.zeros(3)}, finished_event())
    assert store.artifact(run_id, "codes") is None
    assert not store.save_artifact(run_id, "codes", CODES, model=model)
    assert store.artifact(run_id, "codes") is None
    assert store.save_artifact(run_id, "codes", CODES, model=store.get(run_id).model)


def test_deriving_brings_nothing_back_of_a_run_that_is_deleted(copied: Run) -> None:
    store, run_id = copied.store, copied.run_id
    store.delete(run_id)
    assert not store.save_artifact(run_id, "codes", CODES)
    assert not (store.home / "artifacts").exists() or list((store.home / "artifacts").iterdir()) == []
    assert list((store.home / "locks").iterdir()) == []


def test_deleting_waits_for_what_is_being_kept(copied: Run) -> None:
    """Deleted at the very moment in which a derived thing is written: nothing is left of either."""
    store, run_id = copied.store, copied.run_id
    inside, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with store.file_lock(f"artifacts-{run_id}"):
            inside.set()
            go_on.wait()
            path = store.layout.artifact(run_id, "codes")
            path.parent.mkdir(parents=True)
            files.write_arrays(path, CODES)

    writer = threading.Thread(target=write)
    writer.start()
    inside.wait()
    deleter = threading.Thread(target=store.delete, args=(run_id,))
    deleter.start()
    go_on.set()
    writer.join()
    deleter.join()
    assert list((store.home / "artifacts").iterdir()) == []
    assert list(store.runs.iterdir()) == []


@pytest.fixture(params=["read-only", "full"])
def unwritable(request: pytest.FixtureRequest, copied: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A home in which nothing more can be written, and everything read."""
    code = errno.EROFS if request.param == "read-only" else errno.ENOSPC
    opened, mkdir, home = os.open, Path.mkdir, str(copied.store.home)

    def refuse(path: Any) -> None:
        if str(path).startswith(home):
            raise OSError(code, os.strerror(code), str(path))

    def open_(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse(path)
        return opened(path, flags, *more, **named)

    def mkdir_(self: Path, *args: Any, **named: Any) -> None:
        if not self.exists():
            refuse(self)
        mkdir(self, *args, **named)

    monkeypatch.setattr(os, "open", open_)
    monkeypatch.setattr(Path, "mkdir", mkdir_)
    return copied


@pytest.mark.parametrize(
    "arguments",
    [
        ["traverse", "--out", "OUT/x.png"],
        ["reconstruct", "--limit", "20", "--out", "OUT/x.png"],
        ["project", "--method", "pca", "--limit", "50", "--out", "OUT/x.npz"],
        ["export", "--out", "OUT/x"],
        ["evaluate", "--limit", "5", "--samples", "10"],
        ["show"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_home_that_cannot_be_written_prevents_no_result(
    unwritable: Run, tmp_path: Path, arguments: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    before = listing(unwritable.store.home)
    command, *more = [part.replace("OUT", str(tmp_path)) for part in arguments]
    with caplog.at_level(logging.WARNING, "elbo"):
        assert main([command, unwritable.run_id, *more]) == 0
    if command != "evaluate":
        assert command == "show" or (tmp_path / more[-1]).exists()
    assert listing(unwritable.store.home) == before
    if command in ("project", "evaluate"):
        assert "was computed and not kept" in caplog.text


def test_what_cannot_be_kept_is_computed_all_the_same(unwritable: Run, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "elbo"):
        assert artifacts.codes(unwritable.store, unwritable.run_id)["mu"].shape == (297, 2)
    assert "codes of" in caplog.text


# -- files that others read


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_who_may_read_a_file_is_what_the_umask_says(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        files.write_bytes(tmp_path / "x", b"abc")
        files.write_arrays(tmp_path / "y", CODES)
    finally:
        os.umask(before)
    for name in ("x", "y"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o666 & ~umask


def test_where_out_cannot_be_written_the_advice_is_about_out(
    copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["export", copied.run_id, "--out", str(tmp_path / "file" / "x")]) == 2
    said = capsys.readouterr().err
    assert "--out" in said
    assert "ELBO_HOME" not in said


@pytest.mark.parametrize("name", ["manifest.json", "weights.bin"])
def test_an_export_replaces_nothing_but_an_export(copied: Run, tmp_path: Path, name: str) -> None:
    model = models.load(copied.store, copied.run_id)
    (tmp_path / name).write_text('{"name": "my app"}')
    with pytest.raises(StoreError, match=rf"{name}: not an export of Elbo Room"):
        export(model, tmp_path)
    assert listing(tmp_path / "x") == {}
    assert (tmp_path / name).read_text() == '{"name": "my app"}'
    for _ in range(2):
        export(model, tmp_path / "x")


def test_equal_weights_are_equal_files(tmp_path: Path) -> None:
    """In every process: the order in which safetensors writes its metadata is drawn anew in each."""
    import subprocess
    import sys

    program = (
        "import sys, numpy as np; from pathlib import Path; from vae_core.store import files\n"
        "files.write_arrays(Path(sys.argv[1]), {n: np.arange(5, dtype=t) for n, t in "
        "(('b', 'f4'), ('a', 'f4'), ('c', 'u1'), ('σ', 'f2'))}, {'step': 7, 'name': 'σ'})"
    )
    for i in range(6):
        subprocess.run([sys.executable, "-c", program, str(tmp_path / str(i))], check=True)
    contents = {path.read_bytes() for path in tmp_path.iterdir()}
    assert len(contents) == 1
    assert files.read_arrays(tmp_path / "0").meta == {"step": 7, "name": "σ"}


# -- with what it was made


def test_what_makes_other_weights_is_recorded(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_DYNAMIC", "TRUE")
    monkeypatch.setenv("ELBO_SECRET", "hush")
    config = tiny(epochs=40)
    pauses = iter(["go"] * 3 + ["pause"] * 99)
    list(run(config, home, wish=lambda: next(pauses)))
    (first,) = home.made(config.run_id)
    assert first.keys() == {"torch", "processor", "capability", "threads", "precision", "environment", "step"}
    assert first["step"] == 0
    assert first["environment"]["OMP_DYNAMIC"] == "TRUE"
    assert "ELBO_SECRET" not in first["environment"]
    assert home.get(config.run_id).precision == first["precision"] in ("bfloat16", "float32")
    monkeypatch.delenv("OMP_DYNAMIC")
    list(run(config, home))
    first_again, second = home.made(config.run_id)
    assert first_again == first
    assert second["step"] > 0
    assert "OMP_DYNAMIC" not in second["environment"]
    assert second["threads"] >= 1
    assert machine.facts("float32", 3)["threads"] == 3


def test_a_damaged_record_of_that_is_named(copied: Run) -> None:
    (copied.store.folder(copied.run_id) / "made.json").write_text('{"sittings": []}')
    with pytest.raises(CorruptFileError, match=r"made\.json: damaged"):
        copied.store.made(copied.run_id)
    assert copied.store.get(copied.run_id).precision == ""
