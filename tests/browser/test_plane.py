"""What travels between the server and the page: words over Streamlit, bytes over HTTP, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.fixtures import Server, train_tiny
from tests.browser.test_browser import at_rest, eventually, ready, wait_for_url

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


class Traffic:
    """Bytes that a page receives, as they come over the wire."""

    def __init__(self, page: Page) -> None:
        self.ours: dict[str, float] = {}
        """Address below `elbo/` -> bytes; nothing for what the browser had already."""
        self.words = 0
        """Bytes over Streamlit's connection."""
        self._urls: dict[str, str] = {}
        self._kept: set[str] = set()
        session: Any = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", lambda e: self._urls.update({e["requestId"]: e["request"]["url"]}))
        session.on("Network.requestServedFromCache", lambda e: self._kept.add(e["requestId"]))
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.webSocketFrameReceived", self._frame)
        session.send("Network.enable")

    def begin(self) -> None:
        """Count from here on."""
        self.ours.clear()
        self.words = 0

    def _finished(self, event: dict[str, Any]) -> None:
        _, ours, address = self._urls.get(event["requestId"], "").partition("/elbo/")
        if ours and event["requestId"] not in self._kept and event["encodedDataLength"]:
            self.ours[address] = self.ours.get(address, 0) + event["encodedDataLength"]

    def _frame(self, event: dict[str, Any]) -> None:
        payload = event["response"]["payloadData"]
        self.words += len(payload) * 3 // 4 if event["response"]["opcode"] == 2 else len(payload)


def drawings(page: Page) -> int:
    """How often the lab's view was drawn."""
    return int(page.locator("[data-painted]").get_attribute("data-painted") or 0)


def test_a_reload_fetches_nothing_that_was_there(server: Server, visit: Visit) -> None:
    page = visit("about:blank")
    traffic = Traffic(page)
    page.goto(server.url())
    ready(page)
    eventually(lambda: sum(traffic.ours.values()) > 1_000_000, page, "the network and the pictures")
    page.wait_for_load_state("networkidle")
    first = dict(traffic.ours)
    assert any(path.endswith("explore/player.js") for path in first)
    assert traffic.words < 100_000, "arrays came over Streamlit's connection"
    traffic.begin()
    page.reload()
    ready(page)
    page.wait_for_load_state("networkidle")
    assert traffic.ours == {}
    assert traffic.words < 100_000
    print(f"\nfirst visit: {sum(first.values()):.0f} bytes of ours; reload: {traffic.words} bytes of words")


def test_what_the_server_lost_is_said_and_a_reload_brings_it_back(server: Server, visit: Visit) -> None:
    page = visit("about:blank")
    answers: list[str] = []

    def lost(route: Route) -> None:
        answers.append(route.request.url)
        route.fulfill(status=404, body="this page is older than the server")

    page.clock.install()
    page.route("**/elbo/blobs/*", lost)
    page.goto(server.url())
    eventually(lambda: answers, page, "a blob to be asked for")
    notice = page.get_by_role("alert").filter(has_text="older than the server")
    for _ in range(60):  # it tries again for a while: a server that starts has everything back in a moment
        page.clock.run_for(1000)
        if notice.count():
            break
    expect(notice).to_be_visible()
    assert len(answers) > 4
    page.unroute("**/elbo/blobs/*")
    page.clock.resume()
    notice.get_by_role("button", name="Reload the page").click()
    ready(page)
    expect(notice).to_have_count(0)


@pytest.fixture
def below(tmp_path: Path) -> Iterator[Server]:
    """A server whose pages are below a path."""
    train_tiny(tmp_path)
    server = Server(tmp_path, base="tools/elbo-room")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def test_the_app_works_below_a_path(below: Server, visit: Visit) -> None:
    page = visit(below.url())
    ready(page)
    page = visit(below.url("sampling"))
    eventually(lambda: drawings(page) > 0, page, "a drawing")


def test_an_open_page_goes_on_when_its_server_comes_back(own_server: Server, visit: Visit) -> None:
    """The new server knows nothing of what the old one offered; the page asks for it anew.

    What is pressed comes with the first run of the new session, which takes it as having been there from the start.
    """
    page = visit(own_server.url("gap"))
    eventually(lambda: drawings(page) > 0, page, "a drawing")
    own_server.kill()
    page.locator('[data-test-connection-state="CONNECTED"]').wait_for(state="detached")
    own_server.start()
    at_rest(page)
    before = page.get_by_test_id("which-image").inner_text()
    page.get_by_role("button", name="Any image, at random").click()
    eventually(lambda: page.get_by_test_id("which-image").inner_text() != before, page, "another image")


def test_data_that_changes_while_the_module_is_on_its_way_is_shown(server: Server, visit: Visit) -> None:
    """Two calls then begin at once, and the end of the first must not take away what the second shows."""
    page = visit("about:blank")
    held: list[Route] = []
    page.route("**/elbo/modules/**/map/map.js", lambda route: held.append(route))
    page.goto(server.url("map", limit=1000))
    page.get_by_text("PCA", exact=True).click()
    wait_for_url(page, method="PCA")
    at_rest(page)
    eventually(lambda: held, page, "the module to be asked for")
    held[0].continue_()
    page.get_by_role("application").wait_for()
