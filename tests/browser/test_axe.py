"""Every page by axe-core, in light and dark: names, roles, contrast, order."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.lab import VIEWS
from tests.browser.fixtures import TINY, Server
from tests.browser.test_browser import Visit, at_rest, button, eventually, tick

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
TWO_MAPS = f"map?run={TINY.run_id}&beside=another+start&selected=3"
PAGES = ["", "train", "reconstruct", "map", TWO_MAPS, "models", "compare", "lab", *VIEWS]
ASK = """async () => {
  const { violations, passes } = await axe.run(document, { resultTypes: ["violations"] });
  return [passes.length, violations.map(({ id, nodes }) => [id, nodes.length, nodes[0].html.slice(0, 200)])];
}"""


def violations(page: Page) -> list[object]:
    """What axe finds; that it looked at all is part of the answer."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    passed, found = page.evaluate(ASK)
    assert passed > 10
    return list(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(scheme: str, server: Server, visit: Visit) -> None:
    page = visit("about:blank", color_scheme=scheme)
    wrong = {}
    for path in PAGES:
        page.goto(server.url(path))
        at_rest(page)
        page.locator(
            "[data-painted], .lab, .player, .gallery-card, [data-testid=stDataFrame], .map-points"
        ).first.wait_for()
        try:
            eventually(lambda: not violations(page), page, "a page without a violation")
        except AssertionError:
            wrong[path] = violations(page)
    assert not wrong, wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_opens(scheme: str, server: Server, visit: Visit) -> None:
    page = at_rest(visit(server.url(run=TINY.run_id), color_scheme=scheme))
    button(page, "Test image…").click()
    page.locator(".picker").wait_for()
    assert violations(page) == []
    page.goto(server.url("train"))
    at_rest(page)
    page.get_by_test_id("stExpander").locator("summary").click()
    at_rest(page)
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_dialogs(scheme: str, server: Server, visit: Visit) -> None:
    page = at_rest(visit(server.url("models"), color_scheme=scheme))
    button(page, "Keys").wait_for()  # there is somebody who listens
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    tick(page, 0)
    button(page, "Label and note …").click()
    page.get_by_role("dialog", name="Label and note").wait_for()
    at_rest(page)
    assert violations(page) == []
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    button(page, "Delete …").click()
    page.get_by_role("dialog").wait_for()
    at_rest(page)
    assert violations(page) == []


def test_axe_is_heard_where_something_is_wrong(server: Server, visit: Visit) -> None:
    page = at_rest(visit(server.url("lab")))
    page.evaluate("document.querySelector('main, [data-testid=stMain]').append(document.createElement('button'))")
    assert any("button-name" in str(found) for found in violations(page))
