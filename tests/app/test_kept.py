"""What is kept for all visitors is bounded by bytes, made once, and never half."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from app.facts import kept
from app.facts.kept import Shelf, bytes_of


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    kept.forget()
    yield
    kept.forget()


def test_it_is_made_once() -> None:
    calls: list[int] = []

    @kept.kept
    def double(n: int, _hint: str = "") -> int:
        calls.append(n)
        return 2 * n

    assert [double(1), double(1, "other hint"), double(2), double(n=1)] == [2, 2, 4, 2]
    assert calls == [1, 2]


def test_room_is_for_bytes_and_the_longest_unused_goes() -> None:
    shelf = Shelf(room=3 * 8000)
    for name in "abc":
        shelf.get(name, lambda: np.zeros(1000))
    shelf.get("a", lambda: pytest.fail("made twice"))
    shelf.get("d", lambda: np.zeros(1000))
    assert shelf.bytes <= 3 * 8000
    again: list[str] = []
    for name in "acdb":
        shelf.get(name, lambda name=name: again.append(name) or np.zeros(1000))
    assert again == ["b"]


def test_what_is_larger_than_the_room_still_serves() -> None:
    shelf = Shelf(room=100)
    assert shelf.get("large", lambda: np.zeros(1000)).shape == (1000,)
    shelf.get("large", lambda: pytest.fail("made twice"))
    shelf.get("other", lambda: np.zeros(1))
    assert len(shelf) == 1


def test_an_error_is_raised_and_not_kept() -> None:
    shelf = Shelf(room=100)

    def fail() -> int:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            shelf.get("a", fail)
    assert shelf.get("a", lambda: 1) == 1


def test_visitors_who_ask_at_once_wait_for_one() -> None:
    shelf, made, start = Shelf(room=100), [], threading.Barrier(8)

    def ask() -> None:
        start.wait()
        shelf.get("a", lambda: made.append(1) or 1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_bytes_are_those_of_the_arrays_within() -> None:
    @dataclass
    class Facts:
        values: np.ndarray
        others: tuple[bytes, dict[str, np.ndarray]]

    facts = Facts(np.zeros(100), (b"x" * 1000, {"a": np.zeros(10, np.float32)}))
    assert 800 + 1000 + 40 <= bytes_of(facts) <= 800 + 1000 + 40 + 1000
    assert bytes_of(np.zeros(1000)[:1]) == 8000, "a view keeps its owner"
