from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.conftest import Run, listing, tiny, until
from vae_core import data
from vae_core.analysis import ppca, projection
from vae_core.config.errors import ConfigError, CorruptFileError, RunNotFoundError
from vae_core.jobs import artifacts, derived, worker
from vae_core.jobs.derived import Source
from vae_core.jobs.derived.codes import Codes
from vae_core.jobs.derived.diagnostics import Diagnostics
from vae_core.jobs.derived.log_px import LogPx
from vae_core.jobs.derived.maps import MapRequest
from vae_core.jobs.partial import PartialFile
from vae_core.jobs.queue import Jobs
from vae_core.jobs.run import run
from vae_core.store import Store


def test_codes_are_those_of_the_test_set(copied: Run) -> None:
    store, _, run_id, said = copied
    codes = artifacts.codes(store, run_id)
    model = artifacts.load_model(store, run_id)
    x = torch.from_numpy(data.load("digits").test.x.copy()).float() / 255
    with torch.inference_mode():
        q = model.encode(x)
    np.testing.assert_allclose(codes["mu"], q.mu.numpy(), atol=1e-5)
    np.testing.assert_allclose(codes["logvar"], q.logvar.numpy(), atol=1e-5)
    # Their means are what the run reported.
    test = said[-1].test  # type: ignore[union-attr]
    assert codes["reconstruction"].mean(dtype=np.float64) == pytest.approx(test.reconstruction, rel=1e-6)
    per_dim = artifacts.kl_per_dim(codes)
    np.testing.assert_allclose(per_dim, q.kl().numpy(), atol=1e-5)
    np.testing.assert_allclose(per_dim.mean(0), test.kl_per_dim, rtol=1e-5)


def test_what_was_computed_is_not_computed_again(copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _, run_id, _ = copied
    request = MapRequest(method="pca", limit=100)
    codes, found = artifacts.codes(store, run_id), artifacts.embedding(store, run_id, request)
    monkeypatch.setattr(Codes, "compute", lambda *_: pytest.fail("encoded again"))
    monkeypatch.setattr(projection, "pca", lambda *_: pytest.fail("projected again"))
    np.testing.assert_array_equal(artifacts.codes(store, run_id)["mu"], codes["mu"])
    np.testing.assert_array_equal(artifacts.embedding(store, run_id, request)["embedding"], found["embedding"])


@pytest.mark.parametrize("request_", [MapRequest(method="pca", limit=50), MapRequest(limit=60, perplexity=5, seed=2)])
def test_a_map_knows_which_images_it_shows(copied: Run, request_: MapRequest) -> None:
    store, _, run_id, _ = copied
    told: list[tuple[int, int]] = []
    found = artifacts.embedding(store, run_id, request_, lambda done, total, _points: told.append((done, total)))
    assert found["embedding"].shape == (request_.limit, 2)
    np.testing.assert_array_equal(found["indices"], np.arange(request_.limit))
    np.testing.assert_array_equal(found["labels"], data.load("digits").test.labels[: request_.limit])
    mu = artifacts.codes(store, run_id)["mu"][: request_.limit]
    if request_.method == "pca":
        np.testing.assert_array_equal(found["embedding"], projection.pca(mu))
    else:
        np.testing.assert_array_equal(found["embedding"], projection.tsne(mu, perplexity=5, seed=2))
        assert told[-1] == (750, 750)


def test_a_limit_beyond_the_test_set_is_all_of_it(copied: Run) -> None:
    store, _, run_id, _ = copied
    assert len(artifacts.embedding(store, run_id, MapRequest(method="pca"))["embedding"]) == 297


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"method": "umap"}, "method='umap'.*tsne, pca"),
        ({"limit": 9}, "limit=9"),
        ({"limit": 100_001}, "limit=100001"),
        ({"seed": -1}, "seed=-1"),
        ({"start": "spectral"}, "start='spectral'.*pca, random"),
    ],
)
def test_a_bad_request_is_refused(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        MapRequest(**settings)  # type: ignore[arg-type]


def test_a_bad_perplexity_is_refused_before_anything_is_written(copied: Run) -> None:
    before = listing(copied.store.home)
    with pytest.raises(ConfigError, match="perplexity=200 with 297 codes"):
        artifacts.embedding(copied.store, copied.run_id, MapRequest(perplexity=200))
    assert listing(copied.store.home) == before


def test_requests_that_differ_have_names_that_differ() -> None:
    requests = [
        MapRequest(),
        MapRequest(limit=100),
        MapRequest(perplexity=5),
        MapRequest(seed=1),
        MapRequest(seed=1, start="random"),
        MapRequest(method="pca"),
        MapRequest(method="pca", limit=100),
    ]
    assert len({r.name for r in requests}) == len(requests)
    assert MapRequest(method="pca", seed=1).name == MapRequest(method="pca", seed=2, perplexity=9, start="random").name


def test_maps_from_before_there_was_a_choice_of_the_start_keep_their_names() -> None:
    assert MapRequest().name == "tsne-5000-p30-s0"
    assert MapRequest(limit=60, perplexity=2.5, seed=2).name == "tsne-60-p2.5-s2"
    assert MapRequest(method="pca", limit=60).name == "pca-60"
    # A job that an earlier version wrote down.
    job = {"thing": "map", "method": "tsne", "limit": 60, "perplexity": 5.0, "seed": 0}
    assert derived.parsed(job) == MapRequest(limit=60, perplexity=5)


def test_a_damaged_artifact_is_never_served(copied: Run) -> None:
    store, _, run_id, _ = copied
    artifacts.codes(store, run_id)
    path = store.artifact_path(run_id, "codes")
    raw = bytearray(path.read_bytes())
    raw[-5] ^= 4
    path.write_bytes(raw)
    with pytest.raises(CorruptFileError, match=r"codes\.safetensors: damaged"):
        artifacts.codes(store, run_id)


def test_a_run_without_a_model_has_no_codes(home: Store) -> None:
    run_id = home.create(tiny())
    with pytest.raises(RunNotFoundError, match="no trained model yet"):
        artifacts.codes(home, run_id)


def test_progress_crosses_processes_by_a_file(copied: Run) -> None:
    one = PartialFile(copied.store, copied.run_id, "some-map", every=0.0)
    other = PartialFile(copied.store, copied.run_id, "some-map")
    assert other.read() is None
    one.tell(5, 20, None)
    seen = other.read()
    assert seen is not None
    assert (seen.done, seen.total, seen.embedding) == (5, 20, None)
    points = np.ones((3, 2), np.float32)
    one.tell(10, 20, points)
    seen = other.read()
    assert seen is not None
    np.testing.assert_array_equal(seen.embedding, points)
    assert seen.eta_seconds == pytest.approx(seen.seconds)  # half is done
    one.remove()
    assert other.read() is None


def test_progress_is_told_now_and_then(copied: Run) -> None:
    one = PartialFile(copied.store, copied.run_id, "some-map", every=3600.0)
    one.told = -3600.0 * 2
    for done in range(5):
        one.tell(done, 5, None)
    seen = one.read()
    assert seen is not None
    assert seen.done == 0
    assert seen.eta_seconds == 0


# -- what the run is like inside


def test_diagnostics_agree_with_the_codes_and_with_what_the_run_said(copied: Run) -> None:
    store, _, run_id, said = copied
    facts = artifacts.diagnostics(store, run_id)
    assert json.loads(json.dumps(facts)) == facts
    test = said[-1].test  # type: ignore[union-attr]
    assert facts["images"] == 297
    assert facts["rate"] == pytest.approx(test.kl, rel=1e-5)
    assert facts["distortion"] == pytest.approx(-test.reconstruction, rel=1e-5)
    assert facts["elbo"] == pytest.approx(test.elbo, rel=1e-5)
    np.testing.assert_allclose(facts["kl_per_dim"], test.kl_per_dim, rtol=1e-5)
    assert facts["marginal_kl"] == pytest.approx(facts["total_correlation"] + sum(facts["dimension_wise_kl"]))
    assert facts["mutual_information"] + facts["marginal_kl"] == pytest.approx(facts["rate"])
    assert 0 < facts["mutual_information"] < facts["mutual_information_ceiling"] == pytest.approx(np.log(297))
    assert [one["dim"] for one in facts["findings"]] == [0, 1]
    np.testing.assert_allclose([one["kl"] for one in facts["findings"]], test.kl_per_dim, rtol=1e-5)
    assert [one["marginal_kl"] for one in facts["findings"]] == facts["dimension_wise_kl"]
    active = [one for one in facts["findings"] if one["state"] == "active"]
    assert facts["active_units"] == len(active) > 0
    assert facts["ppca"] is None  # it has a hidden layer


def test_diagnostics_are_computed_once(copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _, run_id, _ = copied
    told: list[tuple[int, int]] = []
    facts = artifacts.diagnostics(store, run_id, lambda done, total, _points: told.append((done, total)))
    assert told[-1] == (2000, 2000)
    monkeypatch.setattr(Diagnostics, "compute", lambda *_: pytest.fail("computed again"))
    assert artifacts.diagnostics(store, run_id) == facts


def test_diagnostics_of_a_full_covariance(home: Store) -> None:
    config = tiny(posterior="full", latent_dim=3)
    *_, end = run(config, home)
    facts = artifacts.diagnostics(home, config.run_id)
    assert facts["rate"] == pytest.approx(end.test.kl, rel=1e-5)  # type: ignore[union-attr]
    assert len(facts["findings"]) == 3


@pytest.mark.parametrize("settings", [{}, {"sigma": 0.25, "beta": 2}, {"posterior": "full"}])
def test_a_linear_vae_is_compared_with_the_optimum(home: Store, settings: dict[str, Any]) -> None:
    config = tiny(hidden=(), likelihood="gaussian", **settings)
    list(run(config, home))
    facts = artifacts.diagnostics(home, config.run_id)
    found = facts["ppca"]
    assert found["gap"] == pytest.approx(found["log_px"] - found["elbo"])
    # In closed form it is what one sample for each image estimates.
    assert found["elbo"] == pytest.approx(facts["elbo"], abs=4.5 * facts["elbo_stderr"])
    assert found["train_gap"] > 0
    x = data.load_split("digits", "train").x.reshape(-1, 64)
    best = ppca.fit(ppca.spectrum(x), 2, config.sigma)  # type: ignore[arg-type]
    assert found["train_log_px"] == pytest.approx(best.log_px(x).mean())
    assert found["sigma"] == pytest.approx(best.sigma)
    assert (found["run_sigma"] == pytest.approx(0.25)) == (config.sigma == 0.25)
    leading = ppca.data_eigenvalues("digits")[:2]
    assert found["surviving"] == (leading > config.beta * found["run_sigma"] ** 2).sum()


@pytest.mark.parametrize(
    "settings", [{"likelihood": "bernoulli"}, {"sigma": "per-pixel"}, {"latent_dim": 64}], ids=lambda s: next(iter(s))
)
def test_where_ppca_does_not_apply_it_is_left_out(home: Store, settings: dict[str, Any]) -> None:
    config = tiny(**{"hidden": (), "likelihood": "gaussian", "epochs": 1, **settings})
    list(run(config, home))
    assert artifacts.diagnostics(home, config.run_id)["ppca"] is None


def test_what_ships_is_diagnosed_in_the_home_and_without_torch(finished: Run, tmp_path: Path) -> None:
    artifacts.codes(finished.store, finished.run_id)
    models = tmp_path / "models"
    shutil.copytree(finished.store.runs / finished.run_id, models / finished.run_id)
    shutil.copytree(finished.store.home / "artifacts" / finished.run_id, models / finished.run_id / "artifacts")
    (models / finished.run_id / "artifacts" / "diagnostics.safetensors").unlink(missing_ok=True)
    before = listing(models)
    program = (
        "import sys; from pathlib import Path; from vae_core.jobs import artifacts; from vae_core.store import Store\n"
        "store = Store(sys.argv[1], shipped=Path(sys.argv[2]))\n"
        "assert artifacts.diagnostics(store, sys.argv[3])['rate'] > 0 and 'torch' not in sys.modules"
    )
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-c", program, str(home), str(models), finished.run_id], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert listing(models) == before
    assert [path.name for path in home.rglob("*.safetensors")] == ["diagnostics.safetensors"]


def test_the_worker_leaves_diagnostics_of_what_it_trained(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Jobs, "ensure_worker", lambda *_: None)
    jobs = Jobs(home)
    run_id = jobs.submit(tiny())
    job = jobs.table.claim("train", "worker")
    assert job is not None
    worker.Worker(jobs, "train").work(job)
    for name in ("codes", "diagnostics"):
        assert home.artifact(run_id, name) is not None


# -- of which model it is


def test_every_derived_thing_is_in_the_registry_and_comes_back_from_json() -> None:
    assert set(derived.registry()) >= {"codes", "diagnostics", "log-px", "map"}
    for thing in (Codes(), Diagnostics(), LogPx(samples=7, limit=3), MapRequest(method="pca", limit=70)):
        assert derived.parsed(json.loads(json.dumps(thing.to_json()))) == thing
    for kind in derived.registry().values():
        assert set(kind.needs) <= set(derived.registry())
    for odd in ({"thing": "none"}, {"thing": "map", "colour": "red"}, {}):
        with pytest.raises(ConfigError, match="thing="):
            derived.parsed(odd)


def other_model(store: Store, run_id: str) -> None:
    """As when a stopped run goes on: the same run, another model."""
    info = store.get(run_id)
    assert info.result is not None
    store.publish(run_id, {name: array + 0.01 for name, array in store.weights(run_id).items()}, info.result)


def test_what_was_derived_of_another_model_is_not_there(copied: Run) -> None:
    store, _, run_id, _ = copied
    before, request = store.get(run_id), MapRequest(method="pca", limit=50)
    old = derived.get(store, run_id, Codes())
    artifacts.embedding(store, run_id, request)
    other_model(store, run_id)
    now = store.get(run_id)
    assert now.model != before.model
    # A worker that began before is done only now: it keeps nothing, and what it once had kept is not served.
    Source(store, before).keep(Codes(), old)
    assert derived.peek(store, now, Codes()) is None
    store.save_artifact(run_id, "codes", old.arrays, {"model": before.model, "version": 1})
    assert derived.peek(store, now, Codes()) is None
    new = derived.get(store, run_id, Codes())
    assert (new.arrays["mu"] != old.arrays["mu"]).any()
    assert derived.peek(store, now, request) is None


def test_two_who_need_it_at_once_compute_it_once(copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the worker that has just trained a model, and one that derives."""
    store, _, run_id, _ = copied
    begun, go_on, compute, calls = threading.Event(), threading.Event(), Codes.compute, 0

    def slow(self: Codes, *args: Any) -> Any:
        nonlocal calls
        calls += 1
        begun.set()
        go_on.wait()
        return compute(self, *args)

    monkeypatch.setattr(Codes, "compute", slow)
    found: list[Any] = []
    first, second = (threading.Thread(target=lambda: found.append(artifacts.codes(store, run_id))) for _ in range(2))
    first.start()
    begun.wait()
    second.start()
    until(lambda: store.is_file_locked(f"derive-{run_id}.codes"), "the first to hold its lock")
    go_on.set()
    first.join()
    second.join()
    assert calls == 1
    np.testing.assert_array_equal(found[0]["mu"], found[1]["mu"])


def test_another_version_is_computed_anew(copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _, run_id, _ = copied
    artifacts.codes(store, run_id)
    monkeypatch.setattr(Codes, "version", 2)
    assert derived.peek(store, store.get(run_id), Codes()) is None
    artifacts.codes(store, run_id)
    assert derived.peek(store, store.get(run_id), Codes()) is not None


def of_0_1(store: Store, run_id: str, *names: str) -> None:
    """Files as version 0.1 wrote them, in this order: they do not say of which model they are."""
    for name in names:
        kept = store.artifact(run_id, name)
        assert kept is not None
        facts = {key: value for key, value in kept[1].items() if key not in ("model", "version")}
        store.save_artifact(run_id, name, kept[0], facts)


def test_what_a_home_of_version_0_1_holds_is_served_if_it_is_of_this_model(copied: Run) -> None:
    store, _, run_id, _ = copied
    request = MapRequest(method="pca", limit=50)
    artifacts.diagnostics(store, run_id)
    artifacts.embedding(store, run_id, request)
    of_0_1(store, run_id, "codes", "diagnostics", request.name)
    info = store.get(run_id)
    for thing in (Codes(), Diagnostics(), request):
        assert derived.peek(store, info, thing) is not None
    codes = store.artifact(run_id, "codes")
    assert codes is not None
    # Those of step 9, kept for the model of step 720.
    store.save_artifact(run_id, "codes", {**codes[0], "mu": codes[0]["mu"] + 0.5})
    of_0_1(store, run_id, request.name)
    for thing in (Codes(), Diagnostics(), request):
        assert derived.peek(store, info, thing) is None


def test_of_a_run_that_was_deleted_meanwhile_nothing_is_kept(copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _, run_id, _ = copied
    monkeypatch.setattr(Jobs, "ensure_worker", lambda *_: None)
    jobs, compute = Jobs(store), Codes.compute
    jobs.ask(run_id, Codes())
    job = jobs.table.claim("derive", "worker")
    assert job is not None

    def deleted(self: Codes, *args: Any) -> Any:
        result = compute(self, *args)
        jobs.cancel(run_id)
        return result

    monkeypatch.setattr(Codes, "compute", deleted)
    worker.Worker(jobs, "derive").work(job)
    found = jobs.table.job(job.id)
    assert found is not None
    assert found.state == "cancelled"
    assert not (store.home / "artifacts" / run_id).exists()
    assert run_id not in store.run_ids()


def test_what_nobody_wants_any_more_stops(copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _, run_id, _ = copied
    monkeypatch.setattr(Jobs, "ensure_worker", lambda *_: None)
    monkeypatch.setattr(worker, "ASKED_SECONDS", -1.0)
    jobs, request = Jobs(store), MapRequest(limit=60, perplexity=5)
    jobs.ask(run_id, request)
    job = jobs.table.claim("derive", "worker")
    assert job is not None
    jobs.drop(run_id, request)
    worker.Worker(jobs, "derive").work(job)
    assert jobs.look(run_id, request).state == "cancelled"
    assert not list((store.home / "artifacts" / run_id).glob("tsne*"))


def test_a_job_of_a_model_that_is_gone_is_over(copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _, run_id, _ = copied
    monkeypatch.setattr(Jobs, "ensure_worker", lambda *_: None)
    jobs = Jobs(store)
    jobs.ask(run_id, Codes())
    other_model(store, run_id)
    job = jobs.table.claim("derive", "worker")
    assert job is not None
    monkeypatch.setattr(Codes, "compute", lambda *_: pytest.fail("computed"))
    worker.Worker(jobs, "derive").work(job)
    assert jobs.look(run_id, Codes()).state == "absent"  # of the new model nobody has asked
