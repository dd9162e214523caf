"""Pages ask for what is derived from a model when they need it, say how it stands, and show a failure as a state."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from app.chrome import say, waiting
from app.facts import payloads
from tests.app.test_app import complaints, nobody_works, visit  # noqa: F401
from tests.conftest import Run
from vae_core.analysis import projection
from vae_core.config.visitors import VARIABLE, Visitors
from vae_core.jobs import derived
from vae_core.jobs.derived.codes import Codes
from vae_core.jobs.derived.maps import MapRequest
from vae_core.jobs.queue import Jobs, Look
from vae_core.store.files import write_bytes


def test_looking_asks_for_nothing(copied: Run) -> None:
    info = copied.store.get(copied.run_id)
    assert payloads.codes(info) is None
    assert payloads.findings(info) is None
    assert payloads.means_blob(info) is None
    assert payloads.aggregate([info]) is None
    assert payloads.matches(info, info) is None
    assert not (copied.store.home / "queue").exists()


@pytest.mark.parametrize("page", ["reconstruct", "map", "explore"])
def test_a_page_that_needs_the_codes_asks_for_them_once(copied: Run, page: str) -> None:
    jobs = Jobs(copied.store)
    for _ in range(2):
        at = visit(page, run=copied.run_id)
        assert not at.exception
    assert [job.parameters["thing"] for job in jobs.table.living("derive", copied.run_id)] == ["codes"]


@pytest.mark.parametrize("page", ["reconstruct", "map"])
def test_a_failure_is_said_once_and_asked_for_again_by_a_button(copied: Run, page: str) -> None:
    jobs = Jobs(copied.store)
    jobs.ask(copied.run_id, Codes())
    job = jobs.table.claim("derive", "worker")
    assert job is not None
    jobs.table.end(job, "failed", "the weights are damaged")
    at = visit(page, run=copied.run_id)
    assert not at.exception
    assert complaints(at) == ["the weights are damaged."]
    assert jobs.table.living("derive") == []  # nobody asks again by himself
    at.button(key=f"again-{copied.run_id}-codes").click().run()
    assert complaints(at) == []
    assert jobs.look(copied.run_id, Codes()).state == "waiting"


@pytest.mark.parametrize("page", ["reconstruct", "map"])
def test_who_waits_may_cancel_what_he_asked_for(copied: Run, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs(copied.store)
    at = visit(page, run=copied.run_id)
    at.button(key=f"cancel-{copied.run_id}-codes").click().run()
    assert complaints(at) == ["This was cancelled."]
    assert jobs.table.living("derive") == []
    jobs.ask(copied.run_id, Codes(), by="somebody else")
    monkeypatch.setenv(VARIABLE, Visitors(strangers=True).to_environment()[VARIABLE])
    at = visit(page, run=copied.run_id)
    with pytest.raises(KeyError):
        at.button(key=f"cancel-{copied.run_id}-codes")


def test_where_nothing_can_be_asked_for_the_page_says_so(copied: Run) -> None:
    write_bytes(copied.store.home / "queue", b"a file stands where the folder should be")
    at = visit("reconstruct", run=copied.run_id)
    assert not at.exception
    assert len(complaints(at)) == 1
    assert "cannot be written" in complaints(at)[0]


def test_two_maps_are_asked_for_at_once_and_each_may_fail_or_be_cancelled_alone(copied: Run) -> None:
    jobs = Jobs(copied.store)
    derived.get(copied.store, copied.run_id, Codes())
    view = {"run": copied.run_id, "method": "t-SNE", "beside": "another start", "other-seed": "2"}
    at = visit("map", **view)
    assert not at.exception
    first = MapRequest(limit=297, perplexity=30)
    second = replace(first, seed=2, start="random")
    assert [job.parameters for job in jobs.table.living("derive")] == [
        {"model": copied.store.get(copied.run_id).model, **thing.to_json()} for thing in (first, second)
    ]
    at.button(key=f"cancel-{copied.run_id}-{first.name}").click().run()
    assert complaints(at) == ["First map: This was cancelled."]
    assert jobs.look(copied.run_id, second).state == "waiting"
    job = jobs.table.claim("derive", "worker")
    assert job is not None
    jobs.table.end(job, "failed", "the disk is full")
    at = visit("map", **view)
    assert complaints(at) == ["First map: This was cancelled.", "Second map: the disk is full."]
    at.button(key=f"again-{copied.run_id}-{second.name}").click().run()
    assert complaints(at) == ["First map: This was cancelled."]
    assert jobs.look(copied.run_id, first).state == "cancelled"
    assert jobs.look(copied.run_id, second).state == "waiting"


def test_two_maps_say_how_many_neighbours_they_share_once_both_are_there(copied: Run) -> None:
    first, second = MapRequest(limit=297), MapRequest(limit=297, perplexity=5)

    def sentence() -> str:
        at = visit("map", run=copied.run_id, method="t-SNE", beside="another perplexity")
        assert not at.exception
        return next(text.value for text in at.markdown if "nearest neighbours" in text.value)

    for thing in (Codes(), first):
        derived.get(copied.store, copied.run_id, thing)
    assert sentence().count("**…**") == 3
    points = [
        derived.get(copied.store, copied.run_id, thing).arrays[name]
        for thing, name in ((first, "embedding"), (second, "embedding"), (Codes(), "mu"))
    ]
    one, other, z = map(projection.neighbours, points)
    shares = [projection.shared_neighbours(*pair) for pair in ((one, other), (one, z), (other, z))]
    assert re.findall(r"\*\*(\d+)\s%\*\*", sentence()) == [f"{100 * share:.0f}" for share in shares]
    assert "By chance it would be 3.4" in sentence()


def test_a_component_is_told_what_a_page_would_say(copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    info = copied.store.get(copied.run_id)

    def told(*looks: Look) -> tuple[str, bool, str]:
        said = waiting.of_component([(info, look) for look in looks], "Encoding.")
        return said["text"], said["failed"], said["button"]

    assert told(Look("running"), Look("waiting", ahead=3)) == ("Encoding. 3 others come first.", False, "cancel")
    assert told(Look("waiting", reason="too many wait")) == ("too many wait", False, "cancel")
    assert told(Look("running"), Look("failed", reason="it is *damaged*")) == ("it is *damaged*.", True, "retry")
    assert told(Look("cancelled")) == ("This was cancelled.", True, "retry")
    assert len(told(Look("failed", reason="long " * 1000))[0]) <= say.LONGEST + 1
    monkeypatch.setenv(VARIABLE, Visitors(strangers=True).to_environment()[VARIABLE])
    assert told(Look("running", by="somebody else")) == ("Encoding.", False, "")
