"""The command `elbo`: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Run, listing, same, tiny
from vae_core import __version__, data
from vae_core.__main__ import main
from vae_core.analysis import projection, tails
from vae_core.config.catalogue import OBJECTIVES
from vae_core.jobs import artifacts
from vae_core.jobs.artifacts import MapRequest, codes
from vae_core.store import Store

COMMANDS = [
    "app",
    "train",
    "runs",
    "show",
    "label",
    "delete",
    "starters",
    "traverse",
    "reconstruct",
    "project",
    "export",
]
COMMANDS += ["evaluate", "identity", "gap", "objectives"]
TINY_ARGUMENTS = ["--dataset", "digits", "--hidden", "16", "--epochs", "2", "--batch-size", "256"]
TRAIN_KEYS = {
    "run_id",
    "status",
    "seconds",
    "images_per_second",
    "epochs",
    "is_log_likelihood",
    "message",
    "test",
    "cached",
}
SHOW_KEYS = (TRAIN_KEYS - {"cached"}) | {"created", "shipped", "config", "label", "note"}

Elbo = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def elbo(capsys: pytest.CaptureFixture[str]) -> Elbo:
    """Run one command with --json: its exit code, its JSON object (empty if there is none) and its standard error."""

    def run(*arguments: str) -> tuple[int, dict[str, Any], str]:
        capsys.readouterr()
        code = main([*arguments, "--json"])
        out, err = capsys.readouterr()
        lines = out.splitlines()
        if code != 0 and not lines:
            return code, {}, err
        assert len(lines) == 1, "one JSON object and nothing else"
        return code, json.loads(lines[0]), err

    return run


@pytest.fixture
def trained(copied: Run) -> Run:
    """ELBO_HOME with the finished run in it."""
    return copied


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which a command refuses, whether argparse or the library says it."""
    try:
        code = main(arguments)
    except SystemExit as exit_:
        code = exit_.code
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    return err.strip().splitlines()[-1]


# -- help


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([command, "--help"])
    assert exit_.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: elbo {command}")
    assert ("--json" in out) == (command != "app")


def test_the_command_lists_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    out = capsys.readouterr().out
    assert all(command in out for command in COMMANDS)
    assert "ELBO_HOME" in out
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == __version__


def test_every_setting_can_be_given(home: Store, capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import fields

    from vae_core.config import RunConfig
    from vae_core.config.catalogue import PARAMETERS

    with pytest.raises(SystemExit):
        main(["train", "--help"])
    out = capsys.readouterr().out
    for name in {field.name for field in fields(RunConfig)} - {"parameters"} | set(PARAMETERS):
        flag = "lr" if name == "learning_rate" else name.replace("_", "-")
        assert f"--{flag}" in out


def test_objectives_lists_names_parameters_and_ranges(elbo: Elbo, capsys: pytest.CaptureFixture[str]) -> None:
    code, result, _ = elbo("objectives")
    assert code == 0
    assert [entry["name"] for entry in result["objectives"]] == list(OBJECTIVES)
    assert main(["objectives"]) == 0
    out = capsys.readouterr().out
    for entry in OBJECTIVES.values():
        assert entry.help in out
        for parameter in entry.parameters:
            assert f"--{parameter.name.replace('_', '-')}" in out


def test_an_objective_and_its_parameters_are_trained(home: Store, elbo: Elbo) -> None:
    arguments = [
        *TINY_ARGUMENTS,
        "--objective",
        "dreg",
        "--samples",
        "3",
        "--binarize",
        "dynamic",
        "--posterior",
        "full",
    ]
    code, result, _ = elbo("train", *arguments)
    assert code == 0
    assert result["is_log_likelihood"] is True
    config = Store().get(result["run_id"]).config
    assert (config.objective, config.parameters, config.posterior) == ("dreg", (("samples", 3),), "full")
    code, found, _ = elbo("show", result["run_id"])
    assert found["config"]["parameters"] == {"samples": 3}


def test_a_preset_is_where_the_other_options_start_from(home: Store, elbo: Elbo) -> None:
    smaller = ["--dataset", "digits", "--hidden", "8", "--epochs", "1", "--warmup-epochs", "1", "--latent-dim", "3"]
    code, result, _ = elbo("train", "--preset", "burda-iwae50", *smaller)
    assert code == 0
    config = Store().get(result["run_id"]).config
    assert config.parameter("samples") == 50
    assert (config.activation, config.binarize, config.hidden) == ("tanh", "dynamic", (8,))


def test_a_parameter_of_another_objective_is_refused(home: Store, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["train", "--samples", "3"], capsys)
    assert "belongs to iwae, dreg" in said
    assert not home.home.exists()


# -- train


def test_train_then_find_it_in_the_store(home: Store, elbo: Elbo, monkeypatch: pytest.MonkeyPatch) -> None:
    code, first, _ = elbo("train", *TINY_ARGUMENTS)
    assert code == 0
    assert first.keys() == TRAIN_KEYS
    assert (first["run_id"], first["status"], first["cached"]) == (tiny().run_id, "finished", False)
    assert first["epochs"] == 2
    assert first["is_log_likelihood"] is False
    test = first["test"]
    assert test.keys() == {"elbo", "reconstruction", "kl", "kl_per_dim"}
    assert test["elbo"] == pytest.approx(test["reconstruction"] - test["kl"])
    assert test["kl"] == pytest.approx(sum(test["kl_per_dim"]))

    import vae_core.jobs.run

    monkeypatch.setattr(vae_core.jobs.run, "run", lambda *_a, **_b: pytest.fail("trained again"))
    before = listing(home.home)
    code, second, _ = elbo("train", *TINY_ARGUMENTS)
    assert (code, second) == (0, {**first, "cached": True})
    assert listing(home.home) == before


def test_settings_reach_the_run(home: Store, elbo: Elbo) -> None:
    settings = ["--likelihood", "gaussian", "--sigma", "0.5", "--latent-dim", "3", "--beta", "2", "--seed", "4"]
    more = ["--activation", "tanh", "--warmup-epochs", "0.5", "--lr", "0.001", "--hidden", "16,8"]
    code, said, _ = elbo("train", *TINY_ARGUMENTS, *settings, *more)
    config = tiny(
        likelihood="gaussian", sigma=0.5, latent_dim=3, beta=2, seed=4, activation="tanh", warmup_epochs=0.5,
        learning_rate=0.001, hidden=(16, 8),
    )  # fmt: skip
    assert (code, said["run_id"]) == (0, config.run_id)
    assert home.get(config.run_id).config == config
    assert said["is_log_likelihood"] is True


def test_sigma_learned_is_the_default(home: Store, elbo: Elbo) -> None:
    code, said, _ = elbo("train", *TINY_ARGUMENTS, "--likelihood", "gaussian", "--sigma", "learned")
    assert (code, said["run_id"]) == (0, tiny(likelihood="gaussian").run_id)


def test_without_json_people_read_the_terms(home: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *TINY_ARGUMENTS]) == 0
    out = capsys.readouterr().out
    assert "test ELBO" in out
    assert "nats per image" in out
    assert "(from the store)" not in out
    assert main(["train", *TINY_ARGUMENTS]) == 0
    assert "(from the store)" in capsys.readouterr().out


def test_a_run_that_cannot_be_trained_fails_with_one(home: Store, elbo: Elbo, monkeypatch: pytest.MonkeyPatch) -> None:
    from vae_core.training.objectives import Elbo

    monkeypatch.setattr(
        Elbo, "_combine", lambda _self, _step, _q, _z, reconstruction, _kl: reconstruction * float("nan")
    )
    code, said, err = elbo("train", *TINY_ARGUMENTS)
    assert code == 1
    assert said["status"] == "failed"
    assert "smaller learning rate" in said["message"]
    assert "smaller learning rate" in err


def test_an_interrupt_says_how_to_go_on(home: Store, elbo: Elbo, monkeypatch: pytest.MonkeyPatch) -> None:
    from vae_core.training.loop import Training

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Training, "_gradient_step", interrupted)
    code, said, err = elbo("train", *TINY_ARGUMENTS)
    assert (code, said) == (1, {})
    assert "the same command goes on" in err
    monkeypatch.undo()
    monkeypatch.setenv("ELBO_HOME", str(home.home))
    assert elbo("train", *TINY_ARGUMENTS)[1]["status"] == "finished"


# -- bad requests write nothing


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "--dataset", "cifar"], "dataset='cifar': choose one of mnist, digits"),
        (["train", "--latent-dim", "0"], "latent_dim=0: give a number from 1 to 64"),
        (["train", "--likelihood", "gaussian", "--sigma", "0"], "sigma=0: give a number from 0.001"),
        (["train", "--likelihood", "gaussian", "--sigma", "-1"], "sigma=-1: give a number from 0.001"),
        (["train", "--sigma", "0.5"], "only the Gaussian has a σ"),
        (["train", "--sigma", "wide"], "wide"),
        (["train", "--beta", "-1"], "beta=-1: give a number from 0"),
        (["train", "--beta", "nan"], "beta=nan: give a finite number"),
        (["train", "--beta", "much"], "much"),
        (["train", "--hidden", "a,b"], "a,b"),
        (["train", "--hidden", "0"], "hidden=[0]"),
        (["train", "--architecture", "conv", "--hidden", "64"], "architecture='conv'"),
        (["train", "--epochs", "0"], "epochs=0"),
        (["train", "--epochs", "1.5"], "1.5"),
        (["train", "--unknown", "1"], "--unknown"),
        (["show", "nothing"], "no run named 'nothing'"),
        (["delete", "nothing"], "no run named 'nothing'"),
        (["delete", "mnist-mlp-2d-beta1-2d28d5af"], "ships with Elbo Room and is read-only"),
        (["show", "mnist-mlp"], "fits 15 runs"),
        (["show", "../../etc"], "no run named"),
        (["traverse", "nothing", "--out", "OUT/x.png"], "no run named 'nothing'"),
        (["reconstruct", "nothing", "--out", "OUT/x.png"], "no run named 'nothing'"),
        (["reconstruct", "digits", "--out", "OUT/x.png", "--limit", "0"], "0: give a positive number"),
        (["project", "nothing", "--out", "OUT/x.npz"], "no run named 'nothing'"),
        (["project", "digits", "--out", "OUT/x.npz", "--perplexity", "0"], "perplexity=0"),
        (["project", "digits", "--out", "OUT/x.npz", "--limit", "20"], "perplexity=30 with 20 codes"),
        (["project", "digits", "--out", "OUT/x.npz", "--limit", "5"], "limit=5"),
        (["project", "digits", "--out", "OUT/x.npz", "--seed", "-1"], "seed=-1"),
        (["project", "digits", "--out", "OUT/none/x.npz"], "does not exist; create it first"),
        (["traverse", "digits", "--out", "OUT/none/x.png"], "does not exist; create it first"),
        (["reconstruct", "digits", "--out", "OUT/none/x.png"], "does not exist; create it first"),
        (["export", "nothing", "--out", "OUT/x"], "no run named 'nothing'"),
        (["export", "digits", "--out", "OUT/file/x"], "cannot be written"),
        (["traverse", "digits"], "--out"),
        ([], "COMMAND"),
        (["dance"], "dance"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_met_ends_with_two_and_writes_nothing(
    trained: Run, tmp_path: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "file").write_text("mine")
    before = listing(tmp_path)
    message = refused([part.replace("OUT", str(out)) for part in arguments], capsys)
    assert says in message
    assert message.startswith("elbo")
    assert listing(tmp_path) == before


@pytest.mark.parametrize("name", ["weights.safetensors", "result.json", "config.json"])
@pytest.mark.parametrize("command", ["traverse", "project", "export"])
def test_a_damaged_file_is_named_and_nothing_is_made_of_it(
    trained: Run, tmp_path: Path, name: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = trained.store.folder(trained.run_id) / name
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0x08
    path.write_bytes(raw)
    (trained.store.home / "locks").mkdir(exist_ok=True)  # whoever computes stands in line first
    before = listing(tmp_path)
    message = refused([command, trained.run_id, "--out", str(tmp_path / "out")], capsys)
    assert name in message
    assert "damaged" in message or "changed" in message
    assert listing(tmp_path) == before


def test_a_damaged_run_is_not_trained_over(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    path = trained.store.folder(trained.run_id) / "result.json"
    path.write_text("{")
    before = listing(trained.store.runs)
    arguments = ["train", "--dataset", "digits", "--hidden", "32", "--epochs", "30", "--batch-size", "256"]
    assert "result.json" in refused(arguments, capsys)
    assert listing(trained.store.runs) == before


def test_a_damaged_run_is_told_of_and_hides_no_other(trained: Run, elbo: Elbo) -> None:
    (trained.store.folder(trained.run_id) / "config.json").write_bytes(b"\xff")
    trained.store.create(tiny(seed=9))
    code, said, err = elbo("runs")
    assert code == 0
    assert tiny(seed=9).run_id in [r["run_id"] for r in said["runs"]]
    assert list(said["damaged"]) == [trained.run_id]
    assert "config.json" in err


def test_a_home_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("ELBO_HOME", str(tmp_path / "file" / "home"))
    message = refused(["train", *TINY_ARGUMENTS], capsys)
    assert "cannot be written" in message
    assert "ELBO_HOME" in message
    assert listing(tmp_path) == {"file": b"mine"}
    assert main(["runs"]) == 0  # what ships can still be looked at


# -- runs, show, delete


def test_runs_lists_all(trained: Run, elbo: Elbo, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = elbo("runs")
    assert code == 0
    own = next(r for r in said["runs"] if r["run_id"] == trained.run_id)
    assert own.keys() == SHOW_KEYS
    assert own["config"]["dataset"] == "digits"
    assert sum(r["shipped"] for r in said["runs"]) >= 2
    assert said["damaged"] == {}
    assert main(["runs"]) == 0
    out = capsys.readouterr().out
    assert trained.run_id in out
    assert "nats per image" in out


def test_show_tells_one(trained: Run, elbo: Elbo) -> None:
    code, said, _ = elbo("show", trained.run_id[:-3])
    assert code == 0
    assert said.keys() == SHOW_KEYS | {"bytes", "folder", "precision", "made"}
    assert said["bytes"] == trained.store.size(trained.run_id)
    assert Path(said["folder"]).is_dir()
    assert said["status"] == "finished"


def test_show_of_a_run_without_a_result(home: Store, elbo: Elbo) -> None:
    run_id = home.create(tiny())
    code, said, _ = elbo("show", run_id)
    assert (code, said["status"]) == (0, "interrupted")
    assert "test" not in said


def test_a_label_and_a_note_are_given_read_and_taken_away(
    trained: Run, elbo: Elbo, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = trained.run_id
    assert elbo("label", run_id[:-3], "--label", "For Tuesday ✓", "--note", "one\ntwo")[:2] == (
        0,
        {"run_id": run_id, "label": "For Tuesday ✓", "note": "one\ntwo"},
    )
    assert elbo("label", run_id, "--note", "three")[1] == {"run_id": run_id, "label": "For Tuesday ✓", "note": "three"}
    assert main(["label", run_id]) == 0
    assert capsys.readouterr().out == f"{run_id}: For Tuesday ✓\nthree\n"
    assert main(["runs"]) == 0
    assert re.search(rf"^{run_id}.*  For Tuesday ✓$", capsys.readouterr().out, re.MULTILINE)
    code, said, _ = elbo("show", run_id)
    assert (code, said["label"], said["note"]) == (0, "For Tuesday ✓", "three")
    assert "this label has 61 letters: give at most 60" in refused(["label", run_id, "--label", "x" * 61], capsys)
    assert elbo("label", run_id, "--label", "", "--note", "")[1] == {"run_id": run_id, "label": "", "note": ""}


def test_delete_removes(trained: Run, elbo: Elbo) -> None:
    code, said, _ = elbo("delete", trained.run_id)
    assert (code, said) == (0, {"run_id": trained.run_id, "deleted": True})
    assert list(trained.store.runs.iterdir()) == []
    assert elbo("show", trained.run_id)[0] == 2


# -- what is made of a model


def test_traverse_paints_a_row_a_dimension(trained: Run, elbo: Elbo, tmp_path: Path) -> None:
    code, said, _ = elbo("traverse", trained.run_id, "--out", str(tmp_path / "x.png"))
    assert code == 0
    assert said.keys() == {"run_id", "out", "dimensions"}
    result = trained.store.get(trained.run_id).result
    assert result is not None
    first, second = result.test.kl_per_dim
    assert said["dimensions"] == (["z1", "z2"] if first > second else ["z2", "z1"])
    with Image.open(said["out"]) as image:
        assert image.size == (2 * (13 * 9 - 1), 2 * (2 * 9 - 1))
        assert len(np.unique(np.asarray(image))) > 10


@pytest.mark.parametrize(("limit", "columns", "rows"), [("5", 5, 2), ("16", 16, 2), ("20", 16, 4), ("1", 1, 2)])
def test_reconstruct_paints_pairs(
    trained: Run, elbo: Elbo, tmp_path: Path, limit: str, columns: int, rows: int
) -> None:
    code, said, _ = elbo("reconstruct", trained.run_id, "--limit", limit, "--out", str(tmp_path / "x.png"))
    assert (code, said["images"]) == (0, int(limit))
    assert said.keys() == {"run_id", "out", "images"}
    with Image.open(said["out"]) as image:
        assert image.size == (2 * (columns * 9 - 1), 2 * (rows * 9 - 1))
        shown = np.asarray(image)[::2, ::2]
    np.testing.assert_array_equal(shown[:8, :8], data.load("digits").test.x[0, 0])


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_project_writes_arrays(trained: Run, elbo: Elbo, tmp_path: Path, method: str) -> None:
    out = tmp_path / "map.npz"
    arguments = ["--method", method, "--limit", "100", "--perplexity", "8", "--out", str(out)]
    code, said, _ = elbo("project", trained.run_id, *arguments)
    assert said.pop("remark") == ""
    assert (code, said) == (0, {"run_id": trained.run_id, "out": str(out), "method": method, "images": 100})
    with np.load(out, allow_pickle=False) as arrays:
        assert set(arrays.files) == {"codes", "embedding", "labels"}
        assert arrays["codes"].shape == (100, 2)
        assert arrays["embedding"].shape == (100, 2)
        assert arrays["labels"].shape == (100,)
        np.testing.assert_array_equal(arrays["labels"], data.load("digits").test.labels[:100])
        np.testing.assert_array_equal(arrays["codes"], codes(trained.store, trained.run_id)["mu"][:100])
        if method == "pca":
            np.testing.assert_array_equal(arrays["embedding"], projection.pca(arrays["codes"]))
        else:
            request = MapRequest(limit=100, perplexity=8)
            kept = trained.store.artifact(trained.run_id, request.name)
            assert kept is not None
            np.testing.assert_array_equal(arrays["embedding"], kept[0]["embedding"])


def test_project_may_start_at_random(trained: Run, elbo: Elbo, tmp_path: Path) -> None:
    out = tmp_path / "map.npz"
    arguments = ["--limit", "60", "--perplexity", "5", "--start", "random", "--seed", "2", "--out", str(out)]
    assert elbo("project", trained.run_id, *arguments)[0] == 0
    with np.load(out, allow_pickle=False) as arrays:
        expected = projection.tsne(arrays["codes"], perplexity=5, seed=2, start="random")
        np.testing.assert_array_equal(arrays["embedding"], expected)


def test_export_writes_a_manifest_and_weights(trained: Run, elbo: Elbo, tmp_path: Path) -> None:
    code, said, _ = elbo("export", trained.run_id, "--out", str(tmp_path / "out"))
    assert (code, said["files"]) == (0, ["manifest.json", "weights.bin"])
    assert said.keys() == {"run_id", "out", "files"}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    raw = np.fromfile(tmp_path / "out" / "weights.bin", "<f4")
    weights = trained.store.weights(trained.run_id)
    again = {
        name: raw[t["offset"] : t["offset"] + int(np.prod(t["shape"]))].reshape(t["shape"])
        for name, t in manifest["tensors"].items()
    }
    assert same(again, weights)


# -- as a process


def elbo_process(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vae_core", *arguments],
        env={**os.environ, "ELBO_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_as_a_process_it_ends_as_it_says(trained: Run) -> None:
    home = trained.store.home
    done = elbo_process("train", *TINY_ARGUMENTS, "--json", home=home)
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1])["run_id"] == tiny().run_id
    assert len(done.stdout.splitlines()) == 1
    refusal = elbo_process("train", "--latent-dim", "0", "--json", home=home)
    assert (refusal.returncode, refusal.stdout) == (2, "")
    assert refusal.stderr == "elbo: latent_dim=0: give a number from 1 to 64\n"


# -- what a run is like inside


def test_train_leaves_diagnostics_behind(home: Store, elbo: Elbo) -> None:
    _, said, _ = elbo("train", *TINY_ARGUMENTS)
    kept = home.artifact(said["run_id"], "diagnostics")
    assert kept is not None
    assert kept[1]["rate"] == pytest.approx(said["test"]["kl"], rel=1e-5)


def test_evaluate_says_what_the_codes_are_like(trained: Run, elbo: Elbo, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", trained.run_id, "--samples", "10", "--limit", "40"]
    code, said, _ = elbo(*arguments)
    assert code == 0
    facts = artifacts.diagnostics(trained.store, trained.run_id)
    for name in ("active_units", "mutual_information", "total_correlation", "marginal_kl", "rate", "distortion"):
        assert said[name] == facts[name]
    assert said["rate"] == pytest.approx(said["mutual_information"] + said["marginal_kl"])
    assert said["collapsed"] == []
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert f"KL {facts['rate']:.2f} = I(X; z) {facts['mutual_information']:.2f}" in out
    assert all(one["sentence"] in out for one in facts["findings"])


def test_evaluate_names_the_dimensions_that_collapsed(trained: Run, elbo: Elbo) -> None:
    arrays = codes(trained.store, trained.run_id)
    arrays["mu"][:, 1] = arrays["logvar"][:, 1] = 0  # as if z2 were the prior for every image
    bound = {"model": trained.store.get(trained.run_id).model, "version": 1}
    trained.store.save_artifact(trained.run_id, "codes", arrays, bound)
    _, said, _ = elbo("evaluate", trained.run_id, "--samples", "2", "--limit", "20")
    assert said["collapsed"] == ["z2"]
    assert said["active_units"] == 1


def test_gap_says_in_words_what_the_bracket_is_worth_and_of_what(
    trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--limit", "2", "--chains", "2", "--temperatures", "5"]
    assert main(["gap", trained.run_id, *few]) == 0
    real = capsys.readouterr().out
    assert "±" in real
    assert "close to a bound, not one" in real
    assert "never saw" not in real
    assert main(["gap", trained.run_id, "--simulated", *few]) == 0
    simulated = capsys.readouterr().out
    assert "images that its encoder never saw" in simulated  # zeros and ones, of a model of grey pixels
    assert "close to a bound" not in simulated


def test_evaluate_warns_of_weights_that_cannot_be_believed(
    trained: Run, elbo: Elbo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", trained.run_id, "--samples", "2000", "--limit", "20"]
    assert elbo(*arguments)[1]["heavy_tails"] == 0
    assert main(arguments) == 0
    assert "few weights carry" not in capsys.readouterr().out
    monkeypatch.setattr(tails, "HEAVY", -9.0)
    assert main(arguments) == 0
    assert "20 of the 20 images few weights carry the estimate" in capsys.readouterr().out


def test_gap_is_bounded_from_both_sides(trained: Run, elbo: Elbo) -> None:
    few = ["--limit", "6", "--chains", "8", "--temperatures", "60"]
    code, result, _ = elbo("gap", trained.run_id, "--simulated", *few)
    assert code == 0
    assert result["upper_is_bound"] is True
    assert result["agreement"] in ("apart", "agree")
    assert 0 < result["log_px_lower_stderr"] < 1
    assert 0 < result["log_px_upper_stderr"] < 1
    assert result["amortisation_gap"] <= result["gap_upper"] + 0.5
    assert result["elbo"] < result["log_px_upper"]
    assert result["gap_upper"] == pytest.approx(result["log_px_upper"] - result["elbo"])
    code, result, _ = elbo("gap", trained.run_id, *few)
    assert result["upper_is_bound"] is False
    # Two dimensions: the integral itself is known.
    exact = [elbo("identity", trained.run_id, "--image", str(i))[1]["log_px"] for i in range(6)]
    assert result["log_px_lower"] == pytest.approx(float(np.mean(exact)), abs=0.3)
