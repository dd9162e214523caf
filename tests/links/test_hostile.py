"""Whatever stands in a link, a page opens, and shows it as the letters that it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import link
from app.chrome import say
from app.lab import VIEWS
from tests.app.test_app import STARTERS, nobody_works, visit  # noqa: F401
from tests.conftest import Run
from vae_core.config import RunConfig
from vae_core.config.errors import CorruptFileError, LimitError, RunNotFoundError, StoreError
from vae_core.config.visitors import Visitors
from vae_core.store import Store

PAGES = ("explore", "train", "reconstruct", "map", "models", "compare", *VIEWS)
NAMES = (*(item.name for item in link.TABLE), *(old for item in link.TABLE for _, old in item.once), "lasso")
MARKDOWN = (
    "![x](https://evil.example/x.png) [sign in](https://evil.example) https://evil.example www.evil.example "
    "a@evil.example $\\pi$ :material/home: :red[x] :smile: <b>b</b> **b** `c` -> \n# h"
)
VALUES = {
    "markdown": MARKDOWN,
    "long": "a" * 300,
    "control": "a\x00b\x1b[31m\u202ec\ud7ff",
    "path": "../../etc/passwd",
    "number": "3",
    "huge": "9" * 200,
    "list": "1e9,nan,,x,-inf",
}


def texts(at: AppTest) -> Iterator[str]:
    """Everything that the page says in Markdown."""
    for kind in ("markdown", "caption", "error", "warning", "info", "success"):
        for element in at.get(kind):
            yield str(element.value)


def inert(at: AppTest) -> None:
    assert not at.exception, [element.message for element in at.exception]
    for text in texts(at):
        for active in ("](http", "https://evil", "www.evil", "$\\pi", ":material/home", ":red[x", ":smile:", "<b>b"):
            assert active not in text, text
        assert not any(ord(letter) < 32 and letter != "\n" for letter in text), text


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("page", PAGES)
def test_page_opens_from_any_link(page: str, value: str, home: Store) -> None:
    inert(visit(page, **dict.fromkeys(NAMES, value)))
    assert not home.home.exists() or all(info.shipped for info in home.infos())


@pytest.mark.parametrize("view", [{"moment": "3"}, {"moment": "0"}, {"moment": "99"}])
def test_moment_that_does_not_ship_is_not_there(view: dict[str, str], home: Store) -> None:
    at = visit("explore", run=STARTERS[2], **view)
    inert(at)
    assert "moment" not in at.query_params


def test_name_of_a_damaged_run_is_text(copied: Run) -> None:
    folder = copied.store.runs / "![x](x.png) [a](b)"
    folder.mkdir()
    (folder / "config.json").write_text("{")
    at = visit("models")
    inert(at)
    assert any(say.name(folder.name) in text for text in texts(at))
    assert not any("](" in text.replace(r"\]\(", "") for text in texts(at))


# -- what is said of errors


HOSTILE = [MARKDOWN, "", " ", "x" * 5000, "a:b", "1/2", "\\", "```", "~~~", "| a | b |", "- a", "1. a", "> a", "&amp;"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_plain_is_one_line_of_escaped_letters(text: str) -> None:
    shown = say.plain(text)
    assert "\n" not in shown
    assert len(shown) < 3 * say.LONGEST
    # Every mark is escaped, and without the escapes it is what came.
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_\[\]<>`$:!#|~]", re.sub(r"\\[^\w\s]", "", shown))
    bare = re.sub(r"\\([^\w\s])", r"\1", shown).replace("\u2060", "")
    assert bare.removesuffix("…") == " ".join(text.split())[: len(bare.removesuffix("…"))]


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Visitors().to_environment().items():
        monkeypatch.setenv(name, value)


ERRORS = [
    StoreError("/srv/elbo/queue: cannot be written (Permission denied); choose another folder with ELBO_HOME"),
    CorruptFileError("/srv/elbo/runs/x/config.json: not valid JSON, so it is damaged"),
    RunNotFoundError("no run named 'x' in /srv/elbo; `elbo runs` lists them"),
    RunNotFoundError("no run named 'x' in C:\\Users\\me\\elbo; it was deleted"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_visitor_is_told_no_path_and_no_command(error: Any, strangers: None) -> None:
    for told in (say.sentence(error), say.sentence(str(error))):
        assert not re.search(r"srv|Users|elbo|ELBO_HOME|config\.json", told)
        assert len(told) > 20


def test_what_holds_no_path_is_told_as_it_is(strangers: None) -> None:
    for error in (LimitError("3 runs wait already, and 3 may: try again"), StoreError("x ships with it; 1/2 of 3")):
        assert say.sentence(error) == str(error)


def test_on_a_machine_of_ones_own_the_path_is_said(home: Store) -> None:
    assert [say.sentence(error) for error in ERRORS] == [str(error) for error in ERRORS]


def test_a_visitor_sees_no_path_on_any_page_of_a_damaged_home(copied: Run, strangers: None) -> None:
    (copied.store.folder(copied.run_id) / "config.json").write_text("{")
    other = copied.store.create(RunConfig(dataset="digits", seed=3))
    (copied.store.folder(other) / "state.json").write_text("[]")
    for page in ("explore", "train", "models", "compare"):
        at = visit(page, run=copied.run_id, runs=f"{copied.run_id},{other}")
        inert(at)
        assert not any(str(copied.store.home) in text.replace("\\", "") for text in texts(at)), page
