"""What can be derived from a model, in one registry: a module here is a derived thing, found by being there.

Looking (`peek`) never computes and never asks; `get` computes here and now; to have a worker do it, `queue.Jobs.ask`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from vae_core.config.errors import ConfigError, RunNotFoundError
from vae_core.jobs.derived.thing import CancelledError, Result, Source, Tell, Thing
from vae_core.store import RunInfo, Store

__all__ = ["CancelledError", "Result", "Source", "Stamp", "Tell", "Thing", "get", "parsed", "peek", "registry", "stamp"]


@cache
def registry() -> dict[str, type[Thing]]:
    """Every derived thing by its kind."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {thing.kind: thing for thing in Thing.__subclasses__()}


def parsed(parameters: dict[str, Any]) -> Thing:
    """What `Thing.to_json` wrote. Raises `ConfigError` for what this version does not know."""
    rest = dict(parameters)
    kind = rest.pop("thing", None)
    try:
        return registry()[kind](**rest)
    except (KeyError, TypeError):
        raise ConfigError(
            f"thing={kind!r} with {', '.join(rest) or 'nothing'}: one of {', '.join(registry())}"
        ) from None


def peek(store: Store, run: RunInfo, thing: Thing) -> Result | None:
    """What was derived of the model that the run has now; None when it has not been. Raises `CorruptFileError`."""
    return Source(store, run).kept(thing) if run.model else None


Stamp = tuple[int, int]
"""Tells one file from the next of that name."""


def stamp(store: Store, run: RunInfo, thing: Thing) -> Stamp | None:
    """Whether there is a file that may be it; costs nothing, and what was read goes by it. None where there is none."""
    try:
        found = store.artifact_path(run.run_id, thing.name).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def get(store: Store, run_id: str, thing: Thing, tell: Tell | None = None) -> Result:
    """What was derived before, else computed here and kept. Raises `RunNotFoundError` for a run without a model."""
    run = store.get(run_id)
    if not run.model:
        raise RunNotFoundError(f"{run_id} has no trained model yet; train it to the end or stop it")
    return Source(store, run).get(thing, *([tell] if tell else []))
