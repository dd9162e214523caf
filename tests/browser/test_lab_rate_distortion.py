"""Rate and distortion, as a person uses it: in a real Chromium, on the models that ship."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.fixtures import Server
from tests.browser.test_browser import pixels, place_of, wait_for_url
from tests.browser.test_lab_beta import library_row, shipped, slider
from vae_core.config import words

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


def highlighted(page: Page, run_id: str) -> None:
    page.locator(f'.lab[data-run="{run_id}"]').wait_for(state="attached")


def test_moving_beta_leads_along_the_sweep(server: Server, visit: Visit) -> None:
    sweep = shipped(server, 10)
    page = visit(server.url("rate-distortion", sweep=sweep.key, beta=0.25))
    for run in sweep.runs[1:]:
        highlighted(page, run.run_id)
        assert run.result is not None
        test, beta = run.result.test, run.config.beta
        elbo, reconstruction, kl = words.elbo(test.reconstruction, test.kl, 1)
        for name, said in (("rate", kl), ("distortion", reconstruction.removeprefix("−")), ("elbo", elbo)):
            text = page.get_by_test_id(name).inner_text()
            assert text.split(" ± ")[0] == said
        expect(page.get_by_test_id("slope")).to_have_text(f"−{beta:g}")
        row = page.get_by_test_id("reconstructions")
        expect(row).to_have_attribute("data-run", run.run_id)
        assert np.abs(pixels(row) - library_row(server, run)).max() <= 2
        slider(page).press("ArrowRight")
    wait_for_url(page, member="16", sweep=sweep.key)
    # A convex curve: its slope at β lies between those of the lines to the neighbouring points.
    slider(page).press("ArrowLeft")
    highlighted(page, sweep.runs[3].run_id)
    towards = page.get_by_test_id("chords").inner_text().replace("−", "-")
    steeper, flatter = sorted(float(slope) for slope in re.findall(r"(-[\d.]+) to", towards))
    assert steeper < -4 < flatter
    wait_for_url(page, member="4")
    again = visit(page.url.replace("member=4", "member=1"))
    highlighted(again, sweep.runs[2].run_id)


def spot(page: Page, run_id: str) -> tuple[float, float]:
    """Where a point is: found as a person finds it, by looking for what lights up under the pointer."""
    plane = page.get_by_test_id("plane")
    expect(plane).to_have_attribute("aria-label", re.compile("rate"))
    box = place_of(plane)
    for x in np.linspace(0.1, 0.6, 26):
        for y in np.linspace(0.05, 0.9, 39):
            at = (box["x"] + x * box["width"], box["y"] + y * box["height"])
            page.mouse.move(*at)
            if plane.evaluate("canvas => canvas.style.cursor") == "pointer":
                page.wait_for_timeout(60)
                if page.locator(f'.lab[data-run="{run_id}"]').count():
                    return at
    raise AssertionError("no point lit up")


def test_click_on_a_point_chooses_its_model_and_stays(server: Server, visit: Visit) -> None:
    sweep = shipped(server, 10)
    starter = next(i for i in server.store.infos() if i.shipped and i.config.latent_dim == 10)
    page = visit(server.url("rate-distortion", sweep=sweep.key, beta=1, run=starter.run_id))
    highlighted(page, sweep.runs[2].run_id)
    page.mouse.click(*spot(page, sweep.runs[3].run_id))
    wait_for_url(page, member="4")
    assert page.evaluate("location.pathname") == "/rate-distortion"
    expect(page.get_by_test_id("beta")).to_have_text("β = 4")

    # One that is not of the sweep stays chosen too, wherever the pointer goes; the slider leads back.
    page.mouse.click(*spot(page, starter.run_id))
    page.mouse.move(5, 5)
    page.wait_for_timeout(200)
    highlighted(page, starter.run_id)
    expect(page.get_by_test_id("model")).to_contain_text("60 epochs")
    assert page.evaluate("location.pathname") == "/rate-distortion"
    page.get_by_role("button", name="Open this model in Explore").click()
    page.wait_for_function("location.pathname === '/'")
    wait_for_url(page, run=starter.run_id)


def test_twins_are_named_and_one_leads_to_the_other(server: Server, visit: Visit) -> None:
    sweep = shipped(server, 10)
    page = visit(server.url("rate-distortion", sweep=sweep.key, beta=1))
    highlighted(page, sweep.runs[2].run_id)
    twins = page.get_by_test_id("twins")
    expect(twins).to_contain_text("β = 1 and β = 0.25 are twins")
    expect(twins).to_contain_text("16 and 27 nats")
    rows = {}
    for at, beta in ((2, "0.25"), (1, "1")):
        row = page.get_by_test_id("reconstructions")
        expect(row).to_have_attribute("data-run", sweep.runs[at].run_id)
        rows[at] = pixels(row)
        page.get_by_role("button", name=f"Look at β = {beta}", exact=True).click()
    highlighted(page, sweep.runs[2].run_id)
    wait_for_url(page, member="1")
    assert np.abs(rows[1] - rows[2]).max() > 60, "one ELBO, and other pictures"
