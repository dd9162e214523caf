"""What strangers write into a link stays text in a real browser: nothing is fetched, linked or set as a formula."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.fixtures import Server

pytestmark = pytest.mark.browser

TEXTS = (
    "![x](https://evil.example/x.png) [sign in](https://evil.example)",
    "https://evil.example www.evil.example a@evil.example",
    "$\\pi$ $$x$$ :material/home: :smile: :red[x] :streamlit:",
    "<b>b</b> <img src=//evil.example/x.png> <!-- x --> &amp; &lt;",
    "a -> b <- c <-> d -- e >= f ... (c)",
    *("1. one", "- one", "# one", "> one", "| a | b |", "x_y_z *a* ~b~ ^c^ `d` \\e", "--- a"),
)


@pytest.mark.parametrize(("page", "name"), [("", "run"), ("compare", "runs"), ("rate-distortion", "sweep")])
def test_markdown_in_a_link_is_text(chromium: Browser, server: Server, page: str, name: str) -> None:
    context = chromium.new_context()
    visited = context.new_page()
    asked: list[str] = []
    visited.on("request", lambda request: asked.append(request.url))
    for text in TEXTS:
        visited.goto(server.url(page, **{name: text}))
        said = visited.locator('[data-testid="stAlert"]').first
        expect(said).to_be_visible()
        shown = said.inner_text().replace("\u2060", "")
        assert text in shown, "the letters are there as they came"
        inside = "a, img, .katex, strong, b, em, del, code, h1, li, blockquote, table, [data-testid='stIconMaterial']"
        assert said.locator(f"[data-testid='stMarkdownContainer'] :is({inside})").count() == 0, said.inner_html()
    assert not [url for url in asked if "evil" in url.partition("?")[0]]
    context.close()
