"""The lab's "The reparameterisation trick", as a person uses it: what moves with μ and σ, and what with ε."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.browser.fixtures import Server
from tests.browser.test_browser import (
    Visit,
    at_rest,
    button,
    eventually,
    in_url,
    library_picture,
    pixels,
    slider,
    wait_for_url,
)
from tests.browser.test_lab_gaussian import drag, opened, paints_every_frame, printed, shown, surface, text
from vae_core import data
from vae_core.jobs.starters import STARTERS
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.store import models

pytestmark = pytest.mark.browser

RUN = next(config for config in STARTERS if config.latent_dim == 2).run_id


def normals(seed: int) -> Iterator[float]:
    """The page's generator, written anew: mulberry32 and the cosine half of Box–Muller."""
    state = seed

    def uniform() -> float:
        nonlocal state
        state = (state + 0x6D2B79F5) % 2**32
        t = (state ^ (state >> 15)) * (1 | state) % 2**32
        t = (t + (t ^ (t >> 7)) * (61 | t)) % 2**32 ^ t
        return ((t ^ (t >> 14)) % 2**32) / 2**32

    while True:
        radius = math.sqrt(-2 * math.log(1 - uniform()))
        yield radius * math.cos(2 * math.pi * uniform())


def noise(seed: int, code: int) -> list[float]:
    """ε of one code, from 0."""
    draw = normals(seed)
    return [next(draw) for _ in range(2 * code + 2)][-2:]


def number(page: Page, name: str) -> float:
    return float(text(page, name).replace("−", "-"))


def expect_code(page: Page, q: list[float], seed: int, code: int) -> list[float]:
    """The code that follows from μ, σ and ε stands in the formulas, with ∂z/∂σ = ε."""
    epsilon = noise(seed, code)
    z = [q[d] + q[2 + d] * epsilon[d] for d in (0, 1)]
    expected = {f"z-{d + 1}": printed(z[d]) for d in (0, 1)}
    shown(page, expected | {f"dz-dsigma-{d + 1}": printed(epsilon[d]) for d in (0, 1)})
    return z


def expect_picture(page: Page, server: Server, code: int, z: list[float]) -> None:
    """The strip shows what the library decodes this code to."""
    expected = library_picture(server, RUN, z)
    canvas = page.get_by_test_id(f"decoded-{code + 1}")

    def same() -> bool:
        found = pixels(canvas)
        return found.shape == expected.shape and bool(np.abs(found - expected).max() <= 2)

    eventually(same, page, f"code {code + 1}, decoded")


def test_noise_is_standard_normal() -> None:
    draw = normals(1)
    sample = np.array([next(draw) for _ in range(4000)])
    assert abs(sample.mean()) < 0.06
    assert abs(sample.std() - 1) < 0.05


def test_codes_follow_the_mean_while_the_noise_is_held(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("reparameterisation", run=RUN, q="0.5,-0.25,0.4,0.7", seed=7, code=2)))
    expect_picture(page, server, 2, expect_code(page, [0.5, -0.25, 0.4, 0.7], 7, 2))
    before = number(page, "z-1"), number(page, "z-2")
    slider(page, "mean μ1").fill("1.75")
    expect_picture(page, server, 2, expect_code(page, [1.75, -0.25, 0.4, 0.7], 7, 2))
    assert number(page, "z-1") - before[0] == pytest.approx(1.25, abs=0.011)
    assert number(page, "z-2") == before[1]

    drag(page, surface(page), (0.4, 0.7), (0.6, 0.4))
    paints_every_frame(page, "width σ2")
    q = [float(slider(page, name).input_value()) for name in ("mean μ1", "mean μ2", "width σ1", "width σ2")]
    expect_code(page, [round(value, 3) for value in q], 7, 2)
    assert in_url(page, "draw") == "7"


def test_new_noise_moves_the_codes_alone_and_the_link_keeps_it(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("reparameterisation", run=RUN, q="0.5,-0.25,0.4,0.7", seed=7)))
    q = [0.5, -0.25, 0.4, 0.7]
    before = expect_code(page, q, 7, 0)
    expect_picture(page, server, 0, before)
    page.get_by_test_id("new-noise").click()
    after = expect_code(page, q, 8, 0)
    assert np.ptp(library_picture(server, RUN, before) - library_picture(server, RUN, after)) > 60
    expect_picture(page, server, 0, after)
    wait_for_url(page, draw="8", spread="0.5,-0.25,0.4,0.7")
    page.keyboard.press("e")
    expect_code(page, [0.5, -0.25, 0.4, 0.7], 9, 0)
    wait_for_url(page, draw="9")
    page.reload()
    expect_code(opened(page), [0.5, -0.25, 0.4, 0.7], 9, 0)


def test_sampling_directly_cuts_the_gradient(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("reparameterisation", run=RUN, q="0.5,-0.25,0.4,0.7", seed=7)))
    graph = page.locator(".lab svg")
    assert "∂z/∂σ = ε" in (graph.text_content() or "")
    button(page, "Sample z directly").click()
    assert "no gradient arrives here" in (graph.text_content() or "")
    wait_for_url(page, how="direct")
    at_rest(page)
    before = text(page, "drawn-1")
    slider(page, "mean μ2").fill("0.3")  # another Q is another draw, in z1 too
    eventually(lambda: text(page, "drawn-1") != before, page, "another draw")


def test_start_is_what_the_encoder_says_of_an_image(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("reparameterisation", run=RUN)))
    page.get_by_role("button", name="Start from test image").nth(4).click()
    image = int(eventually(lambda: in_url(page, "image"), page, "the image in the address"))
    config = server.store.get(RUN).config
    x = data.test_images(config.dataset, config.binarize).x[[image]]
    found = OnnxScorer(models.load(server.store, RUN)).encode_bytes(x)
    mu, logvar = found.mu, found.logvar
    q = [float(value) for value in (in_url(page, "spread") or "").split(",")]
    assert q == pytest.approx([*mu[0], *np.exp(logvar[0] / 2)], abs=6e-4)
    assert data.test_images(config.dataset, config.binarize).labels[image] == 4
