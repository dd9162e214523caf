"""Models as a person uses it: a label and a note, the filter, and ticks that mean the run they stand beside."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.fixtures import TINY, Server
from tests.browser.test_browser import (
    TEN,
    Visit,
    at_rest,
    button,
    cell,
    eventually,
    in_url,
    ready,
    row_of,
    tick,
    wait_for_url,
)
from tests.browser.test_layout import LOOK, SIZES, left_over

pytestmark = pytest.mark.browser

LABEL = "For <b>Tuesday</b> **x** [a](http://b)"
NOTE = "Shown first\nwith <i>β 4</i>"
WIDE = {"width": 1900, "height": 900}


def opened(page: Page, url: str) -> Page:
    """Models, with its table at rest."""
    page.goto(url)
    page.get_by_test_id("stDataFrame").wait_for()
    return at_rest(page)


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Label and note")


def edit(page: Page) -> Locator:
    """Open the dialog of the model that is ticked."""
    button(page, "Label and note …").click()
    dialog(page).get_by_label("Label", exact=True).wait_for()
    at_rest(page)
    return dialog(page)


def say(page: Page, label: str, note: str = "") -> None:
    """Fill the dialog in and save."""
    found = edit(page)
    found.get_by_label("Label", exact=True).fill(label)
    found.get_by_label("Note", exact=True).fill(note)
    found.get_by_role("button", name="Save").click()
    expect(dialog(page)).to_have_count(0)
    at_rest(page)


def filtered(page: Page, words: str, said: str) -> None:
    """Type into the field and wait until the page has counted."""
    page.get_by_label("Filter").fill(words)
    expect(page.get_by_text(said, exact=True)).to_be_visible()
    at_rest(page)


def test_a_label_that_is_given_leads_in_explore_and_is_text(own_server: Server, visit: Visit) -> None:
    page = opened(visit("about:blank", viewport=WIDE), own_server.url("models"))
    tick(page, row_of(page, TINY.run_id))
    say(page, LABEL, NOTE)
    assert own_server.store.notes(TINY.run_id).label == LABEL
    assert own_server.store.notes(TINY.run_id).note == NOTE
    cell(page, LABEL).first.wait_for(state="attached")
    cell(page, "Shown first with <i>β 4</i>").first.wait_for(state="attached")
    # The tick is still where it was.
    button(page, "Open in Explore").click()
    ready(page)
    assert in_url(page, "run") == TINY.run_id
    box = page.get_by_role("combobox", name="Model")
    for _ in range(2):
        expect(box).to_have_value(f"{LABEL} · Digits 8×8 · mlp · 3-D · β 1 · 4 epochs")
        page.reload()
        ready(page)
    page.get_by_role("link", name="Models", exact=True).click()
    page.get_by_test_id("stDataFrame").wait_for()
    at_rest(page)
    tick(page, row_of(page, TINY.run_id))
    button(page, "Delete …").click()
    question = page.get_by_role("dialog")
    # Letter by letter, with what keeps Streamlit from making a link of it.
    expect(question).to_contain_text(LABEL.replace("http:", "http:\u2060"))
    expect(question.locator("b, i, a")).to_have_count(0)


def test_only_an_answer_closes_the_dialog_and_enter_saves(own_server: Server, visit: Visit) -> None:
    page = opened(visit("about:blank", viewport=WIDE), own_server.url("models"))
    tick(page, row_of(page, TEN.run_id))
    found = edit(page)
    field = found.get_by_label("Label", exact=True)
    field.fill("not this")
    page.keyboard.press("Escape")
    page.mouse.click(5, 300)
    expect(found).to_be_visible()
    expect(field).to_have_value("not this")
    found.get_by_role("button", name="Cancel").click()
    expect(found).to_have_count(0)
    assert own_server.store.notes(TEN.run_id).label == ""
    field = edit(page).get_by_label("Label", exact=True)
    expect(field).to_have_value("")
    field.fill("a starter of mine")
    field.press("Enter")
    expect(found).to_have_count(0)
    eventually(lambda: own_server.store.notes(TEN.run_id).label == "a starter of mine", page, "the label")
    expect(edit(page).get_by_label("Label", exact=True)).to_have_value("a starter of mine")


def test_where_nothing_can_be_kept_the_dialog_says_why_and_loses_nothing(own_server: Server, visit: Visit) -> None:
    blocked = own_server.home / "notes"
    blocked.write_text("somebody's")
    page = opened(visit("about:blank", viewport=WIDE), own_server.url("models"))
    tick(page, row_of(page, TINY.run_id))
    found = edit(page)
    found.get_by_label("Label", exact=True).fill("keep me")
    found.get_by_role("button", name="Save").click()
    expect(found.get_by_role("alert").filter(has_text="cannot be written")).to_be_visible()
    expect(found.get_by_label("Label", exact=True)).to_have_value("keep me")
    assert blocked.read_text() == "somebody's"
    blocked.unlink()
    found.get_by_role("button", name="Save").click()
    expect(found).to_have_count(0)
    assert own_server.store.notes(TINY.run_id).label == "keep me"


def test_what_cannot_be_read_is_told_in_the_dialog_and_said_anew(own_server: Server, visit: Visit) -> None:
    own_server.store.describe(TINY.run_id, label="mine")
    path: Path = own_server.home / "notes" / f"{TINY.run_id}.json"
    path.write_text("{")
    page = opened(visit("about:blank", viewport=WIDE), own_server.url("models"))
    tick(page, row_of(page, TINY.run_id))
    found = edit(page)
    expect(found.get_by_text("What was said before cannot be read")).to_be_visible()
    found.get_by_label("Label", exact=True).fill("again")
    found.get_by_role("button", name="Save").click()
    expect(found).to_have_count(0)
    assert own_server.store.notes(TINY.run_id).label == "again"


def test_a_filter_of_two_words_and_a_tick_open_the_right_model(server: Server, visit: Visit) -> None:
    page = opened(visit("about:blank", viewport=WIDE), server.url("models"))
    infos = server.store.infos()
    found = [info.run_id for info in infos if info.shipped and info.config.latent_dim == 10]
    assert 1 < len(found) < len(infos)
    filtered(page, "STARTER 10-d", f"{len(found)} of {len(infos)} models")
    wait_for_url(page, filter="STARTER 10-d")
    for run_id in (found[-1], found[0]):
        tick(page, row_of(page, run_id))
        button(page, "Open in Explore").click()
        ready(page)
        assert in_url(page, "run") == run_id
        opened(page, server.url("models", filter="STARTER 10-d"))


def test_a_tick_stays_with_its_model_when_a_filter_moves_it(server: Server, visit: Visit) -> None:
    page = opened(visit("about:blank", viewport=WIDE), server.url("models"))
    total = len(server.store.infos())
    before = row_of(page, TEN.run_id)
    tick(page, before)
    button(page, "Open in Explore").wait_for()
    filtered(page, TEN.run_id[-8:], f"1 of {total} models")
    assert row_of(page, TEN.run_id) == 0 != before
    expect(page.get_by_text("A starter ships with Elbo Room and stays.")).to_be_visible()
    button(page, "Open in Explore").click()
    ready(page)
    assert in_url(page, "run") == TEN.run_id


def test_a_model_that_a_filter_hides_is_ticked_no_more(server: Server, visit: Visit) -> None:
    page = opened(visit("about:blank", viewport=WIDE), server.url("models"))
    total = len(server.store.infos())
    tick(page, row_of(page, TEN.run_id))
    button(page, "Open in Explore").wait_for()
    filtered(page, TINY.run_id, f"1 of {total} models")
    expect(button(page, "Open in Explore")).to_have_count(0)
    tick(page, 0)
    button(page, "Open in Explore").click()
    ready(page)
    assert in_url(page, "run") == TINY.run_id


def test_a_filter_is_in_the_link_and_says_what_to_do_where_nothing_is_found(server: Server, visit: Visit) -> None:
    page = visit(server.url("models", filter="nothing like this"), viewport=WIDE)
    expect(page.get_by_label("Filter")).to_have_value("nothing like this")
    expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
    button(page, "Show all models").click()
    page.get_by_test_id("stDataFrame").wait_for()
    expect(page.get_by_label("Filter")).to_have_value("")
    eventually(lambda: in_url(page, "filter") is None, page, "a link without a filter")
    cell(page, TEN.run_id).wait_for(state="attached")


def test_nothing_is_in_the_way_of_actions_and_dialog_at_any_width(own_server: Server, visit: Visit) -> None:
    own_server.store.describe(TINY.run_id, label="日本語のラベル" * 8, note="a note of some length " * 20)
    page = visit("about:blank")
    page.add_init_script(LOOK)
    opened(page, own_server.url("models"))
    tick(page, 0)  # one's own come first; the column of names is beside the window
    button(page, "Delete …").wait_for()
    seen = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        seen[f"actions, {width}×{height}"] = left_over(page, "models")
    page.set_viewport_size({"width": 1280, "height": 720})
    edit(page)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        found = dialog(page).bounding_box()
        assert found is not None
        inside = found["x"] >= 0 and found["x"] + found["width"] <= width
        seen[f"dialog, {width}×{height}"] = [] if inside else ["beside the window"]
    assert not {where: what for where, what in seen.items() if what}
