"""Posterior collapse in the browser: what the cursor shows is what the run said, for every run beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.fixtures import TINY, Server
from tests.browser.test_browser import at_rest, button, eventually, in_url, place_of, slider, wait_for_url
from vae_core.config import RunConfig
from vae_core.config.events import Losses
from vae_core.config.words import adding
from vae_core.jobs.queue import Jobs
from vae_core.store.siblings import proposals

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
WARM = replace(TINY, warmup_epochs=2)


@pytest.fixture(scope="module")
def pair(server: Server) -> Server:
    """The tiny model, and the same with a warm-up."""
    from vae_core.jobs import artifacts
    from vae_core.jobs.run import run

    for _ in run(WARM, server.store):
        pass
    for config in (TINY, WARM):
        artifacts.codes(server.store, config.run_id)
    return server


def points(server: Server, config: RunConfig) -> list[Losses]:
    events, _ = server.store.events(config.run_id)
    return [event for event in events if isinstance(event, Losses)]


def shown(page: Page, name: str) -> str:
    return (page.get_by_test_id(name).text_content() or "").replace("−", "-")


def printed(value: float, digits: int = 2) -> str:
    """As the page rounds: 0.125 is 0.13, where Python says 0.12."""
    return str(Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def opened(visit: Visit, url: str, streams: int) -> Page:
    page = visit(url)
    page.get_by_test_id(f"stream-{streams - 1}").wait_for()
    return at_rest(page)


def picture(page: Page, index: int) -> str:
    return page.get_by_test_id(f"stream-{index}").evaluate("canvas => canvas.toDataURL()")


def check(page: Page, server: Server, epoch: float) -> None:
    """Every number of both runs, at the point nearest to this epoch."""
    for index, config in enumerate((TINY, WARM)):
        point = min(points(server, config), key=lambda p: abs(p.epoch - epoch))
        for dim, kl in enumerate(adding(point.held_out.kl_per_dim)[0]):
            assert shown(page, f"kl-{index}-{dim}") == printed(kl)
        (reconstruction, less_kl), elbo = adding([point.held_out.reconstruction, -point.held_out.kl], 1)
        assert shown(page, f"kl-{index}") == printed(-less_kl + 0, 1)
        assert shown(page, f"beta-{index}") == f"{point.beta:.4g}"
        assert shown(page, f"reconstruction-{index}") == printed(reconstruction, 1)
        assert shown(page, f"elbo-{index}") == printed(elbo, 1)


def test_cursor_shows_what_the_runs_said_at_that_moment(pair: Server, visit: Visit) -> None:
    page = opened(visit, pair.url("collapse", run=TINY.run_id), streams=2)
    check(page, pair, epoch=TINY.epochs)
    assert shown(page, "sum") == f"{printed(points(pair, TINY)[-1].held_out.kl)} nats"

    before = [picture(page, 0), picture(page, 1)]
    box = place_of(page.get_by_test_id("stream-1"))
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.8 * box["width"], y)
    page.mouse.down()
    for share in np.linspace(0.8, 0.5, 8):
        page.mouse.move(box["x"] + share * box["width"], y)
    page.mouse.up()
    epoch = float(eventually(lambda: in_url(page, "at"), page, "the moment in the address"))
    assert 0 < epoch < 0.6 * TINY.epochs
    check(page, pair, epoch)
    assert picture(page, 0) != before[0]
    assert picture(page, 1) != before[1]
    assert shown(page, "beta-0") != shown(page, "beta-1")
    warm = min(points(pair, WARM), key=lambda p: abs(p.epoch - epoch))  # dragged there: the formulas are about it
    price = warm.held_out.reconstruction - warm.beta * warm.held_out.kl
    said = shown(page, "price").removesuffix(" nats")
    assert float(said) == pytest.approx(price, abs=0.16)  # what the printed terms come to

    again = opened(visit, page.url, streams=2)
    check(again, pair, epoch)


def test_keys_move_the_cursor_and_a_bar_is_put_into_words(pair: Server, visit: Visit) -> None:
    page = opened(visit, pair.url("collapse", run=TINY.run_id), streams=2)
    slider(page, "Moment").focus()
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowRight")
    epoch = points(pair, TINY)[11].epoch
    wait_for_url(page, at=f"{round(epoch, 3):g}")
    check(page, pair, epoch)

    page.locator('.stream >> nth=0 >> button[data-dim="1"]').click()
    expect(page.get_by_test_id("words")).to_contain_text("z2 is active: its mean moves with the image")
    eventually(lambda: in_url(page, "pick") == "0,1", page, "the dimension in the address")


def test_one_click_trains_what_is_missing_and_its_stream_appears(pair: Server, visit: Visit) -> None:
    page = opened(visit, pair.url("collapse", run=TINY.run_id), streams=2)
    wanted = proposals(TINY)["free-bits"]
    button(page, "Train it with 1 nat of free bits").click()
    try:
        page.get_by_test_id("stream-2").wait_for()
        expect(page.get_by_role("button", name="Train it")).to_have_count(0)
        expect(page.get_by_text("Free bits: 1 nat a dimension")).to_be_visible()
    finally:
        if wanted.run_id in pair.store.run_ids():
            Jobs(pair.store).cancel(wanted.run_id)


def test_a_model_that_does_not_suit_is_told_what_is_needed(pair: Server, visit: Visit) -> None:
    page = visit(pair.url("collapse", run="mnist-mlp-2d-beta1-2d28d5af"))
    expect(page.get_by_text("This page needs more than two latent dimensions")).to_be_visible()
    page.get_by_test_id("stream-0").wait_for()
