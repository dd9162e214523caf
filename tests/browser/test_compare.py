"""Models side by side in the browser: every picture is the library's, for that model's own aligned code."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from app.views import compare
from tests.browser.fixtures import TINY, Server
from tests.browser.test_browser import (
    at_rest,
    button,
    eventually,
    in_url,
    library_picture,
    pixels,
    slider,
    tick,
    wait_for_url,
)
from vae_core.analysis.alignment import align
from vae_core.config import RunConfig
from vae_core.config.events import Finished, Terms
from vae_core.jobs import artifacts
from vae_core.store import RunInfo

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
WIDE = RunConfig(dataset="digits", latent_dim=5, epochs=4, seed=3)
PLANE = "mnist-mlp-2d-beta1-2d28d5af"


@pytest.fixture(scope="module")
def pair(server: Server) -> Server:
    """The tiny model, and one of the same data with more dimensions."""
    from vae_core.jobs.run import run

    for _ in run(WIDE, server.store):
        pass
    for config in (TINY, WIDE):
        artifacts.codes(server.store, config.run_id)
    return server


def opened(visit: Visit, url: str, last: str) -> Page:
    page = visit(url)
    page.get_by_test_id(f"picture-{last}").wait_for()
    return at_rest(page)


def drawn(page: Page, letter: str, expected: NDArray[np.int64]) -> None:
    """The column's picture is this one, once its frame is painted."""
    picture = page.get_by_test_id(f"picture-{letter}")
    eventually(lambda: np.abs(pixels(picture) - expected).max() <= 2, page, f"the library's picture in {letter}")


def test_every_model_follows_its_own_aligned_dimensions(pair: Server, visit: Visit) -> None:
    page = opened(visit, pair.url("compare", runs=f"{WIDE.run_id},{TINY.run_id}"), "B")
    matches = align(*(artifacts.codes(pair.store, c.run_id)["mu"] for c in (WIDE, TINY)))
    assert len(matches) == 3
    blank = pixels(page.get_by_test_id("picture-B"))
    z = [0.0] * 5
    for match, value in zip(matches, ("-1.5", "2.2", "1.05"), strict=True):
        slider(page, f"z{match.dim + 1}").fill(value)
        z[match.dim] = float(value)
    own = [0.0] * 3
    for match in matches:
        own[match.other] = match.sign * z[match.dim]
    for letter, config, code in (("A", WIDE, z), ("B", TINY, own)):
        expected = library_picture(pair, config.run_id, code)
        assert np.ptp(expected) > 60, "a blank picture would prove nothing"
        drawn(page, letter, expected)
    assert np.abs(pixels(page.get_by_test_id("picture-B")) - blank).max() > 20
    last = matches[-1]  # the one that was moved last is marked
    name = f"{'−' if last.sign < 0 else ''}z{last.other + 1}"
    expect(page.locator(".column >> nth=1").locator(".strip.chosen b")).to_have_text(name)
    expect(page.get_by_test_id(f"r-B-{last.dim}")).to_have_text(f"|r| {last.correlation:.2f}")

    wait_for_url(page, z=",".join(f"{value:g}" for value in z))
    shown = pixels(page.get_by_test_id("picture-B"))
    again = opened(visit, page.url, "B")
    assert (pixels(again.get_by_test_id("picture-B")) == shown).all()


def test_strips_run_along_the_aligned_dimension(pair: Server, visit: Visit) -> None:
    page = opened(visit, pair.url("compare", runs=f"{WIDE.run_id},{TINY.run_id}", z="0.5,0,0,-1,0"), "B")
    page.locator("[data-settled]").wait_for()
    matches = {m.dim: m for m in align(*(artifacts.codes(pair.store, c.run_id)["mu"] for c in (WIDE, TINY)))}
    dim = next(dim for dim in matches if page.get_by_test_id(f"strip-B-{dim}").count())
    own = [0.0] * 3
    for match in matches.values():
        own[match.other] = match.sign * {0: 0.5, 3: -1.0}.get(match.dim, 0.0)
    own[matches[dim].other] = matches[dim].sign * -3.0
    first = pixels(page.get_by_test_id(f"strip-B-{dim}"))[:, :8]
    assert np.abs(first - library_picture(pair, TINY.run_id, own)).max() <= 2


def test_models_of_other_data_stand_beside_each_other_with_a_reason(pair: Server, visit: Visit) -> None:
    page = opened(visit, pair.url("compare", runs=f"{TINY.run_id},{PLANE}"), "B")
    expect(page.get_by_text("B learned other data")).to_be_visible()
    expect(page.get_by_text("No best is marked: the models have different data sets")).to_be_visible()
    assert pixels(page.get_by_test_id("picture-A")).shape == (8, 8)
    assert pixels(page.get_by_test_id("picture-B")).shape == (28, 28)


def test_ticked_models_are_compared(pair: Server, visit: Visit) -> None:
    page = visit(pair.url("models"), viewport={"width": 1900, "height": 720})
    page.get_by_test_id("stDataFrame").wait_for()
    at_rest(page)
    tick(page, 0)
    at_rest(page)
    tick(page, 1)
    button(page, "Compare these 2").click()
    page.get_by_test_id("picture-B").wait_for()
    runs = eventually(lambda: in_url(page, "runs"), page, "the runs in the address")
    assert len(set(runs.split(","))) == 2


def info(elbo: float, **settings: object) -> RunInfo:
    config = RunConfig(**{"latent_dim": 3, **settings})  # type: ignore[arg-type]
    test = Terms(elbo + 9.0, 9.0, [5.0, 4.0, 0.001])
    return RunInfo(config.run_id, config, "finished", 0.0, Finished(10, 2.0, 7.0, 100.0, test, False))


def test_best_is_marked_only_where_higher_is_comparable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare.payloads, "log_px", lambda _run: None)
    monkeypatch.setattr(compare, "_parameters", lambda _run: "1")
    table = compare._table([info(-104.0), info(-101.5, beta=2.0)])
    assert "| ELBO, nats | −104.0 | **−101.5** (best) |" in table
    assert "| − KL, nats | 9.0 | 9.0 |" in table
    assert "| active dimensions | 2 of 3 | 2 of 3 |" in table
    assert table.count("(best)") == 1
    for other in ({"likelihood": "gaussian"}, {"binarize": "static"}, {"dataset": "digits"}):
        runs = [info(-104.0), info(-90.0, **other)]
        assert "(best)" not in compare._table(runs)
        assert re.match("the models have different", compare._not_comparable(runs))
