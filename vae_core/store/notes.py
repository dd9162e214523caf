"""Notes on the disk: one small file beside a run, in the home also where the run ships, and in no checksum of it."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from vae_core.config.errors import CorruptFileError, NewerFileError, NotesError, StoreError
from vae_core.config.notes import Notes, checked
from vae_core.store.files import explained, read_record, write_record
from vae_core.store.records import Remembered, looks

_LARGEST = 32 << 10
"""Bytes of a file that is read; the longest texts, every letter escaped, make a fifth of it."""


def read(path: Path) -> Notes:
    """What was kept; empty where nothing was. Raises `CorruptFileError`, `NewerFileError`, `StoreError`."""
    try:
        facts, _ = read_record(path, most=_LARGEST)
    except FileNotFoundError:
        return Notes()
    label, note = facts.get("label"), facts.get("note")
    if isinstance(label, str) and isinstance(note, str):
        with contextlib.suppress(NotesError):
            found = checked(label, note)
            if asdict(found) == facts:
                return found
    raise NewerFileError(f"{path}: made by a newer Elbo Room; update")


def write(path: Path, notes: Notes) -> None:
    """Replace what was kept. Raises `StoreError`."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_record(path, asdict(notes))


class Memory:
    """What was last read, of a thousand runs at the cost of looking whether their files are still the same."""

    def __init__(self) -> None:
        self._kept: Remembered[Notes] = Remembered()

    def read(self, path: str) -> Notes:
        """As `read`, and empty where that fails: a text beside a run hides no run. A warning goes to the log, once."""
        try:
            return self._kept.get(path, (looks(path),), lambda: read(Path(path)))
        except (CorruptFileError, StoreError) as error:
            _warn(str(error))
            return Notes()


@lru_cache(maxsize=1000)
def _warn(said: str) -> None:
    logging.getLogger("elbo").warning("a label and a note are left out: %s", said)


def listed(folder: Path) -> dict[str, str]:
    """The files that are there, by name, looked up at once: most runs have none."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return {entry.name: entry.path for entry in entries}
    return {}
