"""The models that ship, so that the first pages show something to drag: rebuilt by a command from their settings."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vae_core.config import RunConfig
from vae_core.config.events import Event
from vae_core.jobs import artifacts
from vae_core.jobs.artifacts import MapRequest
from vae_core.jobs.run import run
from vae_core.store import Store, sweeps

STARTERS = (
    RunConfig(latent_dim=2, epochs=60, batch_size=256, learning_rate=3e-3),
    RunConfig(latent_dim=10, epochs=60, batch_size=256, learning_rate=3e-3),
)
"""One to drag on a plane, one with more room. Both small: 256 and 256 units."""

_SMALL: dict[str, Any] = {"hidden": (128, 128), "epochs": 30, "batch_size": 256, "learning_rate": 3e-3}

LAB_MODELS = (
    *sweeps.configs(RunConfig(latent_dim=10, **_SMALL)),
    *sweeps.configs(RunConfig(latent_dim=2, **_SMALL)),
    RunConfig(latent_dim=2, posterior="full", **_SMALL),
    RunConfig(latent_dim=10, beta=4, warmup_epochs=10, **_SMALL),
    RunConfig(latent_dim=10, beta=4, objective="free-bits", parameters=(("free_bits", 1.0),), **_SMALL),
)
"""What the KL lab compares: two sweeps over β, a posterior that can turn, and two cures for collapse. Less than half as
large as the starters, and trained half as long.
"""

_SHIPPED = ("config.json", "state.json", "events.jsonl", "weights.safetensors", "result.json")
"""What ships of a run: not its snapshots, whose decoders would be four times the model."""


def rebuild(out: Path) -> Iterator[tuple[RunConfig, Event]]:
    """Train all that ships and put it under `out`, in place of what was there."""
    with tempfile.TemporaryDirectory() as home:
        store = Store(home, shipped=Path(home) / "none")
        configs = (*STARTERS, *LAB_MODELS)
        for config in configs:
            for event in run(config, store):
                yield config, event
            _derive(store, config)
        out.mkdir(parents=True, exist_ok=True)
        for old in out.iterdir():
            if old.is_dir():
                shutil.rmtree(old)
        for config in configs:
            ship(store, config, out)


def ship(store: Store, config: RunConfig, out: Path) -> None:
    """Put one finished run of `store` under `out`, with what is derived from it."""
    target = out / config.run_id
    (target / "artifacts").mkdir(parents=True)
    for name in _SHIPPED:
        shutil.copy2(store.folder(config.run_id) / name, target / name)
    for name in _derive(store, config):
        path = store.artifact_path(config.run_id, name)
        shutil.copy2(path, target / "artifacts" / path.name)


def _derive(store: Store, config: RunConfig) -> list[str]:
    """Compute the artifacts that ship of this run, unless they are there; their names.

    The codes of a model of the lab with more than two dimensions would be nearly as large as the model, and no page
    opens with them: they are left to be computed when somebody asks.
    """
    artifacts.diagnostics(store, config.run_id)
    names = ["diagnostics"]
    if config in STARTERS or config.latent_dim == 2:
        names.append("codes")
    if config in STARTERS and config.latent_dim > 2:
        artifacts.embedding(store, config.run_id, MapRequest())
        names.append(MapRequest().name)
    return names
