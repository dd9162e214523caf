"""What the commands print, and how."""

from __future__ import annotations

import argparse
import codecs
import io
import json
import math
import os
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vae_core.config.errors import OUT, StoreError
from vae_core.config.words import elbo

if TYPE_CHECKING:
    from vae_core.config.events import Event, Finished
    from vae_core.store import RunInfo

Json = dict[str, Any]


def follow(happening: Iterable[Event], title: str) -> None:
    """Live through the events, with a progress bar on standard error if that is a terminal."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from vae_core.config.events import Progress

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
    whole, reconstruction, kl = elbo(finished.test.reconstruction, finished.test.kl)
    return (
        f"test ELBO {whole} = reconstruction {reconstruction} − KL {kl} nats per image; "
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
        **asdict(info.notes),
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


def writable(path: Path, *, folder: bool) -> None:
    """Raise `StoreError` where nothing could be written, before any work is done. A folder may yet have to be made."""
    if "\0" in str(path) or any(len(os.fsencode(part)) > 255 for part in path.parts):
        raise StoreError(f"{str(path)[:80]!r}: cannot be written (no system has such a name); {OUT}")
    place = path.absolute() if folder else path.absolute().parent
    if not folder and not place.is_dir():
        raise StoreError(f"{path}: the folder {place} does not exist; create it first")
    if not folder and path.is_dir():
        raise StoreError(f"{path}: cannot be written (it is a folder); give the name of a file")
    while not place.exists() and place.parent != place:
        place = place.parent
    if not place.is_dir():
        raise StoreError(f"{path}: cannot be written ({place} is a file); {OUT}")
    if not os.access(place, os.W_OK | os.X_OK):
        raise StoreError(f"{path}: cannot be written ({place}: permission denied); {OUT}")


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON as the standard has it: a number that is not finite is null."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in cast("list[Any]", value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value


_LETTERS = {
    **{"−": "-", "–": "-", "—": "-", "…": "...", "·": "*", "×": "x", "‖": "||", "≤": "<=", "≥": ">=", "→": "->"},
    **{"∼": "~", "“": '"', "”": '"', "’": "'", "∈": "in", "≈": "about", "∞": "infinity", "√": "sqrt", "∑": "sum"},
    **{"α": "alpha", "β": "beta", "γ": "gamma", "ε": "eps", "θ": "theta", "λ": "lambda", "μ": "mu", "ρ": "rho"},
    **{"σ": "sigma", "Σ": "Sigma", "φ": "phi"},
}
"""How to write these where the output has no such letter, as on a Windows pipe."""


def say_in_any_letters() -> None:
    """Let standard output and error take every text, whatever their encoding."""
    codecs.register_error("elbo", _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and (stream.encoding or "").lower().replace("-", "") != "utf8":
            stream.reconfigure(errors="elbo")


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    plain = unicodedata.normalize("NFKD", letters).encode("ascii", "ignore").decode()
    return "".join(_LETTERS.get(letter, "") for letter in letters) or plain or "?", error.end
