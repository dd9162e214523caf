"""The app as a person uses it: a real Chromium on a real `elbo app`. One promise a test."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import FloatRect, Locator, Page, Route, expect

from tests.browser.fixtures import PATIENCE, TINY, Server
from vae_core import data
from vae_core.config import RunConfig
from vae_core.jobs.queue import Jobs
from vae_core.jobs.starters import LAB_MODELS, STARTERS
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.store import models, sweeps

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]

PLANE, TEN = STARTERS
MODELS = [config.run_id for config in (*STARTERS, TINY)]
LONG: dict[str, object] = {"data": "digits", "network": "burgess", "epochs": 100, "batch": 32}
"""Takes longer than any test looks at it."""


# -- what a person sees and does


def slider(page: Page, name: str) -> Locator:
    return page.get_by_label(name, exact=True)


def canvas(page: Page) -> Locator:
    return page.get_by_test_id("decoded")


def ready(page: Page) -> Page:
    """Explore, drawn and at rest."""
    canvas(page).wait_for()
    return at_rest(page)


def at_rest(page: Page) -> Page:
    """No script is running for this page."""
    page.locator('[data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]').wait_for()
    return page


def pixels(target: Locator) -> NDArray[np.int64]:
    """The grey levels (H, W) of a canvas."""
    width, height, values = target.evaluate(
        """canvas => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return [canvas.width, canvas.height, Array.from(data.filter((_, i) => i % 4 === 0))];
        }"""
    )
    return np.array(values).reshape(height, width)


def library_picture(server: Server, run_id: str, z: list[float]) -> NDArray[np.int64]:
    """What vae_core makes of a code: (H, W)."""
    return OnnxScorer(models.load(server.store, run_id)).pictures(np.array([z]))[0, 0].astype(np.int64)


def values(page: Page, latent_dim: int) -> list[float]:
    """Where the sliders stand."""
    return [float(slider(page, f"z{dim + 1}").input_value()) for dim in range(latent_dim)]


def in_url(page: Page, name: str) -> str | None:
    return page.evaluate("name => new URLSearchParams(location.search).get(name)", name)


def wait_for_url(page: Page, **view: str) -> None:
    """Until the address says so."""
    page.wait_for_function(
        "view => Object.entries(view).every(([k, v]) => new URLSearchParams(location.search).get(k) === v)", arg=view
    )


def eventually(check: Callable[[], Any], page: Page, what: str) -> Any:
    """What `check` says once it says something; the page goes on in the meantime."""
    deadline = time.monotonic() + PATIENCE
    while not (found := check()):
        assert time.monotonic() < deadline, f"never happened: {what}"
        page.wait_for_timeout(50)
    return found


def place_of(target: Locator) -> FloatRect:
    """Where it is, once it stays there: what loads late above it moves it."""

    def held() -> FloatRect | None:
        before = target.bounding_box()
        target.page.wait_for_timeout(250)
        return before if before and before == target.bounding_box() else None

    return eventually(held, target.page, "a place where it stays")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def frames_sent(page: Page) -> list[float]:
    """A list that grows with every message the page sends; open before the page is loaded."""
    sent: list[float] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append(time.monotonic())))
    return sent


# -- Explore


@pytest.mark.parametrize("config", [*STARTERS, TINY], ids=lambda config: config.run_id)
def test_picture_is_the_one_that_the_library_decodes(config: RunConfig, server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=config.run_id)))
    active = [dim for dim in range(config.latent_dim) if slider(page, f"z{dim + 1}").count()]
    for step, value in enumerate((-1.25, 2.4, 0.31)):
        slider(page, f"z{active[step % len(active)] + 1}").fill(str(value))
        z = [0.0] * config.latent_dim
        for dim in active:
            z[dim] = float(slider(page, f"z{dim + 1}").input_value())
        expected = library_picture(server, config.run_id, z)
        assert np.ptp(expected) > 60, "a blank picture would prove nothing"
        assert np.abs(pixels(canvas(page)) - expected).max() <= 2


def test_every_latent_dimension_is_a_slider_with_its_name(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=TINY.run_id, z=centre(3))))
    for dim in range(TINY.latent_dim):
        found = slider(page, f"z{dim + 1}")
        expect(found).to_have_count(1)
        assert found.evaluate("e => [e.tagName, e.type, e.min, e.max, e.value]") == ["INPUT", "range", "-3", "3", "0"]


def test_every_input_event_repaints_and_none_asks_the_server(server: Server, visit: Visit) -> None:
    page = visit("about:blank")
    sent = frames_sent(page)
    page.goto(server.url(run=TEN.run_id, z=centre(10)))
    ready(page)
    before = len(sent)
    assert before > 0, "nobody listened"
    pictures = slider(page, "z4").evaluate(
        """async (slider) => {
          const canvas = slider.getRootNode().querySelector('[data-testid="decoded"]');
          const seen = [];
          for (let n = 0; n < 40; n++) {
            slider.value = -2.9 + 0.145 * n;
            slider.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            seen.push(data.reduce((sum, value, i) => (sum * 31 + value) % 1000000007, 7));
            await new Promise(requestAnimationFrame);
          }
          return seen;
        }"""
    )
    assert len(set(pictures)) == 40, "an input event left the picture as it was"
    assert len(sent) == before, "something was sent while the control was held"
    assert in_url(page, "z") == centre(10)

    slider(page, "z4").dispatch_event("change")
    value = slider(page, "z4").input_value()
    wait_for_url(page, z=f"0,0,0,{float(value):g},0,0,0,0,0,0")


def test_dragging_with_the_mouse_sends_one_message_on_release(server: Server, visit: Visit) -> None:
    page = visit("about:blank")
    sent = frames_sent(page)
    page.goto(server.url(run=TEN.run_id))
    ready(page)
    box = place_of(slider(page, "z4"))
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], y)
    page.mouse.down()
    before, painted = len(sent), int(canvas(page).get_attribute("data-paints") or 0)
    for n in range(40):
        page.mouse.move(box["x"] + (0.5 + 0.011 * n) * box["width"], y)
    assert len(sent) == before
    assert int(canvas(page).get_attribute("data-paints") or 0) >= painted + 30
    page.mouse.up()
    z = values_of_url(page)
    assert z[3] > 2.3
    at_rest(page)
    assert len(sent) == before + 1
    assert np.abs(pixels(canvas(page)) - library_picture(server, TEN.run_id, z)).max() <= 2


def values_of_url(page: Page) -> list[float]:
    """The code in the address, once there is one."""
    text = eventually(lambda: in_url(page, "z"), page, "z in the address")
    return [float(part) for part in text.split(",")]


def test_reload_and_a_copied_link_bring_the_view_back(server: Server, visit: Visit) -> None:
    allowed = ["clipboard-read", "clipboard-write"]
    page = ready(visit(server.url(run=TEN.run_id, z=centre(10)), permissions=allowed))
    slider(page, "z4").fill("-1.75")
    slider(page, "z2").fill("0.6")
    wait_for_url(page, z="0,0.6,0,-1.75,0,0,0,0,0,0")
    shown = pixels(canvas(page))

    page.reload()
    ready(page)
    assert (slider(page, "z2").input_value(), slider(page, "z4").input_value()) == ("0.6", "-1.75")
    assert (pixels(canvas(page)) == shown).all()

    button(page, "Copy link").click()
    button(page, "Copied").wait_for()
    elsewhere = ready(visit(page.evaluate("navigator.clipboard.readText()")))
    assert (pixels(canvas(elsewhere)) == shown).all()
    assert in_url(elsewhere, "run") == TEN.run_id


def test_keys_move_and_a_double_click_resets(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=TEN.run_id, z=centre(10))))
    z4 = slider(page, "z4")
    z4.focus()
    for key, value in [
        ("ArrowRight", "0.1"),
        ("ArrowUp", "0.2"),
        ("Shift+ArrowLeft", "0.19"),
        ("PageDown", "-0.31"),
        ("End", "3"),
        ("ArrowRight", "3"),
        ("Home", "-3"),
    ]:
        z4.press(key)
        assert z4.input_value() == value, key
    wait_for_url(page, z="0,0,0,-3,0,0,0,0,0,0")
    z4.dblclick()
    assert z4.input_value() == "0"
    wait_for_url(page, z="0,0,0,0,0,0,0,0,0,0")
    z4.fill("1")
    button(page, "Reset z4").click()
    assert z4.input_value() == "0"


def test_prior_mean_and_random_sample(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=PLANE.run_id, z=centre(2))))
    mean = pixels(canvas(page))
    button(page, "Random sample").click()
    eventually(lambda: max(map(abs, values_of_url(page))), page, "a sample in the link")
    assert np.abs(pixels(canvas(page)) - mean).max() > 2
    button(page, "Centre").click()
    wait_for_url(page, z="0,0")
    assert (pixels(canvas(page)) == mean).all()


def test_start_image_stands_beside_its_reconstruction(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=TEN.run_id)))
    button(page, "Test image…").click()
    choice = (
        page.get_by_role("dialog", name="Choose a test image").get_by_role("button", name=re.compile("label 7")).nth(1)
    )
    index = int(re.search(r"test image (\d+)", choice.get_attribute("aria-label") or "")[1])  # type: ignore[index]
    choice.click()
    wait_for_url(page, image=str(index))

    x = data.load_split("mnist", "test").x[[index]]
    mu = OnnxScorer(models.load(server.store, TEN.run_id)).encode_bytes(x).mu
    start, reconstruction = page.locator(".start canvas").all()
    assert (pixels(start) == x[0, 0]).all()
    assert np.abs(pixels(reconstruction) - library_picture(server, TEN.run_id, mu[0].tolist())).max() <= 2
    assert np.abs(np.array(values_of_url(page)) - mu[0]).max() < 0.006

    slider(page, "z4").fill("2.5")
    page.get_by_text("Back to its code").click()
    assert np.abs(pixels(canvas(page)) - pixels(reconstruction)).max() == 0
    page.reload()
    ready(page)
    expect(page.get_by_text(f"Test image {index} · label 7")).to_be_visible()


def test_plane_moves_the_code(server: Server, visit: Visit) -> None:
    page = visit("about:blank")
    sent = frames_sent(page)
    page.goto(server.url(run=PLANE.run_id))
    ready(page)
    field = page.get_by_role("application", name=re.compile("^Latent plane"))
    box = place_of(field)
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    before = len(sent)
    for n in range(30):
        page.mouse.move(box["x"] + (0.5 - 0.01 * n) * box["width"], box["y"] + (0.5 - 0.005 * n) * box["height"])
    assert len(sent) == before
    page.mouse.up()
    z = values_of_url(page)
    assert z[0] < -1.5
    assert z[1] > 0.7
    assert values(page, 2) == z
    assert np.abs(pixels(canvas(page)) - library_picture(server, PLANE.run_id, z)).max() <= 2
    field.focus()
    page.keyboard.press("ArrowRight")
    eventually(lambda: values_of_url(page)[0] == pytest.approx(z[0] + 0.1), page, "the arrow key's step in the address")


def place(page: Page) -> list[float]:
    """Where the sliders stand."""
    return [float(slider(page, f"z{dim}").input_value()) for dim in (1, 2)]


def test_without_a_link_it_begins_at_a_clear_picture(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=PLANE.run_id)))
    expect(page.get_by_test_id("invitation")).to_contain_text("Every point of this square is a digit. Drag.")
    expect(page.get_by_text("Each dot: where the encoder puts a test image.")).to_be_visible()
    clear, begun = pixels(canvas(page)).astype(float), place(page)
    assert max(map(abs, begun)) > 0.3
    assert in_url(page, "z") is None
    button(page, "Centre").click()
    wait_for_url(page, z="0,0")
    # Clear: black or white, where the mean of the prior is a grey mixture.
    blurred = pixels(canvas(page)).astype(float)
    assert np.minimum(clear, 255 - clear).sum() / clear.sum() < np.minimum(blurred, 255 - blurred).sum() / blurred.sum()
    page.go_back()
    page.go_forward()
    wait_for_url(page, z="0,0")


def test_first_visit_is_shown_that_the_handle_moves_until_somebody_touches(server: Server, visit: Visit) -> None:
    page = visit(server.url(run=PLANE.run_id), first=True)
    page.get_by_test_id("decoded").wait_for()
    painted = "() => Number(document.activeElement && [...document.querySelectorAll('*')].map((e) => e.shadowRoot?."
    painted += "querySelector('[data-testid=decoded]')?.dataset.paints).find(Boolean))"
    page.wait_for_function(f"() => ({painted})() > 5")
    assert in_url(page, "z") is None, "what moves by itself is nobody's choice"
    page.get_by_test_id("invitation").click()
    still = page.evaluate(painted)
    page.wait_for_timeout(300)
    assert page.evaluate(painted) == still
    page.reload()
    ready(page)
    page.wait_for_timeout(300)
    assert page.evaluate(painted) < 5, "the second visit is not the first"


def test_first_visit_is_calm_where_motion_is_not_wanted(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=PLANE.run_id), first=True, reduced_motion="reduce"))
    page.wait_for_timeout(300)
    assert int(canvas(page).get_attribute("data-paints") or 0) < 5


def test_large_picture_is_dragged_with_the_pointer_and_with_keys(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=PLANE.run_id, z="0.5,-0.5")))
    picture = page.get_by_role("application", name="Decoded picture")
    box = place_of(picture)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 6, y - box["height"] / 3, steps=4)
    page.mouse.up()
    assert place(page) == pytest.approx([1.5, 1.5], abs=0.06)
    wait_for_url(page, z=",".join(f"{value:g}" for value in place(page)))
    before = place(page)
    picture.press("ArrowLeft")
    assert place(page) == pytest.approx([before[0] - 0.1, before[1]], abs=0.006)


def test_terms_beside_the_picture_say_at_which_code_they_are(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=TEN.run_id)))
    button(page, "Test image…").click()
    page.locator(".thumbnails button").nth(7).click()
    terms = page.get_by_test_id("terms")
    rows = [re.findall(r"[\d.]+(?= nats)", text) for text in terms.locator("tbody tr").all_inner_texts()]
    assert rows[0][0] == rows[0][1], "at first it stands at the image's own code"
    assert len(rows[1]) == 1, "the KL is of Q, not of the dragged code"
    slider(page, "z5").fill("-2.5")
    after = [re.findall(r"[\d.]+(?= nats)", text) for text in terms.locator("tbody tr").all_inner_texts()]
    assert after[0][0] == rows[0][0]
    assert after[1] == rows[1]
    assert float(after[0][1]) > float(rows[0][1])


def test_code_beyond_the_track_says_so_at_its_end(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=PLANE.run_id, z="3.4,-5")))
    said = page.locator(".track.beyond")
    expect(said).to_have_count(2)
    assert said.evaluate_all(
        "rows => rows.map((row) => [row.dataset.side, row.querySelector('.value').textContent])"
    ) == [
        ["right", "3.40"],
        ["left", "−5.00"],
    ]


def test_saved_picture_has_a_name_that_says_what_it_is(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=PLANE.run_id, z="0.5,-0.5")))
    with page.expect_download() as download:
        button(page, "Save PNG").click()
    name = download.value.suggested_filename
    assert name.endswith("at (0.50, −0.50).png")
    assert re.match(r"(MNIST|Digits)", name)


def test_dimension_that_carries_nothing_is_folded_away(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=TEN.run_id, z=centre(10))))
    expect(slider(page, "z8")).to_have_count(0)
    page.get_by_text("1 inactive dimension").click()
    slider(page, "z8").wait_for()
    before = pixels(canvas(page))
    slider(page, "z8").fill("2")
    wait_for_url(page, z="0,0,0,0,0,0,0,2,0,0")
    assert np.abs(pixels(canvas(page)) - before).max() < 60, "it was said to change nothing"


def test_explore_works_from_the_keyboard_alone(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=PLANE.run_id, z=centre(2))))
    focused = """() => {
      let element = document.activeElement;
      while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      return element.getAttribute("aria-label") || element.textContent;
    }"""
    visited: list[str] = []
    while len(visited) < 100 and len(visited) == len(set(visited)):  # once around
        page.keyboard.press("Tab")
        visited.append(page.evaluate(focused))
        if visited.index(visited[-1]) == len(visited) - 1 and visited[-1] == "z1":
            page.keyboard.press("ArrowRight")
    assert slider(page, "z1").input_value() == "0.1"
    wait_for_url(page, z="0.1,0")
    for name in ("z1", "z2", "Reset z1", "Centre", "Random sample", "Test image…", "Copy link"):
        assert name in visited


# -- every page


LANDMARKS = {
    "": '[data-testid="decoded"]',
    "reconstruct": ".gallery-card",
    "map": "canvas.map-points",
    "train": "button[data-choice]",
    "models": '[data-testid="stDataFrame"]',
}


@pytest.mark.parametrize("path", LANDMARKS)
def test_page_works_for_every_model_names_its_controls_and_needs_no_internet(
    path: str, server: Server, visit: Visit
) -> None:
    page = visit("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for run_id in MODELS:
        page.goto(server.url(path, run=run_id))
        page.locator(LANDMARKS[path]).first.wait_for()
        at_rest(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_role("alert")).to_have_count(0)
        nameless = re.findall(
            r"^\s*- (?:button|link|slider|combobox|checkbox|radio|textbox|spinbutton|application)(?: \[.*\])?:?$",
            page.locator("body").aria_snapshot(),
            re.MULTILINE,
        )
        assert nameless == []
    outside = [url for url in asked if not url.startswith((server.url(), "blob:", "data:"))]
    assert outside == [], "the page asked the internet for something"


def test_model_stays_the_same_from_page_to_page(server: Server, visit: Visit) -> None:
    page = ready(visit(server.url(run=TINY.run_id)))
    for name, path in [("Reconstruct", "reconstruct"), ("Latent map", "map"), ("Explore", "")]:
        page.get_by_role("link", name=name, exact=True).click()
        page.locator(LANDMARKS[path]).first.wait_for()
        wait_for_url(page, run=TINY.run_id)


# -- Reconstruct


def elbos(page: Page) -> list[float]:
    """What the cards say, in their order."""
    said = page.locator(".gallery-card").all_inner_texts()
    return [float(re.search(r"ELBO (\S+) nats", text)[1].replace("−", "-")) for text in said]  # type: ignore[index]


def test_cards_are_sorted_and_open_their_code_in_explore(server: Server, visit: Visit) -> None:
    page = visit(server.url("reconstruct", run=TEN.run_id))
    page.locator(".gallery-card").first.wait_for()
    worst = elbos(page)
    assert len(worst) == 24
    assert worst == sorted(worst)
    page.get_by_role("radio", name="best").click()
    best = eventually(lambda: (e := elbos(page)) != worst and e, page, "other cards")
    assert best == sorted(best, reverse=True)
    assert best[-1] > worst[-1]

    card = page.locator(".gallery-card").nth(2)
    index = re.search(r"test image (\d+)", card.inner_text())[1]  # type: ignore[index]
    card.click()
    ready(page)
    assert in_url(page, "image") == index
    image = data.load_split("mnist", "test").x[[int(index)]]
    mu = OnnxScorer(models.load(server.store, TEN.run_id)).encode_bytes(image).mu
    assert np.abs(np.array(values_of_url(page)) - mu[0]).max() < 0.01
    z = values_of_url(page)
    assert np.abs(pixels(canvas(page)) - library_picture(server, TEN.run_id, z)).max() <= 2


def test_draws_from_q_stand_under_their_image_on_demand(server: Server, visit: Visit) -> None:
    page = visit(server.url("reconstruct", run=TEN.run_id))
    page.locator(".gallery-card").first.wait_for()
    expect(page.locator(".gallery-card .wide")).to_have_count(0)
    page.get_by_text("10 draws from Q").click()
    strips = page.locator(".gallery-card .wide canvas")
    expect(strips).to_have_count(24)
    index = int(re.search(r"test image (\d+)", page.locator(".gallery-card").first.inner_text())[1])  # type: ignore[index]
    scorer = OnnxScorer(models.load(server.store, TEN.run_id))
    eventually(lambda: pixels(strips.first).shape == (28, 289), page, "ten pictures")
    first = pixels(strips.first)
    pictures = [first[:, 29 * n : 29 * n + 28] for n in range(10)]
    assert len({picture.tobytes() for picture in pictures}) == 10, "draws differ"
    # They are what Q holds for possible: about the picture at its mean, as other draws are.
    q = scorer.encode_bytes(data.load_split("mnist", "test").x[[index]])
    other = scorer.pictures(q.sample(np.random.default_rng(7).standard_normal((200, 1, 10)))[:, 0])[:, 0].astype(int)
    mean = scorer.pictures(q.mu)[0, 0].astype(int)
    away = [np.abs(picture - mean).mean() for picture in pictures]
    assert np.mean(away) == pytest.approx(np.abs(other - mean).mean(axis=(1, 2)).mean(), rel=0.5)
    page.reload()
    expect(strips).to_have_count(24)  # the link has it


# -- Latent map


def pick_a_point(page: Page) -> None:
    """Move over the map until a point shows its card, and click there."""
    points = page.locator("canvas.map-points")
    box = place_of(points)
    for n in range(1, 400):
        x, y = (0.5 + 0.4 * np.cos(2.4 * n) * n / 400), (0.5 + 0.4 * np.sin(2.4 * n) * n / 400)
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if page.locator(".map-card").is_visible():
            page.mouse.down()
            page.mouse.up()
            return
    pytest.fail("no point under the pointer anywhere")


def test_map_shows_pictures_selects_and_leads_to_explore(server: Server, visit: Visit) -> None:
    page = visit(server.url("map", run=TEN.run_id, limit=1000))
    page.get_by_text("PCA", exact=True).click()
    page.get_by_role("application", name=re.compile("1,000 test images")).wait_for()
    expect(page.locator(".map-progress")).to_be_hidden()
    at_rest(page)
    pick_a_point(page)
    assert np.ptp(pixels(page.locator(".map-card canvas"))) > 100, "the card has no picture"
    index = eventually(lambda: in_url(page, "selected"), page, "the selection in the address")
    expect(page.get_by_text(f"test image {index}").first).to_be_visible()
    button(page, "Explore from here").click()
    ready(page)
    assert in_url(page, "image") == index
    assert len(values_of_url(page)) == 10


def test_tsne_moves_while_it_is_computed_and_ends(server: Server, visit: Visit) -> None:
    page = visit(server.url("map", run=TEN.run_id, limit=2000, perplexity=50))
    progress = page.locator(".map-progress span").filter(has_text="t-SNE").first
    progress.wait_for()
    steps: set[str] = set()

    def done() -> bool:
        steps.update(re.findall(r"step (\d+) of", " ".join(progress.all_text_contents())))
        return progress.is_hidden()

    eventually(done, page, "the end of t-SNE")
    assert len(steps) >= 2, "its progress was never seen to move"
    kept = server.store.artifact(TEN.run_id, "tsne-2000-p50-s0")
    assert kept is not None
    assert kept[0]["embedding"].shape == (2000, 2)
    expect(page.get_by_role("application", name=re.compile("2,000 test images"))).to_be_visible()


# -- Train


def set_up(page: Page) -> None:
    """The form, with the button that trains."""
    button(page, "Train").wait_for()
    at_rest(page)


def centre(dims: int) -> str:
    """The link's word for z = 0; without one a visit begins at a clear picture."""
    return ",".join("0" * dims)


def unfold(page: Page) -> None:
    """What the form folds away."""
    page.get_by_test_id("stExpander").locator("summary").click()


def epoch(page: Page) -> float:
    """What is said of the run; 0 before it begins."""
    found = re.search(r"epoch ([\d.]+) /", " ".join(page.get_by_test_id("run-status").all_inner_texts()))
    return float(found[1]) if found else 0.0


def points(page: Page) -> int:
    """Of the curves."""
    return int(page.locator(".train").get_attribute("data-points") or 0)


def wait_until_it_moves(page: Page, beyond: float = 0.0) -> float:
    return eventually(lambda: (e := epoch(page)) > beyond and e, page, "progress")


@pytest.fixture
def long_run(server: Server, visit: Visit) -> Iterator[Page]:
    """A page with a run that was just started by a click and is under way."""
    page = visit(server.url("train", **LONG))
    set_up(page)
    button(page, "Train").click()
    wait_until_it_moves(page)
    run_id = str(in_url(page, "run"))
    yield page
    if run_id in server.store.run_ids():
        Jobs(server.store).cancel(run_id)
        eventually(lambda: run_id not in server.store.run_ids(), page, "the end of the cancelled run")


def test_short_run_is_trained_and_opens_in_explore(server: Server, visit: Visit) -> None:
    page = visit(server.url("train", data=LONG["data"], epochs=40))
    set_up(page)
    button(page, "Train").click()
    eventually(lambda: points(page) > 2, page, "curves of more than two points")
    button(page, "Explore →").click()
    ready(page)
    wanted = RunConfig(dataset="digits", epochs=40)
    assert in_url(page, "run") == wanted.run_id
    assert server.store.get(wanted.run_id).status == "finished"
    assert pixels(canvas(page)).shape == (8, 8)


def test_refresh_and_a_second_tab_show_the_same_live_run(long_run: Page, server: Server, visit: Visit) -> None:
    seen = epoch(long_run)
    long_run.reload()
    wait_until_it_moves(long_run, beyond=seen)
    classmate = visit(long_run.url)
    wait_until_it_moves(classmate, beyond=seen)
    elsewhere = visit(server.url("train"))  # no link at all: the run under way is what there is to see
    wait_until_it_moves(elsewhere, beyond=seen)
    button(elsewhere, "Cancel").click()
    expect(button(classmate, "Cancel")).to_have_count(0)


def test_pause_resume_stop(long_run: Page, server: Server) -> None:
    page, run_id = long_run, str(in_url(long_run, "run"))
    button(page, "Pause").click()
    button(page, "Resume").wait_for()
    assert server.store.get(run_id).status == "paused"
    progress = server.store.progress(run_id)
    assert progress is not None
    button(page, "Resume").click()
    again = wait_until_it_moves(page, beyond=round(progress.epoch, 1))
    wait_until_it_moves(page, beyond=again)  # by now the page has been drawn anew, from "paused" to "running"
    button(page, "Stop, keep").click()
    button(page, "Explore →").wait_for()
    assert server.store.get(run_id).status == "stopped"
    expect(button(page, "Go on")).to_be_visible()


def test_finished_configuration_says_so_and_is_not_trained_again(server: Server, visit: Visit) -> None:
    page = visit(server.url("train", data=LONG["data"], dim=TINY.latent_dim, epochs=TINY.epochs))
    expect(page.get_by_text("Trained before")).to_be_visible()
    expect(button(page, "Train")).to_have_count(0)
    button(page, "Open in Explore").click()
    ready(page)
    assert in_url(page, "run") == TINY.run_id


def test_rewinding_changes_the_pictures_and_opens_that_moment(server: Server, visit: Visit) -> None:
    page = visit(server.url("train", run=TINY.run_id))
    samples = page.get_by_role("img", name="Pictures decoded from random codes")
    samples.wait_for()
    rewind = page.get_by_role("slider", name="Rewind")
    rewind.wait_for()  # it is hidden until the run is read, and takes no key
    moments = int(rewind.get_attribute("max") or 0)
    page.locator(f'.train[data-shown="{moments - 1}"]').wait_for()
    last = pixels(samples)
    rewind.press("Home")
    page.locator('.train[data-shown="0"]').wait_for()
    assert (pixels(samples) != last).any()
    expect(rewind).to_have_attribute("aria-valuetext", "0.0 epochs")
    page.keyboard.press("ArrowRight")
    expect(rewind).not_to_have_attribute("aria-valuetext", "0.0 epochs")
    button(page, "Explore this moment →").click()
    ready(page)
    assert in_url(page, "moment") == "1"
    expect(page.get_by_text("The decoder as it was")).to_be_visible()
    moment = OnnxScorer(models.load_moment(server.store, TINY.run_id, 1))
    assert np.abs(pixels(canvas(page)) - moment.pictures(np.zeros((1, 3)))[0, 0].astype(int)).max() <= 2


def test_sigma_out_of_its_range_cannot_be_submitted(server: Server, visit: Visit) -> None:
    runs = server.store.run_ids()
    page = visit(server.url("train", data=LONG["data"], likelihood="gaussian", epochs=1))
    set_up(page)
    unfold(page)
    sigma = page.get_by_placeholder("learned")
    sigma.fill("0")
    sigma.press("Enter")
    expect(page.get_by_text("outside the allowed range")).to_be_visible()
    sigma.press("Escape")
    assert in_url(page, "sigma") is None
    for text in ("0", "-1", "nan", "1e9"):
        page.goto(server.url("train", data=LONG["data"], likelihood="gaussian", sigma=text))
        set_up(page)
        assert page.get_by_placeholder("learned").input_value() == "", text
    assert server.store.run_ids() == runs


# -- Models


def cell(page: Page, text: str) -> Locator:
    """A cell of the table, which is a canvas with its text beside it."""
    return page.get_by_test_id("stDataFrame").locator("td", has_text=text)


def row_of(page: Page, run_id: str) -> int:
    """At which row of the table this run stands; the columns' heads are row 1."""
    row = page.get_by_test_id("stDataFrame").locator("tbody tr", has_text=run_id).get_attribute("aria-rowindex")
    return int(row or 0) - 2


def tick(page: Page, row: int) -> None:
    box = place_of(page.get_by_test_id("stDataFrame"))
    page.mouse.click(box["x"] + 16, box["y"] + 36 + 44 * row + 22)


def test_models_are_listed_opened_and_deleted_after_a_question(own_server: Server, visit: Visit) -> None:
    page = visit(own_server.url("models"), viewport={"width": 1900, "height": 720})
    cell(page, TINY.run_id).wait_for(state="attached")
    at_rest(page)
    tick(page, row_of(page, TEN.run_id))
    expect(page.get_by_text("A starter ships with Elbo Room and stays.")).to_be_visible()
    expect(button(page, "Delete …")).to_have_count(0)
    button(page, "Open in Explore").click()
    ready(page)
    assert in_url(page, "run") == TEN.run_id

    page.get_by_role("link", name="Models", exact=True).click()
    cell(page, TINY.run_id).wait_for(state="attached")
    at_rest(page)
    tick(page, row_of(page, TINY.run_id))
    button(page, "Delete …").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("cannot be undone")
    page.keyboard.press("Escape")
    page.mouse.click(5, 300)
    expect(question).to_be_visible()  # only an answer closes it
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_have_count(0)
    button(page, "Delete …").click()
    assert TINY.run_id in own_server.store.run_ids()
    question.get_by_role("button", name="Delete", exact=True).click()
    expect(cell(page, TINY.run_id)).to_have_count(0)
    assert own_server.store.run_ids() == sorted(config.run_id for config in (*STARTERS, *LAB_MODELS))


# -- when something dies


def test_run_survives_the_server_and_the_page_finds_back_to_it(own_server: Server, visit: Visit) -> None:
    page = visit(own_server.url("train", **LONG))
    set_up(page)
    button(page, "Train").click()
    seen = wait_until_it_moves(page)
    own_server.kill()
    own_server.start()
    # The run goes on, or, if the server was away for long, waits at a checkpoint. Nothing has to be reloaded.
    resume = button(page, "Resume")
    eventually(lambda: epoch(page) > seen or resume.count(), page, "the page's return")
    if resume.count():
        resume.click()
        wait_until_it_moves(page, beyond=seen)
    run_id = str(in_url(page, "run"))
    eventually(lambda: own_server.store.get(run_id).status == "running", page, "the run under way again")


def test_a_worker_that_is_killed_is_noticed_and_its_run_goes_on(own_server: Server, visit: Visit) -> None:
    page = visit(own_server.url("train", **LONG))
    set_up(page)
    button(page, "Train").click()
    seen = wait_until_it_moves(page)
    (worker,) = own_server.workers("train")
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: own_server.workers("train") not in ([], [worker]), page, "another worker")
    # From its last checkpoint, or from the start where there was none: nobody has to press anything.
    wait_until_it_moves(page, beyond=seen)
    assert own_server.store.get(str(in_url(page, "run"))).status == "running"


# -- a slow network


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        ("gap", "run", next(config for config in LAB_MODELS if config.posterior == "full").run_id),
        ("beta", "sweep", "the last one in the box"),
        ("compare", "runs", f"{TEN.run_id},{TINY.run_id}"),
    ],
)
def test_box_that_comes_late_shows_what_the_link_says(
    place: str, name: str, value: str, server: Server, visit: Visit
) -> None:
    """Streamlit loads each kind of box when it is first used; by then the script may have run again."""
    if name == "sweep":
        value = sweeps.find(server.store.infos())[-1].key
    page = visit("about:blank")
    late: list[Route] = []
    page.route(re.compile(r"/(Selectbox|Multiselect)\.[^/]*\.js"), lambda route: late.append(route))
    page.goto(server.url(place, **{name: value}))
    button(page, "Present").wait_for()
    at_rest(page)
    page.keyboard.press("p")
    wait_for_url(page, present="1")
    at_rest(page)
    assert late, "the box was there from the start"
    for route in late:
        route.continue_()
    page.get_by_role("combobox").first.wait_for(state="attached")
    at_rest(page)
    page.keyboard.press("Escape")  # the page sends what the box holds
    eventually(lambda: in_url(page, "present") is None, page, "the end of presenter mode")
    at_rest(page)
    assert in_url(page, name) == value
