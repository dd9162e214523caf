"""The arrays that pages show, as byte strings that the server gives out by address (`app/server.py`).

What is at `blobs/<hash>` is named by its own SHA-256, so a browser keeps it for good. What is at `promised/<name>` is
worked out when it is first asked for; a page that shows itself before that is known names it so. A component is told
the address and fetches the bytes itself (`frontend/net/blob.js`): they never travel with the calls that carry z.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

LIMIT = 128 << 20
"""Bytes that are kept at most; what was asked for longest ago goes first, and is made again where that is known."""
RECIPES = 4096
"""How many ways to make a blob are remembered."""
PROBE = 1 << 16
"""Bytes of which it is seen whether compressing pays: weights do not shrink, pictures to a quarter."""

Make = Callable[[], bytes]


@dataclass(frozen=True)
class _Body:
    bytes: bytes
    packed: bool
    """Whether they are as they travel: from the first fetch on."""


@dataclass
class _Recipe:
    make: Make
    digest: str | None = None
    """Of what it made last."""


class Blobs:
    """All blobs of this server. Safe to be used by every visitor's thread at once."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._size = 0
        self._bodies: OrderedDict[str, _Body] = OrderedDict()  # by digest
        self._recipes: OrderedDict[str, _Recipe] = OrderedDict()  # key -> how to make it
        self._making: dict[str, threading.Lock] = {}

    def offer(self, body: bytes) -> str:
        """Keep a byte string; its address. When it is gone nobody can make it again: the page has to ask anew."""
        digest = digest_of(body)
        with self._lock:
            self._keep(digest, body)
        return f"blobs/{digest}"

    def made(self, name: str, make: Make) -> str:
        """The address of what `make()` gives, which is called once for all visitors. `name` says what it is made of."""
        recipe = self._recipe(name, make)
        if recipe.digest is None:
            self._make(_key(name), recipe)
        return f"blobs/{recipe.digest}"

    def promise(self, name: str, make: Make) -> str:
        """An address under which `make()` is called when somebody asks, for what takes longer than a page may wait."""
        self._recipe(name, make)
        return f"promised/{_key(name)}"

    def get(self, digest: str) -> bytes | None:
        """The blob of that hash as it travels, gzip; None if it is not here and nothing known makes it."""
        with self._lock:
            body = self._bodies.get(digest)
            found = next(((k, r) for k, r in self._recipes.items() if r.digest == digest), None) if not body else None
        if body is None and found is not None and self._make(*found) != digest:
            return None
        return self._travelling(digest)

    def kept_promise(self, key: str) -> tuple[str, bytes] | None:
        """Hash and bytes (gzip) of what was promised; None for a promise that this server did not give."""
        with self._lock:
            recipe = self._recipes.get(key)
        if recipe is None:
            return None
        digest = recipe.digest if recipe.digest in self._bodies else None
        digest = digest or self._make(key, recipe)
        packed = self._travelling(digest)
        return None if packed is None else (digest, packed)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._bodies.clear()
            self._recipes.clear()
            self._size = 0

    @property
    def size(self) -> int:
        """Bytes that are kept now."""
        return self._size

    def _recipe(self, name: str, make: Make) -> _Recipe:
        key = _key(name)
        with self._lock:
            recipe = self._recipes.setdefault(key, _Recipe(make))
            self._recipes.move_to_end(key)
            while len(self._recipes) > RECIPES:
                self._recipes.popitem(last=False)
        return recipe

    def _make(self, key: str, recipe: _Recipe) -> str:
        """Make it, unless another thread just did; its hash."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        try:
            with making:
                if recipe.digest is None or recipe.digest not in self._bodies:
                    body = recipe.make()
                    digest = digest_of(body)
                    with self._lock:
                        self._keep(digest, body)
                        recipe.digest = digest
                return recipe.digest
        finally:
            with self._lock:
                self._making.pop(key, None)

    def _keep(self, digest: str, body: bytes) -> None:
        if digest in self._bodies:
            self._bodies.move_to_end(digest)
        else:
            self._put(digest, _Body(body, packed=False))

    def _put(self, digest: str, body: _Body) -> None:
        old = self._bodies.pop(digest, None)
        self._bodies[digest] = body
        self._size += len(body.bytes) - (len(old.bytes) if old else 0)
        while self._size > self._limit and len(self._bodies) > 1:
            self._size -= len(self._bodies.popitem(last=False)[1].bytes)

    def _travelling(self, digest: str) -> bytes | None:
        with self._lock:
            body = self._bodies.get(digest)
            if body is None:
                return None
            self._bodies.move_to_end(digest)
        if body.packed:
            return body.bytes
        packed = pack(body.bytes)
        with self._lock:
            if digest in self._bodies:
                self._put(digest, _Body(packed, packed=True))
        return packed


def digest_of(body: bytes) -> str:
    """What a blob is called: the first 128 bits of its SHA-256."""
    return hashlib.sha256(body).hexdigest()[:32]


def pack(body: bytes) -> bytes:
    """`body` as gzip, compressed where that pays; else it is only wrapped, which costs next to nothing.

    Always gzip, because Streamlit would compress whatever is not, at its slowest setting and at every request.
    """
    probe = body[:PROBE]
    pays = len(zlib.compress(probe, 1)) < 0.8 * len(probe)
    return gzip.compress(body, 6 if pays else 0, mtime=0)


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


blobs = Blobs()
"""Those of this process."""
