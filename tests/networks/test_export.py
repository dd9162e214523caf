from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors

from tests.conftest import Run, tiny
from vae_core.config import ARCHITECTURES, RunConfig
from vae_core.config.errors import StoreError
from vae_core.networks import forward
from vae_core.networks.architecture import network
from vae_core.store import export
from vae_core.training.loop import seeded, untrained


def metadata(blob: bytes) -> dict[str, str]:
    """What a safetensors byte string says of itself."""
    length = int.from_bytes(blob[:8], "little")
    return json.loads(blob[8 : 8 + length])["__metadata__"]


def weights(config: RunConfig) -> dict[str, np.ndarray]:
    return {n: t.numpy() for n, t in untrained(config, seeded(0, "weights", 0)).state_dict().items()}


def test_another_program_can_run_what_was_exported(finished: Run, tmp_path: Path) -> None:
    trained = finished.store.weights(finished.run_id)
    paths = export.export(finished.config, trained, tmp_path / "new" / "folder")
    assert [p.name for p in paths] == ["manifest.json", "weights.bin"]
    described = json.loads(paths[0].read_text())
    raw = np.fromfile(paths[1], "<f4")
    tensors = {
        name: raw[t["offset"] : t["offset"] + int(np.prod(t["shape"]))].reshape(t["shape"])
        for name, t in described["tensors"].items()
    }
    assert sum(t.size for t in tensors.values()) == raw.size
    z = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    f = forward.apply(described["decoder"], tensors, z)
    pictures = ((1 / (1 + np.exp(-f))) * 255).round().astype(np.uint8)
    assert described["output"] == "sigmoid"
    np.testing.assert_array_equal(pictures, forward.decode(finished.config, trained, z))
    assert described["image_shape"] == [1, 8, 8]
    assert described["latent_dim"] == 2


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "continuous-bernoulli"])
def test_the_blob_is_complete(architecture: str, likelihood: str) -> None:
    config = RunConfig(dataset="digits", architecture=architecture, likelihood=likelihood)
    own = weights(config)
    blob = export.model_blob(config, own)
    said = metadata(blob)
    described = json.loads(said["manifest"])
    assert described["run_id"] == config.run_id
    outputs = {"bernoulli": "sigmoid", "gaussian": "identity", "continuous-bernoulli": "continuous-bernoulli"}
    assert described["output"] == outputs[likelihood]
    assert described["posterior"] == "diagonal"
    assert described["is_log_likelihood"] is (likelihood != "bernoulli")
    assert ("sigma" in described) == (likelihood == "gaussian")
    arrays = load_safetensors(blob)
    named = {layer[p] for half in ("decoder", "encoder") for layer in described[half] if "in" in layer
             for p in ("weight", "bias")}  # fmt: skip
    assert named == arrays.keys()
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, own[name])


def test_a_moment_of_training_has_a_decoder_alone() -> None:
    own = {n: a.astype(np.float16) for n, a in weights(tiny()).items() if n.startswith("decoder.")}
    blob = export.model_blob(tiny(), own)
    described = json.loads(metadata(blob)["manifest"])
    assert described["encoder"] == []
    assert described["decoder"] == network(tiny()).decoder
    assert load_safetensors(blob).keys() == own.keys()


def test_weights_that_lack_a_layer_are_not_exported() -> None:
    own = weights(tiny())
    del own["encoder.1.weight"]
    with pytest.raises(KeyError):
        export.model_blob(tiny(), own)


def test_a_folder_that_cannot_be_made_is_one_clear_error(finished: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        export.export(finished.config, finished.store.weights(finished.run_id), tmp_path / "file" / "out")


@pytest.mark.parametrize("sigma", [0.2, None])
def test_a_sigma_for_all_pixels_is_a_number(sigma: float | None, tmp_path: Path) -> None:
    config = tiny(likelihood="gaussian", sigma=sigma)
    described = json.loads(metadata(export.model_blob(config, weights(config)))["manifest"])
    assert described["sigma"] == pytest.approx(0.3 if sigma is None else sigma)
    export.export(config, weights(config), tmp_path)
    assert json.loads((tmp_path / "manifest.json").read_text())["sigma"] == described["sigma"]


def test_a_sigma_for_each_pixel_is_a_list_that_stays_above_a_grey_level() -> None:
    config = tiny(likelihood="gaussian", sigma="per-pixel")
    own = weights(config)
    own["likelihood.log_sigma"] = np.linspace(-8, 1, 64, dtype=np.float32).reshape(1, 8, 8)
    described = json.loads(metadata(export.model_blob(config, own))["manifest"])
    assert described["sigma"] == pytest.approx(np.maximum(np.exp(np.linspace(-8, 1, 64)), 1 / 256).tolist())


def test_the_manifest_says_how_the_covariance_comes() -> None:
    config = tiny(posterior="full", latent_dim=3, binarize="static")
    described = json.loads(metadata(export.model_blob(config, weights(config)))["manifest"])
    assert described["posterior"] == "full"
    assert described["is_log_likelihood"]
    assert described["encoder"][-1]["out"] == 3 + 3 + 3
