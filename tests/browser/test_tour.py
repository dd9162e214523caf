"""The guided tour, walked as a first-time visitor does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from app.chrome.tour import STOPS
from tests.app import test_app
from tests.browser.fixtures import Server
from tests.browser.test_browser import at_rest, button, eventually, in_url, place_of, ready, wait_for_url
from vae_core.config import RunConfig
from vae_core.jobs.starters import STARTERS
from vae_core.store import Store

Visit = Callable[..., Page]

nobody_works = test_app.nobody_works
run_script = test_app.visit

PLANE, TEN = (config.run_id for config in STARTERS)
LINE = 44
"""Pixels that the bar may take of a window of 1280×720."""


def bar(page: Page) -> Locator:
    return page.get_by_test_id("tour")


def stands_at(page: Page, number: int) -> None:
    """The stop's page, sentence and place in the tour, with nothing broken."""
    stop = STOPS[number - 1]
    expect(bar(page)).to_contain_text(f"Stop {number} of {len(STOPS)}")
    expect(bar(page).get_by_role("status")).to_have_text(stop.sentence)
    page.wait_for_url(f"**/{'' if stop.page == 'explore' else stop.page}?*")
    wait_for_url(page, tour=str(number))
    expect(page.get_by_test_id("stException")).to_have_count(0)


def bottom(target: Locator) -> float:
    box = place_of(target)
    return box["y"] + box["height"]


def points_at(page: Page, selector: str) -> None:
    """The ring is around that, all of which can be seen."""
    around, target = page.locator(".ring-around"), page.locator(selector).filter(visible=True).first
    expect(around).to_be_visible()

    def holds() -> bool:
        outer, inner = around.bounding_box(), target.bounding_box()
        assert outer
        assert inner
        apart = [inner["x"] - outer["x"], inner["y"] - outer["y"], outer["width"] - inner["width"]]
        return all(abs(found - said) < 1.5 for found, said in zip(apart, (5, 5, 10), strict=True))

    eventually(holds, page, f"a ring around {selector}")


def test_sentences_are_short_and_plain() -> None:
    assert "gap" in {stop.page for stop in STOPS}
    for stop in STOPS:
        assert len(stop.sentence) <= 120, "more than a line of the bar"
        assert stop.sentence.endswith(".")
        assert stop.sentence.count(". ") == 0


def test_train_is_offered_even_where_the_usual_model_is_there_already(home: Store) -> None:
    for seed in (0, 1):
        home.create(RunConfig(seed=seed))
    at = run_script("train", tour=3)
    assert not at.exception
    assert at.number_input(key="seed").value == 2
    assert at.button(key="train").label == "Train"


@pytest.mark.parametrize("tour", ["0", str(len(STOPS) + 1), "-1", "x", ""])
def test_stop_that_is_none_is_no_tour(tour: str, home: Store) -> None:
    at = run_script("explore", tour=tour)
    assert not at.exception
    assert at.query_params["run"] == PLANE
    assert run_script("train", tour=tour).number_input(key="seed").value == 0


@pytest.mark.browser
def test_all_stops_are_walked_and_each_opens_from_its_link(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url()))
    expect(bar(page)).to_have_count(0)
    button(page, "Take the tour").click()
    links = []
    for number in range(1, len(STOPS) + 1):
        stands_at(page, number)
        links.append(page.url)
        if number < 3:
            wait_for_url(page, run=(PLANE, TEN)[number - 1])
        points_at(page, STOPS[number - 1].points)
        button(page, "Explore" if number == len(STOPS) else "Next").click()
    expect(bar(page)).to_have_count(0)
    expect(button(page, "Take the tour")).to_be_visible()
    assert in_url(page, "tour") is None

    for number, link in enumerate(links, start=1):
        stands_at(visit(link), number)


@pytest.mark.browser
def test_bar_is_a_line_and_the_player_stays_above_it(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(tour=1)))
    expect(bar(page)).to_be_visible()
    box = place_of(bar(page))
    assert box["height"] <= LINE
    assert box["y"] + box["height"] == 720
    assert bottom(page.get_by_role("application", name="Latent plane")) < box["y"]
    button(page, "Next").click()
    stands_at(page, 2)
    expect(page.get_by_text("1 inactive dimension")).to_be_visible()
    assert bottom(page.get_by_text("1 inactive dimension")) <= box["y"]


@pytest.mark.browser
def test_tour_is_left_and_taken_up_again_and_survives_a_reload(server: Server, visit: Visit) -> None:
    page = visit(server.url(tour=4))  # the number alone leads to the stop
    stands_at(page, 4)
    button(page, "Back").click()
    stands_at(page, 3)
    page.reload()
    stands_at(page, 3)
    button(page, "Leave the tour").click()
    expect(bar(page)).to_have_count(0)
    assert in_url(page, "tour") is None
    at_rest(page).get_by_role("link", name="Explore").click()
    expect(button(page, "Resume the tour (stop 3)")).to_be_visible()
    page = page.context.new_page()  # and in another session
    page.goto(server.url())
    button(page, "Resume the tour (stop 3)").click()
    stands_at(page, 3)


@pytest.mark.browser
def test_button_with_the_focus_keeps_it_from_stop_to_stop(server: Server, visit: Visit) -> None:
    page = visit(server.url(tour=1))
    stands_at(page, 1)
    button(page, "Next").focus()
    for number in (2, 3):
        page.keyboard.press("Enter")
        stands_at(page, number)
        expect(button(page, "Next")).to_be_focused()


@pytest.mark.browser
def test_what_the_tour_points_at_is_touched_and_the_ring_is_gone(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(tour=1)))
    points_at(page, STOPS[0].points)
    box = place_of(page.locator(STOPS[0].points))
    page.mouse.click(box["x"] + 30, box["y"] + 30)
    expect(page.locator(".ring-around")).to_be_hidden()
    button(page, "Next").click()
    stands_at(page, 2)
    points_at(page, STOPS[1].points)


@pytest.mark.browser
@pytest.mark.parametrize(("name", "path"), [("Train your own", "train"), ("The KL lab", "lab")])
def test_the_tour_ends_at_a_choice(name: str, path: str, server: Server, visit: Visit) -> None:
    page = visit(server.url(tour=len(STOPS)))
    stands_at(page, len(STOPS))
    button(page, name).click()
    page.wait_for_url(f"**/{path}*")
    expect(bar(page)).to_have_count(0)
    assert in_url(page, "tour") is None
    at_rest(page).get_by_role("link", name="Explore").click()
    expect(button(page, "Take the tour")).to_be_visible()  # it is not to be resumed
