"""The lab's "The gap", as a person uses it, against the library."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.fixtures import Server
from tests.browser.test_browser import Visit, at_rest, eventually, in_url, library_picture, pixels, wait_for_url
from tests.browser.test_lab_gaussian import drag, fingerprint, printed, text
from vae_core import data
from vae_core.analysis import bounds
from vae_core.analysis.gaussian_fit import fit_gaussian
from vae_core.config import RunConfig
from vae_core.config.words import adding
from vae_core.jobs.starters import LAB_MODELS, STARTERS
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.networks.posterior.numpy_ import log_standard_normal
from vae_core.store import models

pytestmark = pytest.mark.browser

PLANE, FULL = STARTERS[0], next(config for config in LAB_MODELS if config.posterior == "full")
IMAGE = 1
"""A two whose posterior has a second, smaller place, far from where the encoder looks."""


def model(server: Server, config: RunConfig) -> tuple[OnnxScorer, Any]:
    """The library's model, and the image."""
    image = data.test_images(config.dataset, config.binarize).x[IMAGE].astype(np.float32) / 255
    return OnnxScorer(models.of(config, server.store.weights(config.run_id))), image


def opened(page: Page) -> Page:
    """With the numbers of the final grid, at rest."""
    expect(page.get_by_test_id("log-px")).to_contain_text(".")
    return at_rest(page)


def number(page: Page, name: str) -> float:
    return float(text(page, name).replace("−", "-"))


@pytest.mark.parametrize("config", [PLANE, FULL], ids=["diagonal", "full"])
def test_the_numbers_are_the_librarys_for_each_gaussian(config: RunConfig, server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("gap", run=config.run_id, image=IMAGE)))
    scorer, x = model(server, config)
    grid = bounds.on_grid(scorer, x)
    encoder = scorer.encode(x[None])
    diagonal = fit_gaussian(grid, full=False, starts=[encoder]).q
    gaussians = {
        "encoder": encoder,
        "diagonal": diagonal,
        "full": fit_gaussian(grid, full=True, starts=[encoder, diagonal]).q,
    }
    gaps = []
    for name, q in gaussians.items():
        page.get_by_test_id(f"pick-{name}").click()
        terms = bounds.identity(scorer, x, grid=grid, q=q)
        (reconstruction, less_kl), elbo = adding([terms.reconstruction, -terms.kl_q_prior])
        gap = adding([terms.log_px])[1] - elbo  # between the two as they are printed
        assert gap == pytest.approx(terms.kl_q_posterior, abs=0.0101)
        shown = {"log-px": terms.log_px, "reconstruction": reconstruction, "kl": -less_kl, "elbo": elbo}
        shown |= {"gap": gap, f"gap-{name}": gap}
        expect(page.get_by_test_id("elbo")).to_have_text(printed(terms.elbo))
        assert {each: text(page, each) for each in shown} == {each: printed(value) for each, value in shown.items()}
        gaps.append(terms.kl_q_posterior)
    assert gaps[0] > gaps[1] + 0.1 > gaps[2] + 0.1, "three gaps that are told apart"
    wait_for_url(page, gaussian="full")


def test_dragging_z_decodes_it_and_says_its_log_likelihood(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("gap", run=PLANE.run_id, image=IMAGE)))
    chart, decoded = page.get_by_test_id("gap-chart"), page.get_by_test_id("gap-decoded")
    before, drawn, painted = number(page, "log-likelihood"), fingerprint(chart), pixels(decoded)
    drag(page, chart, (0.5, 0.5), (0.3, 0.8))
    eventually(lambda: in_url(page, "z"), page, "z in the address")
    at_rest(page)
    z = [float(part) for part in (in_url(page, "z") or "").split(",")]
    scorer, x = model(server, PLANE)
    likelihood = float(scorer.log_likelihood(x[None], np.array([[z]]))[0, 0])
    prior = float(log_standard_normal(np.array(z)))
    # Two decimals of sums over 784 pixels in single precision, in two orders.
    assert number(page, "log-likelihood") == pytest.approx(likelihood, abs=0.011)
    assert number(page, "log-prior") == pytest.approx(prior, abs=0.0051)
    assert number(page, "log-joint") == pytest.approx(likelihood + prior, abs=0.011)
    assert abs(likelihood - before) > 1, "a z that explains it as well would prove nothing"
    assert np.abs(pixels(decoded) - library_picture(server, PLANE.run_id, z)).max() <= 2
    assert np.abs(pixels(decoded) - painted).max() > 30
    assert fingerprint(chart) != drawn

    # The arrow keys do what the pointer does.
    chart.focus()
    page.keyboard.press("ArrowRight")
    eventually(lambda: in_url(page, "z") != ",".join(f"{value:.4f}" for value in z), page, "z moved by a key")

    # The link shows another visitor the same; another image starts at its own mean.
    page.get_by_test_id("pick-diagonal").click()
    wait_for_url(page, gaussian="diagonal")
    at_rest(page)
    again = opened(visit(page.url))
    for name in ("log-likelihood", "log-joint", "gap", "elbo", "which-image"):
        assert text(again, name) == text(page, name)
    again.get_by_role("button", name="Next 7", exact=True).click()
    wait_for_url(again, image="17")  # the next seven after IMAGE
    expect(again.get_by_test_id("which-image")).to_have_text("test image 17, a 7")
    assert in_url(again, "z") is None


def test_the_view_says_what_it_needs(server: Server, visit: Visit) -> None:
    page = at_rest(visit(server.url("gap", run=STARTERS[1].run_id)))
    expect(page.get_by_text("This page needs two latent dimensions")).to_be_visible()
