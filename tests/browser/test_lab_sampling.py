"""The lab's "Why sample from Q", as a person uses it, against numpy on the same samples."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.fixtures import TINY, Server
from tests.browser.test_browser import Visit, at_rest, eventually, in_url, pixels, slider, wait_for_url
from tests.browser.test_lab_gaussian import fingerprint, printed, text
from vae_core import data
from vae_core.analysis import bounds
from vae_core.analysis.importance import posterior_samples, prior_samples, running
from vae_core.config import RunConfig
from vae_core.jobs.starters import STARTERS
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.store import models

pytestmark = pytest.mark.browser

PLANE = STARTERS[0]
SAMPLES, SEED, IMAGE = 5000, 3, 4


def opened(page: Page) -> Page:
    """With all samples, at rest."""
    expect(page.get_by_test_id("reference")).to_contain_text(".")
    return at_rest(page)


def effective(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{round(value):,}"


@pytest.mark.parametrize("config", [PLANE, TINY], ids=["two dimensions", "three dimensions"])
def test_the_estimates_at_any_k_are_numpys(config: RunConfig, server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("sampling", run=config.run_id, image=IMAGE, seed=SEED, k=300)))
    x = data.test_images(config.dataset, config.binarize).x[IMAGE].astype(np.float32) / 255
    weights = server.store.weights(config.run_id)
    scorer = OnnxScorer(models.of(config, weights))
    samples = {
        "prior": prior_samples(scorer, x, SAMPLES, np.random.default_rng([SEED, 0])),
        "q": posterior_samples(scorer, x, SAMPLES, np.random.default_rng([SEED, 1])),
    }

    def agrees(k: int) -> None:
        for name, drawn in samples.items():
            log_px, ess = running(drawn.log_weight.astype(np.float32).astype(np.float64))
            assert text(page, f"estimate-{name}") == f"{printed(log_px[k - 1])} nats"
            assert text(page, f"ess-{name}") == effective(ess[k - 1])

    agrees(300)
    for name, drawn in samples.items():
        pictures = scorer.pictures(drawn.z[:24])[:, 0].astype(np.int64)
        shown = page.get_by_test_id(f"{name}-picture")
        assert shown.count() == 24
        for i in (0, 23):
            assert np.abs(pixels(shown.nth(i)) - pictures[i]).max() <= 1
    if config.latent_dim == 2:
        assert text(page, "reference") == f"{printed(bounds.on_grid(scorer, x).log_px)} nats"

    before = fingerprint(page.get_by_test_id("sampling-chart"))
    slider(page, "K samples").fill("1.7")
    eventually(lambda: fingerprint(page.get_by_test_id("sampling-chart")) != before, page, "another picture")
    agrees(50)
    wait_for_url(page, k="50")

    again = opened(visit(page.url))
    for name in ("estimate-prior", "estimate-q", "ess-prior", "ess-q", "reference", "which-image"):
        assert text(again, name) == text(page, name)


def test_it_plays_by_itself_and_other_samples_give_other_estimates(server: Server, visit: Visit) -> None:
    page = visit(server.url("sampling", run=PLANE.run_id, image=IMAGE))
    page.get_by_test_id("play").wait_for()
    eventually(lambda: float(slider(page, "K samples").input_value()) > 1, page, "K grows while nobody touches it")
    opened(page)
    slider(page, "K samples").fill("3")
    before = text(page, "estimate-prior")
    page.get_by_role("button", name="New samples", exact=True).click()
    wait_for_url(page, draw="1")
    eventually(lambda: text(page, "estimate-prior") != before, page, "another estimate")
    assert in_url(page, "k") == "1000"


PLAYED = """() => new Promise((done) => {
  const { shadowRoot } = [...document.querySelectorAll("*")].find((one) => one.shadowRoot?.querySelector(".sampling"));
  const slider = shadowRoot.querySelector("input[type=range]");
  const shown = new Set();
  const look = () => {
    const samples = shadowRoot.querySelector(".source .worth").textContent.match(/of ([\\d,]+) sample/)?.[1];
    const output = slider.parentElement.querySelector("output");
    shown.add(`${slider.getAttribute("aria-valuetext")} ${output.textContent} ${samples}`);
    if (shadowRoot.querySelector("[data-testid=play]").textContent === "Play again") done([...shown]);
    else requestAnimationFrame(look);
  };
  look();
})"""


def test_slider_and_text_say_the_same_in_every_frame_while_it_plays(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("sampling", run=PLANE.run_id, image=IMAGE, k=1)))
    page.get_by_test_id("play").click()
    shown = page.evaluate(PLAYED)
    assert len(shown) > 20, "it did not play"
    assert [said for said in shown if len(set(said.split())) > 1] == []


def test_bars_are_the_bounds_of_the_samples_that_are_drawn_and_the_chart_can_show_their_nats(
    server: Server, visit: Visit
) -> None:
    page = opened(visit(server.url("sampling", run=PLANE.run_id, image=IMAGE, draw=SEED, k=300)))
    x = data.test_images(PLANE.dataset, PLANE.binarize).x[IMAGE].astype(np.float32) / 255
    scorer = OnnxScorer(models.of(PLANE, server.store.weights(PLANE.run_id)))
    log_weight = posterior_samples(scorer, x, SAMPLES, np.random.default_rng([SEED, 1])).log_weight
    said = []
    for k in (1, 10, 100, 5000):
        groups = log_weight.astype(np.float32).astype(np.float64).reshape(-1, k)
        bound = np.mean(np.logaddexp.reduce(groups, 1) - np.log(k))
        expect(page.get_by_test_id(f"bound-{k}")).to_have_text(printed(bound))
        said.append(bound)
    assert said == sorted(said)
    far = pixels(page.get_by_test_id("sampling-chart"))
    page.get_by_role("button", name="Last nats").click()
    expect(page.get_by_role("button", name="Last nats")).to_have_attribute("aria-pressed", "true")
    # Its height may be another, too.
    eventually(lambda: not np.array_equal(pixels(page.get_by_test_id("sampling-chart")), far), page, "the last nats")
