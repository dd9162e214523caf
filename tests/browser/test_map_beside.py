"""Two maps of the same images side by side: what is pointed at, picked or lassoed on one is on the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect

from tests.browser.fixtures import TINY, Server
from tests.browser.test_browser import at_rest, eventually, in_url, place_of, wait_for_url

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
Place = tuple[float, float]

FIRST, SECOND = 0, 1
BOTH_FINAL = r"text=/[0-9]\s% are among its/"


def settled(page: Page) -> Page:
    """Both maps are final, and nothing moves."""
    page.locator(BOTH_FINAL).wait_for()
    expect(page.locator(".map-pane")).to_have_count(2)
    for n in (FIRST, SECOND):
        expect(page.locator(".map-progress").nth(n)).to_be_hidden()
        place_of(page.locator(".map-stage").nth(n))
    return at_rest(page)


def rgba(canvas: Locator) -> NDArray[np.int64]:
    """(H, W, 4), as large as it is on the page."""
    width, height, values = canvas.evaluate(
        """canvas => [canvas.width, canvas.height,
          [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]]"""
    )
    return np.array(values).reshape(height, width, 4)


def points(page: Page, n: int) -> NDArray[np.int64]:
    return rgba(page.locator("canvas.map-points").nth(n))


def rings(page: Page, n: int) -> NDArray[np.bool_]:
    """Where something is drawn over the points."""
    return rgba(page.locator("canvas.map-marks").nth(n))[..., 3] > 0


def ring(page: Page, n: int) -> Place | None:
    """The middle of the one ring over a map, in its pixels; None where there is no ring."""
    y, x = np.nonzero(rings(page, n))
    if not len(x):
        return None
    assert max(np.ptp(x), np.ptp(y)) < 40, "more than one ring"
    return (x.min() + x.max()) / 2, (y.min() + y.max()) / 2


def is_near(a: Place | None, b: Place | None) -> bool:
    return a is not None and b is not None and bool(np.allclose(a, b, atol=1.5))


def point_at(page: Page, n: int, place: Place) -> None:
    """Move the pointer there, and let two frames go by: what follows the pointer needs no server."""
    box = page.locator(".map-stage").nth(n).locator("canvas").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + place[0] + 0.5, box["y"] + place[1] + 0.5)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def said(page: Page, n: int) -> str | None:
    """Which image the card over a map is of."""
    card = page.locator(".map-card").nth(n)
    return card.locator("span").last.text_content() if card.is_visible() else None


def lonely(page: Page, n: int) -> Place:
    """A place where pointing shows an image that lies by itself, so that nothing else is nearest there."""
    height, width, _ = points(page, n).shape
    for step in range(1, 400):
        far = 0.45 * step / 400
        place = (width * (0.5 + far * np.cos(2.4 * step)), height * (0.5 + far * np.sin(2.4 * step)))
        point_at(page, n, place)
        if (found := said(page, n)) and (middle := ring(page, n)) and (other := ring(page, 1 - n)):
            point_at(page, 1 - n, other)
            if said(page, 1 - n) == found:
                return middle
    pytest.fail("no point under the pointer anywhere")


def switched_on(
    server: Server, visit: Visit, how: str = "another start", view: dict[str, object] | None = None
) -> Page:
    page = at_rest(visit(server.url("map", run=TINY.run_id, **(view or {}))))
    page.get_by_text(how, exact=True).click()
    wait_for_url(page, beside=how)
    return settled(page)


def test_both_maps_are_painted_and_differ(server: Server, visit: Visit) -> None:
    page = switched_on(server, visit)
    expect(page.locator(".map-title")).to_have_text(
        ["Perplexity 30 · starts from PCA", "Perplexity 30 · random start, seed 1"]
    )
    first, second = points(page, FIRST), points(page, SECOND)
    assert first.shape == second.shape
    assert min(len(np.unique(each.reshape(-1, 4), axis=0)) for each in (first, second)) > 10
    assert (first != second).any(2).mean() > 0.01


def test_what_is_pointed_at_on_one_is_ringed_on_the_other(server: Server, visit: Visit) -> None:
    page = switched_on(server, visit)
    place = lonely(page, FIRST)
    point_at(page, FIRST, place)
    image, other = said(page, FIRST), ring(page, SECOND)
    assert image
    assert other
    assert said(page, SECOND) is None  # a ring, and no second card
    point_at(page, SECOND, other)
    assert said(page, SECOND) == image
    back = ring(page, FIRST)
    assert is_near(back, place)
    page.mouse.move(2, 2)
    eventually(lambda: ring(page, FIRST) is None and ring(page, SECOND) is None, page, "no ring without a pointer")


def test_a_click_on_one_picks_on_both_and_a_link_restores_it(server: Server, visit: Visit) -> None:
    page = switched_on(server, visit, view={"other-seed": 2})
    place = lonely(page, SECOND)
    point_at(page, SECOND, place)
    image = said(page, SECOND)
    page.mouse.down()
    page.mouse.up()
    eventually(lambda: f"test image {in_url(page, 'selected')}" == image, page, "the pick in the address")
    page.mouse.move(2, 2)
    eventually(lambda: said(page, SECOND) is None, page, "a pointer that is gone")
    picked = [ring(page, n) for n in (FIRST, SECOND)]
    assert None not in picked
    again = settled(visit(page.url))
    expect(again.locator(".map-title").nth(SECOND)).to_contain_text("random start, seed 2")
    eventually(lambda: ring(again, FIRST) and ring(again, SECOND), again, "rings of the link")
    for n, middle in enumerate(picked):
        assert is_near(ring(again, n), middle)
    assert image
    expect(again.get_by_text(image).first).to_be_visible()


def lasso(page: Page, n: int, middle: Place, radius: float) -> None:
    """Draw one around a place, as far as there is map."""
    box = page.locator(".map-stage").nth(n).bounding_box()
    assert box
    angles = np.linspace(0, 2 * np.pi, 16)
    x = box["x"] + np.clip(middle[0] + radius * np.cos(angles), 4, box["width"] - 4)
    y = box["y"] + np.clip(middle[1] + radius * np.sin(angles), 4, box["height"] - 4)
    page.keyboard.down("Shift")
    page.mouse.move(x[0], y[0])
    page.mouse.down()
    for to in zip(x[1:], y[1:], strict=True):
        page.mouse.move(*to)
    page.mouse.up()
    page.keyboard.up("Shift")


def test_a_lasso_on_one_holds_the_same_images_on_the_other(server: Server, visit: Visit) -> None:
    page = switched_on(server, visit)
    here = lonely(page, FIRST)
    point_at(page, FIRST, here)
    there = ring(page, SECOND)
    assert there is not None
    page.mouse.move(2, 2)
    at = tuple(int(value) for value in reversed(there))
    before = points(page, SECOND)

    def shown() -> tuple[bool, bool]:
        """Whether that image is as strong as it was on the other map, and whether anything there is fainter."""
        now = points(page, SECOND)
        return bool((now[at] == before[at]).all()), bool((now != before).any())

    lasso(page, FIRST, here, 12)
    eventually(lambda: shown() == (True, True), page, "the image in the lasso, and others not")
    page.get_by_role("button", name="in the lasso").click()
    eventually(lambda: shown() == (True, False), page, "no lasso")
    # One on the far side leaves that image out.
    height, width, _ = before.shape
    corner = min(
        ((x, y) for x in (0, width) for y in (0, height)), key=lambda c: -abs(c[0] - here[0]) - abs(c[1] - here[1])
    )
    middle = (corner[0] + here[0]) / 2, (corner[1] + here[1]) / 2
    lasso(page, FIRST, middle, 0.9 * float(np.hypot(middle[0] - here[0], middle[1] - here[1])))
    eventually(lambda: shown() == (False, True), page, "the image outside the lasso")


def test_another_perplexity_offers_every_other(server: Server, visit: Visit) -> None:
    page = switched_on(server, visit, "another perplexity", {"perplexity": 10})
    expect(page.locator(".map-title")).to_have_text(
        ["Perplexity 10 · starts from PCA", "Perplexity 5 · starts from PCA"]
    )


def test_on_a_phone_one_is_under_the_other(server: Server, visit: Visit) -> None:
    page = visit(server.url("map", run=TINY.run_id, beside="another start"), viewport={"width": 390, "height": 844})
    settled(page)
    first, second = (place_of(page.locator(".map-stage").nth(n)) for n in (FIRST, SECOND))
    assert second["y"] >= first["y"] + first["height"]
    assert first["width"] == second["width"] > 300
