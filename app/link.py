"""What a URL may hold: one table of names, what each means, what it may be, and whose it is.

A copied link opens the same view in another browser. This module is the only reader and writer of the URL, with one
helper: a widget whose key is in the table as `bound` reads and writes its own value. A name has one meaning. A value
that cannot be understood, and a name that a page does not know, are as if they were not there: a link that somebody
edited still opens a page. Names of version 0.1 that meant different things on different pages are read as what they
meant there, and replaced.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from app import session
from vae_core.config import ACTIVATIONS, ARCHITECTURES, BINARIZE, DATASETS, LIKELIHOODS, POSTERIORS
from vae_core.config.catalogue import OBJECTIVES

T = TypeVar("T")

LAB = "lab"
"""Every view of the KL lab, those that come included."""
MODELS = ("explore", "reconstruct", "map")
"""Pages about one model; in the lab most are."""
SWEEPS = ("beta", "rate-distortion")
"""Pages about models that are equal but for β."""
EVERYWHERE = ("*",)


@dataclass(frozen=True, eq=False)
class Item(Generic[T]):
    """One thing that a URL may hold."""

    name: str
    whose: tuple[str, ...]
    """The pages that know it."""
    meaning: str
    parse: Callable[[str], T | None]
    """From text; None for what is none."""
    write: Callable[[T], str] = str
    once: tuple[tuple[str, str], ...] = ()
    """Page and name in links of version 0.1."""
    bound: bool = False
    """Whether the widget of this key reads and writes it."""

    def get(self) -> T | None:
        """What the URL says, or None."""
        text = st.query_params.get(self.name)
        return None if text is None else self.parse(text)

    def text(self, value: T | str) -> str:
        """As a URL holds it."""
        return value if isinstance(value, str) else self.write(value)


# -- what a value may be


def whole(below: int, start: int = 0) -> Callable[[str], int | None]:
    """A whole number from `start` to below − 1."""

    def parse(text: str) -> int | None:
        digits = text.isascii() and text.isdigit() and len(text) < 11
        return int(text) if digits and start <= int(text) < below else None

    return parse


def layers(text: str) -> str | None:
    """Whole numbers separated by commas, or nothing: as a field holds them."""
    return text if re.fullmatch(r"[0-9, ]{0,40}", text) else None


def numbers(counts: Iterable[int], below: float) -> Callable[[str], list[float] | None]:
    """So many numbers, separated by commas, each smaller in size than `below`."""
    allowed = tuple(counts)

    def parse(text: str) -> list[float] | None:
        try:
            found = [float(part) for part in text.split(",")] if len(text) < 4000 else []
        except ValueError:
            return None
        return found if len(found) in allowed and all(abs(value) < below for value in found) else None

    return parse


def number(below: float) -> Callable[[str], float | None]:
    """One number, smaller in size than `below`."""
    several = numbers((1,), below)
    return lambda text: found[0] if (found := several(text)) else None


def positive(below: float) -> Callable[[str], float | None]:
    """One number above 0, smaller than `below`."""
    one = number(below)
    return lambda text: found if (found := one(text)) is not None and found > 0 else None


def word(*choices: str) -> Callable[[str], str | None]:
    """One of these."""
    return lambda text: text if text in choices else None


def flag(text: str) -> bool | None:
    """1 or nothing."""
    return True if text == "1" else None


def any_name(text: str) -> str | None:
    """What somebody calls something that may be here; not yet one that is (`chrome/say.py` shows it)."""
    return text[:300] or None


def names(text: str) -> list[str] | None:
    """A few of these, separated by commas."""
    return list(dict.fromkeys(part[:300] for part in text.split(",")[:20] if part)) or None


def course(text: str) -> list[tuple[int, float]] | None:
    """β from a step on, such as `1,120:4`: [(0, 1), (120, 4)]; the first is from the start on, the steps rise."""
    found: list[tuple[int, float]] = []
    try:
        for part in text.split(",") if len(text) < 4000 else ():
            step, _, beta = part.rpartition(":")
            found.append((int(step or 0), float(beta)))
    except ValueError:
        return None
    steps = [step for step, _ in found]
    rising = bool(steps) and steps[0] == 0 and steps == sorted(set(steps))
    return found if rising and all(0 <= beta < 1000 for _, beta in found) else None


def course_text(course: Sequence[Sequence[float]]) -> str:
    """Inverse of `course`."""
    return ",".join(f"{step:g}:{beta:g}" if step else f"{beta:g}" for step, beta in course)


CODE_DIGITS = 2
"""After the point, of a code in a link: what the sliders show. The page has it as `LINK_DIGITS`, and takes codes that
differ by less than this leaves open (`LINK_ROUNDS`) for one."""


def code_text(z: Sequence[float]) -> str:
    """Numbers as the sliders show them."""
    return ",".join(f"{round(value, CODE_DIGITS) + 0.0:g}" for value in z)


def exact_text(values: Sequence[float]) -> str:
    """Numbers as they are, to six digits."""
    return ",".join(f"{value + 0.0:g}" for value in values)


def _flag_text(value: bool | int) -> str:
    return "1" if value else "0"


def _decimals(value: float) -> str:
    return f"{value:g}"


# -- the table

RUN = Item("run", (*MODELS, "train", "compare", LAB), "the model, or the run", any_name)
RUNS = Item("runs", ("compare",), "the models that are compared, two to four", names, ",".join)
SWEEP = Item("sweep", (*SWEEPS, "hidden-beta"), "the models that are equal but for β", any_name)
MEMBER = Item(
    "member",
    SWEEPS,
    "β of the model of the sweep that is looked at",
    number(10_000),
    _decimals,
    once=(("beta", "beta"), ("rate-distortion", "beta")),
)
MOMENT = Item("moment", ("explore",), "number of the snapshot of the training", whole(100))
Z = Item(
    "z", ("explore", "compare", "gap"), "a code, in the order of its dimensions", numbers(range(1, 65), 100), code_text
)
IMAGE = Item("image", ("explore", "gap", "sampling", "reparameterisation"), "index of a test image", whole(1_000_000))
SELECTED = Item("selected", ("map",), "index of the test image that is picked on the map", whole(1_000_000))
SHUFFLE = Item("shuffle", ("reconstruct",), "number of the random choice of images", whole(1_000_000))
DRAW = Item(
    "draw",
    ("beta", "sampling", "reparameterisation"),
    "number of the draw of ε, or of codes from the prior",
    whole(1_000_000),
    once=(("beta", "seed"), ("sampling", "seed"), ("reparameterisation", "seed")),
)
LINE = Item("line", ("gaussian",), "μ and σ", numbers((2,), 1000), code_text, once=(("gaussian", "q"),))
PAIR = Item("pair", ("gaussian",), "μ1, μ2, σ1, σ2 and ρ", numbers((5,), 1000), code_text, once=(("gaussian", "q2"),))
MODE = Item("mode", ("gaussian",), "which of its three pictures", word("line", "plane", "data"))
SPREAD = Item(
    "spread",
    ("reparameterisation",),
    "μ1, μ2, σ1, σ2",
    numbers((4,), 1000),
    exact_text,
    once=(("reparameterisation", "q"),),
)
HOW = Item("how", ("reparameterisation",), "with the trick, or drawn directly", word("trick", "direct"))
CODE = Item("code", ("reparameterisation",), "which of the codes is followed", whole(8))
ZOOM = Item("zoom", ("reparameterisation",), "whether the picture is near", flag, _flag_text)
GAUSSIAN = Item(
    "gaussian",
    ("gap",),
    "which Gaussian is drawn",
    word("encoder", "diagonal", "full"),
    once=(("gap", "q"),),
)
K = Item("k", ("sampling",), "how many samples", whole(5001, start=1))
SET = Item("set", ("beta",), "which set of test images, one of each label", whole(10))
PLANE = Item("plane", ("beta",), "whether the plane of codes is shown", flag, _flag_text)
NOISE = Item("noise", ("beta",), "σ of the decoder of a linear VAE", positive(100), _decimals)
AT = Item("at", ("collapse",), "epoch that is looked at", number(100_000), _decimals)
PICK = Item("pick", ("collapse",), "panel and dimension that are picked", numbers((2,), 100), exact_text)
STEP = Item("step", ("steps",), "steps of the training in the page", whole(3001))
TRIAL = Item("trial", ("steps",), "seed of the training in the page", whole(1000), once=(("steps", "seed"),))
EXAMPLE = Item(
    "example", ("steps",), "index of the training image that is followed", whole(1_000_000), once=(("steps", "image"),)
)
COURSE = Item("course", ("steps",), "β from each step on", course, course_text, once=(("steps", "beta"),))
LOSS = Item(
    "loss",
    ("hidden-beta",),
    "how the loss is averaged: pixels, dimensions, images twice, what is compared",
    lambda text: text if re.fullmatch("[sm][sm][sbd][sbd][bg]", text) else None,
)
WEIGHT = Item("weight", ("hidden-beta",), "what is written before the KL", positive(1e7), "{:g}".format)
VARIANCE = Item("variance", ("hidden-beta",), "σ² that a squared error stands for", positive(100), "{:g}".format)
PRESENT = Item("present", EVERYWHERE, "presenter mode", flag, _flag_text)
TOUR = Item("tour", EVERYWHERE, "stop of the tour, from 1", whole(100, start=1))

HIDDEN = Item("hidden", ("train",), "units of the hidden layers", layers)

_CHOICES = tuple(
    Item(name, ("train",), meaning, word(*allowed))
    for name, meaning, allowed in (
        ("data", "data set", DATASETS),
        ("network", "architecture", ARCHITECTURES),
        ("objective", "what is optimised", OBJECTIVES),
        ("likelihood", "P(X|z)", LIKELIHOODS),
        ("posterior", "Q(z|X)", POSTERIORS),
        ("binarize", "what is done to the pixels", BINARIZE),
        ("activation", "between the layers", ACTIVATIONS),
    )
)
_TRAIN = {
    "dim": "D",
    "beta": "β to train with",
    "warmup": "epochs of the warm-up",
    "cycles": "how often it starts anew",
    "epochs": "passes over the data",
    "sigma-each": "whether each pixel has its σ",
    "sigma": "σ of the Gaussian",
    "batch": "images in a step",
    "rate": "Adam's step size",
    "seed": "seed to train with",
    **{
        f"{objective}-{parameter.name}": parameter.help
        for objective, entry in OBJECTIVES.items()
        for parameter in entry.parameters
    },
}
_MAP = {
    "method": "how the map is made",
    "colour": "by what it is coloured",
    "limit": "images",
    "perplexity": "of t-SNE",
    "beside": "which other map stands beside it",
    "other-perplexity": "that of the map beside it",
    "other-seed": "of the random start of the map beside it",
}
_MODELS = {"filter": "words that the models shown have"}
_RECONSTRUCT = {"sort": "order of the cards", "labels": "which labels", "draws": "whether draws from Q are shown"}

TABLE: tuple[Item[Any], ...] = (
    *(RUN, RUNS, SWEEP, MEMBER, MOMENT, Z, IMAGE, SELECTED, SHUFFLE, DRAW, LINE, PAIR, MODE, SPREAD, HOW, CODE, ZOOM),
    *(GAUSSIAN, K, SET, PLANE, NOISE, AT, PICK, STEP, TRIAL, EXAMPLE, COURSE, LOSS, WEIGHT, VARIANCE, PRESENT, TOUR),
    HIDDEN,
    *_CHOICES,
    *(
        Item(key, (page,), meaning, any_name, bound=True)
        for page, keys in (("train", _TRAIN), ("map", _MAP), ("models", _MODELS), ("reconstruct", _RECONSTRUCT))
        for key, meaning in keys.items()
    ),
)
"""All of it. What is `bound` may be what its widget allows."""

_BY_NAME = {item.name: item for item in TABLE}

CARRIED: tuple[Item[Any], ...] = (PRESENT, TOUR)
"""What goes along from page to page: how the app is shown, not what."""


# -- reading and writing


def arrive(page: str) -> None:
    """Once a script run, before anything reads: what a link of version 0.1 says on this page gets its present name."""
    for item in TABLE:
        for there, name in item.once:
            text = st.query_params.get(name) if there == page else None
            if text is None:
                continue
            if item.name not in st.query_params and item.parse(text) is not None:
                st.query_params[item.name] = text
            del st.query_params[name]
    _catch_up(page)
    follow()


@dataclass(frozen=True)
class _Told:
    """A change of the URL that the browser may not have heard of yet."""

    page: str
    before: str | None
    after: str | None
    when: float
    arrival: int
    """How often a script had arrived at a page by then."""
    early: bool
    """Whether it was called for an event, so that the next arrival is that of the same run."""


PATIENCE = 5.0
"""Seconds in which a browser hears of a change, or never will."""


def _tell(changes: Mapping[str, str | None]) -> None:
    """Write these, None for what is to be gone; and remember it until the browser is known to have heard."""
    told: dict[str, _Told] = dict(session.recall("link-told", {}))
    page, arrival = session.recall("link-page", ""), session.recall("link-arrival", 0)
    for name, after in changes.items():
        before = st.query_params.get(name)
        told[name] = _Told(page, before, after, time.monotonic(), arrival, not session.scripting())
    session.remember("link-told", told)
    for name in [name for name, text in changes.items() if text is None]:
        st.query_params.pop(name, None)
    if texts := {name: text for name, text in changes.items() if text is not None}:
        st.query_params.update(texts)


def _catch_up(page: str) -> None:
    """Two presses within the time of a message: the second comes with the address from before the first was heard.

    Streamlit takes that address for the present one, and the first press would be undone.
    """
    arrival = session.recall("link-arrival", 0) + 1
    session.remember("link-page", page)
    session.remember("link-arrival", arrival)
    told: dict[str, _Told] = session.recall("link-told", {})
    now, back = time.monotonic(), session.goes_back()
    lost: dict[str, str | None] = {}
    kept: dict[str, _Told] = {}
    for name, change in told.items():
        said = st.query_params.get(name)
        if back or change.page != page or now - change.when > PATIENCE:
            continue
        if said == change.before:
            lost[name] = change.after
        elif said == change.after and change.early and arrival == change.arrival + 1:
            kept[name] = change  # this very run wrote it
    session.remember("link-told", kept)
    if lost:
        _tell(lost)


def put(**view: Any) -> None:
    """Write these values, and remove those that are None. What the URL already says is left alone, and the rest is
    written at once: each change is a message, and between two of them the link would be to a view that never was.
    """
    texts = {name: None if value is None else _BY_NAME[name].text(value) for name, value in view.items()}
    if changed := {name: text for name, text in texts.items() if st.query_params.get(name) != text}:
        _tell(changed)


def chosen(name: str, default: str) -> str:
    """What the URL says of this item of the form; else the default."""
    said = _BY_NAME[name].get()
    return said if isinstance(said, str) else default


def fill(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Set these items of Train's form. Only before it is drawn, as in a callback.

    A widget that is bound writes the URL itself; for the others it is written here, without what is the default.
    """
    for name, value in settings.items():
        st.session_state[name] = value
    unbound = {name: value for name, value in settings.items() if not _BY_NAME[name].bound}
    put(**{name: None if value == defaults.get(name) else value for name, value in unbound.items()})


def holds_any(names: Iterable[str]) -> bool:
    """Whether any of these stands in the URL."""
    return any(name in st.query_params for name in names)


def below(item: Item[int], count: int) -> int | None:
    """An index, where there are `count`."""
    found = item.get()
    return found if found is not None and found < count else None


def run_id() -> str | None:
    """The run this page is about: the URL's, else the one seen last; navigation drops the query string."""
    return RUN.get() or session.recall("run_id")


def put_run(run_id: str) -> None:
    """Make it the run of this page and of those visited next; a code belongs to its run, so another run drops it."""
    if session.recall("run_id") not in (None, run_id) or RUN.get() not in (None, run_id):
        put(z=None, image=None, selected=None, moment=None)
    session.remember("run_id", run_id)
    put(run=run_id)


def code_or_none(latent_dim: int) -> list[float] | None:
    """Z from the URL, if there is one of this dimension."""
    found = Z.get() or []
    return found if len(found) == latent_dim else None


def code(latent_dim: int) -> list[float]:
    """Z from the URL; the prior mean if there is none of this dimension."""
    return code_or_none(latent_dim) or [0.0] * latent_dim


# -- from page to page


def pages(sections: dict[str, dict[str, Any]]) -> dict[str, list[Any]]:
    """Remember the pages by name, so that one can lead to another without importing it."""
    session.remember("pages", {name: page for section in sections.values() for name, page in section.items()})
    return {title: list(section.values()) for title, section in sections.items()}


def open_page(name: str, **view: Any) -> None:
    """Go to a page, in this state."""
    if "run" in view:
        session.remember("run_id", view["run"])
    st.switch_page(session.recall("pages")[name], query_params=_target(view))


def open_soon(name: str, **view: Any) -> None:
    """The same from what is called for an event, where no page can be opened yet: `follow` does it."""
    session.remember("link-soon", (name, view))


def follow() -> None:
    """Open what was asked for. Each script run begins with it; a fragment that runs again by itself must, too."""
    if soon := session.recall("link-soon"):
        session.remember("link-soon", None)
        open_page(soon[0], **soon[1])


def to_page(name: str, label: str, icon: str | None = None, **view: Any) -> None:
    """A link to a page, in this state."""
    st.page_link(session.recall("pages")[name], label=label, icon=icon, query_params=_target(view))


def _target(view: dict[str, Any]) -> dict[str, str]:
    carried = {item.name: item.text(value) for item in CARRIED if (value := item.get())}
    return carried | {name: _BY_NAME[name].text(value) for name, value in view.items()}
