"""Nothing that we did not make is removed or replaced: not in a home, not where `--out` writes."""

from __future__ import annotations

import ast
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Run, listing, tiny
from tests.store.test_home_of_0_1 import ARCHIVE, FINISHED
from tests.store.test_store import POINT, finished_event
from vae_core.cli import main
from vae_core.config.errors import StoreError
from vae_core.jobs.derived.codes import Codes
from vae_core.jobs.queue import Jobs
from vae_core.store import Store, layout
from vae_core.store.files import remove_ours, strangers

ROOT = Path(__file__).parents[2]

REMOVES = {"rmtree", "unlink", "remove", "rmdir", "rename", "renames", "move", "truncate", "removedirs"}
"""Methods and functions that take something away. `replace` with one argument is a path's."""

ALLOWED = {
    ("vae_core/store/files.py", "write_together", "unlink"): "temporary files that it made itself",
    ("vae_core/store/files.py", "write_together", "replace"): "the files it was asked to write",
    ("vae_core/store/files.py", "remove_ours", "unlink"): "by name, asked of the layout",
    ("vae_core/store/files.py", "remove_ours", "rmdir"): "only empty folders, by name",
    ("vae_core/store/runs.py", "create", "rename"): "a folder that it made itself, onto nothing",
    ("vae_core/store/runs.py", "load_checkpoint", "unlink"): "half-written files of ours, by name",
    ("vae_core/store/journal.py", "append", "truncate"): "half a line of its own",
    ("vae_core/store/journal.py", "go_back", "truncate"): "what a run said after its checkpoint",
    ("vae_core/store/locks.py", "held", "unlink"): "the lock that it holds",
    ("vae_core/store/runs.py", "publish", "unlink"): "the checkpoint of a run that is complete",
    ("vae_core/store/runs.py", "delete", "rename"): "a run's folder in which everything is ours",
    ("vae_core/jobs/starters.py", "ship", "rename"): "a model of the recipes, all of it ours, and its successor",
    ("vae_core/jobs/table.py", "_prepare", "unlink"): "jobs and wishes of 0.1 that the table has taken over",
    ("vae_core/jobs/table.py", "_set_aside", "rename"): "its own file, onto a name that nobody has",
    ("vae_core/jobs/partial.py", "remove", "unlink"): "a map on its way, by name",
    ("vae_core/jobs/partial.py", "remove", "rmdir"): "its folder, if nothing is in it",
    ("vae_core/jobs/worker.py", "derive", "remove"): "the same, asked of it",
}


def removals() -> Iterator[tuple[str, str, str]]:
    """Every call in the project that takes something off the disk: file, function, name of the call."""
    for path in [*(ROOT / "vae_core").rglob("*.py"), *(ROOT / "app").rglob("*.py")]:
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                        name, own = call.func.attr, len(call.args) + len(call.keywords)
                        if name in REMOVES or (name == "replace" and own == 1):
                            yield str(path.relative_to(ROOT)), function.name, name


def test_every_place_that_takes_something_away_is_known() -> None:
    assert set(removals()) == ALLOWED.keys()


JOINED = {
    "vae_core/store/layout.py",  # a home and what ships
    "vae_core/data/__init__.py",  # where the data and the models that ship are
    "vae_core/training/threads.py",  # the system's own files
}
"""Where names are joined to paths. In other files only the places below."""

ELSEWHERE = {
    "folder / 'x'": "nothing: a name for a sentence about the folder",
    "out / 'x'": "the same",
    "Path(home) / 'none'": "nothing is there",
    "path.parent / f'.{path.name}-{secrets.token_hex(4)}.tmp'": "a file on its way to any place",
    "folder / 'manifest.json'": "an export",
    "out / 'index.html'": "a page as files",
    "out / 'data.json'": "a page as files",
    "folder / 'weights.bin'": "an export",
    "assets() / 'models'": "what ships",
    "data.assets() / 'models'": "what ships",
    "folder / 'server.py'": "the app's own code",
    "folder / 'theme.json'": "the app's own code",
    "Path(__file__).with_name('main.py')": "the app's own code",
    "Path(__file__).with_name('page.css')": "the app's own code",
    "Path(__file__).parent / 'frontend'": "the app's own code",
    "self.path.with_name(name + suffix)": "SQLite's own, beside its file",
    "self.path.with_name(self.path.name + suffix)": "SQLite's own, beside its file",
}


def test_no_path_of_a_home_is_joined_outside_of_its_layout() -> None:
    found: set[str] = set()
    for path in [*(ROOT / "vae_core").rglob("*.py"), *(ROOT / "app").rglob("*.py")]:
        if str(path.relative_to(ROOT)) in JOINED:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            text = isinstance(node, ast.BinOp) and (
                isinstance(node.right, ast.JoinedStr)
                or (isinstance(node.right, ast.Constant) and isinstance(node.right.value, str))
            )
            joined = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and text
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if joined or (called and node.func.attr in ("joinpath", "with_name", "with_suffix", "with_stem")):
                found.add(ast.unparse(node))
    assert found <= ELSEWHERE.keys()


# -- a home with something of a person's in every folder


def foreign(folder: Path) -> dict[Path, bytes]:
    """Put files and folders of a person's into every folder below; what they hold."""
    put: dict[Path, bytes] = {}
    for place in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        for name in ("notes.txt", ".notes.tmp", ".config.json.tmp", "weights.safetensors.bak", "thesis/chapter.tex"):
            path = place / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(str(path).encode())
            put[path] = path.read_bytes()
    return put


def test_what_is_not_ours_survives_every_method_of_the_store(copied: Run) -> None:
    store, other = copied.store, tiny(seed=5)
    run_id = store.create(other)
    store.append(run_id, POINT)
    store.save_checkpoint(run_id, {"x": np.zeros(3)}, {"step": 1})
    store.save_artifact(run_id, "codes", {"x": np.zeros(3)})
    store.save_artifact(copied.run_id, "codes", {"x": np.zeros(3)})
    store.describe(run_id, label="mine")
    with store.lock(run_id):
        put = foreign(store.home)
        store.load_checkpoint(run_id)
        for stopped in (True, False):
            store.publish(run_id, {"w": np.zeros(3)}, finished_event(stopped))
        store.set_state(run_id, "paused")
        store.describe(run_id, label="ours")
    store.create(tiny(seed=6))
    for one in (run_id, copied.run_id):
        with pytest.raises(StoreError, match=r"not made by Elbo Room, so .* is not deleted; move it away first"):
            store.delete(one)
        assert store.get(one).result is not None
    assert {path: path.read_bytes() for path in put} == put


def test_what_is_not_ours_survives_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a home that 0.1 wrote, so that its queue is taken over too."""
    monkeypatch.chdir(tmp_path)
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    store = Store(tmp_path / "home")
    monkeypatch.setenv("ELBO_HOME", str(store.home))
    (store.home / "queue" / "wishes").mkdir()
    (store.home / "queue" / "derive").mkdir()
    put = foreign(store.home)
    for path in (
        store.home / "queue" / "train" / "2024-notes.json",
        store.home / "queue" / "derive" / "7-notes.json",
        store.home / "queue" / "wishes" / "list",
        store.runs / "thesis" / "config.json.txt",
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b'{"mine": true}')
        put[path] = path.read_bytes()
    monkeypatch.setattr(Jobs, "ensure_worker", lambda *_: None)
    jobs = Jobs(store)
    waiting = jobs.submit(tiny(seed=7))
    jobs.ask(FINISHED.run_id, Codes())
    jobs.pause(waiting)
    out = str(tmp_path / "out")
    for command in (
        ["runs"],
        ["train", "--dataset", "digits", "--hidden", "8", "--epochs", "6", "--batch-size", "256", "--seed", "3"],
        ["show", FINISHED.run_id],
        ["label", FINISHED.run_id, "--label", "mine", "--note", "of Monday"],
        ["traverse", FINISHED.run_id, "--out", f"{out}.png"],
        ["project", FINISHED.run_id, "--method", "pca", "--limit", "20", "--out", f"{out}.npz"],
        ["evaluate", FINISHED.run_id, "--limit", "5", "--samples", "10"],
        ["export", FINISHED.run_id, "--out", out],
    ):
        assert main(command) == 0, command
    for info in store.infos():
        if not info.shipped:
            # In the one that was made since, nothing of a person's lies.
            assert main(["delete", info.run_id]) == (0 if info.run_id == waiting else 2)
    assert {path: path.read_bytes() for path in put} == put
    assert {odd.run_id for odd in store.odd()} == set()


def test_a_run_is_deleted_beside_what_is_not_ours(copied: Run) -> None:
    store = copied.store
    store.save_artifact(copied.run_id, "codes", {"x": np.zeros(3)})
    put: dict[Path, bytes] = {}
    for path in (
        store.runs / "notes.txt",
        store.runs / ".deleted",
        store.home / "artifacts" / copied.run_id / "my.csv",
    ):
        path.write_bytes(b"mine")
        put[path] = b"mine"
    store.delete(copied.run_id)
    assert {store.home / name: content for name, content in listing(store.home).items() if content == b"mine"} == put
    assert [path.name for path in (store.home / "artifacts" / copied.run_id).iterdir()] == ["my.csv"]
    assert not [info for info in store.infos() if not info.shipped]


def test_a_link_is_not_followed(tmp_path: Path, copied: Run) -> None:
    folder, outside = copied.store.folder(copied.run_id), tmp_path / "outside"
    outside.mkdir()
    (outside / "00.safetensors").write_text("mine")
    remove_ours(folder / "snapshots", lambda _: True)
    (folder / "snapshots").symlink_to(outside)
    assert strangers(folder, layout.is_of_a_run) == ["snapshots"]
    with pytest.raises(StoreError, match="move it away first"):
        copied.store.delete(copied.run_id)
    remove_ours(folder, layout.is_of_a_run)
    assert listing(outside) == {"00.safetensors": b"mine"}


def test_what_stands_in_a_files_place_is_not_emptied(copied: Run) -> None:
    path = copied.store.folder(copied.run_id) / "progress.json"
    path.unlink()
    (path / "chapter").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"progress\.json/chapter: not made by Elbo Room"):
        copied.store.delete(copied.run_id)
    (path / "chapter").rmdir()
    copied.store.delete(copied.run_id)
    assert list(copied.store.runs.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("config.json", True),
        (".config.json-a1b2c3d4.tmp", True),
        (".config.json-backup.tmp", False),
        ("config.json.bak", False),
        ("Config.json", False),
        ("snapshots", True),
        ("snapshots/00.safetensors", True),
        ("snapshots/100.safetensors", True),
        ("snapshots/mine.safetensors", False),
        ("snapshots/.07.safetensors-a1b2c3d4.tmp", True),
        ("other/config.json", False),
        ("config.json\n", False),
    ],
)
def test_what_is_ours_is_known_by_name(name: str, ours: bool) -> None:
    assert layout.is_of_a_run(name) == ours


def test_a_store_never_removes_what_it_did_not_find(home: Store) -> None:
    remove_ours(home.home / "nothing", lambda _: True)
    assert not home.home.exists()
