"""Every network × P(X|z) × Q(z|X) × D on every page that is about a model, each as a link opens it.

The models have learned for one step, of eight images. What is asserted holds of any model: the page is drawn, says that
nothing is wrong, and whatever it shows can be fetched and read. A covering choice of models runs always: with every
page each network meets each form of P(X|z) and each Q, and each form each Q. The whole product is a proof of its own.
"""

from __future__ import annotations

import gzip
import itertools
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app import session
from app.components.blobs import blobs
from app.facts import one_image, payloads
from app.lab import VIEWS, sampling
from app.views.latent_map import COLOURS, METHODS
from tests.app.test_app import APP, PAGES, complaints, nobody_works  # noqa: F401
from tests.product import LIKELIHOOD_FORMS, NETWORKS, QS, name
from vae_core import data
from vae_core.analysis import bounds
from vae_core.config import RunConfig
from vae_core.config.events import Event, Finished, Losses
from vae_core.jobs import derived
from vae_core.jobs.derived.codes import Codes
from vae_core.jobs.derived.diagnostics import Diagnostics
from vae_core.jobs.derived.log_px import LogPx
from vae_core.jobs.derived.maps import MapRequest
from vae_core.store import Store
from vae_core.store.files import Arrays
from vae_core.training.loop import Training

DIMENSIONS = (1, 2, 3)
OF_ITS_OWN = "steps"
"""The view that trains a model of its own."""
ABOUT_A_MODEL = (*PAGES, *(view for view in VIEWS if view != OF_ITS_OWN), "compare")
"""`compare` last: it gets another model beside this one."""
SUITS: dict[str, Callable[[RunConfig], bool]] = {
    "gap": lambda c: c.latent_dim == 2,
    "gaussian": lambda c: c.latent_dim == 2 and c.posterior == "diagonal",
    "reparameterisation": lambda c: c.latent_dim == 2 and c.posterior == "diagonal",
    "collapse": lambda c: c.latent_dim > 2,
}
"""What a page takes, where it does not take every model."""
EVERY = (*PAGES, "beta", "rate-distortion", "sampling", "compare")
"""Pages that take every model. A view in neither list may be drawn or say what it needs."""

# -- which models


def product() -> Iterator[tuple[RunConfig, dict[str, str]]]:
    """Every configuration, and what it is on each axis."""
    for (i, network), form, q, d in itertools.product(enumerate(NETWORKS), LIKELIHOOD_FORMS, QS, DIMENSIONS):
        for j, way in enumerate(LIKELIHOOD_FORMS[form]):
            settings: dict[str, Any] = {"latent_dim": d, "posterior": q, **network, **way}
            config = RunConfig(dataset="digits", epochs=1, batch_size=8, learning_rate=1e-4, **settings)
            yield config, {"network": str(i), "form": form, "way": f"{form} {j}", "Q": q, "D": str(d)}


def occurring(config: RunConfig, axes: dict[str, str]) -> set[tuple[str, ...]]:
    """What this configuration shows: each page with each pair of its axes; where it only says why not, with one."""
    pairs = set(itertools.combinations([f"{axis} {value}" for axis, value in axes.items()], 2))
    pairs = {pair for pair in pairs if not any(part.startswith("way") for part in pair)}
    drawn = [page for page in ABOUT_A_MODEL if SUITS.get(page, lambda _: True)(config)]
    return pairs | {(page, f"{axis} {value}") for page in drawn for axis, value in axes.items()}


def covering() -> list[RunConfig]:
    """Few configurations in which all occurs that occurs in the product: always the one with most that is new."""
    left = {config: occurring(config, axes) for config, axes in product()}
    missing, chosen = set[tuple[str, ...]]().union(*left.values()), list[RunConfig]()
    while missing:
        chosen.append(max(left, key=lambda config: len(left[config] & missing)))
        missing -= left.pop(chosen[-1])
    return chosen


CHOSEN = covering()
EVERYTHING = [config for config, _ in product()]


def test_the_few_models_meet_in_pairs_on_every_page() -> None:
    axes = dict(product())
    sizes = {"network": len(NETWORKS), "form": len(LIKELIHOOD_FORMS), "Q": len(QS), "D": len(DIMENSIONS)}
    for one, other in itertools.combinations(sizes, 2):
        met = {(axes[config][one], axes[config][other]) for config in CHOSEN}
        assert len(met) == sizes[one] * sizes[other], (one, other)
    assert len({axes[config]["way"] for config in CHOSEN}) == sum(map(len, LIKELIHOOD_FORMS.values()))
    for page, suits in SUITS.items():
        for axis in ("network", "form"):
            assert len({axes[config][axis] for config in CHOSEN if suits(config)}) == sizes[axis], (page, axis)
    assert len(CHOSEN) < len(EVERYTHING) / 6


# -- a home with such models


@cache
def trained(config: RunConfig) -> tuple[list[Event], Arrays, Finished]:
    """What a training says that is stopped after its first point, its weights, and its end as if it were the whole."""
    training, said = Training(config, data.load(config.dataset, config.binarize)), list[Event]()
    for event in training.events():
        if isinstance(event, Losses):
            training.stop()
        if isinstance(event, Finished):
            return said, training.weights(), replace(event, stopped=False)
        said.append(event)
    raise AssertionError("the training had no end")


def publish(store: Store, config: RunConfig, like: RunConfig | None = None) -> str:
    """A run of this configuration, with the model that it gets or that another one got."""
    said, weights, result = trained(like or config)
    run_id = store.create(config)
    for event in said:
        store.append(run_id, event)
    store.publish(run_id, weights, result)
    return run_id


GRID = {"zoom_points": 17, "points": 25}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Coarse grids and few samples, and one thread: how exact these are is no question here."""
    fine = bounds.on_grid
    monkeypatch.setattr(bounds, "on_grid", lambda scorer, x, *_, **__: fine(scorer, x, math.inf, **GRID))
    monkeypatch.setattr(sampling, "SAMPLES", 50)
    monkeypatch.setattr(sampling, "FIRST", 30)
    monkeypatch.setattr(one_image, "REFERENCE_SAMPLES", 100)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def alone(home: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store, without what ships."""
    store = Store(home.home, shipped=tmp_path / "nothing")
    monkeypatch.setattr(session, "store", lambda: store)
    return store


# -- a page, and what is to be seen there


def opened(page: str, view: dict[str, str], remembered: dict[str, str]) -> AppTest:
    at = AppTest.from_file(str(APP / "main.py"), default_timeout=60)
    at.query_params.update(view)
    for key, value in remembered.items():
        at.session_state[key] = value
    at._page_hash = calc_hash(PAGES.get(page, page))
    return at.run()


def components(at: AppTest) -> dict[str, dict[str, Any]]:
    """The parts that the page itself draws: name -> what they are told, read as strictly as a browser does."""

    def no_number(text: str) -> Any:
        raise AssertionError(f"{text} is no JSON")

    found = [element.proto for element in at.get("bidi_component")]
    return {p.component_name.removeprefix("elbo_room_"): json.loads(p.json, parse_constant=no_number) for p in found}


def unreadable(told: Any) -> list[str]:
    """Of the addresses in what a component is told, those where nothing is, or something that is no number."""
    wrong = list[str]()
    for kind, key in re.findall(r'"(blobs|promised)/([0-9a-f]+)"', json.dumps(told)):
        kept = blobs.kept_promise(key) if kind == "promised" else (key, blobs.get(key))
        if kept is None or kept[1] is None:
            wrong.append(f"nothing is at {kind}/{key}")
            continue
        arrays = load(gzip.decompress(kept[1]))
        wrong += [f"{n} is not finite" for n, a in arrays.items() if a.dtype.kind == "f" and not np.isfinite(a).all()]
        wrong += [f"{n} is empty" for n, a in arrays.items() if not a.size]
    return wrong


def lacking(page: str, config: RunConfig, at: AppTest) -> list[str]:
    """What is not there, of what only this page has."""
    there = components(at)
    wrong = [sentence for told in there.values() for sentence in unreadable(told)]
    says_not = any("No trained model suits this page: it needs" in info.value for info in at.info)
    known = page in EVERY or page in SUITS
    suits = SUITS.get(page, lambda _: known or not says_not)(config)
    if page == "collapse" and not suits:  # whether a dimension has collapsed, the model says
        suits = any(kl < payloads.ACTIVE_KL for kl in trained(config)[2].test.kl_per_dim)
    if page == "gaussian":
        sweep = there["lab_gaussian"]["sweep"]
        drawn = len(sweep.get("models", ())) == 2 if suits else "two-dimensional code" in sweep.get("error", "")
    elif not suits:
        drawn = says_not and len(there) == 1  # the presenter
    elif page == "train":
        told = there["train"]
        drawn = told["run"] == config.run_id and told["explorable"] and told["dims"] == config.latent_dim
        drawn = drawn and bool(told["result"]) and told["layers"][0] == told["layers"][-1]
    elif page == "models":
        table = at.dataframe[0].value
        drawn = len(table) == 2 and bool(table["samples"].notna().all()) and bool(np.isfinite(table["ELBO"]).all())
    elif page == "compare":
        drawn = len(there["compare"]["models"]) == 2 and any("| ELBO, nats |" in text.value for text in at.markdown)
    elif page in PAGES:
        drawn = bool(there.get({"explore": "player", "reconstruct": "gallery", "map": "map"}[page]))
    else:
        drawn = any(told for part, told in there.items() if part.startswith("lab_"))
    if known and suits and page not in ("models", "compare") and at.query_params["run"] != config.run_id:
        wrong.append(f"the link is to {at.query_params['run']}")
    return wrong + ([] if drawn else ["it is not drawn"])


def troubles(page: str, config: RunConfig, view: dict[str, str], remembered: dict[str, str]) -> list[str]:
    """All that is wrong with a page."""
    at = opened(page, view, remembered)
    wrong = [*(f"{e.message}\n{''.join(e.stack_trace)}" for e in at.exception), *complaints(at)]
    if not wrong:
        wrong = lacking(page, config, at)
    return [f"{page} {view}: {sentence}" for sentence in wrong]


def visits(page: str, config: RunConfig, version: str, every: bool) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """How the page is opened: what the link says, and what the page remembers. The first one, or all."""
    run = {"run": config.run_id}
    number = EVERYTHING.index(config)
    if page == "map":
        methods = [method for method in METHODS if method != "plane" or config.latent_dim == 2]
        # A bound box hears the words that it shows.
        shown = [(METHODS[method], COLOURS[colour]) for method, colour in itertools.product(methods, COLOURS)]
        found = [{**run, "method": method, "colour": colour} for method, colour in shown]
        found = found[number % len(found) :] + found[: number % len(found)]
    elif page == "explore":
        found = [run, {**run, "moment": "0"}]
    elif page == "gaussian":
        found = [{**run, "mode": "data"}]
    else:
        found = [run]
    for view in found if every else found[:1]:
        yield view, {}
    if page == "gap":  # as it is once the page has asked for the numbers, too
        yield {**run, "image": "7"}, {"gap-refined": f"{version}-7"}
    if page == "sampling":
        yield {**run, "image": "0"}, {"sampling-refined": f"{version}-0-0"}


def all_troubles(store: Store, config: RunConfig, every: bool) -> list[str]:
    """What is wrong with any page that is about this model."""
    beside = EVERYTHING[(EVERYTHING.index(config) + 1) % len(EVERYTHING)] if every else CHOSEN[CHOSEN.index(config) - 1]
    run_id = publish(store, config)
    publish(store, replace(config, beta=4.0), like=config)  # a sweep
    for info in store.infos():
        for thing in (Codes(), Diagnostics(), LogPx(samples=2, limit=2)):
            derived.get(store, info.run_id, thing)
    if every:
        derived.get(store, run_id, MapRequest(method="tsne", limit=len(data.load_split("digits", "test").labels)))
    version, wrong = session.version(store.get(run_id)), list[str]()
    for page in ABOUT_A_MODEL:
        if page == "compare":
            other = publish(store, beside)
            derived.get(store, other, Codes())
            wrong += troubles(page, config, {"runs": f"{run_id},{other}"}, {})
            continue
        for view, remembered in visits(page, config, version, every):
            wrong += troubles(page, config, view, remembered)
    return wrong


@pytest.mark.parametrize("config", [pytest.param(c, id=f"{name(c)}-{c.latent_dim}d") for c in CHOSEN])
def test_every_page_is_drawn_of_every_model(config: RunConfig, alone: Store) -> None:
    wrong = all_troubles(alone, config, every=False)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow_proof
@pytest.mark.parametrize("config", [pytest.param(c, id=f"{name(c)}-{c.latent_dim}d") for c in EVERYTHING])
def test_every_page_is_drawn_of_every_model_of_the_whole_product(config: RunConfig, alone: Store) -> None:
    wrong = all_troubles(alone, config, every=True)
    assert not wrong, "\n".join(wrong)
