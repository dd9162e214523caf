"""Every text of every page against what is behind it, light and dark: WCAG 2.1, level AA (success criterion 1.4.3).

Text of the document is measured by its computed colours; text on a canvas by the pixel that its middle was painted on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from app.lab import ORDER, VIEWS
from tests.browser.fixtures import TINY, Server
from tests.browser.test_browser import at_rest, eventually

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]

WATCH = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")

PAGES = {name: {} for name in (*ORDER, "reconstruct", "map", "models", "compare")} | {"train": {"run": TINY.run_id}}


def measured(page: Page) -> dict[str, Any]:
    """How many texts on canvases were looked at, and which texts of the page fall short."""
    return dict(page.evaluate("() => contrast.short()"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(theme: str, server: Server, visit: Visit) -> None:
    page = visit("about:blank", color_scheme=theme)
    page.add_init_script(WATCH)
    short = {}
    for name, view in PAGES.items():
        page.goto(server.url("" if name == "explore" else name, **view))
        at_rest(page)
        if name in VIEWS:
            eventually(lambda: measured(page)["counted"] > 5, page, f"{name}: text on its canvases")
        page.wait_for_timeout(1000)  # what is said later than the first picture
        seen = measured(page)
        for one in seen["short"]:
            colours = [[round(part) for part in one[side]] for side in ("front", "back")]
            short[f"{name}: {one['text']}"] = f"{one['ratio']:.2f} of {one['needed']}, {colours[0]} on {colours[1]}"
    assert not short, "\n".join(f"{text!r}: {why}" for text, why in short.items())


STALE = """
  globalThis.faded = [];  // [opacity, text] of each element that was stale, as it would look once it had faded
  new MutationObserver((changes) => requestAnimationFrame(() => {
    for (const { target } of changes) {
      if (target.dataset?.stale !== "true") continue;
      for (const animation of target.getAnimations()) animation.finish();
      globalThis.faded.push([Number(getComputedStyle(target).opacity), target.innerText.slice(0, 40)]);
    }
  })).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-stale"] });
"""


def test_what_is_drawn_again_does_not_fade_meanwhile(server: Server, visit: Visit) -> None:
    page = visit("about:blank")
    page.add_init_script(STALE)
    page.goto(server.url("gap"))
    at_rest(page)
    page.get_by_role("button", name="Next image", exact=True).click()
    faded = eventually(lambda: page.evaluate("faded"), page, "an element that is stale while the script runs again")
    assert {opacity for opacity, _ in faded} == {1}, faded


def test_a_grey_that_is_too_light_would_be_noticed(server: Server, visit: Visit) -> None:
    page = visit("about:blank")
    page.add_init_script(WATCH)
    page.goto(server.url("models"))
    at_rest(page)
    page.evaluate("""() => {
      const p = document.createElement('p');
      p.textContent = 'hardly there'; p.style.color = '#999999';
      document.querySelector('[data-testid=stMainBlockContainer]').append(p);
      const canvas = document.createElement('canvas');
      document.querySelector('[data-testid=stMainBlockContainer]').append(canvas);
      const context = canvas.getContext('2d');
      context.font = '14px sans-serif'; context.fillStyle = '#999999'; context.fillText('hardly drawn', 10, 20); }""")
    texts = {one["text"] for one in measured(page)["short"]}
    assert {"hardly there", "hardly drawn"} <= texts
