"""Every page, run by Streamlit's AppTest: the Python side. What happens in the browser is in test_browser.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app import session
from app.components.blobs import blobs
from app.facts import kept, payloads
from app.lab import VIEWS
from app.views import explore
from tests.conftest import Run
from vae_core.config import RunConfig
from vae_core.jobs.queue import Jobs
from vae_core.jobs.run import run
from vae_core.store import Store, sweeps

APP = Path(__file__).parents[2] / "app"
PAGES = {"explore": "", "train": "train", "reconstruct": "reconstruct", "map": "map", "models": "models"}
"""Name -> path in the URL."""
STARTERS = {2: "mnist-mlp-2d-beta1-2d28d5af", 10: "mnist-mlp-10d-beta1-ebf06870"}


@pytest.fixture(autouse=True)
def nobody_works(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No worker process is started, and nothing is remembered from another test's home."""
    monkeypatch.setattr(Jobs, "ensure_worker", lambda *_: None)
    monkeypatch.setattr(session, "_warm_up", lambda: None)
    # AppTest reads the description of every installed package at every visit, for components that it may bring: most
    # of the time that a visit takes, and none here does.
    monkeypatch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", list)
    for forget in (st.cache_resource.clear, kept.forget, blobs.clear):
        forget()
    yield
    for forget in (st.cache_resource.clear, kept.forget, blobs.clear):
        forget()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Explore hands to the player."""
    seen: dict[str, Any] = {}
    original = explore.player

    def player(**arguments: Any) -> Any:
        seen.update(arguments)
        return original(**arguments)

    monkeypatch.setattr(explore, "player", player)
    return seen


def visit(page: str, **view: object) -> AppTest:
    """The page as a link opens it."""
    at = AppTest.from_file(str(APP / "main.py"), default_timeout=60)
    at.query_params.update({name: str(value) for name, value in view.items()})
    at._page_hash = calc_hash(PAGES.get(page, page))  # AppTest can switch to pages in files only; ours are functions
    return at.run()


def model_of(run_id: str) -> str:
    """The address under which the page finds the networks of a run."""
    return payloads.model_blob(run_id, session.version(session.store().get(run_id)))


def complaints(at: AppTest) -> list[str]:
    """What a person reads: sentences are plain text, whatever of Markdown is escaped in them."""
    return [element.value.replace("\\", "") for element in (*at.error, *at.warning)]


def is_drawn(page: str, at: AppTest) -> bool:
    """Whether something stands there that only this page has."""
    if page == "models":
        return len(at.dataframe) == 1
    keys = [element.key for element in (*at.button, *at.selectbox)]
    return ("seed" if page == "train" else f"model-{page}") in [*keys, *(element.key for element in at.number_input)]


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_on_a_new_home(page: str, home: Store) -> None:
    at = visit(page)
    assert not at.exception
    assert complaints(at) == []
    assert is_drawn(page, at)
    assert not home.home.exists() or page in ("explore", "map", "reconstruct"), "looking at a page wrote to the disk"


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_on_a_finished_run(page: str, copied: Run) -> None:
    at = visit(page, run=copied.run_id)
    assert not at.exception
    assert complaints(at) == []
    assert is_drawn(page, at)
    if page != "models":
        assert at.query_params["run"] == copied.run_id


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_where_there_is_no_model_at_all(
    page: str, home: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Store(home.home, shipped=tmp_path / "nothing")
    monkeypatch.setattr(session, "store", lambda: nothing)
    at = visit(page)
    assert not at.exception
    assert complaints(at) == []
    if page in ("explore", "reconstruct", "map"):
        assert "Train one" in at.info[0].value


LAB = [*VIEWS, "compare"]


@pytest.mark.parametrize("page", LAB)
def test_view_of_the_lab_opens_on_a_new_home(page: str, home: Store) -> None:
    at = visit(page)
    assert not at.exception
    assert complaints(at) == []


@pytest.mark.parametrize("page", LAB)
def test_view_of_the_lab_opens_where_there_is_no_model_at_all(
    page: str, home: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Store(home.home, shipped=tmp_path / "nothing")
    monkeypatch.setattr(session, "store", lambda: nothing)
    at = visit(page)
    assert not at.exception
    assert at.error == []


VIEW_STATE = [
    "run",
    "runs",
    "z",
    "at",
    "k",
    "image",
    "seed",
    "beta",
    "mu",
    "sigma",
    "step",
    "sweep",
    "q",
    "mode",
    "pick",
]


@pytest.mark.parametrize("page", LAB)
def test_view_of_the_lab_opens_from_a_link_that_somebody_broke(page: str, home: Store) -> None:
    at = visit(page, **dict.fromkeys(VIEW_STATE, "1e9,nan,,x"))
    assert not at.exception
    assert at.error == []


@pytest.mark.parametrize("page", ["explore", "reconstruct", "map"])
@pytest.mark.parametrize("run_id", ["nope", "../../etc", "", "…", "mnist-mlp-2d"])
def test_link_to_an_unknown_run_says_so_once_and_shows_another(page: str, run_id: str, home: Store) -> None:
    at = visit(page, run=run_id)
    assert not at.exception
    said = complaints(at)
    assert len(said) == (1 if run_id else 0)
    assert all(run_id in sentence and "Here is another model" in sentence for sentence in said)
    assert at.query_params["run"] == STARTERS[2]


def test_link_to_an_unfinished_run_says_that_it_has_no_model_yet(home: Store) -> None:
    run_id = home.create(RunConfig(dataset="digits"))
    at = visit("explore", run=run_id)
    assert not at.exception
    assert len(complaints(at)) == 1
    assert "has no trained model yet" in complaints(at)[0]
    assert at.query_params["run"] == STARTERS[2]


@pytest.mark.parametrize(
    "z", ["1,2", "1," * 10 + "1", "nan" + ",0" * 9, "0,inf" + ",0" * 8, "one" + ",0" * 9, "", ",", "1e9" + ",0" * 9]
)
def test_code_that_is_none_is_left_to_the_page(z: str, home: Store, shown: dict[str, Any]) -> None:
    at = visit("explore", run=STARTERS[10], z=z)
    assert not at.exception
    assert complaints(at) == []
    assert shown["z"] is None


def test_code_in_the_link_is_the_one_shown(home: Store, shown: dict[str, Any]) -> None:
    z = [0.25, -1.5, 3.0, 0.0, -0.01, 4.2, 1.0, -3.0, 0.5, 2.0]
    visit("explore", run=STARTERS[10], z=",".join(map(str, z)))
    assert shown["z"] == z
    listed = [entry["dim"] for entry in [*shown["dims"], *shown["inactive"]]]
    assert sorted(listed) == list(range(10))
    assert [entry["dim"] for entry in shown["inactive"]] == [7]  # the starter has one dimension that carries nothing
    kl = [entry["kl"] for entry in shown["dims"]]
    assert kl == sorted(kl, reverse=True)


@pytest.mark.parametrize(
    "view", [{"image": "999999"}, {"image": "-1"}, {"image": "x"}, {"image": "1²"}, {"moment": "77"}]
)
def test_link_to_what_is_not_there_shows_the_model(view: dict[str, str], home: Store, shown: dict[str, Any]) -> None:
    at = visit("explore", run=STARTERS[2], **view)
    assert not at.exception
    assert complaints(at) == []
    assert shown["image"] is None
    assert shown["model"] == model_of(STARTERS[2])
    assert "moment" not in at.query_params


def test_moment_of_the_training_is_a_decoder_of_its_own(copied: Run, shown: dict[str, Any]) -> None:
    at = visit("explore", run=copied.run_id, moment=3)
    assert not at.exception
    moment = shown["model"]
    assert moment != model_of(copied.run_id)
    assert "after" in at.info[0].value
    at.button[0].click().run()
    assert shown["model"] == model_of(copied.run_id)
    assert "moment" not in at.query_params


@pytest.mark.parametrize("selected", ["-1", "10000000", "x", "77", "1.5"])
def test_map_opens_with_any_selection(selected: str, home: Store) -> None:
    at = visit("map", run=STARTERS[10], selected=selected)
    assert not at.exception
    assert complaints(at) == []
    assert ("selected" in at.query_params) == (selected == "77")


def test_link_can_hand_over_a_configuration(home: Store) -> None:
    at = visit("train", dim=7, beta=4, epochs=3, warmup=2, seed=5, network="conv")
    at.button(key="train").click().run()
    assert not at.exception
    wanted = RunConfig(architecture="conv", latent_dim=7, beta=4.0, epochs=3, warmup_epochs=2.0, seed=5)
    assert [info.config for info in home.infos() if not info.shipped] == [wanted]
    assert home.get(wanted.run_id).status == "queued"
    assert at.query_params["run"] == wanted.run_id


def test_one_click_asks_for_a_whole_sweep(home: Store) -> None:
    at = visit("train", dim=7, beta=4, epochs=3, seed=5)
    assert "5 models in all" in " ".join(caption.value for caption in at.caption)
    at.button(key="train-sweep").click().run()
    assert not at.exception
    wanted = sweeps.configs(RunConfig(latent_dim=7, epochs=3, seed=5))
    own = [info for info in home.infos() if not info.shipped]
    assert sorted(info.run_id for info in own) == sorted(config.run_id for config in wanted)
    assert {info.status for info in own} == {"queued"}
    assert at.button(key="train-sweep").disabled
    assert complaints(at) == []


def test_member_of_a_sweep_that_is_trained_is_not_trained_again(home: Store) -> None:
    settings = {"dataset": "digits", "epochs": 1, "batch_size": 512}
    for config in sweeps.configs(RunConfig(**settings), betas=(0, 4)):
        list(run(config, home))
    view = {"data": "digits", "epochs": 1, "batch": 512}
    at = visit("train", **view)
    assert "3 models are left" in " ".join(caption.value for caption in at.caption)
    at.button(key="train-sweep").click().run()
    assert sorted(info.config.beta for info in home.infos() if info.status == "queued") == [0.25, 1, 16]
    for config in sweeps.configs(RunConfig(**settings)):
        list(run(config, home))
    at = visit("train", **view)
    assert not at.exception
    assert not [button for button in at.button if button.key == "train-sweep"]


def test_objective_without_a_beta_of_its_own_offers_no_sweep(home: Store) -> None:
    at = visit("train", objective="iwae")
    assert not at.exception
    assert not [button for button in at.button if button.key == "train-sweep"]


@pytest.mark.parametrize("page", ["beta", "rate-distortion"])
def test_pages_of_a_sweep_open_on_any_link_and_say_what_they_need(
    page: str, home: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for view in ({}, {"beta": "x"}, {"beta": "nan"}, {"beta": "2.5", "set": "99", "seed": "-1", "plane": "2"}):
        at = visit(page, **view)
        assert not at.exception
        assert complaints(at) == []
        assert at.query_params["sweep"] == sweeps.find(home.infos())[0].key
    assert len(complaints(visit(page, sweep="nope"))) == 1
    nothing = Store(home.home, shipped=tmp_path / "nothing")
    monkeypatch.setattr(session, "store", lambda: nothing)
    at = visit(page)
    assert not at.exception
    assert "Train a β-sweep" in at.info[0].value


@pytest.mark.parametrize(
    "view", [{"dim": "0"}, {"epochs": "-3"}, {"beta": "nan"}, {"network": "transformer"}, {"rate": "9"}]
)
def test_setting_that_is_none_is_the_default(view: dict[str, str], home: Store) -> None:
    at = visit("train", **view)
    at.button(key="train").click().run()
    assert not at.exception
    assert [info.config for info in home.infos() if not info.shipped] == [RunConfig()]


def test_without_a_name_train_shows_what_runs_then_what_waits_then_what_could_go_on(home: Store) -> None:
    def shown() -> object:
        return visit("train").query_params.get("run")

    jobs = Jobs(home)
    assert shown() is None
    paused, first, second, third = (RunConfig(dataset="digits", epochs=n) for n in (2, 3, 4, 5))
    jobs.submit(paused)
    jobs.pause(paused.run_id)
    assert shown() == paused.run_id
    for config in (first, second, third):
        jobs.submit(config)
    assert shown() == first.run_id  # asked for first, though the newest is listed first
    with home.lock(second.run_id):
        home.set_state(second.run_id, "running")
        assert shown() == second.run_id


def test_home_that_cannot_be_written_is_one_sentence(home: Store) -> None:
    home.home.write_text("a file stands where the folder should be")
    at = visit("train")
    at.button(key="train").click().run()
    assert not at.exception
    assert len(complaints(at)) == 1
    assert str(home.home) in complaints(at)[0].replace("\\", "")  # it is plain text, no Markdown


def test_damaged_run_is_named_and_hides_no_other(copied: Run) -> None:
    (copied.store.folder(copied.run_id) / "config.json").write_text("{")
    for page in PAGES:
        at = visit(page)
        assert not at.exception, page
    said = [sentence for sentence in complaints(visit("models")) if copied.run_id in sentence.replace("\\", "")]
    assert len(said) == 1


def test_damaged_weights_are_one_sentence(copied: Run) -> None:
    weights = copied.store.folder(copied.run_id) / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    for page in PAGES:
        at = visit(page, run=copied.run_id)
        assert not at.exception, page
    assert len(complaints(visit("explore", run=copied.run_id))) == 1


def test_streamlit_knows_every_option_of_the_theme() -> None:
    options = st.config.get_config_options()
    theme = json.loads((APP / "theme.json").read_text(encoding="utf-8"))
    assert theme
    assert [name for name in theme if name not in options] == []


def test_map_of_a_small_data_set_offers_no_images_that_it_has_not(copied: Run) -> None:
    at = visit("map", run=copied.run_id)  # digits has 297 test images
    at = at.radio(key="method").set_value("tsne").run()
    assert not at.exception
    sliders = {slider.label: list(slider.options) for slider in at.select_slider}
    assert sliders == {"Perplexity": ["5", "10", "30", "50"]}
