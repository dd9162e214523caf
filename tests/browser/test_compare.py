"""Models side by side in the browser: every picture is the library's, for that model's own aligned code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import FloatRect, Locator, Page, expect

from app.views import compare
from tests.browser.fixtures import TINY, Server, train_tiny
from tests.browser.test_browser import (
    at_rest,
    button,
    eventually,
    in_url,
    library_picture,
    pixels,
    place_of,
    slider,
    tick,
    wait_for_url,
)
from vae_core.analysis.alignment import Match, align
from vae_core.config import RunConfig
from vae_core.config.events import Finished, Terms
from vae_core.jobs import artifacts
from vae_core.jobs.run import run
from vae_core.store import RunInfo

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
WIDE = RunConfig(dataset="digits", latent_dim=5, epochs=4, seed=3)
PLANE = "mnist-mlp-2d-beta1-2d28d5af"


@pytest.fixture(scope="module")
def pair(server: Server) -> Server:
    """The tiny model, and one of the same data with more dimensions."""
    for _ in run(WIDE, server.store):
        pass
    for config in (TINY, WIDE):
        artifacts.codes(server.store, config.run_id)
    return server


def opened(visit: Visit, url: str, last: str) -> Page:
    page = visit(url)
    page.get_by_test_id(f"picture-{last}").wait_for()
    return at_rest(page)


def drawn(canvas: Locator, expected: NDArray[np.int64], columns: slice = slice(None)) -> None:
    """These columns of its pixels are the library's, once they are painted."""
    eventually(lambda: np.abs(pixels(canvas)[:, columns] - expected).max() <= 2, canvas.page, "the library's picture")


def in_row(page: Page, dim: int, what: str) -> Locator:
    return page.get_by_test_id(f"row-{dim}").locator(what)


def aligned(server: Server) -> list[Match]:
    """What the library matches in `WIDE` and `TINY`."""
    return align(*(artifacts.codes(server.store, config.run_id)["mu"] for config in (WIDE, TINY)))


def name_of(match: Match) -> str:
    """Of the dimension that follows, in the direction in which it does."""
    return f"{'−' if match.sign < 0 else ''}z{match.other + 1}"


def both(server: Server, **view: str) -> str:
    return server.url("compare", runs=f"{WIDE.run_id},{TINY.run_id}", **view)


def test_every_model_follows_its_own_aligned_dimensions(pair: Server, visit: Visit) -> None:
    page = opened(visit, both(pair), "B")
    matches = aligned(pair)
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
        drawn(page.get_by_test_id(f"picture-{letter}"), expected)
    assert np.abs(pixels(page.get_by_test_id("picture-B")) - blank).max() > 20

    wait_for_url(page, z=",".join(f"{value:g}" for value in z))
    shown = pixels(page.get_by_test_id("picture-B"))
    again = opened(visit, page.url, "B")
    assert (pixels(again.get_by_test_id("picture-B")) == shown).all()


def test_strips_run_along_the_aligned_dimension(pair: Server, visit: Visit) -> None:
    page = opened(visit, both(pair, z="0.5,0,0,-1,0"), "B")
    matches = {match.dim: match for match in aligned(pair)}
    stands = {0: 0.5, 3: -1.0}
    for dim, match in matches.items():
        strip = in_row(page, dim, ".cell").nth(1).locator("canvas.strip")
        for step, value in ((0, -3.0), (12, 3.0)):
            own = [0.0] * 3
            for other in matches.values():
                own[other.other] = other.sign * stands.get(other.dim, 0.0)
            own[match.other] = match.sign * value
            drawn(strip, library_picture(pair, TINY.run_id, own), slice(8 * step, 8 * step + 8))


def test_dragging_a_strip_of_another_model_moves_the_code_by_its_sign(pair: Server, visit: Visit) -> None:
    page = opened(visit, both(pair), "B")
    matches = aligned(pair)
    z, own = [0.0] * 5, [0.0] * 3
    for match, share in zip(matches, (0.8, 0.3, 0.65), strict=True):
        strip = slider(page, f"{name_of(match)} of B")
        strip.scroll_into_view_if_needed()
        box = place_of(strip)
        y = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] / 2, y)
        page.mouse.down()
        page.mouse.move(box["x"] + share * box["width"], y, steps=4)
        page.mouse.up()
        z[match.dim] = float(slider(page, f"z{match.dim + 1}").input_value())
        own[match.other] = match.sign * z[match.dim]
        assert (z[match.dim] > 0.4) if share > 0.5 else (z[match.dim] < -0.4)
        assert strip.input_value() == slider(page, f"z{match.dim + 1}").input_value()
        expect(in_row(page, match.dim, ".value")).to_have_text([f"{z[match.dim]:.2f}".replace("-", "−")] * 2)
    for letter, config, code in (("A", WIDE, z), ("B", TINY, own)):
        drawn(page.get_by_test_id(f"picture-{letter}"), library_picture(pair, config.run_id, code))
    wait_for_url(page, z=",".join(f"{value:g}" for value in z))


def test_lines_say_how_sure_a_match_is(pair: Server, visit: Visit) -> None:
    page = opened(visit, both(pair), "B")
    thick: list[tuple[float, float]] = []
    for match in aligned(pair):
        join = in_row(page, match.dim, ".join")
        said = f"|r| {match.correlation:.2f}"
        expect(page.get_by_test_id(f"r-B-{match.dim}")).to_have_text(said)
        expect(join).to_have_attribute("aria-label", f"{name_of(match)} of B follows z{match.dim + 1} of A: {said}")
        expect(join.locator("b")).to_have_text(name_of(match))
        line = place_of(join.locator(".line"))
        thick.append((match.correlation, line["height"]))
        ends = [place_of(cell) for cell in in_row(page, match.dim, ".track").all()]
        assert ends[0]["x"] + ends[0]["width"] <= line["x"] <= line["x"] + line["width"] <= ends[1]["x"]
    assert [height for _, height in sorted(thick)] == sorted(height for _, height in thick)
    assert sorted(thick)[0][1] < sorted(thick)[-1][1]
    without = {0, 1, 2, 3, 4} - {match.dim for match in aligned(pair)}
    for dim in without:
        row = page.get_by_test_id(f"row-{dim}")
        if row.is_visible():
            expect(row.get_by_text("no dimension left for it")).to_be_visible()
            expect(row.locator(".line")).to_have_count(0)


def test_keys_a_double_click_and_the_button_lead_from_any_strip(pair: Server, visit: Visit) -> None:
    page = opened(visit, both(pair), "B")
    match = aligned(pair)[0]
    a, b = slider(page, f"z{match.dim + 1}"), slider(page, f"{name_of(match)} of B")
    for key, value in (
        ("ArrowRight", "0.1"),
        ("PageUp", "0.6"),
        ("Shift+ArrowLeft", "0.59"),
        ("End", "3"),
        ("Home", "-3"),
    ):
        b.press(key)
        assert (a.input_value(), b.input_value()) == (value, value), key
    wait_for_url(page, z=",".join("-3" if dim == match.dim else "0" for dim in range(5)))
    b.dblclick()
    assert (a.input_value(), b.input_value()) == ("0", "0")
    a.press("End")
    button(page, f"Reset z{match.dim + 1}").click()
    assert (a.input_value(), b.input_value()) == ("0", "0")
    a.press("End")
    button(page, "Centre").click()
    assert (a.input_value(), b.input_value()) == ("0", "0")


@pytest.mark.parametrize("width", [1280, 1920])
def test_columns_stand_over_their_strips(width: int, pair: Server, visit: Visit) -> None:
    page = visit(both(pair), viewport={"width": width, "height": 900})
    page.get_by_test_id("picture-B").wait_for()
    at_rest(page)
    dim = aligned(pair)[0].dim
    tracks = in_row(page, dim, ".track")
    for i, letter in enumerate("AB"):
        assert place_of(page.get_by_test_id(f"picture-{letter}"))["x"] == pytest.approx(
            place_of(tracks.nth(i))["x"], abs=1
        )
    assert place_of(tracks.nth(0))["width"] == place_of(tracks.nth(1))["width"]
    # What is read comes after what is looked at: the sentence on matching, then the curves.
    sentence = page.get_by_text("Dimensions are matched one to one")
    below = place_of(page.locator(".compare"))
    assert below["y"] + below["height"] <= place_of(sentence)["y"]
    assert place_of(sentence)["y"] < place_of(page.get_by_text("Curves and figures"))["y"]


def test_strips_of_a_row_stand_below_each_other_on_a_phone(pair: Server, visit: Visit) -> None:
    page = visit(both(pair), viewport={"width": 390, "height": 844}, has_touch=True)
    page.get_by_test_id("picture-B").wait_for()
    at_rest(page)
    first, second = (place_of(track) for track in in_row(page, aligned(pair)[0].dim, ".track").all())
    assert first["x"] == second["x"]
    assert first["y"] + first["height"] < second["y"]
    assert second["width"] > 250
    # The pictures stay in view while their strips go by.
    last = in_row(page, aligned(pair)[-1].dim, ".track").last
    last.scroll_into_view_if_needed()
    expect(page.get_by_test_id("picture-A")).to_be_in_viewport()


def test_what_is_waited_for_has_the_size_of_what_comes(tmp_path: Path, visit: Visit) -> None:
    """The worker is held up until the page has been looked at."""
    train_tiny(tmp_path)
    server = Server(tmp_path)
    for _ in run(WIDE, server.store):
        pass
    artifacts.codes(server.store, WIDE.run_id)
    try:
        with server.store.file_lock("worker-derive"):
            server.start()
            page = at_rest(visit(both(server)))
            said = page.get_by_text("Encoding the test images of B")
            expect(said).to_be_visible()
            expect(page.locator("[data-testid=stAlert]")).to_have_count(0)
            # What needs nothing is there: A's picture, and its strips can be dragged.
            dim = int(page.locator(".row[data-testid]").first.get_attribute("data-testid").removeprefix("row-"))  # type: ignore[union-attr]
            slider(page, f"z{dim + 1}").press("End")
            eventually(lambda: np.ptp(pixels(page.get_by_test_id("picture-A"))) > 60, page, "the picture of A")
            button(page, "Cancel").click()
            expect(page.get_by_text("This was cancelled.")).to_be_visible()
            button(page, "Try again").click()
            expect(said).to_be_visible()
            page.locator(".compare").evaluate("element => { element.dataset.same = 'yes' }")
            before = _sizes(page)
        expect(said).to_be_hidden()
        expect(page.get_by_test_id(f"r-B-{aligned(server)[0].dim}")).to_be_visible()
        assert page.locator(".compare[data-same]").count() == 1, "it was built anew"
        assert _sizes(page) == before
        assert slider(page, f"z{dim + 1}").input_value() == "3"
    finally:
        server.stop()


def _sizes(page: Page) -> list[FloatRect]:
    """Where the component, its columns and its rows are."""
    return [place_of(part) for part in page.locator(":is(.compare, .compare .column, .row[data-testid])").all()]


def test_models_of_other_data_stand_beside_each_other_with_a_reason(pair: Server, visit: Visit) -> None:
    page = opened(visit, pair.url("compare", runs=f"{TINY.run_id},{PLANE}"), "B")
    expect(page.get_by_text("B learned other data")).to_be_visible()
    expect(page.locator(".join").first).to_have_class(re.compile("ranked"))
    expect(page.locator(".join .r").first).to_have_text("by KL")
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
