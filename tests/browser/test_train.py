"""Train's form as a person uses it: its cards, a sweep, and the queue. What is trained is what the form says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.fixtures import TINY, Server
from tests.browser.test_browser import (
    LONG,
    Visit,
    at_rest,
    button,
    eventually,
    in_url,
    set_up,
    wait_for_url,
    wait_until_it_moves,
)
from vae_core.config import DATASETS, RunConfig
from vae_core.jobs.queue import Jobs
from vae_core.store import sweeps

pytestmark = pytest.mark.browser

EPOCHS = DATASETS["digits"].epochs
PRESETS = {
    "plane": RunConfig(dataset="digits", latent_dim=2, epochs=EPOCHS),
    "ten": RunConfig(dataset="digits", latent_dim=10, epochs=EPOCHS),
    "disentangle": RunConfig(dataset="digits", latent_dim=10, beta=4, warmup_epochs=2, epochs=EPOCHS),
    "sharp": RunConfig(dataset="digits", latent_dim=16, likelihood="gaussian", epochs=EPOCHS),
    "collapse": RunConfig(dataset="digits", latent_dim=16, beta=16, epochs=EPOCHS),
    "paper": RunConfig(
        dataset="digits",
        latent_dim=50,
        hidden=(200, 200),
        activation="tanh",
        binarize="dynamic",
        batch_size=512,
        learning_rate=6e-3,
        warmup_epochs=10,
        epochs=EPOCHS,
    ),
}
"""What each preset is on digits, whose epochs are those of the data set."""


@pytest.fixture
def page(server: Server, visit: Visit) -> Iterator[Page]:
    """An empty page; what a test has asked for and is still under way is cancelled when it ends."""
    found = visit("about:blank")
    yield found
    for info in server.store.infos():
        if info.under_way:
            Jobs(server.store).cancel(info.run_id)
    eventually(lambda: not any(info.under_way for info in server.store.infos()), found, "the end of every run")


def card(page: Page, name: str) -> Locator:
    """A card by what it stands for, such as preset-plane."""
    return page.locator(f'[data-choice="{name}"]')


def says(page: Page, name: str) -> float:
    """Where a slider of the form stands."""
    return float(page.get_by_role("group", name=name, exact=True).get_by_role("slider").input_value())


def form(page: Page) -> tuple[float, float, float]:
    """D, β and the epochs."""
    return says(page, "Latent dimension D"), says(page, "β, the weight of the KL"), says(page, "Epochs")


def train(page: Page, server: Server) -> RunConfig:
    """Press the button; the configuration of the run that the page then shows."""
    before = in_url(page, "run")
    at_rest(page)
    button(page, "Train").click()
    run_id = eventually(lambda: (found := in_url(page, "run")) != before and found, page, "the new run in the address")
    return server.store.get(run_id).config


# -- cards


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_fills_the_form_and_what_is_trained_is_what_it_says(name: str, server: Server, page: Page) -> None:
    wanted = PRESETS[name]
    # Everything that a preset decides is something else before.
    other = {"dim": 7, "beta": 2, "epochs": 3, "network": "conv", "batch": 256, "rate": 0.01, "warmup": 1}
    page.goto(server.url("train", data="digits", posterior="full", seed=4, **other))
    set_up(page)
    card(page, f"preset-{name}").click()
    eventually(lambda: form(page) == (wanted.latent_dim, wanted.beta, EPOCHS), page, "what the preset says")
    expect(card(page, "network-mlp")).to_have_attribute("aria-pressed", "true")
    expect(card(page, "data-digits")).to_have_attribute("aria-pressed", "true")
    config = train(page, server)
    assert config == RunConfig(**{**vars(wanted), "seed": 4}), "the seed is the visitor's, all else the preset's"
    if name == "plane":
        eventually(lambda: server.store.get(config.run_id).status == "finished", page, "its end")
        button(page, "Explore →").wait_for()


def test_a_presets_epochs_are_for_mnist(server: Server, page: Page) -> None:
    page.goto(server.url("train", epochs=3))
    set_up(page)
    card(page, "preset-sharp").click()
    eventually(lambda: form(page) == (16, 1, 20), page, "what the preset says")
    assert train(page, server) == RunConfig(latent_dim=16, likelihood="gaussian", epochs=20)


def test_a_data_set_brings_its_epochs_and_leaves_the_rest(server: Server, page: Page) -> None:
    page.goto(server.url("train", dim=5, beta=2))
    set_up(page)
    expect(card(page, "data-mnist")).to_have_attribute("aria-pressed", "true")
    assert form(page) == (5, 2, DATASETS["mnist"].epochs)
    card(page, "data-digits").click()
    expect(card(page, "data-digits")).to_have_attribute("aria-pressed", "true")
    expect(card(page, "data-mnist")).to_have_attribute("aria-pressed", "false")
    eventually(lambda: form(page) == (5, 2, EPOCHS), page, "the data set's epochs")
    wait_for_url(page, data="digits")
    assert train(page, server) == RunConfig(dataset="digits", latent_dim=5, beta=2, epochs=EPOCHS)


def test_a_network_is_picked_and_takes_its_layers_along(server: Server, page: Page) -> None:
    page.goto(server.url("train", data="digits", hidden="32", activation="tanh", dim=5))
    set_up(page)
    card(page, "network-conv").click()
    wait_for_url(page, network="conv")
    expect(card(page, "network-conv")).to_have_attribute("aria-pressed", "true")
    expect(card(page, "network-mlp")).to_have_attribute("aria-pressed", "false")
    eventually(lambda: in_url(page, "hidden") is None and in_url(page, "activation") is None, page, "no layers")
    assert train(page, server) == RunConfig(dataset="digits", architecture="conv", latent_dim=5, epochs=EPOCHS)
    card(page, "network-mlp").click()
    eventually(lambda: in_url(page, "network") is None, page, "the default network")
    assert train(page, server) == RunConfig(dataset="digits", latent_dim=5, epochs=EPOCHS)


def test_a_form_that_says_another_model_than_the_one_shown_is_told(server: Server, page: Page) -> None:
    told = page.get_by_text("The form on the left says another model than the one shown here")
    page.goto(server.url("train", run=TINY.run_id, data="digits", dim=TINY.latent_dim, epochs=TINY.epochs))
    button(page, "Open in Explore").wait_for()
    page.locator(".train[data-points]").wait_for()
    at_rest(page)
    expect(told).to_be_hidden()
    card(page, "preset-ten").click()
    expect(told).to_be_visible()
    assert in_url(page, "run") == TINY.run_id, "it is still that one which is shown"
    page.goto(server.url("train", run=TINY.run_id, data="digits", dim=TINY.latent_dim, epochs=TINY.epochs))
    button(page, "Open in Explore").wait_for()
    expect(told).to_be_hidden()


# -- more than one


def rows(page: Page) -> list[tuple[str, str, str]]:
    """Of the list above the run: a row's name, its state, and what is said of it."""
    return page.locator(".queue:not([hidden]) li button").evaluate_all(
        "rows => rows.map((row) => [row.children[0].textContent, row.dataset.status, row.children[1].textContent])"
    )


def test_a_sweep_is_a_row_for_each_model_and_all_are_trained(server: Server, page: Page) -> None:
    wanted = sweeps.configs(RunConfig(dataset="digits", latent_dim=4, epochs=30))
    page.goto(server.url("train", data="digits", dim=4, epochs=30))
    set_up(page)
    button(page, "Train a β-sweep").click()
    names = [f"β {config.beta:g}" for config in wanted]
    seen: dict[str, set[str]] = {name: set() for name in names}

    def done() -> bool:
        found = rows(page)
        assert not found or [name for name, _, _ in found] == names
        for name, status, said in found:
            seen[name].add(status)
            assert (status == "finished") == said.startswith("ELBO −"), (name, status, said)
        stands = {info.run_id: info.status for info in server.store.infos()}
        return all(stands.get(one.run_id) == "finished" for one in wanted)

    eventually(done, page, "the end of the sweep")
    assert all(seen.values()), "each model had a row"
    assert all("finished" in states for states in list(seen.values())[:-1]), seen
    assert all("queued" in states for states in list(seen.values())[2:]), seen
    page.get_by_role("link", name="Compare the β-sweep").click()
    page.locator(".lab[data-painted]").wait_for()
    assert in_url(page, "sweep") == next(one.run_id for one in wanted if one.beta == 1)


def test_the_queue_says_who_goes_first_and_keeps_that_order(server: Server, page: Page) -> None:
    asked: list[str] = []
    for seed in (1, 2, 3, 4):
        page.goto(server.url("train", **LONG, seed=seed))
        set_up(page)
        asked.append(train(page, server).run_id)
        if seed == 1:
            wait_until_it_moves(page)

    def standing() -> list[str]:
        return [said for _, status, said in rows(page) if status == "queued"]

    eventually(lambda: standing() == ["1 before it", "2 before it", "3 before it"], page, "three who wait")
    status = page.get_by_test_id("run-status")
    expect(status).to_have_text("waiting: 3 others come first")
    page.reload()
    eventually(lambda: standing() == ["1 before it", "2 before it", "3 before it"], page, "the same three")
    second = page.locator(".queue li button").nth(1)
    second.click()
    wait_for_url(page, run=asked[1])
    expect(status).to_have_text("waiting: 1 other comes first")
    expect(second).to_have_attribute("aria-current", "true")
    button(page, "Cancel").click()
    eventually(lambda: asked[1] not in server.store.run_ids(), page, "the end of the second")
    eventually(lambda: standing() == ["1 before it", "2 before it"], page, "two who wait")
    assert [Jobs(server.store).ahead(run_id) for run_id in asked[2:]] == [1, 2]
    Jobs(server.store).cancel(asked[0])
    eventually(lambda: server.store.get(asked[2]).status == "running", page, "the turn of the next")
    assert server.store.get(asked[3]).status == "queued"
