"""Locks between processes by name, which the system takes back when their holder dies.

A lock is a file that is there while it is held. Who lets go of it removes it first, while nobody else can hold it; who
waited for that very file notices that it has no name any more, and starts anew (filelock does).
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Generator
from pathlib import Path

from filelock import FileLock, Timeout

from vae_core.config.errors import RunBusyError
from vae_core.store.files import explained


@contextlib.contextmanager
def held(path: Path, timeout: float) -> Generator[None]:
    """Hold the lock at `path`. Raises `RunBusyError` when another holds it for longer than `timeout` seconds."""
    lock, timeout = FileLock(path, thread_local=False), max(timeout, 0.05)  # time to start anew, once or twice
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=timeout, poll_interval=0.02)
        except Timeout:
            name = path.stem
            raise RunBusyError(f"{name}: another process is at work on it; wait for it or stop it first") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # where an open file cannot be removed, it stays: it is empty
            path.unlink()
        lock.release()


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock. Looking writes nothing, and needs no right to write."""
    try:
        import fcntl
    except ImportError:  # Windows
        return _is_held_by_trying(path)
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False  # nobody holds it, or it is none of ours to know
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES) or _is_held_by_trying(path)
    finally:
        os.close(descriptor)  # lets go of it
    return False


def _is_held_by_trying(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        with held(path, 0):
            return False
    except (RunBusyError, OSError):
        return True
