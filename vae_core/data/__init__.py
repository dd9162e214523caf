"""Named data sets: images and labels as uint8 arrays, read from `assets/data` and checked against their SHA-256.

Raw bytes stay bytes until a batch is made, so the 70,000 pictures of MNIST take 55 MB.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vae_core.config import DATASETS
from vae_core.config.errors import ConfigError, CorruptFileError

Split = Literal["train", "test"]


@dataclass(frozen=True, eq=False)
class Images:
    """`x` (N, C, H, W) uint8 with 0 the background, `labels` (N,) uint8."""

    x: NDArray[np.uint8]
    labels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training set and a test set that no gradient ever sees."""

    name: str
    train: Images
    test: Images


BINARIZATION_SEED = 2008
"""Of the images that are binarised once: a property of the data, the same for every run."""


def load(name: str, binarize: str = "none") -> Dataset:
    """Both splits as a run sees them; `dynamic` leaves the training images grey, for the run to draw (`binarized`).

    Raises `ConfigError` for an unknown name, `CorruptFileError` for a damaged file.
    """
    train = _seen(name, "train", "none" if binarize == "dynamic" else binarize)
    return Dataset(name, train, test_images(name, binarize))


def test_images(name: str, binarize: str) -> Images:
    """The test split as a run of this configuration sees it: binarised if the run is, once and for all."""
    return _seen(name, "test", binarize)


def _seen(name: str, split: Split, how: str) -> Images:
    return load_split(name, split) if how == "none" else _black_and_white(name, split, how)


@lru_cache(maxsize=8)
def _black_and_white(name: str, split: Split, how: str) -> Images:
    images = load_split(name, split)
    if how == "threshold":
        x = np.where(images.x > 127, np.uint8(255), np.uint8(0))
    else:
        x = binarized(images.x, np.random.default_rng([BINARIZATION_SEED, ("train", "test").index(split)]))
    x.flags.writeable = False
    return Images(x, images.labels)


def binarized(x: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Each pixel 255 with probability x/255, else 0 (Salakhutdinov & Murray 2008), the shape of x."""
    drawn = x > rng.integers(0, 255, x.shape, dtype=np.uint8)
    return drawn.view(np.uint8) * np.uint8(255)


@lru_cache(maxsize=8)
def load_split(name: str, split: Split) -> Images:
    """One split, so that the page that shows test images need not unpack the training set. Kept in memory."""
    if name not in DATASETS:
        raise ConfigError(f"dataset={name!r}: choose one of {', '.join(DATASETS)}")
    path = assets() / "data" / f"{name}.npz"
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CorruptFileError(f"{path}: cannot be read ({error.strerror}); reinstall Elbo Room") from error
    if hashlib.sha256(raw).hexdigest() != DATASETS[name].sha256:
        raise CorruptFileError(f"{path}: its checksum does not match, so it is damaged; reinstall Elbo Room")
    with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
        x, labels = arrays[f"{split}_x"], arrays[f"{split}_labels"]
    images = Images(x.reshape(len(x), *DATASETS[name].shape), labels)
    images.x.flags.writeable = images.labels.flags.writeable = False
    return images


def to_unit(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bytes 0–255 -> float32 0–1, the shape of x. `networks.torch_`'s tensors have their own, `evaluate.to_unit`."""
    return x.astype(np.float32) / np.float32(255)


def to_bytes(x: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Float 0–1 -> uint8 0–255, rounded, the shape of x."""
    return (x * 255).round().astype(np.uint8)


def assets() -> Path:
    """The folder of what ships: inside the package when installed, beside it in the repository."""
    inside = Path(__file__).parents[1] / "assets"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "assets"
