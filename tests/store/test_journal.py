"""events.jsonl: what a run said, each line with the checksum of everything up to it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import tiny
from tests.store.test_store import TERMS, finished_event
from vae_core.config import events
from vae_core.config.errors import CorruptFileError, NewerFileError
from vae_core.config.events import Losses
from vae_core.store import Store, journal
from vae_core.store.journal import Mark

SAID = [Losses(i, i / 8, 1.0, TERMS, TERMS, -float(i)) for i in range(6)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    for event in SAID:
        journal.append(tmp_path / "events.jsonl", event)
    return tmp_path / "events.jsonl"


def test_it_reads_as_it_was_written(path: Path) -> None:
    found, mark, _ = journal.read(path)
    assert found == SAID
    assert mark == journal.mark(path)
    assert mark.size == path.stat().st_size


@pytest.mark.parametrize("odd", ["missing", "doubled", "swapped", "from another run", "without its checksum"])
def test_lines_that_are_whole_and_out_of_place_are_noticed(path: Path, tmp_path: Path, odd: str) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    if odd == "missing":
        del lines[2]
    elif odd == "doubled":
        lines.insert(2, lines[2])
    elif odd == "swapped":
        lines[2], lines[3] = lines[3], lines[2]
    elif odd == "from another run":
        journal.append(tmp_path / "other", SAID[3])
        lines[3] = (tmp_path / "other").read_bytes()
    else:
        lines[3] = events.to_json(SAID[3]).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(CorruptFileError, match=r"events\.jsonl: damaged \(a line .*checksum\)"):
        journal.read(path)


def test_lines_of_0_1_are_read_and_gone_on_from(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(events.to_json(event) + "\n" for event in SAID[:3]))
    assert journal.read(path)[0] == SAID[:3]
    for event in SAID[3:]:
        journal.append(path, event)
    assert journal.read(path)[0] == SAID
    path.write_text(path.read_text().replace('"held_out"', '"held-out"', 1))
    with pytest.raises(CorruptFileError, match=r"events\.jsonl: damaged"):
        journal.read(path)


def test_a_line_of_0_1_with_a_name_that_is_no_field_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(events.to_json(SAID[0])[:-1] + ',"crd":"00000000"}\n')
    with pytest.raises(CorruptFileError, match="'crd' is no part of an event"):
        journal.read(path)


def test_an_event_of_a_newer_version_is_newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    monkeypatch.setattr(events, "to_json", lambda _: '{"type":"praised","step":1}')
    journal.append(path, SAID[0])
    monkeypatch.undo()
    with pytest.raises(NewerFileError, match=r"made by a newer Elbo Room .*; update"):
        journal.read(path)


def test_reading_goes_on_from_the_end_of_any_line(path: Path) -> None:
    ends = [0]
    for line in path.read_bytes().splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    for n, end in enumerate(ends):
        assert journal.read(path, end)[0] == SAID[n:]
    whole = path.stat().st_size
    for since in range(whole + 40):
        found, mark, again = journal.read(path, since)
        assert mark.size == whole
        assert again == (since not in ends)
        assert found in [SAID[n:] for n in range(len(SAID) + 1)]  # whole lines, from there or from the start


def test_half_a_line_that_a_full_disk_left_is_taken_back(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'{"type":"losses","st')
    journal.append(path, SAID[0])
    assert journal.read(path)[0] == [*SAID, SAID[0]]


def test_going_back_is_checked(path: Path, tmp_path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    other = tmp_path / "other"
    for event in SAID[:3]:
        journal.append(other, event)
    mark = journal.mark(other)
    journal.go_back(path, mark)
    assert journal.read(path) == (SAID[:3], mark, False)
    journal.go_back(path, Mark(0, 0))
    assert path.read_bytes() == b""
    path.write_bytes(b"".join([*lines[1:3], lines[0], lines[4]]))
    with pytest.raises(CorruptFileError, match=r"events\.jsonl: (damaged|not what its checkpoint says)"):
        journal.go_back(path, mark)


def test_what_was_followed_over_a_resume_is_sound(home: Store) -> None:
    """A page that has read to some byte, and a run that goes back to its checkpoint and says more than before."""
    run_id = home.create(tiny())
    home.append(run_id, SAID[0])
    home.save_checkpoint(run_id, {"x": np.zeros(1)}, {})
    home.append(run_id, SAID[1])
    _, since = home.events(run_id)
    home.load_checkpoint(run_id)
    longer = [Losses(1000 + i, 1.0, 0.123456789, TERMS, TERMS, -0.123456789) for i in range(4)]
    for event in longer:
        home.append(run_id, event)
    assert os.stat(home.folder(run_id) / "events.jsonl").st_size > since  # noqa: PTH116
    assert home.events(run_id, since) == home.events(run_id)
    assert home.said(run_id, since).again
    assert not home.said(run_id, home.events(run_id)[1]).again
    assert home.events(run_id)[0] == [SAID[0], *longer]


def test_what_is_missing_at_the_end_of_a_complete_run_is_noticed(home: Store) -> None:
    run_id = home.create(tiny())
    for event in SAID:
        home.append(run_id, event)
    home.publish(run_id, {"w": np.zeros(3)}, finished_event())
    path = home.folder(run_id) / "events.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for cut in (b"", b"".join(lines[:-1]), whole[:-1], whole[:-30]):
        path.write_bytes(cut)
        with pytest.raises(CorruptFileError, match=r"events\.jsonl: damaged \(not all that the run said\)"):
            home.events(run_id)
    path.unlink()
    with pytest.raises(CorruptFileError, match=r"events\.jsonl: damaged \(not all that the run said\)"):
        home.events(run_id)
