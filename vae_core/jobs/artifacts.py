"""What is derived from a run's model, computed here and now where it is not there: for commands and notebooks.

See `derived/`, a module for each. Pages look with `derived.peek` and ask with `queue.Jobs.ask`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vae_core.jobs import derived
from vae_core.jobs.derived import Tell
from vae_core.jobs.derived.codes import Codes, kl_per_dim
from vae_core.jobs.derived.diagnostics import Diagnostics
from vae_core.jobs.derived.log_px import LogPx
from vae_core.jobs.derived.maps import MapRequest
from vae_core.store import Store, models
from vae_core.store.files import Arrays

if TYPE_CHECKING:
    from vae_core.networks.torch_ import VAE

__all__ = ["MapRequest", "codes", "diagnostics", "embedding", "kl_per_dim", "load_model", "log_px"]


def codes(store: Store, run_id: str) -> Arrays:
    """The test set's codes and terms (`derived.codes`)."""
    return derived.get(store, run_id, Codes()).arrays


def diagnostics(store: Store, run_id: str, tell: Tell | None = None) -> dict[str, Any]:
    """What the model is like inside (`derived.diagnostics`); JSON. Where the codes are there, torch is not needed."""
    return derived.get(store, run_id, Diagnostics(), tell).facts


def embedding(store: Store, run_id: str, request: MapRequest, tell: Tell | None = None) -> Arrays:
    """A map of the codes (`derived.maps`)."""
    return derived.get(store, run_id, request, tell).arrays


def log_px(store: Store, run_id: str, samples: int, limit: int, tell: Tell | None = None) -> Arrays:
    """log P(X) of the first test images (`derived.log_px`)."""
    return derived.get(store, run_id, LogPx(samples=samples, limit=limit), tell).arrays


def load_model(store: Store, run_id: str) -> VAE:
    """The trained model, in evaluation mode. Raises `RunNotFoundError`, `CorruptFileError`."""
    from vae_core.networks.torch_ import VAE

    return VAE.of(models.load(store, run_id))
