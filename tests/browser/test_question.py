"""Predict, then look: what every view of the lab asks somebody who is there for the first time."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from app.lab import VIEWS
from tests.browser.fixtures import Server
from tests.browser.test_axe import violations
from tests.browser.test_browser import Visit, at_rest, button, eventually

pytestmark = pytest.mark.browser

PRINTED = re.compile(r"You said (−?[\d.]+), it is (−?[\d.]+)(?: nats)?: (?:([\d.]+)(?: nats)? apart|exactly)")
TRUTHS = {
    "gaussian": "[data-testid=kl]",
    "reparameterisation": "[data-testid=dz-dsigma-1]",
    "beta": "[data-testid=kl]",
    "rate-distortion": None,
    "hidden-beta": None,
    "steps": "[data-testid=elbo]",
    "gap": "[data-testid=gap-encoder]",
    "sampling": None,
    "collapse": "[data-testid^=kl-0-]",
}
"""Where a view that was asked prints the answer itself, as the least of these; None where it is a difference of two."""


def number(text: str) -> float:
    """NaN between two models, where there are no numbers."""
    return float("nan") if text == "–" else float(text.replace("−", "-"))


def ask(page: Page) -> tuple[float, float]:
    """Drag the guess a fifth to the right, look; what was guessed and what is true, as printed."""
    slider = page.get_by_label("Your guess")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], y)
    page.mouse.up()
    button(page, "Look").click()
    button(page, "Go on").wait_for()
    found = PRINTED.search(page.get_by_test_id("verdict").inner_text())
    assert found, page.get_by_test_id("verdict").inner_text()
    guess, truth = number(found[1]), number(found[2])
    assert abs(guess - truth) == pytest.approx(number(found[3]) if found[3] else 0), "the printed distance is another"
    return guess, truth


@pytest.mark.parametrize("name", list(VIEWS))
def test_every_view_asks_and_answers_with_its_own_number(name: str, server: Server, visit: Visit) -> None:
    page = visit(server.url(name), first=True)
    page.get_by_test_id("question").wait_for()
    at_rest(page)
    low, high = (float(page.get_by_label("Your guess").get_attribute(end) or "nan") for end in ("min", "max"))
    guess, truth = ask(page)
    assert guess > (low + high) / 2, "the hand moved the guess"
    if where := TRUTHS[name]:
        found = page.locator(where)
        eventually(
            lambda: abs(min(number(text.split()[0]) for text in found.all_text_contents()) - truth) <= 0.0501,
            page,
            f"{truth} where the view says it itself",
        )
    button(page, "Go on").click()
    expect(page.get_by_test_id("question")).to_be_hidden()
    page.reload()
    at_rest(page)
    page.locator(".lab[data-painted]").first.wait_for()
    expect(page.get_by_test_id("question")).to_be_hidden()


def test_the_answer_is_out_of_reach_until_somebody_looks_or_skips(server: Server, visit: Visit) -> None:
    page = visit(server.url("gap"), first=True)
    page.get_by_test_id("question").wait_for()
    expect(page.locator("[data-answer][inert] >> css=[data-testid=gap-encoder]")).to_have_count(1)
    button(page, "Skip").click()
    expect(page.get_by_test_id("question")).to_be_hidden()
    expect(page.locator("[data-answer][inert]")).to_have_count(0)
    page.goto(server.url("sampling"))
    page.get_by_test_id("question").wait_for()  # one was skipped, not all


def test_questions_are_turned_off_and_on_again(server: Server, visit: Visit) -> None:
    page = visit(server.url("gaussian"), first=True)
    page.get_by_test_id("question").wait_for()
    button(page, "Ask no more").click()
    page.goto(server.url("sampling"))
    page.locator(".lab[data-painted]").first.wait_for()
    expect(page.get_by_test_id("question")).to_be_hidden()
    page.goto(server.url("lab"))
    box = page.get_by_role("checkbox", name="Predict, then look")
    expect(box).not_to_be_checked()
    box.check()
    page.goto(server.url("gaussian"))
    page.get_by_test_id("question").wait_for()


def test_a_tour_has_the_word_itself(server: Server, visit: Visit) -> None:
    page = visit(server.url("gaussian", tour=4), first=True)
    page.get_by_test_id("tour").wait_for()
    page.locator(".lab[data-painted]").first.wait_for()
    expect(page.get_by_test_id("question")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_question(scheme: str, server: Server, visit: Visit) -> None:
    page = visit(server.url("sampling"), first=True, color_scheme=scheme)
    page.get_by_test_id("question").wait_for()
    at_rest(page)
    assert violations(page) == []
    button(page, "Look").click()
    button(page, "Go on").wait_for()
    assert violations(page) == []
