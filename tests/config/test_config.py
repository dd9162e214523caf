from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from tests.conftest import tiny
from vae_core.config import ARCHITECTURES, DATASETS, RunConfig
from vae_core.config.errors import ConfigError, ElboRoomError
from vae_core.config.presets import PRESETS, preset
from vae_core.config.words import nats
from vae_core.store import Store


@pytest.mark.parametrize(
    ("settings", "field", "came", "allowed"),
    [
        ({"dataset": "cifar"}, "dataset", "'cifar'", "mnist, digits"),
        ({"dataset": 3}, "dataset", "3", "mnist, digits"),
        ({"architecture": "transformer"}, "architecture", "'transformer'", "mlp, conv, burgess"),
        ({"activation": "gelu"}, "activation", "'gelu'", "silu, relu, tanh"),
        ({"likelihood": "none"}, "likelihood", "'none'", "bernoulli, gaussian"),
        ({"latent_dim": 0}, "latent_dim", "0", "1 to 64"),
        ({"latent_dim": 65}, "latent_dim", "65", "1 to 64"),
        ({"latent_dim": 2.5}, "latent_dim", "2.5", "whole number"),
        ({"latent_dim": True}, "latent_dim", "True", "whole number"),
        ({"latent_dim": math.nan}, "latent_dim", "nan", "whole number"),
        ({"latent_dim": math.inf}, "latent_dim", "inf", "whole number"),
        ({"latent_dim": "2"}, "latent_dim", "'2'", "whole number"),
        ({"likelihood": "gaussian", "sigma": 0.0}, "sigma", "0", "0.001 to 10"),
        ({"likelihood": "gaussian", "sigma": -1.0}, "sigma", "-1", "0.001 to 10"),
        ({"likelihood": "gaussian", "sigma": math.nan}, "sigma", "nan", "finite"),
        ({"beta": -0.1}, "beta", "-0.1", "0 to 1000"),
        ({"beta": math.inf}, "beta", "inf", "finite"),
        ({"beta": None}, "beta", "None", "finite"),
        ({"warmup_epochs": -1}, "warmup_epochs", "-1", "0 to"),
        ({"epochs": 0}, "epochs", "0", "1 to"),
        ({"batch_size": 0}, "batch_size", "0", "1 to 8192"),
        ({"learning_rate": 0}, "learning_rate", "0", "1e-07 to 1"),
        ({"seed": -1}, "seed", "-1", "0 to"),
        ({"hidden": (1, 2, 3, 4, 5)}, "hidden", "[1, 2, 3, 4, 5]", "up to 4 layers"),
        ({"hidden": (0,)}, "hidden", "[0]", "1 to 4096 units"),
        ({"hidden": 256}, "hidden", "256", "list of whole numbers"),
        ({"hidden": (1.5,)}, "hidden", "1.5", "whole number"),
        ({"likelihood": "gaussian", "sigma": "wide"}, "sigma", "'wide'", "per-pixel"),
        ({"posterior": "flow"}, "posterior", "'flow'", "diagonal, full"),
        ({"binarize": "round"}, "binarize", "'round'", "none, dynamic, static, threshold"),
        ({"warmup_cycles": -1}, "warmup_cycles", "-1", "0 to"),
        ({"objective": "vq"}, "objective", "'vq'", "elbo, free-bits"),
        ({"parameters": 3}, "parameters", "3", "names and values"),
        ({"objective": "iwae", "parameters": {"samples": 0}}, "samples", "0", "1 to 64"),
        ({"objective": "iwae", "parameters": {"samples": 2.5}}, "samples", "2.5", "whole number"),
        ({"objective": "iwae", "parameters": {"backward": "some"}}, "backward", "'some'", "all, one"),
        ({"objective": "beta-tcvae", "parameters": {"tc_weight": math.nan}}, "tc_weight", "nan", "finite"),
        ({"objective": "free-bits", "parameters": {"samples": 5}}, "samples", "5", "belongs to iwae, dreg"),
        ({"objective": "autoencoder", "parameters": {"samples": 5}}, "samples", "5", "no parameters"),
    ],
)
def test_a_bad_field_is_named_with_what_came_and_what_is_allowed(
    settings: dict[str, object], field: str, came: str, allowed: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig(**settings)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith(f"{field}={came}")
    assert allowed in message
    assert "\n" not in message
    assert isinstance(caught.value, ElboRoomError)


@pytest.mark.parametrize(
    ("settings", "both"),
    [
        ({"sigma": 0.3}, ("sigma=0.3", "likelihood='bernoulli'")),
        ({"architecture": "conv", "hidden": (64,)}, ("architecture='conv'", "hidden=[64]")),
        ({"architecture": "burgess", "activation": "tanh"}, ("architecture='burgess'", "activation='tanh'")),
        ({"binarize": "static", "likelihood": "gaussian"}, ("binarize='static'", "likelihood='gaussian'")),
        ({"objective": "capacity", "beta": 4.0}, ("objective='capacity'", "beta=4")),
        ({"objective": "autoencoder", "warmup_epochs": 2.0}, ("objective='autoencoder'", "warmup_epochs=2")),
        ({"warmup_cycles": 5, "warmup_epochs": 3.0, "epochs": 10}, ("warmup_epochs=3", "warmup_cycles=5")),
    ],
)
def test_a_bad_pair_is_named_with_both_values(settings: dict[str, object], both: tuple[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig(**settings)  # type: ignore[arg-type]
    assert all(part in str(caught.value) for part in both)


@pytest.mark.parametrize(
    ("settings", "both"),
    [
        ({"warmup_epochs": 16.0, "epochs": 10}, ("warmup_epochs=16", "epochs=10")),
        (
            {"objective": "capacity", "parameters": {"capacity_epochs": 12.5}, "epochs": 10},
            ("capacity_epochs=12.5", "epochs=10", "before C has reached 25"),
        ),
        ({"objective": "capacity", "epochs": 4}, ("capacity_epochs=5", "epochs=4")),
        *(
            ({"objective": name, "batch_size": 1}, (f"objective='{name}'", "batch_size=1"))
            for name in ("beta-tcvae", "dip-vae-i", "dip-vae-ii", "info-vae")
        ),
    ],
)
def test_what_0_1_trained_all_the_same_is_refused_anew_and_still_read(
    settings: dict[str, object], both: tuple[str, ...], home: Store
) -> None:
    config = RunConfig(**settings)  # type: ignore[arg-type]
    assert RunConfig.from_json(config.to_json()) == config
    with pytest.raises(ConfigError) as caught:
        config.trainable()
    assert all(part in str(caught.value) for part in both)
    with pytest.raises(ConfigError):
        home.create(config)
    assert config.run_id not in home.run_ids()
    assert replace(config, warmup_epochs=0, batch_size=128, epochs=13).trainable()


def test_the_beta_that_was_reached_is_the_one_that_is_named() -> None:
    assert RunConfig(epochs=10, warmup_epochs=16).last_beta == pytest.approx(0.625)
    assert RunConfig(epochs=10, warmup_epochs=10, beta=4).last_beta == 4
    assert RunConfig(epochs=10, beta=4).last_beta == 4
    assert RunConfig(epochs=10, warmup_cycles=2).rise_epochs == 2.5
    assert RunConfig(epochs=10, warmup_cycles=2, warmup_epochs=1).rise_epochs == 1
    assert RunConfig(epochs=10, warmup_epochs=3).rise_epochs == 3


def test_bounds_are_written_out() -> None:
    with pytest.raises(ConfigError, match=r"seed=2147483648: give a number from 0 to 2147483647$"):
        RunConfig(seed=2**31)
    with pytest.raises(ConfigError, match=r"learning_rate=2: give a number from 1e-07 to 1$"):
        RunConfig(learning_rate=2.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.001, "0.00"),
        (0.0, "0.00"),
        (-1.5, "−1.50"),
        (131.204, "131.20"),
        (-1e34, "−1.00e+34"),
        (math.nan, "not a number"),
    ],
)
def test_nats_are_short_and_never_minus_nothing(value: float, text: str) -> None:
    assert nats(value) == text


def test_equal_configurations_have_one_name_however_the_numbers_are_written() -> None:
    a = RunConfig(beta=4, epochs=10.0, hidden=[64, 32], warmup_epochs=0)  # type: ignore[arg-type]
    b = RunConfig(beta=4.0, epochs=10, hidden=(64, 32), warmup_epochs=-0.0)
    assert a == b
    assert a.to_json() == b.to_json()
    assert a.run_id == b.run_id


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "digits"},
        {"architecture": "conv"},
        {"hidden": (256,)},
        {"activation": "relu"},
        {"latent_dim": 3},
        {"likelihood": "gaussian"},
        {"likelihood": "gaussian", "sigma": 0.3},
        {"beta": 4.0},
        {"warmup_epochs": 1.0},
        {"epochs": 11},
        {"batch_size": 64},
        {"learning_rate": 1e-3},
        {"seed": 1},
        {"posterior": "full"},
        {"binarize": "dynamic"},
        {"warmup_cycles": 2},
        {"objective": "iwae"},
        {"objective": "iwae", "parameters": {"samples": 6}},
        {"hidden": ()},
        {"likelihood": "gaussian", "sigma": "per-pixel"},
    ],
)
def test_every_field_changes_the_name(change: dict[str, object]) -> None:
    assert RunConfig(**change).run_id != RunConfig().run_id  # type: ignore[arg-type]


def test_the_name_does_not_change_between_versions() -> None:
    # Stored runs and links carry it: a change here orphans every one of them, and must raise FORMAT.
    assert RunConfig().run_id == "mnist-mlp-2d-beta1-" + RunConfig().run_id[-8:]
    assert (
        RunConfig(latent_dim=2, epochs=60, batch_size=256, learning_rate=3e-3).run_id == "mnist-mlp-2d-beta1-2d28d5af"
    )


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_json_round_trip(dataset: str, architecture: str) -> None:
    config = RunConfig(dataset=dataset, architecture=architecture, likelihood="gaussian", sigma=0.1, beta=1 / 3)
    assert RunConfig.from_json(config.to_json()) == config
    text = config.to_json()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not a run configuration"),
        ("[1]", "not an object"),
        ("{}", "format None"),
        ('{"format": 99}', "format 99"),
        (tiny().to_json().replace('"beta"', '"bta"'), "unknown setting 'bta'"),
        (tiny().to_json().replace('"digits"', '"nothing"'), "dataset='nothing'"),
    ],
)
def test_text_that_is_no_configuration_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        RunConfig.from_json(text)


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        tiny().beta = 2.0  # type: ignore[misc]


def test_younger_fields_are_not_in_the_name_of_a_run_that_does_not_use_them() -> None:
    assert (
        not {"objective", "parameters", "posterior", "binarize", "warmup_cycles"} & json.loads(tiny().to_json()).keys()
    )


def test_parameters_at_their_default_are_the_same_run() -> None:
    plain = RunConfig(objective="iwae")
    assert RunConfig(objective="iwae", parameters={"samples": 5.0}) == plain  # type: ignore[arg-type]
    assert plain.parameter("samples") == 5
    assert RunConfig.from_dict({"objective": "iwae", "samples": 50}).parameter("samples") == 50
    assert RunConfig.from_dict({"objective": "iwae", "samples": 50}).run_id.startswith("mnist-mlp-2d-iwae-")


def test_other_names_of_an_objective_are_the_same_run() -> None:
    assert RunConfig(objective="beta-vae", beta=4.0) == RunConfig(beta=4.0)


def test_a_configuration_with_everything_survives_its_json() -> None:
    config = tiny(
        objective="factor-vae",
        parameters={"tc_weight": 3},
        posterior="full",
        binarize="static",
        warmup_cycles=2,
        beta=2,
    )
    assert RunConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_configurations_by_name(name: str) -> None:
    assert preset(name) == PRESETS[name]
    assert RunConfig.from_json(preset(name).to_json()) == preset(name)


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"preset='kingma'.*burda-vae"):
        preset("kingma")


def test_pixels_is_the_product_of_the_shape() -> None:
    assert RunConfig().image_shape == (1, 28, 28)
    assert RunConfig().pixels == 784
    assert tiny().pixels == 64
