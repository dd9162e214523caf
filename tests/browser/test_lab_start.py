"""The lab's first page and the way from view to view."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.lab import VIEWS
from tests.browser.fixtures import Server
from tests.browser.test_browser import Visit, at_rest

pytestmark = pytest.mark.browser
NAMES = list(VIEWS)


def test_cards_lead_to_the_views_in_their_order_and_tell_which_were_seen(server: Server, visit: Visit) -> None:
    page = visit(server.url("lab"))
    cards = page.locator("[data-view]")
    expect(cards).to_have_count(len(NAMES))
    assert cards.evaluate_all("cards => cards.map((card) => card.dataset.view)") == NAMES
    expect(page.get_by_test_id("seen")).to_have_text("Begin with the first.")
    cards.first.click()
    page.wait_for_url(f"**/{NAMES[0]}*")
    at_rest(page)
    page.goto(server.url("lab"))
    expect(page.get_by_test_id("seen")).to_contain_text(f"1 of {len(NAMES)} seen; next: {VIEWS[NAMES[1]].view.title}")
    expect(cards.first).to_contain_text("✓ seen")
    expect(cards.nth(1)).not_to_contain_text("seen")


def test_every_view_has_the_way_to_its_neighbours(server: Server, visit: Visit) -> None:
    page = at_rest(visit(server.url(NAMES[0])))
    for at, name in enumerate(NAMES[1:], 2):
        page.get_by_test_id("stMain").get_by_role("link", name=VIEWS[name].view.title).click()
        page.wait_for_url(f"**/{name}*")
        expect(page.get_by_role("link", name=f"{at} of {len(NAMES)}")).to_be_visible()
        expect(page.get_by_role("heading", name=VIEWS[name].view.title)).to_be_visible()
        at_rest(page)  # a link that is drawn anew between press and release hears neither
    page.get_by_test_id("stMain").get_by_role("link", name=VIEWS[NAMES[-2]].view.title).click()
    page.wait_for_url(f"**/{NAMES[-2]}*")
