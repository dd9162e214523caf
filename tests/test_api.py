from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

import vae_core
from tests.conftest import TINY, Run, same, tiny
from vae_core import api, data
from vae_core.config.errors import ConfigError, CorruptFileError, RunNotFoundError
from vae_core.config.events import Finished
from vae_core.jobs.artifacts import load_model
from vae_core.networks.evaluate import to_unit
from vae_core.networks.model import Model
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.store import Store, models
from vae_core.training.loop import seeded, untrained


@pytest.fixture(scope="module")
def model(finished: Run) -> Model:
    return api.load(finished.run_id, home=str(finished.store.home))


def test_the_public_names_are_there() -> None:
    for name in vae_core.__all__:
        assert getattr(vae_core, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = vae_core.nothing


def test_from_a_configuration_to_pictures(home: Store) -> None:
    config = vae_core.configure(**TINY)
    assert config == tiny()
    events = list(vae_core.train(config))
    assert isinstance(events[-1], Finished)
    trained = vae_core.load(config)
    by_name = vae_core.load(config.run_id[:-4], home=str(home.home))
    assert same(dict(trained.tensors), dict(by_name.tensors))
    assert trained.key == by_name.key
    again = list(vae_core.train(config))
    assert again == [home.get(config.run_id).result]  # from the store


def test_encode_gives_mean_and_standard_deviation(model: Model, finished: Run) -> None:
    x = data.load("digits").test.x[:20]
    mu, sigma = api.encode(model, x)
    expected = OnnxScorer(models.load(finished.store, finished.run_id)).encode_bytes(x)
    np.testing.assert_allclose(mu, expected.mu, atol=1e-5)
    np.testing.assert_allclose(sigma, np.exp(expected.logvar / 2), atol=1e-5)
    floats = api.encode(model, x.astype(np.float64) / 255)[0]
    np.testing.assert_allclose(floats, mu, atol=1e-6)


@pytest.mark.parametrize("latent_dim", [1, 4])
def test_sigma_of_a_full_covariance_is_the_root_of_its_diagonal(latent_dim: int) -> None:
    made = untrained(tiny(posterior="full", latent_dim=latent_dim), seeded(3, "weights", 0))
    with torch.no_grad():
        for name, tensor in made.named_parameters():
            if name.startswith("encoder"):
                tensor.mul_(4.0)
    x = data.load("digits").test.x[:20]
    q = made.encode(to_unit(torch.from_numpy(x.copy())))
    factor = torch.diag_embed(torch.exp(q.logvar / 2)) + q.lower
    covariance = factor @ factor.mT
    sigma = api.encode(made.model(), x)[1]
    np.testing.assert_allclose(sigma, covariance.diagonal(dim1=1, dim2=2).sqrt().detach().numpy(), rtol=1e-5)
    assert latent_dim == 1 or np.abs(sigma - torch.exp(q.logvar / 2).detach().numpy()).max() > 0.05


def test_looking_at_a_model_needs_no_torch(finished: Run) -> None:
    program = f"""
import sys, vae_core
model = vae_core.load({finished.run_id!r}, home={str(finished.store.home)!r})
vae_core.traverse(model, 0)
assert not {{"torch", "streamlit"}} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_decode_takes_one_code_or_many(model: Model) -> None:
    many = api.decode(model, [[0.0, 0.0], [1.0, -1.0]])
    assert many.shape == (2, 1, 8, 8)
    assert many.dtype == np.float32
    assert many.min() >= 0
    assert many.max() <= 1
    np.testing.assert_allclose(api.decode(model, [1.0, -1.0])[0], many[1], atol=1e-6)


def test_reconstruct_is_decode_after_encode(model: Model) -> None:
    x = data.load("digits").test.x[:50]
    again = api.reconstruct(model, x)
    np.testing.assert_array_equal(again, api.decode(model, api.encode(model, x)[0]))
    # It knows the picture: nearer to it than the mean picture is.
    truth = x / 255
    mean = data.load("digits").train.x.mean(0) / 255
    assert np.square(again - truth).mean() < 0.9 * np.square(mean - truth).mean()


def test_samples_are_seeded(model: Model) -> None:
    one, again, other = api.sample(model, 5), api.sample(model, 5), api.sample(model, 5, seed=1)
    assert one.shape == (5, 1, 8, 8)
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


@pytest.mark.parametrize("dimension", [0, 1])
def test_a_traversal_moves_one_dimension(model: Model, dimension: int) -> None:
    strip = api.traverse(model, dimension, z=[0.5, -0.5], values=[-1.0, 0.0, 2.0])
    codes = np.full((3, 2), [0.5, -0.5])
    codes[:, dimension] = [-1, 0, 2]
    np.testing.assert_allclose(strip, api.decode(model, codes), atol=1e-6)
    assert len(api.traverse(model, dimension)) == 13


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda m: api.traverse(m, 2), "dimension=2: this model has dimensions 0 to 1"),
        (lambda m: api.traverse(m, -1), "dimension=-1"),
        (lambda m: api.traverse(m, 0, z=[1.0, 2.0, 3.0]), r"takes \(N, 2\)"),
        (lambda m: api.decode(m, [[1.0, 2.0, 3.0]]), r"codes of shape \(1, 3\): this model takes \(N, 2\)"),
        (lambda m: api.encode(m, np.zeros((2, 1, 28, 28))), r"pictures of shape .* takes \(N, 1, 8, 8\)"),
        (lambda m: api.encode(m, np.zeros((1, 8, 8), np.uint8)), "pictures of shape"),
        (lambda m: api.encode(m, np.full((1, 1, 8, 8), 200.0)), "divide by 255"),
        (lambda m: api.encode(m, np.full((1, 1, 8, 8), -0.1)), "outside 0–1"),
        (lambda _: api.configure(latent_dims=2), "unknown setting 'latent_dims'"),
    ],
)
def test_what_does_not_fit_is_refused(model: Model, call: object, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        call(model)  # type: ignore[operator]


def test_what_is_not_there_cannot_be_loaded(home: Store) -> None:
    with pytest.raises(RunNotFoundError, match="no run named 'nothing'"):
        api.load("nothing")
    with pytest.raises(RunNotFoundError):
        api.load(tiny(seed=77))
    assert not home.home.exists()


@pytest.mark.parametrize("position", [20, -1])
def test_damaged_weights_are_named_and_never_loaded(copied: Run, position: int) -> None:
    path = copied.store.folder(copied.run_id) / "weights.safetensors"
    raw = bytearray(path.read_bytes())
    raw[position] ^= 1
    path.write_bytes(raw)
    with pytest.raises(CorruptFileError, match=r"weights\.safetensors: damaged"):
        api.load(copied.config)


def test_weights_of_another_run_are_not_this_runs(copied: Run) -> None:
    from vae_core.store import files

    path = copied.store.folder(copied.run_id) / "weights.safetensors"
    arrays = files.read_arrays(path).arrays
    files.write_arrays(path, {n: a + 1 for n, a in arrays.items()})  # whole, with a right checksum, but not ours
    with pytest.raises(CorruptFileError, match="not the weights that the run published"):
        load_model(copied.store, copied.run_id)
