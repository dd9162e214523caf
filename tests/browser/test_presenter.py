"""Presenter mode in a real browser: what is seen, and whose keys the keys are."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from app.lab import ORDER
from tests.browser.fixtures import PATIENCE, TINY, Server
from tests.browser.test_browser import (
    at_rest,
    button,
    eventually,
    in_url,
    place_of,
    ready,
    slider,
    unfold,
    wait_for_url,
)
from tests.browser.test_layout import LOOK
from vae_core.jobs.starters import STARTERS

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]

LARGE = 22.0
"""Pixels of type that the last row of a lecture hall reads, in a window of 1280×720."""


def header(page: Page) -> Locator:
    return page.get_by_test_id("stHeader")


def type_size(target: Locator) -> float:
    return float(target.first.evaluate("element => parseFloat(getComputedStyle(element).fontSize)"))


def stands_on(page: Page, name: str) -> None:
    """The page of this name, at rest, with the bar or the corner that listens to the keys."""
    page.wait_for_url(f"**/{'' if name == 'explore' else name}?*")
    at_rest(page)


def test_type_is_large_and_nothing_is_around_the_page(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(present=1)))
    expect(header(page)).to_be_hidden()
    for target in (page.locator(".player"), page.locator("[data-testid=stMarkdownContainer] p")):
        eventually(lambda target=target: type_size(target) >= LARGE, page, "large type")
    page.keyboard.press("ArrowRight")
    stands_on(page, "gaussian")
    expect(page.get_by_role("heading", name="A Gaussian and the prior")).to_be_visible()
    for target in (page.locator(".lab > *"), page.locator(".lab button"), page.get_by_text("mean μ", exact=True)):
        eventually(lambda target=target: type_size(target) >= LARGE, page, "large type")
    # A larger screen shows the same picture, larger.
    page.set_viewport_size({"width": 1920, "height": 1080})
    eventually(lambda: type_size(page.locator(".lab > *")) >= 1.5 * LARGE - 0.1, page, "larger type")


READABLE = (0.022, 0.0155)
"""In parts of the window's height: the smallest type, and that of an index or a fraction in a formula."""
NARROW = (0.0155, 0.0125)
"""Where a formula or a drawing is as small as its column makes it."""
SIZES = {(1024, 768): NARROW, (1280, 720): READABLE, (1920, 1080): READABLE, (3840, 2160): READABLE}
"""CSS pixels of the windows in which lectures are given."""


@pytest.mark.parametrize("name", ORDER)
def test_a_view_fits_every_lecturers_window_and_can_be_read(name: str, server: Server, visit: Visit) -> None:
    measure = """([share, index]) => {
      const main = document.querySelector('[data-testid=stMain]'), wide = [];
      const walk = (root) => root.querySelectorAll('*').forEach((e) => {
        if (e.shadowRoot) walk(e.shadowRoot);
        if (e.matches('.formula') && e.clientWidth && e.scrollWidth > e.clientWidth + 1) wide.push(e.textContent); });
      walk(document);
      return [main.scrollHeight > main.clientHeight + 2 ? `${main.scrollHeight - main.clientHeight} px too tall` : "",
              main.scrollWidth > main.clientWidth + 1 ? `${main.scrollWidth - main.clientWidth} px too wide` : "",
              ...wide, ...smallText(share, index)].filter(Boolean); }"""

    def left_over(readable: tuple[float, float]) -> list[str]:
        deadline = time.monotonic() + PATIENCE / 3
        while (found := page.evaluate(measure, readable)) and time.monotonic() < deadline:
            page.wait_for_timeout(100)
        return found

    page = visit("about:blank")
    page.add_init_script(LOOK)
    page.goto(server.url("" if name == "explore" else name, present=1))
    at_rest(page)
    seen: dict[str, list[str]] = {}
    for (width, height), readable in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        if not left_over(readable):
            page.wait_for_timeout(1500)  # numbers that come later make nothing longer than the window
        seen[f"{width}×{height}"] = left_over(readable)
    assert not {where: what for where, what in seen.items() if what}


def test_type_is_not_made_smaller_by_what_comes_late(server: Server, visit: Visit) -> None:
    page = visit("about:blank")
    late: list[Route] = []
    page.route(re.compile(r"/(Html|Selectbox)\.[^/]*\.js"), lambda route: late.append(route))
    page.goto(server.url(present=1))
    ready(page)
    page.wait_for_timeout(500)  # longer than a view is given to come to rest
    assert late, "nothing was late"
    for route in late:
        route.continue_()
    expect(header(page)).to_be_hidden()
    page.wait_for_timeout(500)
    eventually(lambda: type_size(page.locator(".player")) >= LARGE, page, "large type")


def test_keys_step_through_the_lab_one_page_at_a_time_and_stop_at_its_ends(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(present=1)))
    page.keyboard.press("ArrowLeft")  # there is nothing before Explore
    for key, name in [("ArrowRight", ORDER[1]), ("PageDown", ORDER[2]), ("PageUp", ORDER[1]), ("ArrowLeft", ORDER[0])]:
        page.keyboard.press(key)
        stands_on(page, name)
        assert in_url(page, "present") == "1"
        expect(header(page)).to_be_hidden()


def test_keys_belong_to_the_slider_and_the_plane_that_have_the_focus(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=STARTERS[0].run_id, present=1, z="0,0")))
    z1 = slider(page, "z1")
    z1.focus()
    for key, value in [("ArrowRight", "0.1"), ("PageDown", "-0.4")]:
        page.keyboard.press(key)
        assert z1.input_value() == value
    wait_for_url(page, z="-0.4,0")
    page.get_by_role("application", name="Latent plane").focus()
    page.keyboard.press("ArrowRight")
    wait_for_url(page, z="-0.3,0")
    at_rest(page)
    assert in_url(page, "present") == "1"
    assert page.url.startswith(server.url("?"))
    # A button has no use for them.
    button(page, "Centre").focus()
    page.keyboard.press("ArrowRight")
    stands_on(page, ORDER[1])


def test_p_turns_it_on_except_in_a_field_and_escape_turns_it_off(server: Server, visit: Visit) -> None:
    page = at_rest(visit(server.url("train")))
    expect(button(page, "Present")).to_be_visible()
    unfold(page)
    page.get_by_role("combobox", name="Objective").focus()
    page.keyboard.press("p")
    page.keyboard.press("Escape")
    at_rest(page)
    expect(header(page)).to_be_visible()
    assert in_url(page, "present") is None
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("p")
    wait_for_url(page, present="1")
    expect(header(page)).to_be_hidden()
    at_rest(page).keyboard.press("Escape")
    expect(header(page)).to_be_visible()
    assert in_url(page, "present") is None


def press(page: Page, name: str) -> None:
    """As a hand does, whose movement shows the button; a locator's click would wait until it is there to be pressed."""
    box = place_of(button(page, name))
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_pointer_finds_the_buttons_that_the_keys_replace(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url()))
    button(page, "Present").click()
    expect(header(page)).to_be_hidden()
    button(page, "Next view").wait_for()
    press(page, "Next view")
    stands_on(page, ORDER[1])
    corner = page.get_by_role("group", name="Presentation")
    expect(corner).to_have_css("opacity", "0")  # out of the way while nothing moves
    press(page, "Leave presenter mode")
    expect(header(page)).to_be_visible()


def test_mode_and_tour_go_along_when_a_page_opens_another(server: Server, visit: Visit) -> None:
    page = at_rest(visit(server.url("train", run=TINY.run_id, tour=3, present=1)))
    assert type_size(page.locator(".train figcaption").first) > 17  # 15 otherwise
    button(page, "Explore →").click()
    stands_on(page, "explore")
    wait_for_url(page, run=TINY.run_id, tour="3", present="1")
    button(page, "Back to this stop").click()
    stands_on(page, "train")
    page.keyboard.press("ArrowRight")
    stands_on(page, "gaussian")
    wait_for_url(page, tour="4", present="1")


def test_a_question_mark_tells_what_the_keys_do(server: Server, visit: Visit) -> None:
    page = at_rest(visit(server.url("map", present=1)))
    page.locator(".map-points").wait_for()
    button(page, "Leave presenter mode").wait_for(state="attached")  # there is somebody who listens
    help = page.get_by_role("dialog", name="Keys")
    expect(help).to_be_hidden()
    page.keyboard.press("?")
    expect(help).to_contain_text("lasso")  # of this page
    expect(help).to_contain_text("presenter mode")
    page.keyboard.press("ArrowRight")  # it does not lead on from behind the list
    page.keyboard.press("Escape")
    expect(help).to_be_hidden()
    assert in_url(page, "present") == "1", "Escape closed the list, and only that"
    page.goto(server.url("train"))
    at_rest(page)
    unfold(page)
    page.get_by_role("combobox", name="Objective").focus()
    page.keyboard.press("?")
    expect(help).to_be_hidden()  # who writes, writes
    page.keyboard.press("Escape")
    button(page, "Keys").click()
    expect(help).to_contain_text("a tenth of a step")
    help.get_by_role("button", name="Close").click()
    expect(help).to_be_hidden()


@pytest.mark.parametrize("apart", [0, 5, 20, 60])
def test_two_presses_within_the_time_of_a_message_are_both_heard(apart: int, server: Server, visit: Visit) -> None:
    """Streamlit may lose the first where the second comes at once, and with it what it wrote into the address."""
    page = at_rest(visit(server.url("gap", present=1)))
    other = button(page, "Any image, at random")
    other.wait_for()
    at_rest(page)
    other.evaluate(
        """(button, apart) => {
          document.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape", bubbles: true, cancelable: true}));
          if (apart) setTimeout(() => button.click(), apart);
          else button.click();
        }""",
        apart,
    )
    eventually(lambda: in_url(page, "image") is not None, page, "another image")
    eventually(lambda: in_url(page, "present") is None, page, "the end of presenter mode")
    at_rest(page)
    assert in_url(page, "present") is None, "it came back"


def test_back_is_no_address_from_before(server: Server, visit: Visit) -> None:
    page = at_rest(visit(server.url("gap", image=7)))
    for _ in range(2):
        before = in_url(page, "image")
        button(page, "Any image, at random").click()
        eventually(lambda before=before: in_url(page, "image") != before, page, "another image")
    now = in_url(page, "image")
    page.go_back()
    eventually(lambda: in_url(page, "image") == before, page, "the image before")
    at_rest(page)
    assert in_url(page, "image") == before != now
