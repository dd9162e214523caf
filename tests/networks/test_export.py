from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors

from tests.conftest import Run, tiny
from vae_core.config import ARCHITECTURES, RunConfig
from vae_core.config.errors import ModelError, RunNotFoundError, StoreError
from vae_core.networks.graph import Graph
from vae_core.networks.model import Model
from vae_core.networks.onnx_ import Network, OnnxScorer
from vae_core.store import export, models
from vae_core.training.loop import seeded, untrained


def metadata(blob: bytes) -> dict[str, str]:
    """What a safetensors byte string says of itself."""
    length = int.from_bytes(blob[:8], "little")
    return json.loads(blob[8 : 8 + length])["__metadata__"]


def weights(config: RunConfig) -> dict[str, np.ndarray]:
    return {n: t.numpy() for n, t in untrained(config, seeded(0, "weights", 0)).state_dict().items()}


def model(config: RunConfig) -> Model:
    return models.of(config, weights(config))


def test_another_program_can_run_what_was_exported(finished: Run, tmp_path: Path) -> None:
    trained = models.load(finished.store, finished.run_id)
    paths = export.export(trained, tmp_path / "new" / "folder")
    assert [p.name for p in paths] == ["manifest.json", "weights.bin"]
    described = json.loads(paths[0].read_text())
    raw = np.fromfile(paths[1], "<f4")
    tensors = {
        name: raw[t["offset"] : t["offset"] + int(np.prod(t["shape"]))].reshape(t["shape"])
        for name, t in described["tensors"].items()
    }
    assert sum(t.size for t in tensors.values()) == raw.size
    z = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    f = Network(Graph.from_dict(described["decoder"]), tensors)(z)["f"]
    pictures = ((1 / (1 + np.exp(-f))) * 255).round().astype(np.uint8)
    assert described["likelihood"] == "bernoulli"
    np.testing.assert_array_equal(pictures, OnnxScorer(trained).pictures(z))
    assert described["name"] == finished.run_id
    assert described["image_shape"] == [1, 8, 8]
    assert described["latent_dim"] == 2


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "continuous-bernoulli"])
def test_the_blob_is_complete(architecture: str, likelihood: str) -> None:
    config = RunConfig(dataset="digits", architecture=architecture, likelihood=likelihood)
    own = weights(config)
    blob = export.model_blob(models.of(config, own))
    said = metadata(blob)
    described = json.loads(said["manifest"])
    assert described["name"] == config.run_id
    assert described["format"] == 2
    assert described["likelihood"] == likelihood
    assert described["posterior"] == "diagonal"
    assert described["is_log_likelihood"] is (likelihood != "bernoulli")
    assert ("sigma" in described) == (likelihood == "gaussian")
    arrays = load_safetensors(blob)
    named = {tensor["name"] for half in ("decoder", "encoder") for tensor in described[half]["initializers"]}
    assert named == arrays.keys()
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, own[name])


def test_a_moment_of_training_has_a_decoder_alone() -> None:
    own = {n: a.astype(np.float16) for n, a in weights(tiny()).items() if n.startswith("decoder.")}
    blob = export.model_blob(models.of(tiny(), own, moment=0))
    described = json.loads(metadata(blob)["manifest"])
    assert described["encoder"] is None
    assert described["decoder"] == model(tiny()).design.decoder.to_dict()
    assert load_safetensors(blob).keys() == own.keys()


def test_weights_that_lack_a_layer_are_not_exported() -> None:
    own = weights(tiny())
    del own["encoder.1.weight"]
    with pytest.raises(RunNotFoundError, match=r"of another network .the weights lack encoder\.1\.weight"):
        models.of(tiny(), own)


def test_a_folder_that_cannot_be_made_is_one_clear_error(finished: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        export.export(models.load(finished.store, finished.run_id), tmp_path / "file" / "out")


@pytest.mark.parametrize("sigma", [0.2, None])
def test_a_sigma_for_all_pixels_is_a_number(sigma: float | None, tmp_path: Path) -> None:
    config = tiny(likelihood="gaussian", sigma=sigma)
    described = json.loads(metadata(export.model_blob(model(config)))["manifest"])
    assert described["sigma"] == pytest.approx(0.3 if sigma is None else sigma)
    export.export(model(config), tmp_path)
    assert json.loads((tmp_path / "manifest.json").read_text())["sigma"] == described["sigma"]


def test_a_sigma_for_each_pixel_is_a_list_that_stays_above_a_grey_level() -> None:
    config = tiny(likelihood="gaussian", sigma="per-pixel")
    own = weights(config)
    own["likelihood.log_sigma"] = np.linspace(-8, 1, 64, dtype=np.float32).reshape(1, 8, 8)
    described = json.loads(metadata(export.model_blob(models.of(config, own)))["manifest"])
    assert described["sigma"] == pytest.approx(np.maximum(np.exp(np.linspace(-8, 1, 64)), 1 / 256).tolist())


def test_the_manifest_says_how_the_covariance_comes() -> None:
    config = tiny(posterior="full", latent_dim=3, binarize="static")
    described = json.loads(metadata(export.model_blob(model(config)))["manifest"])
    assert described["posterior"] == "full"
    assert described["is_log_likelihood"]
    assert described["encoder"]["outputs"] == [{"name": name, "shape": ["N", 3]} for name in ("mu", "logvar", "lower")]


def test_a_moment_of_a_gaussian_has_no_sigma_and_so_no_density() -> None:
    config = tiny(likelihood="gaussian")
    own = {n: a.astype(np.float16) for n, a in weights(config).items() if n.startswith("decoder.")}
    moment = models.of(config, own, moment=3)
    assert "sigma" not in json.loads(metadata(export.model_blob(moment))["manifest"])
    with pytest.raises(ModelError, match="was not kept"):
        OnnxScorer(moment).log_likelihood(np.zeros((1, 1, 8, 8), np.float32), np.zeros((1, 1, 2)))


def test_the_networks_as_onnx_are_run_by_onnxruntime_alone(tmp_path: Path) -> None:
    import onnxruntime

    config = RunConfig(dataset="digits", architecture="conv", posterior="full", latent_dim=3)
    ours = model(config)
    paths = export.export(ours, tmp_path, onnx=True)
    assert [path.name for path in paths[2:]] == ["encoder.onnx", "decoder.onnx"]
    x = np.random.default_rng(0).random((5, 1, 8, 8), np.float32)
    encoder, decoder = (onnxruntime.InferenceSession(path) for path in paths[2:])
    mu, logvar, lower = encoder.run(["mu", "logvar", "lower"], {"x": x})
    q = OnnxScorer(ours).encode(x)
    for found, expected in ((mu, q.mu), (logvar, q.logvar), (lower, q.lower)):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(decoder.run(None, {"z": mu})[0], OnnxScorer(ours).decode(mu), atol=1e-6)
