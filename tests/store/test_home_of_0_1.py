"""A home that version 0.1 wrote opens unchanged.

`home-0.1.tar.xz` was made with the code of 0.1 on two cores with AVX-512 and bfloat16, torch 2.13.0: five runs of
`digits` with 8 hidden units, most of their snapshots left out. One is finished, with codes, diagnostics and two maps;
one was stopped; one was stopped, went on and was paused; one was killed between two checkpoints; one waits in the
queue. `expected.safetensors` is what 0.1 itself made of the killed one when it went on.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import listing, same, tiny
from vae_core.config import RunConfig
from vae_core.config.events import Finished, Losses, Snapshot, Started
from vae_core.jobs import artifacts
from vae_core.jobs.artifacts import MapRequest
from vae_core.jobs.run import run
from vae_core.store import Store
from vae_core.store.files import read_arrays

ARCHIVE = Path(__file__).with_name("home-0.1.tar.xz")


def config(seed: int, epochs: int = 6) -> RunConfig:
    return tiny(hidden=(8,), epochs=epochs, seed=seed)


FINISHED, STOPPED, KILLED, QUEUED, PAUSED = config(1, 3), config(2), config(3), config(4, 3), config(5)


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.setenv("ELBO_HOME", str(tmp_path / "home"))
    return Store()


def test_all_its_runs_are_there(old: Store) -> None:
    before = listing(old.home)
    assert old.odd() == []
    found = {info.run_id: (info.status, info.explorable) for info in old.infos() if not info.shipped}
    assert found == {
        FINISHED.run_id: ("finished", True),
        STOPPED.run_id: ("stopped", True),
        PAUSED.run_id: ("paused", True),  # 0.1 would not show the model that is there
        KILLED.run_id: ("interrupted", False),
        QUEUED.run_id: ("queued", False),
    }
    for info in old.infos():
        said, _ = old.events(info.run_id)
        if info.run_id != QUEUED.run_id:
            assert isinstance(said[0], Started)
            assert info.precision == "bfloat16"
        assert old.made(info.run_id) == []
        if info.explorable:
            assert info.result is not None
            assert old.weights(info.run_id).keys() >= {"decoder.0.weight"}
            assert info.result.test.elbo > -1000
    progress = old.progress(STOPPED.run_id)
    assert progress is not None
    assert progress.step <= progress.steps == 36
    assert listing(old.home) == before


def test_its_moments_are_there(old: Store) -> None:
    said, _ = old.events(FINISHED.run_id)
    moments = [event for event in said if isinstance(event, Snapshot)]
    assert isinstance(said[-1], Finished)
    assert len(moments) == 15
    for index in (0, 14):
        assert old.snapshot(FINISHED.run_id, index)["samples"].shape == (32, 1, 8, 8)


def test_what_was_derived_is_there(old: Store) -> None:
    before = listing(old.home)
    for name, arrays in (
        ("codes", artifacts.codes(old, FINISHED.run_id)),
        ("tsne", artifacts.embedding(old, FINISHED.run_id, MapRequest(method="tsne", limit=60, perplexity=10))),
        ("pca", artifacts.embedding(old, FINISHED.run_id, MapRequest(method="pca", limit=60))),
    ):
        assert arrays["mu" if name == "codes" else "embedding"].shape == (297 if name == "codes" else 60, 2)
    assert artifacts.diagnostics(old, FINISHED.run_id)["images"] == 297
    assert listing(old.home) == before


def test_the_one_that_was_killed_goes_on_to_the_same_bits(old: Store) -> None:
    loaded = old.load_checkpoint(KILLED.run_id)
    assert loaded is not None
    assert 0 < loaded[1]["step"] < 36
    said = list(run(KILLED, old))
    assert isinstance(said[-1], Finished)
    assert not said[-1].stopped
    expected, weights = read_arrays(old.home.parent / "expected.safetensors").arrays, old.weights(KILLED.run_id)
    made = old.made(KILLED.run_id)[-1]
    assert made["step"] == loaded[1]["step"]
    if (made["torch"].split("+")[0], made["capability"], made["precision"]) == ("2.13.0", "AVX512", "bfloat16"):
        assert same(weights, expected)
    else:  # another machine rounds otherwise
        for name, array in expected.items():
            np.testing.assert_allclose(weights[name], array, atol=0.05)
    points = [event.step for event in old.events(KILLED.run_id)[0] if isinstance(event, Losses)]
    assert points == sorted(set(points))
    assert points[-1] == 36


@pytest.mark.parametrize("one", [STOPPED, PAUSED], ids=["stopped", "stopped, then paused"])
def test_the_others_go_on_to_the_end(old: Store, one: RunConfig) -> None:
    said = list(run(one, old, resume_stopped=True))
    assert isinstance(said[-1], Finished)
    assert said[-1].step == 36
    assert old.get(one.run_id).status == "finished"
    steps = [event.step for event in old.events(one.run_id)[0] if isinstance(event, Losses)]
    assert steps == sorted(set(steps))


def test_each_can_be_deleted(old: Store) -> None:
    for info in old.infos():
        if not info.shipped:
            old.delete(info.run_id)
    assert list(old.runs.iterdir()) == []
    assert list((old.home / "artifacts").iterdir()) == []
