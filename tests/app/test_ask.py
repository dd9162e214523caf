"""What visitors of an open server may ask for, and whose run is whose."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from app.chrome import ask
from tests.app.test_app import APP, PAGES, complaints, nobody_works  # noqa: F401
from tests.conftest import Run
from vae_core.config import RunConfig
from vae_core.config.errors import LimitError
from vae_core.config.visitors import Visitors
from vae_core.store import Store

Opened = Callable[..., None]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Let strangers in, with these limits."""

    def let_in(**limits: Any) -> None:
        for name, value in Visitors(**limits).to_environment().items():
            monkeypatch.setenv(name, value)

    return let_in


def visit(page: str, who: str, **view: object) -> AppTest:
    """The page as this visitor opens it."""
    from streamlit.util import calc_hash

    at = AppTest.from_file(str(APP / "main.py"), default_timeout=60)
    at.session_state["visitor"] = who
    at.query_params.update({name: str(value) for name, value in view.items()})
    at._page_hash = calc_hash(PAGES.get(page, page))
    return at.run()


def train(who: str, **view: object) -> AppTest:
    at = visit("train", who, data="digits", **view)
    at.button(key="train").click().run()
    assert not at.exception
    return at


def waiting(home: Store) -> list[RunConfig]:
    return [info.config for info in home.infos() if info.status == "queued"]


def test_so_many_runs_wait_in_all_and_so_many_of_each(home: Store, opened: Opened) -> None:
    opened(max_waiting=3, max_waiting_each=2)
    assert complaints(train("ann", seed=1)) == []
    assert complaints(train("ann", seed=2)) == []
    assert "2 of your runs wait, and 2 may" in complaints(train("ann", seed=3))[0]
    assert complaints(train("bob", seed=4)) == []
    assert "3 runs wait already, and 3 may" in complaints(train("bob", seed=5))[0]
    assert sorted(config.seed for config in waiting(home)) == [1, 2, 4]


def test_a_sweep_is_asked_for_whole_or_not_at_all(home: Store, opened: Opened) -> None:
    opened(max_waiting_each=4)
    at = visit("train", "ann", data="digits")
    at.button(key="train-sweep").click().run()
    assert not at.exception
    assert "0 of your runs wait, and 4 may" in complaints(at)[0]
    assert waiting(home) == []


def test_a_run_takes_no_longer_than_is_allowed(home: Store, opened: Opened) -> None:
    opened(max_minutes=1)
    at = visit("train", "ann", epochs=100, network="burgess")
    at.button(key="train").click().run()
    assert not at.exception
    assert "and 1 min are allowed: take fewer epochs" in complaints(at)[0]
    assert waiting(home) == []


def test_who_asked_for_a_run_ends_it_and_nobody_else(
    home: Store, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened()
    run_id = train("ann", seed=1).query_params["run"]
    assert may_end(visit("train", "ann", data="digits", seed=1))
    assert not may_end(visit("train", "bob", data="digits", seed=1))
    opened(allow_delete=True)
    assert may_end(visit("train", "bob", data="digits", seed=1))
    opened()
    # The view itself asks in a browser; here it is asked as it would be.
    monkeypatch.setattr(ask, "visitor", lambda: "bob")
    with pytest.raises(LimitError, match="only who asked"):
        ask.wish("cancel", run_id)
    monkeypatch.setattr(ask, "visitor", lambda: "ann")
    ask.wish("cancel", run_id)
    assert run_id not in home.run_ids()


def labels(at: AppTest) -> set[str]:
    return {button.label for button in at.button}


def may_end(at: AppTest) -> bool:
    """Whether the page offers this visitor to end the run that it shows."""
    (view,) = (
        element.proto for element in at.get("bidi_component") if element.proto.component_name == "elbo_room_train"
    )  # type: ignore[union-attr]
    return bool(json.loads(view.json)["mine"])


def test_a_model_nobody_here_asked_for_stays(copied: Run, opened: Opened) -> None:
    opened()
    (copied.store.folder(copied.run_id) / "config.json").write_text("{")
    assert "Delete it" not in labels(visit("models", "ann"))
    opened(strangers=False)
    assert "Delete it" in labels(visit("models", "ann"))


def test_a_wish_behind_the_buttons_is_refused_too(copied: Run, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    from app import session
    from vae_core.config.errors import LimitError

    opened()
    monkeypatch.setattr(session, "store", lambda: copied.store)
    monkeypatch.setattr(ask, "visitor", lambda: "ann")
    for wish in ("pause", "stop", "cancel"):
        with pytest.raises(LimitError, match="only who asked"):
            ask.wish(wish, copied.run_id)
    assert copied.run_id in copied.store.run_ids()


def test_a_visitor_is_the_same_for_every_page_load() -> None:
    # Streamlit masks the same token anew each time.
    token = bytes(range(16))
    cookies = {generate_xsrf_token_string(token, 5) for _ in range(3)}
    assert len(cookies) == 3
    assert {ask._secret(cookie) for cookie in cookies} == {token}
    assert [ask._secret(cookie) for cookie in ("", "2|", "2|||", "2|zz|00|1", "x" * 400)] == [b""] * 5
