from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Run, listing, same, tiny, until
from vae_core.config.errors import CorruptFileError, RunBusyError, RunNotFoundError, StoreError
from vae_core.config.events import Finished, Losses, Progress, Terms
from vae_core.store import Store, journal

TERMS = Terms(-20.0, 1.0, [0.75, 0.25])
POINT = Losses(3, 0.5, 1.0, TERMS, TERMS)


def finished_event(stopped: bool = False) -> Finished:
    return Finished(12, 2.0, 0.5, 1e4, TERMS, False, stopped)


def flip(path: Path, position: int = -1) -> None:
    raw = bytearray(path.read_bytes())
    raw[position] ^= 0x04
    path.write_bytes(raw)


# -- looking


def test_looking_writes_nothing(home: Store) -> None:
    shipped = home.run_ids()
    assert [i.run_id for i in home.infos() if not i.shipped] == []
    assert shipped == sorted(i.run_id for i in home.infos())
    for look in (lambda: home.get("x"), lambda: home.resolve("x"), lambda: home.weights("x"), lambda: home.events("x")):
        with pytest.raises(RunNotFoundError, match="no run named 'x'"):
            look()
    assert not home.is_locked("x")
    assert not home.home.exists()


def test_what_is_known_of_a_run(finished: Run) -> None:
    info = finished.store.get(finished.run_id)
    assert (info.config, info.status, info.explorable, info.shipped) == (finished.config, "finished", True, False)
    assert isinstance(info.result, Finished)
    assert info.result.test.elbo == pytest.approx(finished.events[-1].test.elbo, rel=1e-8)  # type: ignore[union-attr]
    assert 0 < time.time() - info.created < 3600
    assert finished.store.size(finished.run_id) == sum(
        len(content or b"") for content in listing(finished.store.folder(finished.run_id)).values()
    )


def test_the_newest_run_comes_first_and_those_that_ship_last(home: Store) -> None:
    ids = [home.create(tiny(seed=s)) for s in range(3)]
    shipped = [i.run_id for i in home.infos() if i.shipped]
    assert [i.run_id for i in home.infos()] == [*reversed(ids), *shipped]
    assert len(shipped) >= 2


@pytest.mark.parametrize("name", ["", ".", "..", "../runs", "/etc", ".hidden", "a/b"])
def test_a_name_is_never_a_path(home: Store, name: str) -> None:
    home.create(tiny())
    (home.runs / ".hidden").mkdir()
    (home.runs / ".hidden" / "config.json").write_text(tiny().to_json())
    with pytest.raises(RunNotFoundError):
        home.folder(name)
    with pytest.raises(RunNotFoundError):
        home.resolve(name)


def test_a_beginning_that_fits_one_run_is_enough(home: Store) -> None:
    one, two = home.create(tiny(latent_dim=3)), home.create(tiny(latent_dim=4))
    assert home.resolve(one) == one
    assert home.resolve("digits-mlp-3d") == one
    assert home.resolve(two[:-1]) == two
    with pytest.raises(RunNotFoundError, match=r"fits 2 runs: .*give more of the name"):
        home.resolve("digits-mlp-")
    with pytest.raises(RunNotFoundError, match="no run named 'nothing'"):
        home.resolve("nothing")


# -- writing


def test_creating_twice_is_creating_once(home: Store) -> None:
    run_id = home.create(tiny())
    before = listing(home.home)
    assert home.create(tiny()) == run_id
    assert listing(home.home) == before
    assert [p.name for p in home.runs.iterdir()] == [run_id]
    assert home.get(run_id).status == "interrupted"


def test_what_stands_in_a_runs_place_is_not_overwritten(home: Store) -> None:
    home.runs.mkdir(parents=True)
    (home.runs / tiny().run_id).write_text("mine")
    with pytest.raises(StoreError, match="remove what stands in its place"):
        home.create(tiny())
    assert listing(home.home) == {"runs": None, f"runs/{tiny().run_id}": b"mine"}


def test_a_home_below_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "home")
    assert all(info.shipped for info in store.infos())
    for write in (lambda: store.create(tiny()), lambda: store.lock("x").__enter__()):
        with pytest.raises(StoreError, match=r"cannot be written .*ELBO_HOME"):
            write()
    assert listing(tmp_path) == {"file": b""}


def test_a_run_is_complete_only_with_its_result(home: Store) -> None:
    run_id = home.create(tiny())
    home.set_state(run_id, "running")
    assert home.get(run_id).status == "interrupted"  # nobody holds its lock
    with pytest.raises(RunNotFoundError, match="no trained model yet"):
        home.weights(run_id)
    weights = {"decoder.0.weight": __import__("numpy").ones((2, 2), "float32")}
    home.publish(run_id, weights, finished_event())
    assert home.get(run_id).status == "finished"
    assert home.get(run_id).result == finished_event()
    assert same(home.weights(run_id), weights)


def test_publishing_removes_the_checkpoint_of_a_complete_run_only(home: Store) -> None:
    import numpy as np

    run_id = home.create(tiny())
    for stopped in (True, False):
        home.save_checkpoint(run_id, {"x": np.zeros(3)}, {"step": 1})
        home.publish(run_id, {"w": np.zeros(3)}, finished_event(stopped))
        assert home.get(run_id).status == ("stopped" if stopped else "finished")
        assert (home.folder(run_id) / "checkpoint.safetensors").exists() == stopped


def test_a_stopped_run_that_goes_on_is_explorable_all_the_while(home: Store) -> None:
    import numpy as np

    run_id = home.create(tiny())
    home.publish(run_id, {"w": np.zeros(3)}, finished_event(stopped=True))
    assert home.get(run_id).explorable
    home.set_state(run_id, "running")
    with home.lock(run_id):
        assert home.get(run_id).status == "running"
    home.set_state(run_id, "paused")
    assert home.get(run_id).status == "paused"
    assert home.get(run_id).explorable
    assert not home.get(run_id).complete
    assert same(home.weights(run_id), {"w": np.zeros(3)})


def test_why_a_run_ended_is_kept_with_it(home: Store) -> None:
    import numpy as np

    run_id = home.create(tiny())
    home.set_state(run_id, "failed", "no luck")
    assert (home.get(run_id).status, home.get(run_id).message) == ("failed", "no luck")
    home.publish(run_id, {"w": np.zeros(3)}, finished_event(stopped=True))
    home.set_state(run_id, "stopped", "diverged")
    assert (home.get(run_id).status, home.get(run_id).message) == ("stopped", "diverged")


def test_deleting_leaves_nothing(copied: Run) -> None:
    from vae_core.jobs import artifacts

    artifacts.codes(copied.store, copied.run_id)
    copied.store.delete(copied.run_id)
    assert list(copied.store.runs.iterdir()) == []
    assert list((copied.store.home / "artifacts").iterdir()) == []
    with pytest.raises(RunNotFoundError):
        copied.store.get(copied.run_id)


@pytest.mark.parametrize("name", ["config.json", "state.json", "result.json", "events.jsonl", "weights.safetensors"])
def test_a_damaged_run_can_be_deleted(copied: Run, name: str) -> None:
    (copied.store.folder(copied.run_id) / name).write_bytes(b"\xff\x00")
    copied.store.delete(copied.run_id)
    assert list(copied.store.runs.iterdir()) == []


def test_what_ships_is_read_only(home: Store) -> None:
    run_id = next(i.run_id for i in home.infos() if i.shipped)
    before = listing(home.shipped)
    for write in (
        lambda: home.delete(run_id),
        lambda: home.set_state(run_id, "queued"),
        lambda: home.append(run_id, POINT),
        lambda: home.publish(run_id, {}, finished_event()),
    ):
        with pytest.raises(StoreError, match="ships with Elbo Room and is read-only"):
            write()
    assert home.create(home.get(run_id).config) == run_id
    assert listing(home.shipped) == before
    assert not home.runs.exists()


def test_what_is_derived_from_what_ships_is_kept_at_home(home: Store) -> None:
    import numpy as np

    run_id = next(i.run_id for i in home.infos() if i.shipped)
    before = listing(home.shipped)
    home.save_artifact(run_id, "mine", {"x": np.ones(2)}, {"fact": 1})
    kept = home.artifact(run_id, "mine")
    assert kept is not None
    assert kept[1] == {"fact": 1}
    assert home.artifact(run_id, "none") is None
    assert listing(home.shipped) == before


# -- events


def test_events_come_in_order_and_from_where_one_left_off(home: Store) -> None:
    run_id = home.create(tiny())
    assert home.events(run_id) == ([], 0)
    said = [Losses(i, i / 8, 1.0, TERMS, TERMS) for i in range(5)]
    at = 0
    for i, event in enumerate(said):
        home.append(run_id, event)
        found, at = home.events(run_id, at)
        assert found == [event]
        assert home.events(run_id)[0] == said[: i + 1]
    assert home.events(run_id, at) == ([], at)
    assert home.events(run_id, at + 1000)[0] == said  # the file became shorter: from the start


def test_a_torn_last_line_waits_until_it_is_whole(home: Store) -> None:
    run_id = home.create(tiny())
    home.append(run_id, POINT)
    path = home.folder(run_id) / "events.jsonl"
    whole = path.read_bytes()
    line = journal.line(POINT, journal.mark(path).crc)
    for length in range(len(line)):
        path.write_bytes(whole + line[:length])
        assert home.events(run_id) == ([POINT], len(whole))
    path.write_bytes(whole + line)
    assert home.events(run_id, len(whole)) == ([POINT], len(whole) + len(line))


@pytest.mark.parametrize("line", [b"{}\n", b"garbage\n", b'{"type":"losses"}\n', b"\xff\n", b"[]\n"])
def test_a_damaged_line_is_named(home: Store, line: bytes) -> None:
    run_id = home.create(tiny())
    home.append(run_id, POINT)
    with (home.folder(run_id) / "events.jsonl").open("ab") as file:
        file.write(line)
    with pytest.raises(CorruptFileError, match=r"events\.jsonl: damaged"):
        home.events(run_id)


def test_progress_replaces_the_last_one(home: Store) -> None:
    run_id = home.create(tiny())
    assert home.progress(run_id) is None
    for step in (1, 2):
        home.append(run_id, Progress(step, 12, step / 6, 1e4, 0.1, 0.2))
    progress = home.progress(run_id)
    assert progress is not None
    assert progress.step == 2
    assert home.events(run_id)[0] == []
    for damaged in (b"{", b'{"type":"progress"}', b"\xff"):
        (home.folder(run_id) / "progress.json").write_bytes(damaged)
        with pytest.raises(CorruptFileError, match=r"progress\.json: (damaged|not valid)"):
            home.progress(run_id)


def test_a_checkpoint_takes_back_what_was_said_after_it(home: Store) -> None:
    import numpy as np

    run_id = home.create(tiny())
    first, second, third = (Losses(i, 0.1, 1.0, TERMS, TERMS) for i in range(3))
    home.append(run_id, first)
    home.append(run_id, second)
    home.save_checkpoint(run_id, {"x": np.arange(3)}, {"step": 2})
    home.append(run_id, third)
    with (home.folder(run_id) / "events.jsonl").open("a") as file:
        file.write('{"torn')
    (home.folder(run_id) / ".weights.safetensors-a1b2c3d4.tmp").write_text("half")
    (home.folder(run_id) / "snapshots" / ".00.safetensors-a1b2c3d4.tmp").write_text("half")
    kept = home.load_checkpoint(run_id)
    assert kept is not None
    assert kept[0]["x"].tolist() == [0, 1, 2]
    assert kept[1]["step"] == 2
    assert home.events(run_id)[0] == [first, second]
    assert not [name for name in listing(home.home) if name.endswith(".tmp")]


def test_without_a_checkpoint_everything_is_taken_back(home: Store) -> None:
    run_id = home.create(tiny())
    home.append(run_id, POINT)
    assert home.load_checkpoint(run_id) is None
    assert home.events(run_id) == ([], 0)


def test_events_shorter_than_the_checkpoint_says_are_damage(home: Store) -> None:
    import numpy as np

    run_id = home.create(tiny())
    home.append(run_id, POINT)
    home.save_checkpoint(run_id, {"x": np.zeros(1)}, {})
    (home.folder(run_id) / "events.jsonl").write_text("")
    with pytest.raises(CorruptFileError, match=r"events\.jsonl: shorter"):
        home.load_checkpoint(run_id)


# -- damage


@pytest.mark.parametrize("name", ["config.json", "result.json"])
def test_a_change_of_any_byte_of_a_record_is_noticed(copied: Run, name: str) -> None:
    path = copied.store.folder(copied.run_id) / name
    whole = path.read_bytes()
    unnoticed: list[int] = []
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0x01
        path.write_bytes(damaged)
        try:
            copied.store.get(copied.run_id)
        except CorruptFileError as error:
            assert name in str(error)  # noqa: PT017
        else:
            unnoticed.append(position)
    # A space for a line break between two values changes nothing that is said.
    assert all(chr(whole[position]).isspace() for position in unnoticed)
    path.write_bytes(whole)
    assert copied.store.get(copied.run_id).status == "finished"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b""),
        ("config.json", b"\xff\xfe"),
        ("config.json", tiny(seed=99).to_json().encode()),
        ("state.json", b"{"),
        ("state.json", b'{"state": "dancing", "created": 1}'),
        ("state.json", b'{"state": "finished", "created": "today"}'),
        ("result.json", b"{}"),
        ("result.json", b"[]"),
        ("result.json", b""),
    ],
)
def test_a_damaged_run_is_named_and_hides_no_other(copied: Run, name: str, content: bytes) -> None:
    store = copied.store
    other = store.create(tiny(seed=1))
    path = store.folder(copied.run_id) / name
    path.write_bytes(content)
    with pytest.raises(CorruptFileError) as caught:
        store.get(copied.run_id)
    assert str(path) in str(caught.value)
    listed = [i.run_id for i in store.infos()]
    assert other in listed
    assert copied.run_id not in listed
    (odd,) = store.odd()
    assert (odd.run_id, odd.kind, odd.deletable) == (copied.run_id, "damaged", True)
    if name == "result.json":
        with pytest.raises(CorruptFileError, match=r"result\.json"):
            store.weights(copied.run_id)


def test_results_and_weights_of_two_runs_cannot_be_mixed(copied: Run, home: Store) -> None:
    import numpy as np

    other = home.create(tiny(seed=1))
    home.publish(other, {"w": np.zeros(3)}, finished_event())
    shutil.copy(home.folder(other) / "weights.safetensors", home.folder(copied.run_id) / "weights.safetensors")
    with pytest.raises(CorruptFileError, match=r"weights\.safetensors: damaged"):
        home.weights(copied.run_id)


@pytest.mark.parametrize("index", [0, 5])
def test_a_damaged_snapshot_is_named(copied: Run, index: int) -> None:
    assert "samples" in copied.store.snapshot(copied.run_id, index)
    flip(copied.store.folder(copied.run_id) / "snapshots" / f"{index:02d}.safetensors")
    with pytest.raises(CorruptFileError, match=rf"{index:02d}\.safetensors: damaged"):
        copied.store.snapshot(copied.run_id, index)
    with pytest.raises(FileNotFoundError):
        copied.store.snapshot(copied.run_id, 99)


# -- one at a time

HOLD = """
import sys
from vae_core.store import Store, journal
with Store(sys.argv[1]).lock(sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_run_that_another_process_holds_is_busy(copied: Run) -> None:
    store, _, run_id, _ = copied
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store.home), run_id], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert store.is_locked(run_id)
        with pytest.raises(RunBusyError, match="another process is at work on it"):
            store.lock(run_id, timeout=0.1).__enter__()
        with pytest.raises(RunBusyError):
            store.delete(run_id)
        assert store.get(run_id).status == "finished"
        store.set_state(run_id, "running")
        holder.kill()
        holder.wait()
    until(lambda: not store.is_locked(run_id), "the system to take the lock back")
    store.delete(run_id)


def test_a_lock_is_waited_for(home: Store) -> None:
    order: list[str] = []

    def hold() -> None:
        with home.lock("x"):
            ready.set()
            time.sleep(0.2)
            order.append("first")

    ready = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait()
    with home.lock("x", timeout=30):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_what_the_folder_says_is_what_is_read(finished: Run) -> None:
    folder = finished.store.folder(finished.run_id)
    assert json.loads((folder / "config.json").read_text())["dataset"] == "digits"
    assert json.loads((folder / "state.json").read_text())["state"] == "finished"
    assert not (folder / "checkpoint.safetensors").exists()
    lines = (folder / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["type"] for line in lines][-1] == "finished"


def test_what_was_derived_from_a_model_goes_with_it(copied: Run) -> None:
    # A run that was stopped, looked at, and went on: its codes are those of a model that is no more.
    store = copied.store
    store.save_artifact(copied.run_id, "codes", {"mu": np.zeros((3, 2), np.float32)})
    assert store.artifact(copied.run_id, "codes") is not None
    store.publish(copied.run_id, store.weights(copied.run_id), finished_event())
    assert store.artifact(copied.run_id, "codes") is None
