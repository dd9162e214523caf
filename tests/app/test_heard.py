"""What a component says is done to its end and counted, whatever comes in between."""

from __future__ import annotations

import pytest
from streamlit.runtime.scriptrunner import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

from app.components import ATTEMPTS, counted


def test_a_callback_that_another_event_cuts_off_is_begun_anew_and_the_other_goes_on() -> None:
    counts: dict[str, int] = {}
    other = RerunException(RerunData(query_string="the other"))
    done: list[str] = []

    def callback() -> None:
        done.append("begun")
        if len(done) == 1:
            raise other
        done.append("done")

    with pytest.raises(RerunException) as raised:
        counted("on_wish_change", callback, counts)()
    assert raised.value is other, "what the other event asked for is lost"
    assert done == ["begun", "begun", "done"]
    assert counts == {"wish": 1}


def test_what_is_done_at_once_iscounted_and_raises_nothing() -> None:
    counts = {"view": 4}
    counted("on_view_change", lambda: None, counts)()
    assert counts == {"view": 5}


def test_a_callback_that_asks_for_another_run_itself_comes_to_an_end() -> None:
    begun: list[None] = []

    def callback() -> None:
        begun.append(None)
        raise RerunException(RerunData())

    counts: dict[str, int] = {}
    with pytest.raises(RerunException):
        counted("on_wish_change", callback, counts)()
    assert (len(begun), counts) == (ATTEMPTS, {})
