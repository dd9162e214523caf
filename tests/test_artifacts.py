from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.conftest import Run, listing, tiny
from vae_core import artifacts, data, projection
from vae_core.artifacts import MapRequest, PartialFile
from vae_core.errors import ConfigError, CorruptFileError, RunNotFoundError
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
    monkeypatch.setattr(artifacts, "load_model", lambda *_: pytest.fail("loaded the model again"))
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
        MapRequest(method="pca"),
        MapRequest(method="pca", limit=100),
    ]
    assert len({r.name for r in requests}) == len(requests)
    assert MapRequest(method="pca", seed=1).name == MapRequest(method="pca", seed=2, perplexity=9).name


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
