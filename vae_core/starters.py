"""The models that ship, so that the first page shows something to drag: rebuilt by a command from their settings."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vae_core import artifacts
from vae_core.artifacts import MapRequest
from vae_core.config import RunConfig
from vae_core.events import Event
from vae_core.run import run
from vae_core.store import Store

STARTERS = (
    RunConfig(latent_dim=2, epochs=60, batch_size=256, learning_rate=3e-3),
    RunConfig(latent_dim=10, epochs=60, batch_size=256, learning_rate=3e-3),
)
"""One to drag on a plane, one with more room. Both small: 256 and 256 units."""

_SHIPPED = ("config.json", "state.json", "events.jsonl", "weights.safetensors", "result.json")
"""What ships of a run: not its snapshots, whose decoders would be four times the model."""


def rebuild(out: Path) -> Iterator[tuple[RunConfig, Event]]:
    """Train every starter and put it under `out`, with its codes and its map, in place of what was there."""
    with tempfile.TemporaryDirectory() as home:
        store = Store(home, shipped=Path(home) / "none")
        for config in STARTERS:
            for event in run(config, store):
                yield config, event
            artifacts.codes(store, config.run_id)
            if config.latent_dim > 2:
                artifacts.embedding(store, config.run_id, MapRequest())
        out.mkdir(parents=True, exist_ok=True)
        for old in out.iterdir():
            if old.is_dir():
                shutil.rmtree(old)
        for config in STARTERS:
            target = out / config.run_id
            target.mkdir()
            for name in _SHIPPED:
                shutil.copy2(store.folder(config.run_id) / name, target / name)
            shutil.copytree(store.home / "artifacts" / config.run_id, target / "artifacts")
