"""What was worked out once is kept for all visitors, as long as there is room: bounded by bytes, not by how many.

A cache of so many entries says nothing about memory: 128 sets of samples took 676 MB where D was 64.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

ROOM = 192 * 2**20
"""Bytes for all that is kept together; what was used longest ago goes first."""

P = ParamSpec("P")
T = TypeVar("T")


class Shelf:
    """Values by key, at most `room` bytes of them; the newest stays even where it alone takes more."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.bytes = 0
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of that key; made by whoever asks first, while others who ask for the same wait for it.

        What `make` raises is raised, and nothing is kept.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._values:
                    return self._values[key][0]
            try:
                value = make()
                self._put(key, value)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
            self.bytes = 0

    def _put(self, key: Hashable, value: Any) -> None:
        size = bytes_of(value)
        with self._lock:
            self._values[key] = (value, size)
            self.bytes += size
            while self.bytes > self.room and len(self._values) > 1:
                self.bytes -= self._values.popitem(last=False)[1][1]


def bytes_of(value: Any) -> int:
    """About how many bytes a value holds: arrays and byte strings, in tuples, lists, dicts and dataclasses."""
    if isinstance(value, np.ndarray):
        owner = cast("Any", value.base if value.base is not None else value)
        return int(getattr(owner, "nbytes", value.nbytes))  # a view keeps all of its owner alive
    if is_dataclass(value) and not isinstance(value, type):
        return 64 + sum(bytes_of(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, dict):
        return 64 + sum(bytes_of(part) for part in cast("dict[Any, Any]", value).values())
    if isinstance(value, (tuple, list)):
        return 64 + sum(bytes_of(part) for part in cast("tuple[Any, ...]", value))
    return sys.getsizeof(value)


_shelf = Shelf(ROOM)


def kept(function: Callable[P, T]) -> Callable[P, T]:
    """Keep what the function returns, by its arguments; those whose names begin with `_` are no part of the key."""
    import inspect

    names = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def look(*args: P.args, **kwargs: P.kwargs) -> T:
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        key = (function.__module__, function.__qualname__, *((n, v) for n, v in given.items() if n[0] != "_"))
        return _shelf.get(cast("Hashable", key), lambda: function(*args, **kwargs))

    return look


def forget() -> None:
    """Keep nothing of what was."""
    _shelf.clear()


def kept_bytes() -> int:
    """How many bytes are kept."""
    return _shelf.bytes
