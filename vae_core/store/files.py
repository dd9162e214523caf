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
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from vae_core.config.errors import CorruptFileError, StoreError

Arrays = dict[str, NDArray[Any]]


class ArrayFile(NamedTuple):
    """What an array file holds, verified."""

    arrays: Arrays
    meta: dict[str, Any]
    sha256: str


MAX_ARRAY_FILE = 2 << 30
"""Largest array file that is read, in bytes."""


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace `path` by `content` in one step; with `durable`, survive a power cut too. Raises `StoreError`."""
    with explained(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        if durable:
            sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_json(path: Path, value: Mapping[str, Any], *, durable: bool = True) -> None:
    """Replace `path` by `value` as JSON."""
    write_bytes(path, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode(), durable=durable)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises FileNotFoundError, or `CorruptFileError` when the text is not one."""
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CorruptFileError(f"{path}: not valid JSON, so it is damaged ({error})") from error
    if not isinstance(value, dict):
        raise CorruptFileError(f"{path}: not a JSON object, so it is damaged")
    return value  # type: ignore[reportUnknownVariableType]


def write_arrays(path: Path, arrays: Arrays, meta: Mapping[str, Any] | None = None, *, durable: bool = True) -> str:
    """Replace `path` by named arrays and a JSON object; returns their SHA-256."""
    packed = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    text = json.dumps(meta or {}, sort_keys=True)
    digest = _digest(packed, text)
    write_bytes(path, save(packed, {"meta": text, "sha256": digest}), durable=durable)
    return digest


def read_arrays(path: Path) -> ArrayFile:
    """What `write_arrays` wrote. Raises FileNotFoundError, or `CorruptFileError` on any doubt."""
    if path.stat().st_size > MAX_ARRAY_FILE:
        raise CorruptFileError(f"{path}: larger than {MAX_ARRAY_FILE >> 30} GiB, which no file of ours is")
    try:
        with safe_open(path, framework="np") as file:
            header: dict[str, str] = file.metadata() or {}
            arrays: Arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
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


@contextlib.contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn the system's refusals to write into a `StoreError` of one sentence that says what to do."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreError(f"{path.parent}: the disk is full; free some space, then try again") from error
        reason = error.strerror or str(error)
        raise StoreError(
            f"{path.parent}: cannot be written ({reason}); choose another folder with ELBO_HOME or allow writing there"
        ) from error
