"""A home that cannot be read or written: every page says so in a sentence, and shows what it can."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.test_app import STARTERS, nobody_works, visit  # noqa: F401
from tests.conftest import Run
from tests.links.test_hostile import PAGES, inert, texts
from vae_core.config.errors import StoreError
from vae_core.config.visitors import Visitors
from vae_core.jobs.queue import Jobs
from vae_core.store import Store


def refuse(*_: Any, **__: Any) -> None:
    raise StoreError("/srv/elbo/runs: cannot be read (Permission denied); allow reading there")


@pytest.mark.parametrize("page", PAGES)
def test_home_that_cannot_be_read_is_one_sentence(page: str, home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("infos", "get", "odd"):
        monkeypatch.setattr(Store, name, refuse)
    at = visit(page)
    inert(at)
    if page not in ("steps", "gaussian"):  # they compute in the page
        assert any("cannot be read" in text.replace("\\", "") for text in texts(at))


@pytest.mark.parametrize("page", ["reconstruct", "map", "compare", "explore", "collapse", "gaussian"])
def test_home_that_cannot_be_written_is_a_sentence_where_something_is_asked_for(
    page: str, copied: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Jobs, "ask", refuse)
    at = visit(page, run=copied.run_id, runs=f"{copied.run_id},{STARTERS[2]}", mode="data")
    inert(at)
    if page in ("reconstruct", "map"):
        assert any("cannot be read" in text.replace("\\", "") for text in texts(at))


def test_strangers_are_not_told_where_it_is(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Visitors().to_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Store, "infos", refuse)
    at = visit("explore")
    inert(at)
    assert not any("srv" in text for text in texts(at))
    assert any("cannot be read or written just now" in text for text in texts(at))
