"""The guided tour, for somebody who has never been here.

Each stop has one sentence and a ring around what that speaks of; after the last one comes a choice of where to go on.

The stop is in the URL (`tour=3`), so a reload keeps it and a link opens it; the browser remembers the last one
(`presenter.js`), so that the tour can be left and taken up again on another day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app import link, session
from vae_core.config import RunConfig

View = dict[str, str | int]


@dataclass(frozen=True)
class Stop:
    """A page in a state, and what to do and to notice there."""

    page: str
    sentence: str
    points: str
    """At what: a CSS selector, looked for through shadow trees."""
    view: Callable[[], View] = dict
    """The state, as the link has it; worked out when the stop is opened."""


def _starter(latent_dim: int) -> View:
    """Of the models that ship with so many dimensions, the plain ELBO that was trained longest."""
    found = [
        info
        for info in session.infos()
        if info.shipped
        and info.config.latent_dim == latent_dim
        and info.config.objective == "elbo"
        and info.config.beta == 1
        and info.config.posterior == "diagonal"
    ]
    return {"run": max(found, key=lambda info: info.config.epochs).run_id} if found else {}


def _untrained() -> View:
    """A seed that nobody has trained yet: where the run is in the store already, there is no Train to press."""
    seed = session.recall("tour-seed")
    if seed is None:
        known = {info.run_id for info in session.infos()}
        seed = next(seed for seed in range(len(known) + 1) if RunConfig(seed=seed).run_id not in known)
        session.remember("tour-seed", seed)
    return {"seed": seed}


STOPS = (
    Stop(
        "explore",
        "Drag across the map: each point is a code of two numbers, and the digit is what the network draws from it.",
        ".player .field",
        lambda: _starter(2),
    ),
    Stop(
        "explore",
        "Drag some of these ten numbers, then open “inactive” below them: that one changes nothing, for it is unused.",
        ".player .list",
        lambda: _starter(10),
    ),
    Stop(
        "train",
        "Press Train and watch: the ELBO, its score, climbs fast, then levels off, while blurs turn into digits.",
        "[data-testid=stMain] [data-testid=stBaseButton-primary]",
        _untrained,
    ),
    Stop(
        "gaussian",
        "Drag the blue curve: the KL is what a code costs, and it is zero only where the curve lies on the dashed one.",
        ".gaussian-line .chart",
    ),
    Stop(
        "beta",
        "Move β, the price of a code: the higher it is, the fewer numbers are used and the more digits look alike.",
        ".beta-slider",
    ),
    Stop(
        "rate-distortion",
        "Pick points, each a trained model: codes that say more of an image (right) let it be redrawn better (down).",
        ".rate-distortion .chart",
    ),
    Stop(
        "gap",
        "Drag z: green codes may have made this image, violet is the encoder's guess; the ELBO lacks what parts them.",
        ".gap > .chart",
    ),
)

ENDS = {"explore": "Explore", "train": "Train your own", "lab": "The KL lab"}
"""Pages to go on with from the last stop, and what the bar calls them."""


def at() -> int | None:
    """The stop that the URL names, from 1; None off the tour."""
    return link.below(link.TOUR, len(STOPS) + 1)


def stands_at(page: str) -> bool:
    """Whether the stop that the URL names is on this page."""
    number = at()
    return number is not None and STOPS[number - 1].page == page


def arrive(page: str) -> None:
    """Take note of the stop in the URL; a link that names the stop only, not its page and state, is led there."""
    number = at()
    if number is None or number == session.recall("tour"):
        return
    session.remember("tour", number)
    stop = STOPS[number - 1]
    view = stop.view()
    if page != stop.page or (view and not link.holds_any(("run", *view))):
        go(number)


def go(number: int) -> None:
    """Open a stop; after the last one the tour is over, at the first of `ENDS`."""
    if number > len(STOPS):
        end(next(iter(ENDS)))
    session.remember("tour", number)
    stop = STOPS[max(number, 1) - 1]
    link.open_page(stop.page, **{**stop.view(), "tour": max(number, 1)})


def end(page: str) -> None:
    """Go on with one of `ENDS`, without the bar."""
    session.remember("tour", None)
    link.put(tour=None)
    link.open_page(page, **(_starter(2) if page == "explore" else {}))


def leave() -> None:
    """Stay on the page, without the bar."""
    link.put(tour=None)
