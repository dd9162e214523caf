"""What β does, as a person uses it: in a real Chromium, on the models that ship."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.fixtures import Server
from tests.browser.test_browser import frames_sent, pixels, wait_for_url
from vae_core import data
from vae_core.config import words
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.store import RunInfo, models, sweeps

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


def shipped(server: Server, latent_dim: int) -> sweeps.Sweep:
    return next(s for s in sweeps.find(server.store.infos()) if s.runs[0].config.latent_dim == latent_dim)


def ready(page: Page) -> Page:
    """Once every picture of every model is decoded."""
    page.locator('.lab[data-decoded="all"]').wait_for(state="attached")
    return page


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="β, the weight of the KL")


def settled(page: Page, beta: float) -> None:
    page.locator(f'.lab[data-beta="{beta:g}"]').wait_for(state="attached")


def library_row(server: Server, run: RunInfo) -> np.ndarray:
    """The reconstructions of the first test image of each label, two pixels apart: (28, 298)."""
    test, scorer = data.load_split("mnist", "test"), OnnxScorer(models.load(server.store, run.run_id))
    x = test.x[[int(np.argmax(test.labels == label)) for label in range(10)]]
    pictures = scorer.pictures(scorer.encode_bytes(x).mu)[:, 0]
    return np.concatenate([np.pad(picture, ((0, 0), (0, 2))) for picture in pictures], axis=1)[:, :-2].astype(int)


def test_every_beta_shows_the_numbers_and_pictures_of_its_model(server: Server, visit: Visit) -> None:
    sweep = shipped(server, 10)
    page = ready(visit(server.url("beta", sweep=sweep.key, beta=16)))
    seen: list[np.ndarray] = []
    for run in reversed(sweep.runs):
        settled(page, run.config.beta)
        assert run.result is not None
        test = run.result.test
        said = zip(("elbo", "reconstruction", "kl"), words.elbo(test.reconstruction, test.kl, 1), strict=True)
        for name, text in said:
            expect(page.get_by_test_id(name)).to_have_text(text)
        objective = float((page.get_by_test_id("objective").text_content() or "").replace("−", "-"))
        assert objective == pytest.approx(test.reconstruction - run.config.beta * test.kl, abs=0.21)
        bars = page.get_by_test_id("kl-bars").get_attribute("aria-label") or ""
        shown = {int(dim) - 1: kl for dim, kl in re.findall(r"z(\d+) ([\d.]+)", bars)}
        assert shown == {dim: f"{kl:.2f}" for dim, kl in enumerate(test.kl_per_dim)}
        active = sum(kl >= 0.01 for kl in test.kl_per_dim)
        expect(page.get_by_test_id("active")).to_contain_text(f"{active} of 10 active")
        row = pixels(page.get_by_test_id("reconstructions"))
        assert np.abs(row - library_row(server, run)).max() <= 2
        seen.append(row)
        slider(page).press("ArrowLeft")
    assert all(np.abs(a - b).max() > 60 for a, b in pairwise(seen)), "the pictures stayed as they were"


def test_dragging_repaints_each_frame_without_the_server_and_the_link_restores(server: Server, visit: Visit) -> None:
    sweep = shipped(server, 2)
    page = visit("about:blank")
    sent = frames_sent(page)
    page.goto(server.url("beta", sweep=sweep.key, beta=1, seed=7, plane=1))
    ready(page)
    page.wait_for_timeout(300)
    before, samples = len(sent), pixels(page.get_by_test_id("samples"))
    drawn = slider(page).evaluate(
        """async (slider) => {
          const canvas = slider.getRootNode().querySelector('[data-testid="samples"]');
          const seen = new Set();
          for (let n = 0; n <= 40; n++) {
            slider.value = 2 + n / 20;
            slider.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
            await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            seen.add(data.reduce((sum, value, i) => (sum * 31 + value) % 1000000007, 7));
          }
          return seen.size;
        }"""
    )
    assert drawn > 12, "between two models the pictures did not cross-fade"
    assert len(sent) == before, "something was sent while the control was held"
    slider(page).evaluate("slider => { slider.value = 2.5 }")
    slider(page).dispatch_event("input")
    expect(page.get_by_test_id("elbo")).to_have_text("–")  # no model there, no number
    slider(page).evaluate("slider => { slider.value = 3.1 }")
    slider(page).dispatch_event("input")
    slider(page).dispatch_event("change")
    settled(page, 4)
    wait_for_url(page, member="4", draw="7", plane="1", sweep=sweep.key)
    left = pixels(page.get_by_test_id("samples"))
    assert np.abs(left - samples).max() > 60

    again = ready(visit(page.url))
    settled(again, 4)
    np.testing.assert_array_equal(pixels(again.get_by_test_id("samples")), left)
    expect(again.get_by_role("button", name="Decoded plane")).to_have_attribute("aria-pressed", "true")
    slider(again).press("Home")
    settled(again, 0)
    slider(again).press("End")
    settled(again, 16)


def test_the_threshold_of_a_linear_vae_moves_with_beta_and_sigma(server: Server, visit: Visit) -> None:
    sweep = shipped(server, 10)
    page = ready(visit(server.url("beta", sweep=sweep.key, member=1)))
    pictures = data.load_split("mnist", "train").x
    flat = pictures.reshape(len(pictures), -1).astype(np.float64) / 255
    variances = np.sort(np.linalg.eigvalsh(np.cov(flat.T)))[::-1][:10]

    def says(beta: float, sigma: float) -> None:
        kept = int((variances > beta * sigma**2).sum())
        count = f"all of these {kept}" if kept == 10 else f"the first {kept}" if kept else "none"
        chart = page.get_by_role("img", name=re.compile("^Variance of the data"))
        expect(chart).to_have_attribute("aria-label", re.compile(f"a linear VAE keeps {count}$"))

    sigma = page.get_by_role("slider", name="σ", exact=True)
    says(1, 0.5)
    sigma.fill("1.5")
    says(1, 1.5)
    slider(page).press("ArrowRight")
    settled(page, 4)
    says(4, 1.5)
    sigma.fill("0.75")
    says(4, 0.75)
    sigma.press("ArrowRight")
    wait_for_url(page, noise="0.8", member="4", sweep=sweep.key)
    again = ready(visit(page.url))
    expect(again.get_by_role("slider", name="σ", exact=True)).to_have_attribute("aria-valuetext", "0.80")
