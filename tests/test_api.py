from __future__ import annotations

import numpy as np
import pytest

import vae_core
from tests.conftest import TINY, Run, same, tiny
from vae_core import api, data
from vae_core.config.errors import ConfigError, CorruptFileError, RunNotFoundError
from vae_core.config.events import Finished
from vae_core.jobs.artifacts import load_model
from vae_core.networks import forward
from vae_core.networks.torch_ import VAE
from vae_core.store import Store


@pytest.fixture(scope="module")
def model(finished: Run) -> VAE:
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
    assert same(*({n: t.numpy() for n, t in m.state_dict().items()} for m in (trained, by_name)))
    again = list(vae_core.train(config))
    assert again == [home.get(config.run_id).result]  # from the store


def test_encode_gives_mean_and_standard_deviation(model: VAE, finished: Run) -> None:
    x = data.load("digits").test.x[:20]
    mu, sigma = api.encode(model, x)
    weights = finished.store.weights(finished.run_id)
    expected_mu, expected_logvar = forward.encode(finished.config, weights, x)
    np.testing.assert_allclose(mu, expected_mu, atol=1e-5)
    np.testing.assert_allclose(sigma, np.exp(expected_logvar / 2), atol=1e-5)
    floats = api.encode(model, x.astype(np.float64) / 255)[0]
    np.testing.assert_allclose(floats, mu, atol=1e-6)


def test_decode_takes_one_code_or_many(model: VAE) -> None:
    many = api.decode(model, [[0.0, 0.0], [1.0, -1.0]])
    assert many.shape == (2, 1, 8, 8)
    assert many.dtype == np.float32
    assert many.min() >= 0
    assert many.max() <= 1
    np.testing.assert_allclose(api.decode(model, [1.0, -1.0])[0], many[1], atol=1e-6)


def test_reconstruct_is_decode_after_encode(model: VAE) -> None:
    x = data.load("digits").test.x[:50]
    again = api.reconstruct(model, x)
    np.testing.assert_array_equal(again, api.decode(model, api.encode(model, x)[0]))
    # It knows the picture: nearer to it than the mean picture is.
    truth = x / 255
    mean = data.load("digits").train.x.mean(0) / 255
    assert np.square(again - truth).mean() < 0.9 * np.square(mean - truth).mean()


def test_samples_are_seeded(model: VAE) -> None:
    one, again, other = api.sample(model, 5), api.sample(model, 5), api.sample(model, 5, seed=1)
    assert one.shape == (5, 1, 8, 8)
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


@pytest.mark.parametrize("dimension", [0, 1])
def test_a_traversal_moves_one_dimension(model: VAE, dimension: int) -> None:
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
def test_what_does_not_fit_is_refused(model: VAE, call: object, says: str) -> None:
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
