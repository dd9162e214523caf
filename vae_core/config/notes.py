"""What a person calls a run and says of it: two texts that decide nothing.

Both are letters and nothing more: what has no shape of its own, as a control or a turn of the writing's direction, is
left out before they are kept.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from vae_core.config.errors import NotesError

LONGEST_LABEL, LONGEST_NOTE = 60, 500
"""Letters that may be kept."""
_JOINERS = "\u200c\u200d"
"""Without a shape, and part of words in Persian and of many emoji."""


@dataclass(frozen=True)
class Notes:
    """What a person says of a run; empty where nobody said anything."""

    label: str = ""
    """A short name, in one line."""
    note: str = ""
    """Whatever is to be remembered; it may have lines."""


def checked(label: str, note: str) -> Notes:
    """The two as they are kept. Raises `NotesError` for one that is too long."""
    label = _line(label)
    note = "\n".join(_line(line) for line in note.splitlines()).strip("\n")
    for name, text, most in (("label", label, LONGEST_LABEL), ("note", note, LONGEST_NOTE)):
        if len(text) > most:
            raise NotesError(f"this {name} has {len(text)} letters: give at most {most}")
    return Notes(label, note)


def _line(text: str) -> str:
    """One line of letters, with single spaces between its words."""
    words = "".join(" " if letter.isspace() else letter for letter in text if letter.isspace() or _has_a_shape(letter))
    line = " ".join(unicodedata.normalize("NFC", words).split())
    return line if line.strip(_JOINERS + " ") else ""


def _has_a_shape(letter: str) -> bool:
    return letter in _JOINERS or unicodedata.category(letter) not in ("Cc", "Cf", "Cs")
