"""The library in eight words: configure, train, load, encode, decode, reconstruct, sample, traverse.

Pictures go in as uint8 0–255 or float 0–1, (N, C, H, W); they come out as float32 0–1. Codes are float32 (N, D).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_core.config import RunConfig
from vae_core.config.errors import ConfigError
from vae_core.config.events import Event
from vae_core.data import to_unit
from vae_core.networks.model import Model
from vae_core.store import Store, models

Pictures = NDArray[np.float32]
Codes = NDArray[np.float32]


def configure(**settings: Any) -> RunConfig:
    """A validated configuration from the fields of `RunConfig`. Raises `ConfigError`."""
    return RunConfig.from_dict(settings)


def train(config: RunConfig, *, home: str | None = None) -> Iterator[Event]:
    """Train into the store and yield what happens, `Finished` last; a run that is in the store is not trained again."""
    from vae_core.jobs.run import run

    return run(config, Store(home))


def load(run: str | RunConfig, *, home: str | None = None) -> Model:
    """The trained model of a run, by name, by the beginning of its name, or by configuration.

    Raises `RunNotFoundError` when it was never trained, `CorruptFileError` when its files are damaged.
    """
    store = Store(home)
    return models.load(store, run.run_id if isinstance(run, RunConfig) else store.resolve(run))


def encode(model: Model, pictures: ArrayLike) -> tuple[Codes, Codes]:
    """μ(X) and σ(X) of Q(z|X), (N, D) each; σ of a full covariance Σ is √diag(Σ)."""
    q = model.scorer.encode(_pictures(model, pictures))
    return q.mu, np.sqrt(q.variance()).astype(np.float32)


def decode(model: Model, z: ArrayLike) -> Pictures:
    """The mean pictures E[X|z] of codes (N, D) or (D,): (N, C, H, W) in [0, 1]."""
    codes = np.asarray(z, dtype=np.float32)
    codes = codes[None] if codes.ndim == 1 else codes
    if codes.ndim != 2 or codes.shape[1] != model.latent_dim:
        raise ConfigError(f"codes of shape {tuple(codes.shape)}: this model takes (N, {model.latent_dim})")
    return model.scorer.means(codes)


def reconstruct(model: Model, pictures: ArrayLike) -> Pictures:
    """E[X|z = μ(X)]: (N, C, H, W) in [0, 1]."""
    return decode(model, encode(model, pictures)[0])


def sample(model: Model, count: int, *, seed: int = 0) -> Pictures:
    """Mean pictures of `count` codes from the prior N(0, I): (count, C, H, W) in [0, 1]."""
    import torch  # the same seed gives the same codes as in every version

    noise = torch.randn(count, model.latent_dim, generator=torch.Generator().manual_seed(seed))
    return decode(model, noise.numpy())


def traverse(
    model: Model, dimension: int, *, z: ArrayLike | None = None, values: Sequence[float] = tuple(np.linspace(-3, 3, 13))
) -> Pictures:
    """Pictures along one latent dimension (counted from 0), the others held at z, by default the prior mean."""
    if not 0 <= dimension < model.latent_dim:
        raise ConfigError(f"dimension={dimension}: this model has dimensions 0 to {model.latent_dim - 1}")
    start = np.zeros(model.latent_dim, np.float32) if z is None else np.asarray(z, dtype=np.float32)
    codes = np.repeat(start[None], len(values), axis=0)
    codes[:, dimension] = values
    return decode(model, codes)


def _pictures(model: Model, pictures: ArrayLike) -> Pictures:
    array = np.asarray(pictures)
    if array.ndim != 4 or array.shape[1:] != model.image_shape:
        shape = ", ".join(map(str, model.image_shape))
        raise ConfigError(f"pictures of shape {array.shape}: this model takes (N, {shape})")
    if array.dtype == np.uint8:
        return to_unit(array)
    array = array.astype(np.float32)
    if array.size and not (array.min() >= 0 and array.max() <= 1):
        raise ConfigError("pictures of floats outside 0–1: divide by 255, or pass uint8")
    return array
