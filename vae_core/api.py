"""The library in eight words: configure, train, load, encode, decode, reconstruct, sample, traverse.

Pictures go in as uint8 0–255 or float 0–1, (N, C, H, W); they come out as float32 0–1. Codes are float32 (N, D).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from vae_core.config import RunConfig
from vae_core.config.errors import ConfigError
from vae_core.config.events import Event
from vae_core.jobs.artifacts import load_model
from vae_core.jobs.run import run
from vae_core.networks.evaluate import to_unit
from vae_core.networks.torch_ import VAE
from vae_core.store import Store

Pictures = NDArray[np.float32]
Codes = NDArray[np.float32]


def configure(**settings: Any) -> RunConfig:
    """A validated configuration from the fields of `RunConfig`. Raises `ConfigError`."""
    return RunConfig.from_dict(settings)


def train(config: RunConfig, *, home: str | None = None) -> Iterator[Event]:
    """Train into the store and yield what happens, `Finished` last; a run that is in the store is not trained again."""
    return run(config, Store(home))


def load(run: str | RunConfig, *, home: str | None = None) -> VAE:
    """The trained model of a run, by name, by the beginning of its name, or by configuration.

    Raises `RunNotFoundError` when it was never trained, `CorruptFileError` when its files are damaged.
    """
    store = Store(home)
    return load_model(store, run.run_id if isinstance(run, RunConfig) else store.resolve(run))


def encode(model: VAE, pictures: ArrayLike) -> tuple[Codes, Codes]:
    """μ(X) and σ(X) of Q(z|X), (N, D) each; σ of a full covariance Σ is √diag(Σ)."""
    with torch.inference_mode():
        q = model.encode(_pictures(model, pictures))
        return q.mu.numpy(), q.variance().sqrt().numpy()


def decode(model: VAE, z: ArrayLike) -> Pictures:
    """The mean pictures E[X|z] of codes (N, D) or (D,): (N, C, H, W) in [0, 1]."""
    codes = torch.as_tensor(np.asarray(z, dtype=np.float32).copy())
    codes = codes[None] if codes.ndim == 1 else codes
    if codes.ndim != 2 or codes.shape[1] != model.latent_dim:
        raise ConfigError(f"codes of shape {tuple(codes.shape)}: this model takes (N, {model.latent_dim})")
    with torch.inference_mode():
        return model.pictures(codes).numpy()


def reconstruct(model: VAE, pictures: ArrayLike) -> Pictures:
    """E[X|z = μ(X)]: (N, C, H, W) in [0, 1]."""
    return decode(model, encode(model, pictures)[0])


def sample(model: VAE, count: int, *, seed: int = 0) -> Pictures:
    """Mean pictures of `count` codes from the prior N(0, I): (count, C, H, W) in [0, 1]."""
    noise = torch.randn(count, model.latent_dim, generator=torch.Generator().manual_seed(seed))
    return decode(model, noise.numpy())


def traverse(
    model: VAE, dimension: int, *, z: ArrayLike | None = None, values: Sequence[float] = tuple(np.linspace(-3, 3, 13))
) -> Pictures:
    """Pictures along one latent dimension (counted from 0), the others held at z, by default the prior mean."""
    if not 0 <= dimension < model.latent_dim:
        raise ConfigError(f"dimension={dimension}: this model has dimensions 0 to {model.latent_dim - 1}")
    start = np.zeros(model.latent_dim, np.float32) if z is None else np.asarray(z, dtype=np.float32)
    codes = np.repeat(start[None], len(values), axis=0)
    codes[:, dimension] = values
    return decode(model, codes)


def _pictures(model: VAE, pictures: ArrayLike) -> torch.Tensor:
    array = np.asarray(pictures)
    if array.ndim != 4 or array.shape[1:] != model.image_shape:
        shape = ", ".join(map(str, model.image_shape))
        raise ConfigError(f"pictures of shape {array.shape}: this model takes (N, {shape})")
    if array.dtype == np.uint8:
        return to_unit(torch.from_numpy(array.copy()))
    tensor = torch.from_numpy(array.astype(np.float32))
    if tensor.numel() and (float(tensor.min()) < 0 or float(tensor.max()) > 1):
        raise ConfigError("pictures of floats outside 0–1: divide by 255, or pass uint8")
    return tensor
