"""Whatever happens to a file of a run: that run is named, and no other is hidden."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Run, same, tiny
from tests.store.test_store import POINT, TERMS, finished_event
from vae_core.config.errors import CorruptFileError, ElboRoomError, NewerFileError, NotFiniteError, StoreError
from vae_core.config.events import Losses, Progress, Terms
from vae_core.store import Store, records
from vae_core.store.files import read_record, seal, write_arrays, write_json, write_record
from vae_core.store.layout import RunFolder

FILES = ("config.json", "state.json", "progress.json", "events.jsonl", "result.json", "made.json")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, str]:
    """A complete run whose files are small, and another beside it."""
    store = Store(tmp_path_factory.mktemp("small") / "home")
    run_id = store.create(tiny())
    store.add_sitting(run_id, {"precision": "float32", "step": 0})
    for step in (1, 2):
        store.append(run_id, Losses(step, step / 8, 1.0, TERMS, TERMS, -3.25e-07))
        store.append(run_id, Progress(step, 12, 0.5, 1e4, 0.1, 0.2))
    store.publish(run_id, {"w": np.arange(3, dtype=np.float32)}, finished_event(stopped=True))
    store.set_state(run_id, "stopped", "it diverged: σ was too small")
    store.create(tiny(seed=1))
    return store, run_id


def read_all(store: Store, run_id: str) -> list[Any]:
    """Everything that a page reads of a run."""
    return [
        store.get(run_id),
        store.events(run_id),
        store.progress(run_id),
        store.made(run_id),
        {name: array.tobytes() for name, array in store.weights(run_id).items()},
    ]


@pytest.mark.parametrize("name", [*FILES, "weights.safetensors"])
def test_every_flipped_bit_is_noticed(small: tuple[Store, str], name: str) -> None:
    store, run_id = small
    look: dict[str, Callable[[str], Any]] = {
        "config.json": lambda _: records.read_config(RunFolder(store.folder(run_id))),
        "state.json": lambda _: records.read_state(RunFolder(store.folder(run_id))),
        "result.json": store.get,
        "progress.json": store.progress,
        "events.jsonl": store.events,
        "made.json": store.made,
        "weights.safetensors": store.weights,
    }
    path = store.folder(run_id) / name
    whole = path.read_bytes()
    unnoticed: list[tuple[int, int]] = []
    try:
        for position in range(len(whole)):
            for bit in range(8):
                damaged = bytearray(whole)
                damaged[position] ^= 1 << bit
                path.write_bytes(damaged)
                try:
                    look[name](run_id)
                except CorruptFileError as error:
                    assert name in str(error)  # noqa: PT017
                else:
                    unnoticed.append((position, bit))
    finally:
        path.write_bytes(whole)
    if name == "config.json":  # the line break after the text says nothing
        unnoticed = [(position, bit) for position, bit in unnoticed if position < len(whole) - 1]
    assert unnoticed == []


def test_a_figure_of_a_model_that_ships_cannot_change_unnoticed(tmp_path: Path, home: Store) -> None:
    run_id = next(info.run_id for info in home.infos() if info.shipped)
    shutil.copytree(home.shipped / run_id, tmp_path / "models" / run_id)
    store = Store(tmp_path / "home", shipped=tmp_path / "models")
    read_all(store, run_id)
    path = store.folder(run_id) / "events.jsonl"
    text = path.read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.integers(0, len(text), 40):
        damaged = bytearray(text)
        damaged[position] ^= 0x01
        path.write_bytes(damaged)
        with pytest.raises(CorruptFileError, match=r"events\.jsonl"):
            store.events(run_id)


# -- any content at all

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["finished", "started", "running", "elbo", "today", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def sealed(value: dict[str, Any]) -> dict[str, Any]:
    """With the checksum that belongs to it, as a newer version would write it."""
    facts = {name: one for name, one in value.items() if name != "sha256"}
    return {**facts, "sha256": seal(facts)}


def mutated(original: bytes, draw: Any) -> bytes:
    """The file, otherwise: cut, flipped, another thing altogether, or an object with fields more, less and odd."""
    kind = draw(st.sampled_from(["cut", "flip", "bytes", "json", "field", "sealed", "deep", "empty"]))
    if kind == "cut":
        return original[: draw(st.integers(0, len(original) - 1))]
    if kind == "flip":
        damaged = bytearray(original)
        for _ in range(draw(st.integers(1, 3))):
            damaged[draw(st.integers(0, len(damaged) - 1))] ^= 1 << draw(st.integers(0, 7))
        return bytes(damaged)
    if kind == "bytes":
        return draw(st.binary(max_size=40))
    if kind == "json":
        return json.dumps(draw(JSON)).encode()
    if kind == "deep":
        return draw(st.sampled_from([b"[" * 10_000, b'{"a":' * 10_000, b"[" * 10_000 + b"]" * 10_000]))
    if kind == "empty":
        return b""
    try:
        value = json.loads(original)
    except ValueError:
        value = json.loads(original.splitlines()[0])
    inner = value.get("event", value)
    target = draw(st.sampled_from([value, inner, inner.get("test", inner)]))
    name = draw(st.sampled_from(sorted(target)) | st.text(max_size=5))
    if draw(st.booleans()):
        target.pop(name, None)
    else:
        target[name] = draw(JSON)
    try:
        return (json.dumps(sealed(value) if kind == "sealed" else value, indent=1, sort_keys=True) + "\n").encode()
    except ValueError:
        return b"{}"


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_one_odd_file_never_hides_the_others(small: tuple[Store, str], data: st.DataObject) -> None:
    store, run_id = small
    name = data.draw(st.sampled_from(FILES))
    path = store.folder(run_id) / name
    whole = path.read_bytes()
    path.write_bytes(mutated(whole, data.draw))
    try:
        fresh = Store(store.home)
        listed = [info.run_id for info in fresh.infos()]
        odd = {one.run_id: one for one in fresh.odd()}
        assert tiny(seed=1).run_id in listed
        assert len(listed) + len(odd) == len(fresh.run_ids())
        assert (run_id in listed) != (run_id in odd)
        for look in (fresh.get, fresh.events, fresh.progress, fresh.made, fresh.weights):
            try:
                look(run_id)
            except ElboRoomError as error:
                assert "\n" not in str(error)  # noqa: PT017
                assert len(str(error)) < 600  # noqa: PT017
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("name", [*FILES, "weights.safetensors", "snapshots", "artifacts"])
@pytest.mark.parametrize("what", ["a folder", "a file", "nothing", "a link to itself"])
def test_something_else_in_a_files_place(copied: Run, name: str, what: str) -> None:
    store = copied.store
    store.add_sitting(copied.run_id, {"precision": "float32"})
    other = store.create(tiny(seed=1))
    path = store.folder(copied.run_id) / name
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if what == "a folder":
        path.mkdir()
    elif what == "a file":
        path.write_text("something")
    elif what == "a link to itself":
        path.symlink_to(path)
    fresh = Store(store.home)
    assert other in [info.run_id for info in fresh.infos()]
    assert {one.run_id for one in fresh.odd()} <= {copied.run_id}
    if name == "config.json":
        assert [one.run_id for one in fresh.odd()] == [copied.run_id]
    for look in (fresh.get, fresh.events, fresh.progress, fresh.made, fresh.weights):
        try:
            look(copied.run_id)
        except ElboRoomError as error:
            assert "\n" not in str(error)  # noqa: PT017
    try:
        fresh.snapshot(copied.run_id, 0)
    except (FileNotFoundError, ElboRoomError):
        assert name == "snapshots"


# -- what is newer


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """As a newer version would have written it: another content, and its checksum."""
    facts, _ = read_record(path)
    change(facts)
    write_record(path, facts)


def more(facts: dict[str, Any]) -> None:
    facts["event"]["test"]["entropy"] = [1, 2]
    facts["event"]["judged_by"] = "somebody"
    facts["more"] = {"a": 1}


def test_a_field_more_is_left_out(copied: Run) -> None:
    before = copied.store.get(copied.run_id)
    rewritten(copied.store.folder(copied.run_id) / "result.json", more)
    assert copied.store.get(copied.run_id) == before


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("result.json", lambda facts: facts["event"].pop("epoch")),
        ("result.json", lambda facts: facts["event"].update(type="ended")),
        ("result.json", lambda facts: facts["event"].update(test=[1, 2])),
        ("result.json", lambda facts: facts["event"]["test"].update(kl=10**400)),
        ("result.json", lambda facts: facts["event"]["test"].update(kl_per_dim=[1.0] * 7)),
        ("result.json", lambda facts: facts.update(events="some")),
        ("result.json", lambda facts: facts.pop("weights_sha256")),
        ("state.json", lambda facts: facts.update(state="dancing")),
        ("state.json", lambda facts: facts.update(created=[])),
        ("state.json", lambda facts: facts.update(created=1e300)),
    ],
)
def test_what_is_whole_and_not_understood_is_newer(copied: Run, name: str, change: Any) -> None:
    rewritten(copied.store.folder(copied.run_id) / name, change)
    (odd,) = copied.store.odd()
    assert (odd.run_id, odd.kind, odd.deletable) == (copied.run_id, "newer", False)
    assert "made by a newer Elbo Room" in odd.message
    assert odd.message.endswith("; update")


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"format": 2, "dataset": ["mnist", "digits"]},
        {"dataset": "everything"},
        {"objective": "better"},
        {"objective": []},
        {"momentum": 0.9},
        {"beta": "as you like"},
        {"latent_dim": 10**400},
    ],
)
def test_a_configuration_of_a_newer_version_is_newer(home: Store, change: dict[str, Any]) -> None:
    text = json.dumps({**json.loads(tiny().to_json()), **change}, sort_keys=True, separators=(",", ":"))
    from vae_core.config.run_config import checksum

    run_id = f"digits-mlp-2d-beta1-{checksum(text)}"
    other = home.create(tiny(seed=1))
    (home.runs / run_id).mkdir()
    (home.runs / run_id / "config.json").write_text(text + "\n")
    assert other in [info.run_id for info in home.infos()]
    (odd,) = home.odd()
    assert (odd.run_id, odd.kind) == (run_id, "newer")
    with pytest.raises(NewerFileError, match=r"config\.json: made by a newer Elbo Room"):
        home.get(run_id)
    # The same under a name that is not its own is damage.
    (home.runs / run_id).rename(home.runs / f"{run_id[:-8]}00000000")
    (odd,) = home.odd()
    assert odd.kind == ("newer" if change.get("format") == 2 else "damaged")


# -- what cannot be read


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_a_home_that_cannot_be_read_is_one_sentence(
    home: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    home.create(tiny())
    ours = home.runs
    listed, stat = os.scandir, Path.stat

    def refuse(path: Path) -> None:
        if path == ours or ours in path.parents:
            raise OSError(code, os.strerror(code))

    def scandir(path: Any) -> Any:
        refuse(Path(path))
        return listed(path)

    def looked(self: Path, **how: Any) -> Any:
        refuse(self)
        return stat(self, **how)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(Path, "stat", looked)
    assert len(home.infos()) == 15
    assert all(info.shipped for info in home.infos())
    (odd,) = home.odd()
    assert (odd.run_id, odd.kind, odd.deletable) == ("", "unreadable", False)
    assert home.get(home.infos()[0].run_id).shipped
    with pytest.raises(StoreError, match=r"cannot be read .*ELBO_HOME"):
        home.get(tiny().run_id)
    with pytest.raises(StoreError, match=r"cannot be read .*ELBO_HOME"):
        home.resolve("digits")
    from vae_core.cli import main

    for command in (["runs"], ["show", "digits"], ["delete", "digits"]):
        assert main(command) == 2
        said = capsys.readouterr().err.splitlines()
        assert "cannot be read" in said[-1]


@pytest.mark.parametrize("name", ["config.json", "state.json", "result.json", "events.jsonl", "weights.safetensors"])
def test_a_file_that_cannot_be_read_is_named_and_not_called_damaged(
    copied: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    target, opened = copied.store.folder(copied.run_id) / name, Path.open

    def refuse(self: Path, *args: Any, **more: Any) -> Any:
        if self == target:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(self, *args, **more)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StoreError, match=rf"{name}: cannot be read \(Permission denied\); allow reading"):
        read_all(copied.store, copied.run_id)
    for odd in copied.store.odd():
        assert (odd.run_id, odd.kind) == (copied.run_id, "unreadable")


# -- what is not finite


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_never_published(copied: Run, value: float) -> None:
    store, run_id = copied.store, copied.run_id
    before = {path: path.read_bytes() for path in store.folder(run_id).iterdir() if path.is_file()}
    weights = store.weights(run_id)
    broken = {name: array.copy() for name, array in weights.items()}
    broken["decoder.0.weight"][0, 0] = value
    bad_terms = dataclasses.replace(finished_event(), test=Terms(value, 1.0, [1.0, 0.0]))
    bad_dimension = dataclasses.replace(finished_event(), test=Terms(-1.0, 1.0, [value, 0.0]))
    for given_weights, result in (
        (broken, finished_event()),
        (broken, finished_event(stopped=True)),
        (weights, bad_terms),
        (weights, bad_dimension),
    ):
        with pytest.raises(NotFiniteError, match="not finite"):
            store.publish(run_id, given_weights, result)
    assert {path: path.read_bytes() for path in store.folder(run_id).iterdir() if path.is_file()} == before
    assert same(store.weights(run_id), weights)
    with pytest.raises(NotFiniteError, match="losses of step 3"):
        store.append(run_id, dataclasses.replace(POINT, beta=value))
    for write in (
        lambda path: write_json(path, {"a": [value]}),
        lambda path: write_record(path, {"a": {"b": value}}),
        lambda path: write_arrays(path, {}, {"a": value}),
    ):
        with pytest.raises(NotFiniteError, match="a number in it is not finite"):
            write(store.home / "x")
    assert not (store.home / "x").exists()
