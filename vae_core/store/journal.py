"""What a run said, one event a line of JSON, each with the checksum of everything up to it.

A line is the event's JSON with a last field `crc`: the CRC-32 of the JSON of all lines so far, this one's included, so
that a line which is changed, missing, doubled or out of order is noticed. Version 0.1 wrote lines without it: those are
read where no line before them has one. A torn last line waits until it is whole.
"""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path
from typing import NamedTuple, cast

from vae_core.config import events
from vae_core.config.errors import CorruptFileError, NewerFileError
from vae_core.config.events import Event
from vae_core.store.files import explained, reading

_CRC = re.compile(rb',"crc":"([0-9a-f]{8})"\}\n?\Z')
_TAIL = len(b',"crc":"00000000"}\n')


class Mark(NamedTuple):
    """How much had been said at a moment."""

    size: int
    """In bytes."""
    crc: int
    """Of the last line; 0 before the first."""


def line(event: Event, before: int = 0) -> bytes:
    """An event with its checksum, `before` being that of the line before."""
    text = events.to_json(event).encode()
    return b'%s,"crc":"%08x"}\n' % (text[:-1], zlib.crc32(text, before))


def parsed(path: Path, raw: bytes, before: int | None = None) -> tuple[Event, int | None]:
    """The event of a line, and the line's checksum if it has one; `before` is that of the line before, None if it had
    none. Raises `CorruptFileError`, `NewerFileError`.
    """
    found, crc = _CRC.search(raw), None
    text = raw
    if found:
        text, crc = raw[: found.start()] + b"}", int(found[1], 16)
        if zlib.crc32(text, before or 0) != crc:
            raise CorruptFileError(f"{path}: damaged (a line does not match its checksum)")
    elif before is not None:
        raise CorruptFileError(f"{path}: damaged (a line without its checksum)")
    try:
        values = events.parse(text.decode("utf-8"))
        event = events.from_dict(values)
    except ValueError as error:
        if found:
            raise NewerFileError(f"{path}: made by a newer Elbo Room ({error}); update") from error
        raise CorruptFileError(f"{path}: damaged ({error})") from error
    if not found and (names := events.unknown(cast("dict[str, object]", values))):
        raise CorruptFileError(f"{path}: damaged ({names[0]!r} is no part of an event)")
    return event, crc


def append(path: Path, event: Event) -> None:
    """Add an event. Half a line that a full disk left behind is taken back first."""
    with explained(path), path.open("ab+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            file.seek(0)
            size = file.read().rfind(b"\n") + 1
            file.truncate(size)
            file.seek(max(0, size - _TAIL))
            tail = file.read()
        found = _CRC.search(tail)
        file.write(line(event, int(found[1], 16) if found else 0))


class Said(NamedTuple):
    """What was read of it."""

    events: list[Event]
    end: Mark
    """Where to go on from."""
    again: bool
    """Whether it was read from the start, though more was asked for: the run has gone back to its checkpoint."""


def read(path: Path, since: int = 0) -> Said:
    """Events from byte `since` on; from the start when `since` is no end of a line any more.

    Raises `CorruptFileError`, `NewerFileError`, `StoreError`.
    """
    asked = since
    try:
        with reading(path), path.open("rb") as file:
            start = max(0, since - _TAIL)
            file.seek(start)
            before, raw = file.read(since - start), file.read()
            if since and (len(before) < since - start or not before.endswith(b"\n")):
                file.seek(0)
                since, before, raw = 0, b"", file.read()
    except FileNotFoundError:
        return Said([], Mark(0, 0), asked > 0)
    found = _CRC.search(before)
    crc = int(found[1], 16) if found else None
    said: list[Event] = []
    whole = raw[: raw.rfind(b"\n") + 1]
    for one in whole.split(b"\n")[:-1]:
        event, crc = parsed(path, one, crc)
        said.append(event)
    return Said(said, Mark(since + len(whole), crc or 0), since < asked)


def mark(path: Path) -> Mark:
    """How much has been said so far, by the end of the last line."""
    try:
        with reading(path), path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            found = _CRC.search(file.read())
    except FileNotFoundError:
        return Mark(0, 0)
    return Mark(size, int(found[1], 16) if found else 0)


def go_back(path: Path, to: Mark) -> None:
    """Take back what was said after a moment. Raises `CorruptFileError` when what was said before it is not there."""
    with explained(path), path.open("ab") as file:
        if file.tell() < to.size:
            raise CorruptFileError(f"{path}: shorter than its checkpoint says; delete the run")
        file.truncate(to.size)
    if to.crc and read(path).end != to:
        raise CorruptFileError(f"{path}: not what its checkpoint says; delete the run")
