r"""What a page says of something that went wrong, and how text from strangers stands in it.

Names in links, names of folders and messages of errors are text: no picture is fetched for them, no link made of them,
no formula set. A visitor of an open server is told what is wrong, and neither a path nor a command of the server: the
log has those.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec

import streamlit as st

from vae_core.config.errors import (
    ConfigError,
    CorruptFileError,
    ElboRoomError,
    LimitError,
    ModelError,
    NewerFileError,
    NotFiniteError,
    RunBusyError,
    RunNotFoundError,
    StoreError,
)
from vae_core.config.visitors import Visitors

P = ParamSpec("P")

LONGEST = 400
"""Letters of a text that are shown."""

_JOINER = "\u2060"
_PUNCTUATION = re.compile(r"([!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])")
# What Streamlit looks for in the text after Markdown is done with it, so that a backslash is of no use: addresses
# (https://, www., a@b), icons and emoji (:material/home:), arrows (->).
_ACTIVE = re.compile(r"(?<=[:@])(?=\S)|(?<=www)(?=\.)|(?<=[<\->~!=])(?=[->=])", re.IGNORECASE)
_ELSEWHERE = re.compile(r"(?:^|[\s'\"(`])(?:~?/|[A-Za-z]:[\\/]|\\\\)\S+|`elbo |ELBO_HOME")

_PUBLIC: dict[type[ElboRoomError], str] = {
    RunNotFoundError: "there is no such model here, or it has none yet",
    NewerFileError: "this model was made by a newer version",
    CorruptFileError: "a file of this model is damaged",
    ModelError: "this model does not fit together",
    NotFiniteError: "a number came out that is not finite",
    StoreError: "the server's folder cannot be read or written just now",
    RunBusyError: "something else is at work on it; try again in a moment",
    ConfigError: "this is not a configuration that can be trained",
    LimitError: "this is more than this server allows",
}


def plain(text: str, most: int = LONGEST) -> str:
    """The text for a place that reads Markdown, as the letters that it is made of; in one line, and not too long."""
    text = "".join(letter if unicodedata.category(letter)[0] != "C" else " " for letter in text)
    text = " ".join(text.split())
    if len(text) > most:
        text = text[: most - 1] + "…"
    return _PUNCTUATION.sub(r"\\\1", _ACTIVE.sub(_JOINER, text))


def name(text: str) -> str:
    """A name that somebody gave, in quotation marks, as `plain`."""
    return plain(f"“{text[:81]}”" if len(text) <= 80 else f"“{text[:80]}…”")


def sentence(error: ElboRoomError | str) -> str:
    """What a visitor is told of it; not yet `plain`. On a machine of one's own that is all there is to know."""
    text = str(error)
    if not Visitors.from_environment().strangers or not _ELSEWHERE.search(text):
        return text
    _log(text)
    kinds = type(error).__mro__ if isinstance(error, ElboRoomError) else ()
    return next((_PUBLIC[kind] for kind in kinds if kind in _PUBLIC), "it did not work; the server's log says why")


def error(problem: ElboRoomError | str, before: str = "") -> None:
    """Show it, after the words `before`."""
    text = plain(sentence(problem))
    st.error(f"{before}{text}" if text.endswith(r"\.") else f"{before}{text}.")


def guarded(draw: Callable[P, None]) -> Callable[P, None]:
    """What draws a part of a page by itself: what it cannot do is said in that part."""

    @wraps(draw)
    def safe(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except ElboRoomError as problem:
            error(problem)

    return safe


@lru_cache(maxsize=1000)
def _log(text: str) -> None:
    """Once: parts of a page are drawn twice a second."""
    logging.getLogger("elbo_room").warning("%s", text)
