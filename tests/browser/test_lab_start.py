"""The lab's first page and the way from view to view."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from app.lab import VIEWS
from tests.browser.fixtures import Server
from tests.browser.test_browser import Visit, at_rest, eventually

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


def follow(page: Page, name: str) -> None:
    """Click the link to a view until it is heard: one that is drawn anew between press and release hears neither."""

    def there() -> bool:
        if f"/{name}" not in page.url:
            page.get_by_test_id("stMain").get_by_role("link", name=VIEWS[name].view.title).click()
            page.wait_for_timeout(1000)
        return f"/{name}" in page.url

    eventually(there, page, f"the way to {name}")


def test_every_view_has_the_way_to_its_neighbours(server: Server, visit: Visit) -> None:
    page = at_rest(visit(server.url(NAMES[0])))
    for at, name in enumerate(NAMES[1:], 2):
        follow(page, name)
        expect(page.get_by_role("link", name=f"{at} of {len(NAMES)}")).to_be_visible()
        expect(page.get_by_role("heading", name=VIEWS[name].view.title)).to_be_visible()
        at_rest(page)
    follow(page, NAMES[-2])
