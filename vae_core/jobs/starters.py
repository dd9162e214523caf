"""The models that ship, so that the first pages show something to drag: rebuilt by a command from their settings."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vae_core.config import RunConfig
from vae_core.config.errors import OUT, StoreError
from vae_core.config.events import Event
from vae_core.jobs import artifacts
from vae_core.jobs.artifacts import MapRequest
from vae_core.jobs.run import run
from vae_core.store import Store, layout, sweeps
from vae_core.store.files import explained, remove_ours, strangers
from vae_core.store.layout import RunFolder, Runs

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


def rebuild(out: Path) -> Iterator[tuple[RunConfig, Event]]:
    """Train all that ships and put it under `out`, each model in place of itself.

    Raises `StoreError` at once, before anything is trained, when `out` holds anything but these models: nothing there
    that we did not make is removed or replaced.
    """
    configs = (*STARTERS, *LAB_MODELS)
    _check(out, configs)
    return _rebuild(out, configs)


def _rebuild(out: Path, configs: tuple[RunConfig, ...]) -> Iterator[tuple[RunConfig, Event]]:
    with tempfile.TemporaryDirectory() as home:
        store = Store(home, shipped=Path(home) / "none")
        for config in configs:
            for event in run(config, store):
                yield config, event
            _derive(store, config)
        _check(out, configs)  # minutes have passed
        for config in configs:
            ship(store, config, out)


def _check(out: Path, configs: tuple[RunConfig, ...]) -> None:
    """Raise `StoreError` unless `out` can be written and holds nothing but models of these names, whole or in part."""
    with explained(out / "x", OUT):
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".elbo-", dir=out):
            pass
        names = {config.run_id for config in configs}
        ours = re.compile(rf"(?:{'|'.join(map(re.escape, names))})(?:/(.+))?")

        def is_ours(name: str) -> bool:
            found = ours.fullmatch(name)
            return found is not None and (found[1] is None or layout.is_of_a_run(found[1]))

        if found := strangers(out, is_ours):
            raise StoreError(
                f"{out}: holds {found[0]}, which is none of the models that ship; move it away or choose another folder"
            )


def ship(store: Store, config: RunConfig, out: Path) -> None:
    """Put one finished run of `store` under `out`, with what is derived from it: the whole of it or nothing."""
    source, runs = RunFolder(store.folder(config.run_id)), Runs(out)
    with explained(out / "x", OUT):
        new = RunFolder(Path(tempfile.mkdtemp(prefix=runs.new_prefix, dir=out)))
        try:
            new.path.chmod(0o755)  # mkdtemp's is for its owner alone
            new.artifacts.mkdir()
            for path in source.shipped:
                shutil.copy2(path, new.path / path.name)
            for name in _derive(store, config):
                shutil.copy2(store.artifact_path(config.run_id, name), new.artifact(name))
            target, old = runs.run(config.run_id).path, runs.deleted(config.run_id)
            if target.exists():
                target.rename(old)
            new.path.rename(target)
            remove_ours(old, layout.is_of_a_run)
        finally:
            remove_ours(new.path, layout.is_of_a_run)


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
