"""What the commands print, and how."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vae_core.config.errors import StoreError
from vae_core.config.events import Event, Finished, Progress
from vae_core.store import RunInfo

Json = dict[str, Any]


def follow(happening: Iterable[Event], title: str) -> None:
    """Live through the events, with a progress bar on standard error if that is a terminal."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeRemainingColumn())
    with Bar(*columns, console=console(), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=None, note="")
        for event in happening:
            if isinstance(event, Progress):
                note = f"epoch {event.epoch:.1f} · {event.images_per_second:,.0f} images/s"
                bar.update(task, completed=event.step, total=event.steps, note=note)


def console() -> Any:
    """Rich on standard error."""
    from rich.console import Console

    return Console(stderr=True)


def terms(finished: Finished) -> str:
    """The result in one line."""
    test = finished.test
    return (
        f"test ELBO {test.elbo:.2f} = reconstruction {test.reconstruction:.2f} − KL {test.kl:.2f} nats per image; "
        f"{finished.seconds:.1f} s, {finished.images_per_second:,.0f} images/s"
    )


def trained(info: RunInfo, finished: Finished) -> Json:
    """A finished run."""
    return {
        "run_id": info.run_id,
        "status": info.status,
        "seconds": finished.seconds,
        "images_per_second": finished.images_per_second,
        "epochs": finished.epoch,
        "is_log_likelihood": finished.is_log_likelihood,
        "message": info.message,
        "test": {"elbo": finished.test.elbo, **asdict(finished.test)},
    }


def described(info: RunInfo) -> Json:
    """Any run."""
    described: Json = {
        "run_id": info.run_id,
        "status": info.status,
        "created": info.created,
        "shipped": info.shipped,
        "message": info.message,
        "config": {**asdict(info.config), "parameters": dict(info.config.parameters)},
    }
    if info.result is not None:
        described |= {key: value for key, value in trained(info, info.result).items() if key not in described}
    return described


def wrote(args: argparse.Namespace, run_id: str, out: Path, **facts: Any) -> Json:
    """A file that was written, told."""
    if not args.json:
        print(f"wrote {out}")
    return {"run_id": run_id, "out": str(out), **facts}


def writable(name: str) -> Path:
    """The path to write to, refused before any work is done if its folder is not there."""
    path = Path(name)
    if not path.absolute().parent.is_dir():
        raise StoreError(f"{path}: the folder {path.absolute().parent} does not exist; create it first")
    return path
