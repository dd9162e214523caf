"""The lab's "The hidden β", as a person uses it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fixtures import Server
from tests.browser.test_browser import Visit, at_rest, button, eventually, in_url, wait_for_url

pytestmark = pytest.mark.browser


def beta(page: Page) -> str:
    return page.get_by_test_id("hidden-beta").inner_text()


def opened(page: Page) -> Page:
    page.get_by_test_id("hidden-beta").wait_for()
    return at_rest(page)


def test_a_mean_over_pixels_is_beta_784_and_the_model_and_the_code_follow(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("hidden-beta")))
    assert beta(page) == "β = 1"
    expect(page.get_by_test_id("nearest")).to_have_text("The nearest model trained here: β = 1")
    before = page.locator(".hidden-beta").evaluate("view => view.parentElement.dataset.run")
    page.get_by_role("group", name="… over pixels").get_by_role("button", name="mean").click()
    assert beta(page) == "β = 784"
    expect(page.get_by_test_id("code")).to_contain_text("error.mean(1).mean()")
    expect(page.get_by_test_id("nearest")).to_have_text("The nearest model trained here: β = 16")
    assert page.locator(".hidden-beta").evaluate("view => view.parentElement.dataset.run") != before
    wait_for_url(page, loss="msbbb")


def test_a_preset_sets_all_switches_and_says_so(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("hidden-beta")))
    button(page, "Means everywhere").click()
    assert beta(page) == "β = 78.4"
    expect(button(page, "Means everywhere")).to_have_attribute("aria-pressed", "true")
    wait_for_url(page, loss="mmbbb")
    button(page, "Sums, averaged over the batch: the ELBO").click()
    assert beta(page) == "β = 1"
    eventually(lambda: in_url(page, "loss") is None, page, "the ELBO, which a link need not name")


def test_dragging_on_the_scale_finds_the_weight(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("hidden-beta", loss="msbbb", weight=0.001)))
    assert beta(page) == "β = 0.784"
    scale = page.get_by_role("application", name="Rate and distortion of the trained models")
    scale.press("ArrowRight")
    assert beta(page) == "β = 0.987"
    wait_for_url(page, weight="0.00125893")
    expect(page.get_by_test_id("code")).to_contain_text("0.00125892541")
    shown = page.get_by_test_id("code").inner_text()
    page.reload()
    opened(page)
    assert beta(page) == "β = 0.987"
    assert shown.splitlines()[:3] == page.get_by_test_id("code").inner_text().splitlines()[:3]


def test_sigma_is_asked_for_where_it_matters(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("hidden-beta", loss="ssbbg", variance=0.5)))
    assert beta(page) == "β = 1"
    sigma = page.get_by_role("group", name="σ² that the squared error stands for")
    sigma.get_by_role("button", name="0.01").click()
    assert beta(page) == "β = 50"
    page.get_by_role("group", name="reconstruction", exact=True).get_by_role("button", name="cross-entropy").click()
    expect(sigma).to_be_hidden()
    assert beta(page) == "β = 1"
