"""The lab's "A Gaussian and the prior", as a person uses it, against numpy."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from playwright.sync_api import Locator, Page

from tests.browser.fixtures import Server
from tests.browser.test_browser import Visit, at_rest, button, eventually, in_url, place_of, slider, wait_for_url
from vae_core.config.words import adding
from vae_core.jobs.artifacts import kl_per_dim
from vae_core.networks.posterior.numpy_ import Q, aggregate_density
from vae_core.store import sweeps

pytestmark = pytest.mark.browser


def printed(value: float) -> str:
    """Two decimals as JavaScript rounds: the exact half goes away from zero."""
    return str(Decimal(float(value)).quantize(Decimal("0.01"), ROUND_HALF_UP) + 0).replace("-", "−")


def text(page: Page, name: str) -> str:
    return page.get_by_test_id(name).text_content() or ""


def opened(page: Page) -> Page:
    page.locator(".lab[data-painted] canvas").first.wait_for()
    return at_rest(page)


def surface(page: Page, n: int = 0) -> Locator:
    return page.locator(".lab canvas.draggable").nth(n)


def fingerprint(target: Locator) -> int:
    """Changes with any pixel of a canvas."""
    return target.evaluate(
        """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
          .reduce((sum, value) => (sum * 31 + value) % 1000000007, 7)"""
    )


def drag(page: Page, target: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one place of a canvas to another, as fractions of its width and height."""
    box = place_of(target)
    for n, part in enumerate(np.linspace(start, end, 6)):
        page.mouse.move(box["x"] + part[0] * box["width"], box["y"] + part[1] * box["height"])
        if n == 0:
            page.mouse.down()
    page.mouse.up()


def paints_every_frame(page: Page, name: str) -> None:
    """A slider that moves in each frame is followed in each: as many updates a second as the screen has frames."""
    painted = slider(page, name).evaluate(
        """async (input) => {
          const root = input.closest(".lab");
          const frame = () => new Promise(requestAnimationFrame);
          await frame();
          const before = Number(root.dataset.painted);
          for (let n = 0; n < 30; n++) {
            input.value = 0.4 + 0.02 * n;
            input.dispatchEvent(new Event("input", { bubbles: true }));
            await frame();
          }
          return Number(root.dataset.painted) - before;
        }"""
    )
    assert painted >= 29


def parts(mu: float, sigma: float) -> dict[str, str]:
    """What has to be shown, from the library."""
    kl = float(Q(np.array([[mu]]), np.array([[2 * np.log(sigma)]])).kl().sum())
    (mean, width, log), _ = adding([mu**2 / 2, sigma**2 / 2, -float(np.log(sigma))])
    return {
        "part-mean": printed(mean),
        "part-width": printed(width),
        "part-log": printed(log),
        "kl": f"{printed(kl)} nats",
        "bar-kl": printed(kl),
        "pull-mean": printed(-mu),
        "pull-width": printed(1 / sigma - sigma),
    }


def shown(page: Page, expected: dict[str, str]) -> None:
    found = eventually(
        lambda: {name: text(page, name) for name in expected} == expected or None, page, f"{expected} on the page"
    )
    assert found


def test_density_is_a_mixture_that_adds_up_to_one() -> None:
    rng = np.random.default_rng(5)
    q = Q(rng.normal(size=(50, 2)), np.log(np.square(rng.uniform(0.05, 0.6, (50, 2)))))
    z1, z2 = np.arange(-6, 6, 0.05), np.arange(-6, 6, 0.04)
    density = aggregate_density(q, z1, z2)
    assert density.shape == (len(z2), len(z1))
    assert density.sum() * 0.05 * 0.04 == pytest.approx(1, abs=1e-4)
    z = np.array([z1[130], z2[140]])
    wide = Q(q.mu, np.log(q.variance() + np.array([0.05**2, 0.04**2]) / 12))
    assert density[140, 130] == pytest.approx(np.exp(wide.log_prob(np.tile(z, (50, 1)))).mean(), rel=1e-4)
    with pytest.raises(ValueError, match="diagonal"):
        aggregate_density(Q(q.mu, q.logvar, np.zeros((50, 1))), z1, z2)


def test_one_dimension_shows_the_librarys_numbers_and_paints_every_frame(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("gaussian", q="1.5,0.5")))
    shown(page, parts(1.5, 0.5))
    before = fingerprint(surface(page))
    drag(page, surface(page), (0.72, 0.8), (0.35, 0.8))
    q = eventually(lambda: in_url(page, "line") != "1.5,0.5" and in_url(page, "line"), page, "q in the address")
    mu, sigma = map(float, q.split(","))
    assert (mu < 0, sigma) == (True, 0.5)
    shown(page, parts(mu, sigma))
    assert fingerprint(surface(page)) != before

    drag(page, surface(page, 1), (0.5, 0.5), (0.9, 0.75))  # the plane of μ and σ moves both
    mu, sigma = (float(slider(page, name).input_value()) for name in ("mean μ", "width σ"))
    assert mu > 1
    shown(page, parts(round(mu, 2), round(sigma, 2)))
    paints_every_frame(page, "width σ")
    slider(page, "width σ").fill("0.07")
    shown(page, parts(round(mu, 2), 0.07))
    wait_for_url(page, line=f"{round(mu, 2):g},0.07")
    page.reload()
    shown(opened(page), parts(round(mu, 2), 0.07))


def test_gradient_descent_ends_on_the_prior(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("gaussian", q="-2,0.1"), reduced_motion="reduce"))
    button(page, "Follow the gradient").click()
    shown(page, {"kl": "0.00 nats"})
    wait_for_url(page, line="0,1")
    at_rest(page)
    button(page, "Two dimensions").click()
    button(page, "Follow the gradient").click()
    shown(page, {"kl": "0.00 nats"})
    wait_for_url(page, pair="0,0,1,1,0", mode="plane")


def test_two_dimensions_add_up_to_the_kl_of_the_full_covariance(server: Server, visit: Visit) -> None:
    page = opened(visit(server.url("gaussian", mode="plane", q2="-1.2,0.7,0.4,1.3,0.6")))

    def expected(mu: list[float], sigma: list[float], rho: float) -> dict[str, str]:
        each = Q(np.array([mu]), 2 * np.log([sigma])).kl()[0]
        # z2 given z1 has the variance σ2²(1 − ρ²).
        logvar = 2 * np.log([[sigma[0], sigma[1] * np.sqrt(1 - rho**2)]])
        full = Q(np.array([mu]), logvar, np.array([[rho * sigma[1]]])).kl().sum()
        terms, whole = adding([float(each[0]), float(each[1]), float(full - each.sum())])
        names = ("kl-first", "kl-second", "kl-shared")
        return dict(zip(names, map(printed, terms), strict=True)) | {"kl": f"{printed(whole)} nats"}

    shown(page, expected([-1.2, 0.7], [0.4, 1.3], 0.6))
    before = fingerprint(surface(page))
    drag(page, surface(page), (0.5, 0.7), (0.7, 0.3))
    paints_every_frame(page, "width σ2")
    slider(page, "width σ2").fill("1.3")
    slider(page, "tilt ρ").fill("-0.9")
    mu = [round(float(slider(page, f"mean μ{d}").input_value()), 2) for d in (1, 2)]
    assert mu[0] > 0.5 < mu[1]
    shown(page, expected(mu, [0.4, 1.3], -0.9))
    assert fingerprint(surface(page)) != before
    wait_for_url(page, pair=f"{mu[0]:g},{mu[1]:g},0.4,1.3,-0.9")


def test_a_whole_data_set_has_beta_as_its_dial(server: Server, visit: Visit) -> None:
    sweep = next(found for found in sweeps.find(server.store.infos()) if found.runs[0].config.latent_dim == 2)

    def expected(run: str) -> dict[str, str]:
        codes, facts = server.store.artifact(run, "codes"), server.store.artifact(run, "diagnostics")
        assert codes
        assert facts
        rate = float(kl_per_dim(codes[0]).sum(1, dtype=np.float64).mean())
        assert rate == pytest.approx(facts[1]["mutual_information"] + facts[1]["marginal_kl"], abs=1e-3)
        (information, marginal), whole = adding([facts[1]["mutual_information"], facts[1]["marginal_kl"]])
        return {"information": printed(information), "marginal": f"{printed(marginal)} nats", "rate": printed(whole)}

    first, second = sweep.runs[1:3]
    page = opened(visit(server.url("gaussian", mode="data", run=first.run_id), reduced_motion="reduce"))
    shown(page, expected(first.run_id))
    before = fingerprint(surface(page))
    slider(page, "β, the weight of the KL").press("ArrowRight")
    shown(page, expected(second.run_id))
    wait_for_url(page, run=second.run_id, mode="data")
    assert text(page, "beta") == f"β = {second.config.beta:g}"
    assert fingerprint(surface(page)) != before

    at_rest(page)
    before = fingerprint(surface(page))
    button(page, "Codes").click()
    eventually(lambda: fingerprint(surface(page)) != before, page, "the codes gone")
    drag(page, surface(page), (0.5, 0.5), (0.55, 0.4))
    codes = server.store.artifact(second.run_id, "codes")
    assert codes
    chosen = int(re.findall(r"\d+", page.locator(".lab .one").text_content() or "")[0])
    assert text(page, "one-kl") == f"{printed(float(kl_per_dim(codes[0])[chosen].sum()))} nats"
