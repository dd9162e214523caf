"""Every page at every width: nothing covers, is cut or sticks out, and there is something to drag in view."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from app.lab import VIEWS
from tests.browser.fixtures import PATIENCE, TINY, Server
from tests.browser.test_browser import Visit, at_rest, eventually

pytestmark = pytest.mark.browser

LOOK = Path(__file__).with_name("layout.js").read_text(encoding="utf-8")
SIZES = [(390, 844), (768, 1024), (853, 480), (1024, 768), (1280, 720), (1920, 1080), (2560, 1440)]
"""CSS pixels: a phone, a tablet, a small window at 150 %, an old projector, a laptop, and larger ones."""
READY = {
    "": ".player canvas",
    "train": "[data-testid=stBaseButton-primary]",
    "reconstruct": ".gallery-card",
    "map": ".map-points",
    f"map?run={TINY.run_id}&beside=another+start&selected=3": r"text=/[0-9]\s% are among its/",
    "models": "[data-testid=stDataFrame]",
    "compare": ".compare input[type=range]",
    "lab": ".lab-start",
    **dict.fromkeys(VIEWS, ".lab[data-painted]"),
}
"""Each page, or a state of it, and what is there once it is."""
NOTHING_TO_DRAG = {"train", "reconstruct", "models", "lab"}


def opened(visit: Visit, server: Server, path: str) -> Page:
    page = visit("about:blank")
    page.add_init_script(LOOK)
    page.goto(server.url(path))
    at_rest(page).locator(READY[path]).first.wait_for()
    return page


def wrong(page: Page, path: str) -> list[str]:
    found: dict[str, Any] = page.evaluate("layout()")
    assert found["atoms"] > 1, "it saw nothing at all"
    no_handle = [] if found["handles"] or path in NOTHING_TO_DRAG else ["nothing to drag in view"]
    return [*found["wrong"], *no_handle]


def left_over(page: Page, path: str) -> list[str]:
    """What is still wrong when there was time for it to find its place."""
    deadline = time.monotonic() + PATIENCE / 9
    while (found := wrong(page, path)) and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    return found


@pytest.mark.parametrize("path", READY)
def test_nothing_is_in_the_way_at_any_width(path: str, server: Server, visit: Visit) -> None:
    page = opened(visit, server, path)
    seen = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            seen[f"{width}×{height}, {scheme}"] = left_over(page, path)
    assert not {where: what for where, what in seen.items() if what}


def test_a_word_that_is_covered_or_cut_is_seen(server: Server, visit: Visit) -> None:
    page = opened(visit, server, "lab")
    assert eventually(lambda: not wrong(page, "lab"), page, "a page that is in order")
    page.evaluate(
        """() => { const put = (text, style) => { const p = document.createElement("p"); p.textContent = text;
        p.style.cssText = `position: fixed; top: 300px; left: 40px; white-space: nowrap; ${style}`;
        document.querySelector("[data-testid=stMain]").append(p); };
        const pen = document.querySelector("[data-testid=stMain]").appendChild(document.createElement("canvas"))
          .getContext("2d");
        pen.fillText("a name on a curve", 20, 40); pen.fillText("another name there", 30, 42);
        put("one over another", ""); put("another over one", "");
        put("far more text than there is room for", "top: 500px; width: 60px; overflow: hidden;"); }"""
    )
    found = " ".join(wrong(page, "lab"))
    assert "one over another" in found
    assert "cut: far more text" in found
    assert '"a name on a curve" over "another name there"' in found


SHIFTS = """new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) globalThis.shifts = (globalThis.shifts ?? 0) + shift.value;
}).observe({ type: "layout-shift", buffered: true });"""
JUMPS = 0.1
"""What the browser's own measure of what jumps while a page loads may come to; beyond this none calls it good."""


@pytest.mark.parametrize("path", READY)
def test_what_is_there_does_not_jump_when_the_rest_comes(path: str, server: Server, visit: Visit) -> None:
    page = visit("about:blank")
    page.add_init_script(SHIFTS)
    page.goto(server.url(path))
    at_rest(page).locator(READY[path]).first.wait_for()
    at_rest(page)
    page.wait_for_timeout(1000)  # what is painted after that has its place by then
    assert (page.evaluate("globalThis.shifts") or 0) < JUMPS
