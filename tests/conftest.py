"""What several test files share: a home of one's own, tiny configurations, and one finished run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.browser.fixtures import chromium, own_server, server, visit  # noqa: F401
from vae_core.config import RunConfig
from vae_core.config.events import Event, Finished, Frame, Progress
from vae_core.store import Store

TINY: dict[str, Any] = {"dataset": "digits", "hidden": (16,), "epochs": 2, "batch_size": 256}
"""A run of 12 steps on 8×8 pictures: about a tenth of a second."""


def tiny(**settings: Any) -> RunConfig:
    """The tiny configuration, with changes."""
    return RunConfig(**{**TINY, **settings})


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Whether two sets of weights agree in every bit."""
    return a.keys() == b.keys() and all(a[n].dtype == b[n].dtype and a[n].tobytes() == b[n].tobytes() for n in a)


def timeless(events: list[Event]) -> list[Event]:
    """Events without what a clock says: no progress and no frames, and of the end only its place and its terms."""
    kept: list[Any] = [e for e in events if not isinstance(e, Progress | Frame)]
    return [(e.step, e.epoch, e.test, e.stopped) if isinstance(e, Finished) else e for e in kept]


def listing(folder: Path) -> dict[str, bytes | None]:
    """Everything under a folder, by relative path; None for a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def until(true: Callable[[], Any], what: str) -> None:
    """Wait for a state that another process brings about, however long that takes; pytest's own limit ends a hang."""
    while not true():
        time.sleep(0.01)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of its own, not yet on the disk, that `Store()` and the command line find too."""
    monkeypatch.setenv("ELBO_HOME", str(tmp_path / "home"))
    return Store()


class Run(NamedTuple):
    """A complete run. Shared by all tests: read it, never change it."""

    store: Store
    config: RunConfig
    run_id: str
    events: list[Event]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A tiny model, trained."""
    from vae_core.jobs.run import run

    store, config = Store(tmp_path_factory.mktemp("finished") / "home"), tiny(epochs=30, hidden=(32,))
    said = list(run(config, store))
    before = listing(store.runs)
    yield Run(store, config, config.run_id, said)
    assert listing(store.runs) == before, "a test changed the run that all tests share"


@pytest.fixture
def copied(finished: Run, home: Store) -> Run:
    """The finished run in a home of its own, to be damaged or deleted."""
    import shutil

    shutil.copytree(finished.store.runs, home.runs)
    return finished._replace(store=home)
