"""Whoever adds what is printed gets what is printed: every formula of every view, wherever its sliders stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.test_browser import eventually
from tests.browser.test_hosts import site  # noqa: F401
from tests.frontend import exhibits
from tests.sums import chains, exactly, in_words, wrong

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
READ = Path(__file__).with_name("sums.js").read_text(encoding="utf-8")
STOPS = (0.0, 0.13, 0.25, 0.5, 0.62, 0.75, 1.0)
"""Where each slider is put, as shares of its way."""

SUMS = {
    **{"beta": 2, "collapse": 4, "gap": 3, "gallery": 24, "gaussian": 2, "gaussian-data": 2, "rate-distortion": 1},
    **{"reparameterisation": 2, "steps": 2},
}
"""How many sums, at least, a view prints at once; one that is not here prints none."""
MORE = {"beta": 10, "gap": 4, "gaussian": 40, "gaussian-data": 10, "rate-distortion": 5, "reparameterisation": 30}
"""How many different ones, at least, come up while everything in it moves: that the reading reads."""


STAND = """([n, share]) => {
  const inputs = [...document.querySelector("main").shadowRoot.querySelectorAll("input[type=range]")];
  const input = inputs.filter((one) => !one.disabled && one.checkVisibility())[n];
  if (!input) return false;
  input.value = Number(input.min) + share * (Number(input.max) - Number(input.min));
  input.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))));
}"""

PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

PRESSES: dict[str, list[str]] = {
    "gap": ["best upright Q (diagonal)", "best tilted Q (full)"],
    "gaussian": ["Two dimensions"],
    "reparameterisation": ["Draw new ε (E)"],
    "steps": ["One step", "One step", "One stage"],
}
"""Buttons that bring up other numbers."""


def sums_of(page: Page) -> list[str]:
    """The sums that are to be seen, each as it stands there; what does not add up fails."""
    assert page.evaluate("sums.blanks()") == 0
    found = [chain for formula in page.evaluate("sums.formulas()") for chain in chains(formula)]
    faults = [fault for chain in found if (fault := wrong(chain))]
    bars = [parts for parts in page.evaluate("sums.waterfalls()") if "–" not in parts]
    faults += [f"bars {parts}" for parts in bars if sum(map(exactly, parts[:-1])) != exactly(parts[-1])]
    told = list(in_words(page.evaluate("sums.text()")))
    faults += [f"{said}: {missing} off" for missing, said in told if missing]
    assert not faults, f"{page.url}: {faults}"
    return [" = ".join(chain) for chain in found] + [" ".join(parts) for parts in bars] + [said for _, said in told]


def sums_everywhere(page: Page) -> set[str]:
    """All sums that a view prints while each of its sliders goes its way."""
    seen = set(sums_of(page))
    n = 0
    while page.evaluate(STAND, [n, 0.0]):
        for share in STOPS:
            page.evaluate(STAND, [n, share])
            seen.update(sums_of(page))
        n += 1
    return seen


@pytest.mark.parametrize("view", exhibits.VIEWS)
def test_every_sum_of_a_view_adds_up_wherever_its_sliders_stand(
    view: str,
    site: Callable[[str], str],  # noqa: F811
    visit: Visit,
) -> None:
    page = visit(site(view))
    page.evaluate(READ)
    page.wait_for_function("globalThis.fixture")
    least = SUMS.get(view, 0)
    eventually(lambda: len(sums_of(page)) >= least, page, f"{least} sums in {view}")
    seen = sums_everywhere(page)
    for name in PRESSES.get(view, []):
        page.get_by_role("button", name=name).click()
        page.evaluate(PAINTED)  # before that nobody sees it
        seen |= sums_everywhere(page)
    assert len(seen) >= MORE.get(view, 0), f"of {view} only {len(seen)} sums were read: {seen}"
    assert bool(seen) == (view in SUMS), f"{view} is not listed: {seen}"


def test_no_formula_stands_there_without_its_numbers(site: Callable[[str], str], visit: Visit) -> None:  # noqa: F811
    page = visit(site("gaussian"))
    page.evaluate(READ)
    page.wait_for_function("globalThis.fixture")
    page.evaluate("fixture.update({mode: 'data', sweep: {error: 'Encoding the test images.'}})")
    eventually(lambda: "Encoding the test images." in page.evaluate("sums.text()"), page, "what is waited for")
    assert page.evaluate("sums.formulas()") == []
