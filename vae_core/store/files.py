"""Files that are whole or absent: written to a temporary name, flushed, renamed; arrays carry their own checksum.

Arrays are safetensors (no pickle). A file's SHA-256 stands in its own metadata, so that data and checksum can never be
from different writes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from vae_core.config.errors import CorruptFileError, NotFiniteError, StoreError
from vae_core.config.events import parse

Arrays = dict[str, NDArray[Any]]


class ArrayFile(NamedTuple):
    """What an array file holds, verified."""

    arrays: Arrays
    meta: dict[str, Any]
    sha256: str


MAX_ARRAY_FILE = 2 << 30
"""Largest array file that is read, in bytes."""
MAX_RECORD = 256 << 20
"""Largest file of JSON that is read, in bytes."""


def write_bytes(path: Path, content: bytes, *, durable: bool = True, advice: str = "") -> None:
    """Replace `path` by `content` in one step; with `durable`, survive a power cut too. Raises `StoreError`.

    Who may read the file is what the process's umask says; `advice` is what to do when it cannot be written.
    """
    write_together({path: content}, durable=durable, advice=advice)


def write_together(contents: Mapping[Path, bytes], *, durable: bool = True, advice: str = "") -> None:
    """Replace files of one folder, none of them before the content of all is on the disk."""
    folder = next(iter(contents)).parent
    with explained(folder / "x", advice or HOME):
        written: dict[Path, Path] = {}
        try:
            for path, content in contents.items():
                name = path.parent / f".{path.name}-{secrets.token_hex(4)}.tmp"
                # Not tempfile's, whose files are for their owner alone.
                handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
                written[path] = name
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    if durable:
                        file.flush()
                        os.fsync(file.fileno())
            for path, name in written.items():
                name.replace(path)
        except BaseException:
            for name in written.values():
                with contextlib.suppress(OSError):
                    name.unlink()
            raise
        if durable:
            sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_bytes(path: Path, most: int = MAX_RECORD) -> bytes:
    """A file's content. Raises FileNotFoundError, `StoreError`, `CorruptFileError` when it is no file or too large."""
    with reading(path), path.open("rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise CorruptFileError(f"{path}: larger than {most >> 10} KiB, which no record of ours is")
        return file.readall()


def to_text(value: object, path: Path, **how: Any) -> str:
    """JSON that holds finite numbers only. Raises `NotFiniteError` in the name of `path`."""
    try:
        return json.dumps(value, allow_nan=False, sort_keys=True, **how)
    except ValueError as error:
        raise NotFiniteError(f"{path}: not written, a number in it is not finite") from error


def write_json(path: Path, value: Mapping[str, Any], *, durable: bool = True, advice: str = "") -> None:
    """Replace `path` by `value` as JSON."""
    write_bytes(path, (to_text(value, path, indent=1) + "\n").encode(), durable=durable, advice=advice)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of finite numbers. Raises FileNotFoundError, `CorruptFileError`, `StoreError`."""
    return _object(path, read_bytes(path))


def write_record(path: Path, facts: Mapping[str, Any], *, durable: bool = True) -> None:
    """Replace `path` by `facts` as JSON with their checksum."""
    write_bytes(path, record_bytes(path, facts), durable=durable)


def record_bytes(path: Path, facts: Mapping[str, Any]) -> bytes:
    """What `write_record` writes."""
    return (to_text({**facts, "sha256": seal(facts)}, path, indent=1) + "\n").encode()


def read_record(
    path: Path, unsealed: Collection[Collection[str]] = (), most: int = MAX_RECORD
) -> tuple[dict[str, Any], bool]:
    """The facts that `write_record` wrote, in so many bytes at most, and whether they had a checksum.

    Version 0.1 wrote some records without one: those are taken when they hold just the names of one of `unsealed`.
    Raises FileNotFoundError, `CorruptFileError`, `StoreError`.
    """
    raw = read_bytes(path, most)
    facts = _object(path, raw)
    if any(set(facts) == set(names) for names in unsealed):
        return facts, False
    # The text too must be as we write it but for its indentation, so that no bit of the file can be otherwise.
    text = b"".join(line.lstrip(b" ") for line in raw.split(b"\n"))
    if json.dumps(facts, sort_keys=True, separators=(",", ": ")).encode() != text or facts.pop("sha256", 0) != seal(
        facts
    ):
        raise CorruptFileError(f"{path}: damaged (its contents do not match their checksum)")
    return facts, True


def seal(facts: Mapping[str, Any]) -> str:
    """SHA-256 of a JSON object's canonical text."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _object(path: Path, raw: bytes) -> dict[str, Any]:
    try:
        value: Any = parse(raw.decode("utf-8"))
    except ValueError as error:
        raise CorruptFileError(f"{path}: not valid JSON, so it is damaged ({error})") from error
    if not isinstance(value, dict):
        raise CorruptFileError(f"{path}: not a JSON object, so it is damaged")
    return value  # type: ignore[reportUnknownVariableType]


def write_arrays(path: Path, arrays: Arrays, meta: Mapping[str, Any] | None = None, *, durable: bool = True) -> str:
    """Replace `path` by named arrays and a JSON object; returns their SHA-256."""
    content, digest = array_bytes(path, arrays, meta)
    write_bytes(path, content, durable=durable)
    return digest


def array_bytes(path: Path, arrays: Arrays, meta: Mapping[str, Any] | None = None) -> tuple[bytes, str]:
    """What `write_arrays` writes, and the SHA-256. Equal contents give equal bytes."""
    packed = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    text = to_text(meta or {}, path)
    digest = _digest(packed, text)
    return _in_order(save(packed, {"meta": text, "sha256": digest})), digest


def _in_order(raw: bytes) -> bytes:
    """The same safetensors file with the names of its metadata in order: the library's order is random."""
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join((len(text).to_bytes(8, "little"), text, raw[8 + length :]))


def read_arrays(path: Path) -> ArrayFile:
    """What `write_arrays` wrote. Raises FileNotFoundError, `CorruptFileError` on any doubt, `StoreError`."""
    with reading(path), path.open("rb") as file:  # what the system says, before the library says it in other words
        if os.fstat(file.fileno()).st_size > MAX_ARRAY_FILE:
            raise CorruptFileError(f"{path}: larger than {MAX_ARRAY_FILE >> 30} GiB, which no file of ours is")
    try:
        with safe_open(path, framework="np") as file:
            header: dict[str, str] = file.metadata() or {}
            arrays: Arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise CorruptFileError(f"{path}: damaged, not loaded ({error})") from error
    text = header.get("meta", "")
    digest = _digest(arrays, text)
    if header.get("sha256") != digest:
        raise CorruptFileError(f"{path}: damaged, not loaded (its contents do not match their checksum)")
    return ArrayFile(arrays, json.loads(text), digest)


def _digest(arrays: Arrays, text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"\0{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def strangers(folder: Path, ours: Callable[[str], bool]) -> list[str]:
    """What lies in `folder` and is not ours, as paths relative to it; `ours` is asked about each of them."""
    return [name for name, entry in _below(folder) if not ours(name) or entry.is_symlink()]


def remove_ours(folder: Path, ours: Callable[[str], bool]) -> None:
    """Remove what is ours in `folder`, then the folder itself if nothing else is left in it.

    The only way in which folders of a home are emptied: what we did not make stays where it is.
    """
    with contextlib.suppress(OSError):
        for name, entry in reversed(list(_below(folder))):  # what is in a folder before the folder
            if ours(name):
                with contextlib.suppress(OSError):  # a folder that is not empty, a file that is already gone
                    entry.rmdir() if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        folder.rmdir()


def _below(folder: Path, prefix: str = "") -> Iterator[tuple[str, Path]]:
    """Everything in a folder with its name relative to it, a folder before what is in it; links are not followed."""
    for path in sorted(folder.iterdir()):
        yield f"{prefix}{path.name}", path
        if path.is_dir() and not path.is_symlink():
            yield from _below(path, f"{prefix}{path.name}/")


HOME = "choose another folder with ELBO_HOME or allow writing there"


@contextlib.contextmanager
def explained(path: Path, advice: str = HOME) -> Generator[None]:
    """Turn the system's refusals to write into a `StoreError` of one sentence that says what to do."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreError(f"{path.parent}: the disk is full; free some space, then try again") from error
        raise StoreError(f"{path.parent}: cannot be written ({_reason(error)}); {advice}") from error


@contextlib.contextmanager
def reading(path: Path) -> Generator[None]:
    """The same for reading; a folder in a file's place, or a file in a folder's, is a `CorruptFileError`.

    What is not there stays a FileNotFoundError: whether that is an error, the reader knows.
    """
    try:
        yield
    except (FileNotFoundError, StoreError):
        raise
    except IsADirectoryError as error:
        raise CorruptFileError(f"{path}: damaged (a folder stands where a file should be)") from error
    except NotADirectoryError as error:
        raise CorruptFileError(f"{path}: damaged (a file stands where a folder should be)") from error
    except OSError as error:
        advice = "allow reading there or choose another folder with ELBO_HOME"
        raise StoreError(f"{path}: cannot be read ({_reason(error)}); {advice}") from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
