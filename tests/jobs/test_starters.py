"""The models that ship."""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import listing, tiny
from vae_core import data
from vae_core.cli import main
from vae_core.config.errors import StoreError
from vae_core.config.events import Finished, Losses
from vae_core.jobs import artifacts, starters
from vae_core.jobs.artifacts import MapRequest
from vae_core.jobs.run import run
from vae_core.jobs.starters import LAB_MODELS, STARTERS, rebuild
from vae_core.networks.evaluate import per_image
from vae_core.store import Store, sweeps

MODELS = data.assets() / "models"
IDS = [config.run_id for config in STARTERS]
LAB_IDS = [config.run_id for config in LAB_MODELS]


def test_they_are_those_of_the_recipes() -> None:
    assert sorted(p.name for p in MODELS.iterdir()) == sorted([*IDS, *LAB_IDS])
    assert {config.latent_dim for config in STARTERS} == {2, 10}


def test_with_everything_they_are_under_21_megabytes() -> None:
    assert sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file()) < 21e6


def test_lists_begin_with_the_starters(home: Store) -> None:
    assert [info.run_id for info in home.infos()][:2] == IDS


def test_they_hold_two_whole_sweeps(home: Store) -> None:
    found = sweeps.find(home.infos())
    assert [(sweep.runs[0].config.latent_dim, sweep.betas, sweep.shipped) for sweep in found] == [
        (10, sweeps.BETAS, True),
        (2, sweeps.BETAS, True),
    ]


WITHOUT_TORCH = """
import sys
import numpy as np
from vae_core.jobs import artifacts
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.store import models
from vae_core.store import Store

store = Store(sys.argv[1])
for run_id in sys.argv[2:]:
    info = store.get(run_id)
    assert info.shipped and info.status == "finished" and info.result.test.elbo < 0
    codes = artifacts.codes(store, run_id)["mu"]
    pictures = OnnxScorer(models.load(store, run_id)).pictures(codes[:8])
    assert pictures.shape == (8, 1, 28, 28) and pictures.max() > 200
assert not {"torch", "sklearn", "openTSNE"} & set(sys.modules), sorted(sys.modules)
print("read")
"""


def test_they_are_read_without_torch(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path / "home"), *IDS], capture_output=True, text=True
    )
    assert done.stdout == "read\n", done.stderr
    assert listing(tmp_path) == {}


@pytest.mark.parametrize("run_id", IDS)
def test_their_numbers_are_those_of_their_weights(home: Store, run_id: str) -> None:
    info = home.get(run_id)
    assert info.result is not None
    scored = per_image(artifacts.load_model(home, run_id), data.load_split("mnist", "test").x, info.config.seed)
    test = scored.terms()
    # Another processor rounds otherwise; a hundredth of a nat it does not move.
    assert test.reconstruction == pytest.approx(info.result.test.reconstruction, abs=0.01)
    np.testing.assert_allclose(test.kl_per_dim, info.result.test.kl_per_dim, atol=0.01)
    codes = artifacts.codes(home, run_id)
    np.testing.assert_allclose(codes["mu"], scored.mu, atol=1e-3)
    assert codes["reconstruction"].mean() == pytest.approx(test.reconstruction, abs=0.01)
    # The mean picture alone, without a code, has an ELBO of −206: they have learned.
    assert test.elbo > -160
    assert (np.array(test.kl_per_dim) > 0.5).sum() >= 2
    curve = [e for e in home.events(run_id)[0] if isinstance(e, Losses)]
    assert curve[-1].held_out.elbo > curve[0].held_out.elbo
    assert not home.home.exists()


@pytest.mark.parametrize("run_id", LAB_IDS)
def test_numbers_of_the_models_of_the_lab_are_those_of_their_weights(home: Store, run_id: str) -> None:
    """On a tenth of the test images, so within what the choice of images moves."""
    info = home.get(run_id)
    assert info.result is not None
    x = data.load_split("mnist", "test").x[::10]
    scored = per_image(artifacts.load_model(home, run_id), x, info.config.seed)
    stderr = float(scored.reconstruction.std() / np.sqrt(len(x)))
    assert scored.terms().reconstruction == pytest.approx(info.result.test.reconstruction, abs=4 * stderr)
    np.testing.assert_allclose(scored.terms().kl_per_dim, info.result.test.kl_per_dim, rtol=0.1, atol=0.02)
    if info.config.latent_dim == 2:
        codes = home.artifact(run_id, "codes")
        assert codes is not None
        np.testing.assert_allclose(codes[0]["mu"][::10], scored.mu, rtol=1e-3, atol=1e-3)


def test_a_dearer_code_carries_less(home: Store) -> None:
    """At each optimum, −β is the slope of the rate–distortion curve: between the slopes of its chords."""
    for sweep in sweeps.find(home.infos()):
        points = [(run.result.test.kl, -run.result.test.reconstruction) for run in sweep.runs if run.result]
        chords = [(d1 - d0) / (r0 - r1) for (r0, d0), (r1, d1) in pairwise(points)]
        for beta, (flatter, steeper) in zip(sweep.betas[1:-1], pairwise(chords), strict=True):
            assert flatter < beta < steeper


def test_the_map_of_the_larger_one_ships(home: Store) -> None:
    run_id = next(config.run_id for config in STARTERS if config.latent_dim > 2)
    kept = home.artifact(run_id, MapRequest().name)
    assert kept is not None
    assert kept[0]["embedding"].shape == (5000, 2)
    np.testing.assert_array_equal(kept[0]["labels"], data.load_split("mnist", "test").labels[:5000])


def test_they_can_be_rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configs, lab = (tiny(), tiny(latent_dim=3)), (tiny(beta=4.0), tiny(latent_dim=3, beta=4.0))
    monkeypatch.setattr(starters, "STARTERS", configs)
    monkeypatch.setattr(starters, "LAB_MODELS", lab)
    out = tmp_path / "models"
    old = Store(tmp_path / "old", shipped=tmp_path / "none")
    list(run(configs[0], old))
    shutil.copytree(old.runs, out)  # an older one of the same name, with what does not ship
    ended = [config for config, event in rebuild(out) if isinstance(event, Finished)]
    assert ended == [*configs, *lab]
    assert sorted(p.name for p in out.iterdir()) == sorted(c.run_id for c in (*configs, *lab))
    store = Store(tmp_path / "home", shipped=out)
    for config in (*configs, *lab):
        info = store.get(config.run_id)
        assert (info.shipped, info.status) == (True, "finished")
        store.weights(config.run_id)
        kept = store.artifact(config.run_id, "codes")
        assert (kept is None) == (config is lab[1])
        assert kept is None or kept[0]["mu"].shape == (297, config.latent_dim)
    assert store.artifact(configs[1].run_id, MapRequest().name) is not None
    assert store.artifact(lab[1].run_id, MapRequest().name) is None
    assert not [name for name in listing(out) if "snapshots" in name or "checkpoint" in name]
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("mine", ["thesis/chapter.tex", ".git/HEAD", "notes.txt", "empty/", "digits/notes.txt"])
def test_a_folder_that_holds_anything_else_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mine: str
) -> None:
    monkeypatch.setattr(starters, "STARTERS", (tiny(),))
    monkeypatch.setattr(starters, "LAB_MODELS", ())
    monkeypatch.setattr(starters, "run", lambda *_: pytest.fail("it was trained"))
    path = tmp_path / "out" / mine.replace("digits", tiny().run_id)
    (path if mine.endswith("/") else path.parent).mkdir(parents=True)
    if not mine.endswith("/"):
        path.write_text("years of work")
    before = listing(tmp_path)
    assert main(["starters", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"holds {mine.split('/')[0].replace('digits', tiny().run_id)}" in said
    assert "which is none of the models that ship; move it away or choose another folder" in said
    assert listing(tmp_path) == before


@pytest.mark.parametrize("why", ["a file", "below a file"])
def test_a_folder_that_cannot_be_written_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(starters, "run", lambda *_: pytest.fail("it was trained"))
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        rebuild(tmp_path / "file" if why == "a file" else tmp_path / "file" / "out")


def test_what_comes_into_the_folder_during_the_training_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starters, "STARTERS", (tiny(),))
    monkeypatch.setattr(starters, "LAB_MODELS", ())
    happening = rebuild(tmp_path / "out")
    next(happening)
    (tmp_path / "out" / "mine.txt").write_text("years of work")
    with pytest.raises(StoreError, match=r"holds mine\.txt"):
        list(happening)
    assert listing(tmp_path / "out") == {"mine.txt": b"years of work"}
