from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from vae_core import data
from vae_core.config import DATASETS
from vae_core.config.errors import ConfigError, CorruptFileError
from vae_core.networks import evaluate


@pytest.mark.parametrize("name", DATASETS)
def test_shapes_kinds_and_ranges(name: str) -> None:
    dataset = data.load(name)
    for images, count in zip((dataset.train, dataset.test), (DATASETS[name].train, DATASETS[name].test), strict=True):
        assert images.x.shape == (count, *DATASETS[name].shape)
        assert images.labels.shape == (count,)
        assert images.x.dtype == images.labels.dtype == np.uint8
        # Ten colours tell the labels apart.
        assert images.labels.max() < 10


@pytest.mark.parametrize("name", ["mnist", "digits"])
def test_digits_have_ten_labels_and_white_ink_on_a_background_of_zero(name: str) -> None:
    dataset = data.load(name)
    for images in (dataset.train, dataset.test):
        assert set(np.unique(images.labels)) == set(range(10))
        assert np.median(images.x[:, 0, 0]) == 0
        assert images.x.max() == 255


def test_mnist_has_its_known_mean_and_first_labels() -> None:
    mnist = data.load("mnist")
    assert mnist.train.x.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert mnist.train.x.std() / 255 == pytest.approx(0.3081, abs=5e-5)
    assert mnist.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_digits_are_those_of_scikit_learn() -> None:
    ours, theirs = data.load("digits"), load_digits()
    x = np.concatenate([ours.train.x, ours.test.x]).reshape(-1, 64)
    labels = np.concatenate([ours.train.labels, ours.test.labels])
    scaled = np.round(theirs.data * 255 / 16)

    def bag(pictures: np.ndarray, names: np.ndarray) -> list[tuple[bytes, int]]:
        rows = pictures.astype(np.uint8)
        return sorted((row.tobytes(), int(name)) for row, name in zip(rows, names, strict=True))

    assert len(x) == 1797
    assert bag(x, labels) == bag(scaled, theirs.target)


@pytest.mark.parametrize("name", DATASETS)
def test_no_test_image_is_a_training_image(name: str) -> None:
    dataset = data.load(name)
    seen = {picture.tobytes() for picture in dataset.train.x}
    assert not any(picture.tobytes() in seen for picture in dataset.test.x)


def test_images_are_kept_in_memory_and_cannot_be_changed() -> None:
    images = data.load_split("digits", "test")
    assert data.load_split("digits", "test") is images
    with pytest.raises(ValueError, match="read-only"):
        images.x[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        images.labels[0] = 0


@pytest.mark.parametrize("how", ["static", "dynamic", "threshold"])
def test_binarised_test_images_are_black_and_white_and_always_the_same(how: str) -> None:
    found = data.test_images("digits", how)
    assert set(np.unique(found.x)) == {0, 255}
    np.testing.assert_array_equal(found.labels, data.load_split("digits", "test").labels)
    data._black_and_white.cache_clear()
    np.testing.assert_array_equal(data.test_images("digits", how).x, found.x)
    with pytest.raises(ValueError, match="read-only"):
        found.x[0] = 0


def test_a_pixel_is_one_with_the_probability_of_its_grey_value() -> None:
    grey = np.arange(256, dtype=np.uint8)
    drawn = data.binarized(np.broadcast_to(grey, (20_000, 256)), np.random.default_rng(0)) / 255
    p = grey / 255
    assert (drawn[:, 0] == 0).all()
    assert (drawn[:, 255] == 1).all()
    error = np.sqrt(p * (1 - p) / 20_000) + 1e-9
    assert (np.abs(drawn.mean(0) - p) < 4.5 * error).all()


def test_what_is_binarised_when() -> None:
    grey = data.load("digits")
    assert data.load("digits", "dynamic").train is grey.train
    static, threshold = data.load("digits", "static"), data.load("digits", "threshold")
    np.testing.assert_array_equal(static.test.x, data.load("digits", "dynamic").test.x)
    assert set(np.unique(static.train.x)) == {0, 255}
    np.testing.assert_array_equal(threshold.train.x, (grey.train.x > 127) * 255)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"dataset='cifar'.*mnist, digits"):
        data.load("cifar")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the digits that may be damaged."""
    (tmp_path / "data").mkdir()
    copy = shutil.copy2(data.assets() / "data" / "digits.npz", tmp_path / "data" / "digits.npz")
    monkeypatch.setattr(data, "assets", lambda: tmp_path)
    monkeypatch.setattr(data, "load_split", data.load_split.__wrapped__)
    return Path(copy)


def test_an_undamaged_copy_is_read(elsewhere: Path) -> None:
    assert len(data.load("digits").train.x) == 1500


@pytest.mark.parametrize("position", [0, 1000, -1])
def test_one_flipped_bit_is_noticed(elsewhere: Path, position: int) -> None:
    raw = bytearray(elsewhere.read_bytes())
    raw[position] ^= 1
    elsewhere.write_bytes(raw)
    with pytest.raises(CorruptFileError, match=r"digits\.npz: .*damaged"):
        data.load("digits")


def test_a_missing_file_is_named(elsewhere: Path) -> None:
    elsewhere.unlink()
    with pytest.raises(CorruptFileError, match=r"digits\.npz: cannot be read"):
        data.load("digits")


def test_bytes_become_numbers_and_numbers_bytes_as_the_networks_of_torch_have_it() -> None:
    every = np.arange(256, dtype=np.uint8)
    unit = data.to_unit(every)
    assert unit.dtype == np.float32
    assert (unit[0], unit[255]) == (0, 1)
    assert np.array_equal(data.to_bytes(unit), every)
    assert np.array_equal(unit, evaluate.to_unit(torch.from_numpy(every)).numpy())
    assert np.array_equal(evaluate.to_bytes(torch.from_numpy(unit)), every)
