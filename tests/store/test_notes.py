"""What a person calls a run and says of it: kept whole or not at all, seen at once, never in another run's way."""

from __future__ import annotations

import json
import logging
import threading
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run, listing, tiny
from vae_core.config.errors import CorruptFileError, NewerFileError, NotesError, RunNotFoundError, StoreError
from vae_core.config.notes import Notes, checked
from vae_core.store import Store, notes
from vae_core.store.files import write_record

WIDE = "日本語のラベル" * 9
HOSTILE = {
    "<b>": "<b>bold</b>",
    "markdown": "**x** [a](http://b) ![p](p.png) `c` $\\pi$",
    "wide": WIDE[:60],
    "emoji": "👩\u200d🔬 and 🏁",
    "rtl": "שלום β 4",
    "accents": "e\u0301te\u0301",
    "quotes": '"it\'s" \\ {}',
}


def of(store: Store, run_id: str) -> Notes:
    """What the list says."""
    return next(info.notes for info in store.infos() if info.run_id == run_id)


@pytest.fixture
def home_of_one(copied: Run) -> tuple[Store, str, Path]:
    """A store with a run, its name, and where what is said of it is kept."""
    return copied.store, copied.run_id, copied.store.home / "notes" / f"{copied.run_id}.json"


# -- what is said is kept


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_was_said_is_read_again(home_of_one: tuple[Store, str, Path], text: str) -> None:
    store, run_id, _ = home_of_one
    said = store.describe(run_id, label=text, note=f"{text}\n{text}")
    text = unicodedata.normalize("NFC", text)
    assert (said.label, said.note) == (text, f"{text}\n{text}")
    for one in (store, Store(store.home)):
        assert one.notes(run_id) == said == of(one, run_id) == one.get(run_id).notes


def test_what_is_left_out_stays_and_what_is_empty_is_taken_away(home_of_one: tuple[Store, str, Path]) -> None:
    store, run_id, _ = home_of_one
    assert of(store, run_id) == Notes()
    store.describe(run_id, label="mine", note="of Monday")
    assert store.describe(run_id, label="ours") == Notes("ours", "of Monday")
    assert store.describe(run_id, note="") == Notes("ours")
    assert store.describe(run_id, label=" ") == Notes() == of(store, run_id)


def test_it_is_seen_at_once_however_often_it_changes(home_of_one: tuple[Store, str, Path]) -> None:
    """Two writes within one tick of the file system's clock look the same from outside."""
    store, run_id, _ = home_of_one
    for i in range(20):
        store.describe(run_id, label=str(i % 10))
        assert of(store, run_id).label == str(i % 10)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  two\twords \n", "two words"),
        ("a\x00b\x1b[31mc\x7f", "ab[31mc"),
        ("left\u202eright\u2066\ufeff\u200b", "leftright"),
        ("\ud800x", "x"),
        ("a\u2028b\x85c", "a b c"),
        ("\u200d \u200c", ""),
    ],
)
def test_a_label_is_one_line_of_letters(given: str, kept: str) -> None:
    assert checked(given, "").label == kept


def test_a_note_keeps_its_lines() -> None:
    assert checked("", "\n\n one  line \r\n\n another\x00\n").note == "one line\n\nanother"


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"label": "x" * 61}, "this label has 61 letters: give at most 60"),
        ({"note": "y" * 501}, "this note has 501 letters: give at most 500"),
    ],
)
def test_what_is_too_long_is_refused_and_changes_nothing(
    home_of_one: tuple[Store, str, Path], texts: dict[str, str], says: str
) -> None:
    store, run_id, path = home_of_one
    store.describe(run_id, label="x" * 60, note="y" * 500)
    before = path.read_bytes()
    with pytest.raises(NotesError, match=says):
        store.describe(run_id, **texts)
    assert path.read_bytes() == before


def test_a_model_that_ships_has_them_in_the_home(home: Store) -> None:
    shipped = home.infos()[0]
    before = listing(home.folder(shipped.run_id))
    home.describe(shipped.run_id, label="for Tuesday")
    found = home.get(shipped.run_id)
    assert (found.notes.label, found.shipped, found.model) == ("for Tuesday", True, shipped.model)
    assert listing(home.folder(shipped.run_id)) == before
    assert [name for name, content in listing(home.home).items() if content] == [f"notes/{shipped.run_id}.json"]


def test_they_are_no_part_of_what_the_run_is(home_of_one: tuple[Store, str, Path]) -> None:
    store, run_id, _ = home_of_one
    before = listing(store.runs)
    store.describe(run_id, label="a", note="b")
    assert listing(store.runs) == before


@pytest.mark.parametrize("name", ["nothing", "../x", "", "x" * 300])
def test_of_a_run_that_is_not_there_nothing_is_said(home: Store, name: str) -> None:
    for ask in (home.notes, lambda run_id: home.describe(run_id, label="x")):
        with pytest.raises(RunNotFoundError):
            ask(name)
    assert not home.home.exists()


def test_two_who_write_lose_nothing_of_each_other(home_of_one: tuple[Store, str, Path]) -> None:
    store, run_id, _ = home_of_one
    other = Store(store.home)

    def say(where: Store, name: str) -> None:
        for i in range(15):
            where.describe(run_id, **{name: f"{name} {i}"})

    both = [threading.Thread(target=say, args=pair) for pair in ((store, "label"), (other, "note"))]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert store.notes(run_id) == Notes("label 14", "note 14")


# -- a file that is not as it was written


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", CorruptFileError),
        (b"[]", CorruptFileError),
        (b"", CorruptFileError),
        (b'{"label": "x", "note": ""}', CorruptFileError),
        (b" " * (40 << 10), CorruptFileError),
        ({"label": "x"}, NewerFileError),
        ({"label": "x", "note": "", "tags": ["y"]}, NewerFileError),
        ({"label": 3, "note": ""}, NewerFileError),
        ({"label": "x" * 61, "note": ""}, NewerFileError),
        ({"label": "a\u202eb", "note": ""}, NewerFileError),
    ],
)
def test_what_cannot_be_believed_hides_no_run_and_says_so_once(
    home_of_one: tuple[Store, str, Path],
    content: bytes | dict[str, Any],
    kind: type[CorruptFileError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    store, run_id, path = home_of_one
    path.parent.mkdir()
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        write_record(path, content)
    with caplog.at_level(logging.WARNING, logger="elbo"):
        assert [of(store, run_id) for _ in range(3)] == [Notes()] * 3
        assert store.get(run_id).explorable
    assert store.odd() == []
    assert [str(path) in record.message for record in caplog.records] == [True]
    with pytest.raises(CorruptFileError) as found:
        store.notes(run_id)
    assert type(found.value) is kind
    before = path.read_bytes()
    if kind is NewerFileError:
        with pytest.raises(NewerFileError, match="made by a newer Elbo Room"):
            store.describe(run_id, label="mine")
        assert path.read_bytes() == before
    else:  # a person says it anew
        assert store.describe(run_id, label="mine") == Notes("mine") == of(store, run_id)


def test_a_change_of_any_bit_is_noticed(home_of_one: tuple[Store, str, Path]) -> None:
    store, run_id, path = home_of_one
    store.describe(run_id, label="mine ✓", note="one\ntwo")
    whole = path.read_bytes()
    assert json.loads(whole)["label"] == "mine ✓"
    for position in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(CorruptFileError):
                store.notes(run_id)


def test_a_write_that_fails_leaves_what_was_said(
    home_of_one: tuple[Store, str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run_id, path = home_of_one
    store.describe(run_id, label="before")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(StoreError, match="the disk is full; free some space"):
            store.describe(run_id, label="after")
    assert store.notes(run_id) == Notes("before")
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_file_in_the_folders_place_is_one_sentence(home_of_one: tuple[Store, str, Path]) -> None:
    store, run_id, path = home_of_one
    path.parent.write_text("mine")
    with pytest.raises(StoreError, match="cannot be written"):
        store.describe(run_id, label="x")
    assert of(store, run_id) == Notes()
    assert path.parent.read_text() == "mine"


# -- what goes, and what stays


def test_a_run_that_is_deleted_takes_them_along_and_nothing_else(home_of_one: tuple[Store, str, Path]) -> None:
    store, run_id, path = home_of_one
    other = store.create(tiny(seed=1))
    store.describe(other, label="the other")
    store.describe(run_id, label="gone soon")
    half = path.with_name(f".{path.name}-a1b2c3d4.tmp")
    half.write_text("of a process that was killed")
    mine = [path.with_name(name) for name in ("notes.txt", f"{run_id}.json.bak", f"{run_id}x.json", f".{run_id}.json")]
    for one in mine:
        one.write_text("mine")
    store.delete(run_id)
    assert {one.name for one in path.parent.iterdir()} == {f"{other}.json", *(one.name for one in mine)}
    assert of(store, other) == Notes("the other")
    assert store.create(tiny(epochs=30, hidden=(32,))) == run_id
    assert of(store, run_id) == Notes()


def test_the_last_run_with_notes_takes_their_folder_along(home_of_one: tuple[Store, str, Path]) -> None:
    store, run_id, path = home_of_one
    store.describe(run_id, label="x")
    store.delete(run_id)
    assert not path.parent.exists()


def test_a_run_that_is_stopped_and_goes_on_keeps_them(home_of_one: tuple[Store, str, Path]) -> None:
    store, run_id, _ = home_of_one
    store.describe(run_id, label="x")
    result = store.get(run_id).result
    assert result is not None
    store.publish(run_id, store.weights(run_id), result)
    assert of(store, run_id) == Notes("x")


# -- a thousand of them


def test_what_was_said_is_read_once(home_of_one: tuple[Store, str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    store, run_id, path = home_of_one
    store.describe(run_id, label="x")
    read, reads = notes.read, []
    monkeypatch.setattr(notes, "read", lambda path: reads.append(path) or read(path))
    looks = notes.looks
    old = time.time_ns() - 60 * 10**9
    monkeypatch.setattr(notes, "looks", lambda path: (found := looks(path)) and (old, old, *found[2:]))
    assert [of(store, run_id) for _ in range(4)] == [Notes("x")] * 4
    assert reads == [path]
    shipped = next(info.run_id for info in store.infos() if info.shipped)
    assert of(store, shipped) == Notes()
    assert reads == [path], "a run without notes has no file to read"
