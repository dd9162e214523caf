"""What is kept of the arrays that pages show, under which address, and for how long."""

from __future__ import annotations

import gzip
import threading
import time

import numpy as np
import pytest

from app.components.blobs import Blobs, digest_of, pack

NOISE = np.random.default_rng(0)


def noise(size: int) -> bytes:
    return NOISE.bytes(size)


def at(address: str) -> str:
    return address.rpartition("/")[2]


def unpacked(packed: bytes | None) -> bytes | None:
    return None if packed is None else gzip.decompress(packed)


def test_a_blob_is_named_by_its_content() -> None:
    blobs = Blobs()
    a, b = blobs.offer(b"one"), blobs.offer(b"two")
    assert a == f"blobs/{digest_of(b'one')}" != b
    assert blobs.offer(b"one") == a == blobs.made("whatever", lambda: b"one")
    assert unpacked(blobs.get(at(a))) == b"one"
    assert blobs.get("0" * 32) is None


def test_what_is_made_is_made_once_for_all() -> None:
    blobs, calls = Blobs(), []

    def make() -> bytes:
        calls.append(1)
        time.sleep(0.05)
        return b"model"

    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(blobs.made("a", make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == len(calls) == 1
    assert len(found) == 8


def test_a_promise_is_kept_when_somebody_asks() -> None:
    blobs, calls = Blobs(), []
    address = blobs.promise("slow", lambda: calls.append(1) or b"eigenvalues")
    assert address.startswith("promised/")
    assert calls == []
    for _ in range(2):
        kept = blobs.kept_promise(at(address))
        assert kept is not None
        assert kept[0] == digest_of(b"eigenvalues")
        assert unpacked(kept[1]) == b"eigenvalues"
    assert calls == [1]
    assert blobs.promise("slow", lambda: b"") == address, "the address changed once it was known"
    assert blobs.kept_promise("0" * 32) is None


def test_memory_is_bounded_and_what_can_be_made_again_is() -> None:
    blobs = Blobs(limit=10_000)
    first = noise(4000)
    made = blobs.made("first", lambda: first)
    lost = blobs.offer(noise(4000))
    for _ in range(5):
        assert blobs.get(at(blobs.offer(noise(3000)))) is not None
        assert blobs.size <= 10_000
    assert blobs.get(at(lost)) is None
    assert unpacked(blobs.get(at(made))) == first
    assert unpacked(blobs.get(at(blobs.offer(noise(50_000))))) is not None, "one that is larger than all the room"


def test_what_was_made_again_and_differs_is_not_given_out_under_the_old_name() -> None:
    blobs, bodies = Blobs(limit=100), [b"old" * 40, b"new" * 40]
    address = blobs.made("a", lambda: bodies.pop(0))
    blobs.offer(noise(200))
    assert blobs.get(at(address)) is None


def test_an_error_is_raised_and_tried_again_next_time() -> None:
    blobs, attempts = Blobs(), []

    def make() -> bytes:
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("damaged")
        return b"mended"

    with pytest.raises(OSError, match="damaged"):
        blobs.made("a", make)
    assert unpacked(blobs.get(at(blobs.made("a", make)))) == b"mended"


def test_only_what_shrinks_is_compressed() -> None:
    pictures, weights = bytes(200_000), noise(200_000)
    assert len(pack(pictures)) < 1000
    assert len(weights) < len(pack(weights)) < len(weights) + 200
    assert gzip.decompress(pack(weights)) == weights
    assert gzip.decompress(pack(b"")) == b""
