"""From what the store keeps of a run to a model that stands on its own."""

from __future__ import annotations

from vae_core.config import RunConfig
from vae_core.config.errors import ModelError, RunNotFoundError
from vae_core.networks.builders import design
from vae_core.networks.model import Model, Origin
from vae_core.store.files import Arrays
from vae_core.store.runs import Store


def of(config: RunConfig, weights: Arrays, moment: int | None = None) -> Model:
    """The model of a configuration with these weights; of a snapshot's, which has a decoder alone, without encoder.

    Raises `RunNotFoundError` where the weights are of another network.
    """
    made = design(config)
    if moment is not None:
        made = made.moment()
    try:
        return Model(made, weights, Origin(config.run_id, moment, config.dataset, config.binarize))
    except ModelError as error:
        raise RunNotFoundError(f"{config.run_id}: its weights are of another network ({error})") from error


def load(store: Store, run_id: str) -> Model:
    """What a run ended with. Raises `RunNotFoundError`, `CorruptFileError`."""
    return of(store.get(run_id).config, store.weights(run_id))


def load_moment(store: Store, run_id: str, index: int) -> Model:
    """The decoder of a run as it was at a snapshot. Raises `RunNotFoundError`, `CorruptFileError`."""
    return of(store.get(run_id).config, store.snapshot(run_id, index), index)
