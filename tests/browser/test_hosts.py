"""Views without Streamlit: a fixture page for each, and Explore as static files, as one file and in a notebook."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from app.components.standalone import folder, notebook, one_file
from tests.browser.test_browser import eventually, place_of
from tests.frontend import exhibits

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
Z1 = "input[aria-label=z1]"

PAINTED = """canvas => {
  if (!canvas.width || !canvas.height) return false;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) seen.add(`${data[i]} ${data[i + 1]} ${data[i + 2]} ${data[i + 3]}`);
  return seen.size > 2;
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """`site(view)` is the address of its fixture page, on a plain web server."""
    root = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch, exhibits.nobody_works(), exhibits.served(root) as url:
        patch.setenv("ELBO_HOME", str(root / "home"))
        exhibits.prepare(root / "home")

        def made(view: str) -> str:
            if not (root / view).exists():
                folder(exhibits.exhibit(view), root / view, "fixture")
            return f"{url}/{view}/"

        yield made


@pytest.fixture(scope="module")
def explore(site: Callable[[str], str]) -> exhibits.Exhibit:
    """Explore with a model of two dimensions."""
    return exhibits.exhibit("explore")


def painted(page: Page, what: str = "canvas") -> Locator:
    """The first canvas of this kind, once there is a picture on it."""
    canvas = page.locator(what).locator("visible=true").first
    canvas.wait_for()
    eventually(lambda: canvas.evaluate(PAINTED), page, f"a picture on {what}")
    return canvas


def told(page: Page) -> list[Any]:
    """What the view has kept."""
    return page.evaluate("fixture.kept")


def drag(page: Page, target: Locator, share: float = 0.3) -> None:
    """From its middle to the right, in steps, as a hand does."""
    target.scroll_into_view_if_needed()
    box = place_of(target)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 7):
        page.mouse.move(x + share * box["width"] * step / 6, y)
    page.mouse.up()


def value_of(page: Page) -> float:
    return float(page.locator(Z1).input_value())


@pytest.mark.parametrize("view", exhibits.VIEWS)
def test_every_view_opens_without_streamlit_is_painted_and_answers_the_hand(
    view: str, site: Callable[[str], str], visit: Visit
) -> None:
    page = visit(site(view))
    if view == "presenter":
        # Nothing to drag: a key, with Caps Lock and on layouts of other letters.
        expect(page.get_by_role("button", name="Present", exact=True)).to_be_visible()
        for key in ("p", "P", "з", "π", "פ"):
            page.evaluate("key => document.dispatchEvent(new KeyboardEvent('keydown', {key, code: 'KeyP'}))", key)
        page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'l', code: 'KeyP'}))")
        assert page.evaluate("fixture.asked") == [["wish", "present"]] * 5
    elif view == "gallery":
        painted(page)
        page.locator("button").first.click()
        assert len(page.evaluate("fixture.asked")) == 1
    elif view == "train":
        # No run yet, and no server to follow one: places of the final size, with the test images in theirs.
        painted(page, "canvas.pairs")
        expect(page.get_by_text("Press Train")).to_be_visible()
    elif view == "map":
        points = painted(page, "canvas.map-points")
        before = points.evaluate("canvas => canvas.toDataURL()")
        drag(page, points)
        eventually(lambda: points.evaluate("canvas => canvas.toDataURL()") != before, page, "a map that was panned")
        assert told(page) == []
        # The lasso, where a keyboard has other letters.
        page.evaluate(
            """document.querySelector("main").shadowRoot.querySelector(".map-points")
               .dispatchEvent(new KeyboardEvent("keydown", {key: "д", code: "KeyL", bubbles: true}))"""
        )
        expect(page.get_by_role("button", name="Lasso", exact=True)).to_have_attribute("aria-pressed", "true")
    else:
        painted(page)
        slider = page.locator("input[type=range]:enabled").locator("visible=true")
        held = page.locator("canvas.draggable").locator("visible=true")
        target = eventually(lambda: next((one for one in (slider, held) if one.count()), None), page, "a control").first
        drag(page, target)
        eventually(lambda: told(page), page, "a release")
        kept = told(page)
        # The same data once more, and an echo of what was told: no reason to move.
        page.evaluate("fixture.update({})")
        page.wait_for_timeout(100)
        assert told(page) == kept
    page.evaluate("fixture.destroy()")
    assert page.evaluate("document.querySelector('main').shadowRoot.childElementCount") == 0


def test_the_link_leads_and_the_hand_wins(site: Callable[[str], str], visit: Visit) -> None:
    page = visit(site("explore"))
    painted(page, "[data-testid=decoded]")
    page.evaluate("fixture.update({z: [1.5, -0.5]})")
    assert value_of(page) == 1.5

    # Two quick releases: the answer to the first comes after the second was made.
    for value in ("2", "-2"):
        page.locator(Z1).fill(value)
    assert [kept["z"][0] for _, kept in told(page)] == [2, -2]
    page.evaluate("fixture.update({z: [2, -0.5]})")
    assert value_of(page) == -2
    page.evaluate("fixture.update({z: [-2, -0.5]})")
    assert value_of(page) == -2
    page.evaluate("fixture.update({z: [2, -0.5]})")
    assert value_of(page) == 2, "now it is somebody else's wish"

    # While a control is held, what comes from outside waits for the release.
    box = place_of(page.locator(Z1))
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2)
    here = value_of(page)
    page.evaluate("fixture.update({z: [-3, 0]})")
    assert value_of(page) == here
    page.mouse.up()
    assert told(page)[-1][1]["z"][0] == pytest.approx(here, abs=0.005)


def test_escape_brings_back_what_a_drag_has_moved(site: Callable[[str], str], visit: Visit) -> None:
    page = visit(site("explore"))
    painted(page, "[data-testid=decoded]")
    page.evaluate("fixture.update({z: [0.5, 0.25]})")
    box = place_of(page.locator(".field"))
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    assert value_of(page) > 1
    page.keyboard.press("Escape")
    assert value_of(page) == 0.5
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.up()
    assert value_of(page) == 0.5


def test_an_error_stands_in_words_in_the_place_of_the_view(site: Callable[[str], str], visit: Visit) -> None:
    page = visit(site("explore"))
    painted(page, "[data-testid=decoded]")
    page.evaluate("fixture.update({z: [1, 2, 3]})")
    expect(page.get_by_role("alert")).to_have_text(
        "This model cannot be shown: a code of 3 numbers came for 2 latent dimensions."
    )


def test_a_model_that_cannot_be_opened_says_so_in_its_place(site: Callable[[str], str], visit: Visit) -> None:
    page = visit(site("compare"))
    painted(page, "[data-testid=picture-B]")
    models = exhibits.exhibit("compare").data["models"]
    models[1]["shape"] = [1, 8, 8]
    page.evaluate("models => fixture.update({ models })", models)
    expect(page.locator(".notice").locator("visible=true")).to_have_text(
        "This model cannot be opened here: its pictures are [1,28,28], those of its data set [1,8,8]."
    )
    # The others go on, and so does what can be dragged.
    before = painted(page, "[data-testid=picture-A]").evaluate("canvas => canvas.toDataURL()")
    drag(page, page.locator(Z1))
    picture = page.get_by_test_id("picture-A")
    eventually(lambda: picture.evaluate("canvas => canvas.toDataURL()") != before, page, "another picture of A")


def test_explore_as_static_files(explore: exhibits.Exhibit, tmp_path: Path, visit: Visit) -> None:
    folder(explore, tmp_path / "site")
    with exhibits.served(tmp_path / "site") as url:
        page = visit(url)
        _explore_works(page)
        where = value_of(page)
        assert "view=" in page.evaluate("location.hash")
        page.reload()
        painted(page, "[data-testid=decoded]")
        assert value_of(page) == pytest.approx(where, abs=0.006)
        page.get_by_role("button", name="Centre").click()
        assert value_of(page) == 0
        page.go_back()
        eventually(lambda: abs(value_of(page) - where) < 0.006, page, "the way back")


def test_explore_as_one_file(explore: exhibits.Exhibit, tmp_path: Path, visit: Visit) -> None:
    path = tmp_path / "explore.html"
    path.write_text(one_file(explore), encoding="utf-8")
    _explore_works(visit(path.as_uri()))


def test_explore_in_a_notebook(explore: exhibits.Exhibit, tmp_path: Path, visit: Visit) -> None:
    (tmp_path / "widget.js").write_text(notebook(explore.module, explore.css), encoding="utf-8")
    (tmp_path / "data.json").write_text(json.dumps(explore.data))
    for n, body in enumerate(explore.blobs.values()):
        (tmp_path / f"{n}.bin").write_bytes(body)
    # What a kernel and its widget manager do: traits, their changes, and bytes as DataViews.
    (tmp_path / "index.html").write_text(
        f"""<!doctype html><meta charset="utf-8"><div id="cell"></div><script type="module">
        import widget from "./widget.js";
        const traits = {{ kept: {{}}, data: await (await fetch("data.json")).json(), blobs: {{}} }};
        const names = {json.dumps(list(explore.blobs))};
        for (const [n, name] of names.entries())
          traits.blobs[name] = new DataView(await (await fetch(`${{n}}.bin`)).arrayBuffer());
        const heard = new EventTarget();
        const acts = new Map();
        globalThis.saved = 0;
        globalThis.model = {{
          get: (name) => traits[name],
          set: (name, value) => {{
            traits[name] = value;
            heard.dispatchEvent(new Event(`change:${{name}}`));
          }},
          save_changes: () => saved++,
          on: (event, act) => {{ acts.set(act, () => act()); heard.addEventListener(event, acts.get(act)); }},
          off: (event, act) => heard.removeEventListener(event, acts.get(act)),
        }};
        globalThis.stop = await widget.render({{ model, el: document.querySelector("#cell") }});
        </script>""",
        encoding="utf-8",
    )
    with exhibits.served(tmp_path) as url:
        page = visit(url)
        _explore_works(page)
        kept = page.evaluate("model.get('kept')")
        assert kept["view"]["z"][0] == pytest.approx(value_of(page), abs=0.006)
        assert page.evaluate("saved") == 1
        page.evaluate("model.set('kept', {view: {z: [-1.25, 0.5], image: null}})")
        assert value_of(page) == -1.25, "the kernel leads"
        page.evaluate("stop()")
        expect(page.locator(Z1)).to_have_count(0)


def _explore_works(page: Page) -> None:
    """A picture, the plane and the strips that a worker decodes, and a drag."""
    decoded = painted(page, "[data-testid=decoded]")
    painted(page, "canvas.strip")
    painted(page, "canvas.pictures")
    before = decoded.evaluate("canvas => canvas.toDataURL()")
    drag(page, page.locator(Z1))
    assert value_of(page) > 1
    assert decoded.evaluate("canvas => canvas.toDataURL()") != before
