"""The form of Train: widgets -> RunConfig. Objectives and their parameters come from the library's one list of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import link, session
from app.chrome import say
from app.views import train_choices
from vae_core.config import (
    ACTIVATIONS,
    BINARIZE,
    DATASETS,
    LIKELIHOODS,
    PER_PIXEL,
    POSTERIORS,
    RunConfig,
)
from vae_core.config.catalogue import OBJECTIVES, Parameter, Value
from vae_core.config.errors import ConfigError
from vae_core.config.words import plain

BOUND: dict[str, Any] = {"bind": "query-params"}
"""Every choice is in the URL, so that a link can hand a configuration to a class."""


TITLES = {
    "diagonal": "Diagonal covariance",
    "full": "Full covariance",
    "none": "Grey, as they are",
    "dynamic": "Black and white, drawn anew",
    "static": "Black and white, drawn once",
    "threshold": "Black and white, at one half",
    "silu": "SiLU",
    "relu": "ReLU",
    "tanh": "tanh",
    **{name: entry.title for name, entry in OBJECTIVES.items()},
}
"""What a person reads where the name itself would say little; that stands in small type where it is explained."""


def form() -> RunConfig | None:
    """What the widgets say, in their order on the page; None, and the reason, where that cannot be trained."""
    train_choices.cards()
    try:
        return RunConfig.from_dict({**_size_and_length(), **_more()}).trainable()
    except ConfigError as error:
        say.error(error)
        return None


def _size_and_length() -> dict[str, Any]:
    """What is changed most: D, β and the epochs, beside the cards' data set and network."""
    dataset = link.chosen("data", RunConfig.dataset)
    dim = st.slider(
        "Latent dimension D",
        1,
        64,
        RunConfig.latent_dim,
        key="dim",
        help="How many numbers the code z has. With 2 you see the whole plane; with more the pictures get sharper.",
        **BOUND,
    )
    objective = link.chosen("objective", RunConfig.objective)
    return {
        "dataset": dataset,
        "architecture": link.chosen("network", RunConfig.architecture),
        "latent_dim": dim,
        **({"beta": _beta()} if OBJECTIVES[objective].weighs_kl else {}),
        "epochs": st.slider(
            "Epochs",
            1,
            100,
            DATASETS[dataset].epochs,
            key="epochs",
            help="Times every training image is seen.",
            **BOUND,
        ),
    }


def _objective() -> dict[str, Any]:
    """What is maximised, and all that is said of it: β's schedule where it has one, and its own parameters."""
    aim = _choice(st, "Objective", "objective", {name: entry.help for name, entry in OBJECTIVES.items()}, "elbo")
    entry = OBJECTIVES[aim]
    st.caption(f"{entry.help} ${entry.formula}$ · {entry.paper} · `{aim}`")
    return {
        "objective": aim,
        **(_schedule() if entry.weighs_kl else {}),
        "parameters": {parameter.name: _parameter(aim, parameter) for parameter in entry.parameters},
    }


def _beta() -> float:
    return st.slider(
        "β, the weight of the KL",
        0.0,
        16.0,
        RunConfig.beta,
        0.25,
        key="beta",
        help="How much each nat that the code carries costs. 1 is the ELBO; more makes codes simpler and pictures "
        "blurrier; 0 leaves the KL out: an autoencoder, with holes where nothing was encoded.",
        **BOUND,
    )


def _schedule() -> dict[str, Any]:
    """How β gets to its value, and how often that starts anew."""
    d = RunConfig()
    one, two = st.columns(2, gap="small")
    warmup = one.slider(
        "Warm-up",
        0,
        20,
        int(d.warmup_epochs),
        key="warmup",
        help="β rises from 0 to its value over this many epochs, so that the code is of use before it costs anything.",
        **BOUND,
    )
    cycles = two.slider(
        "Cycles",
        0,
        10,
        d.warmup_cycles,
        key="cycles",
        help="0: one warm-up. More: the epochs are cut into so many parts, and β rises from 0 in each.",
        **BOUND,
    )
    return {"warmup_epochs": warmup, "warmup_cycles": cycles}


def _parameter(objective: str, parameter: Parameter) -> Value:
    """One parameter of an objective, in its range."""
    label = parameter.name.replace("_", " ").capitalize()
    key = f"{objective}-{parameter.name}"
    if parameter.choices:
        options = list(parameter.choices)
        index = options.index(str(parameter.default))
        return str(st.selectbox(label, options, index=index, key=key, help=parameter.help, **BOUND))
    kind = int if parameter.integer else float
    value = st.number_input(
        label,
        kind(parameter.low),
        kind(parameter.high),
        kind(parameter.default),
        step=1 if parameter.integer else None,
        format=None if parameter.integer else "%.4g",
        key=key,
        help=f"{parameter.help} From {plain(parameter.low)} to {plain(parameter.high)}.",
        **BOUND,
    )
    return kind(value)


def _likelihood() -> dict[str, Any]:
    likelihood = _choice(st, "Likelihood P(X|z)", "likelihood", LIKELIHOODS, RunConfig.likelihood)
    return {"likelihood": likelihood, "sigma": _sigma() if likelihood == "gaussian" else None}


def _layers() -> dict[str, Any]:
    """Of the dense network: its hidden layers."""
    if link.chosen("network", RunConfig.architecture) != "mlp":
        return {}
    d = RunConfig()
    usual = ", ".join(map(str, d.hidden))
    linked = link.HIDDEN.get()
    _follow("hidden", usual if linked is None else linked)
    said = st.text_input(
        "Hidden layers",
        key="hidden",
        help="Units of the encoder's hidden layers, separated by commas; the decoder mirrors them. Empty: a linear "
        "model.",
    )
    _told("hidden", said, usual)
    activation = _choice(st, "Activation", "activation", dict.fromkeys(ACTIVATIONS, ""), d.activation)
    try:
        return {"hidden": [int(part) for part in said.split(",") if part.strip()], "activation": activation}
    except ValueError:
        raise ConfigError(f"hidden layers {said[:40]!r}: give whole numbers separated by commas, as {usual}") from None


def _sigma() -> float | str | None:
    """σ of the Gaussian; None: one is learned."""
    if st.checkbox("One σ for each pixel", key="sigma-each", help="Learned, as many as there are pixels.", **BOUND):
        return PER_PIXEL
    return st.number_input(
        "σ of the Gaussian",
        0.01,
        2.0,
        None,
        step=0.05,
        key="sigma",
        placeholder="learned",
        help="Standard deviation of a pixel around its mean, on the 0–1 scale. Empty: one σ is learned.",
        **BOUND,
    )


def _more() -> dict[str, Any]:
    """What is folded away."""
    d = RunConfig()
    with st.expander("Likelihood, posterior, objective, schedule, seed"):
        return {
            **_likelihood(),
            "posterior": _choice(st, "Posterior Q(z|X)", "posterior", POSTERIORS, d.posterior),
            "binarize": _choice(st, "Pixels", "binarize", BINARIZE, d.binarize, "For the Bernoulli likelihood. "),
            **_objective(),
            **_layers(),
            "batch_size": st.selectbox(
                "Batch size",
                [32, 64, 128, 256, 512, 1024],
                index=2,
                key="batch",
                help="Images in one gradient step. Larger is faster for an epoch, with fewer steps in it.",
                **BOUND,
            ),
            "learning_rate": st.number_input(
                "Learning rate",
                1e-5,
                0.1,
                d.learning_rate,
                step=5e-4,
                format="%.4g",
                key="rate",
                help="Adam's step size at the start; it falls along a half cosine.",
                **BOUND,
            ),
            "seed": st.number_input(
                "Seed",
                0,
                2**31 - 1,
                d.seed,
                key="seed",
                help="Decides the first weights, the order of the images and every ε. Same seed, same model.",
                **BOUND,
            ),
        }


def _choice(where: Any, label: str, key: str, options: Mapping[str, str], default: str, first: str = "") -> str:
    """One of the names in `options`, shown by their titles and explained in the help, after `first`.

    The URL holds the name, where a widget that binds itself would put the title.
    """
    explained = " ".join(f"**{_title(name)}** (`{name}`): {text}" for name, text in options.items() if text)
    _follow(key, link.chosen(key, default))
    picked = str(where.selectbox(label, list(options), format_func=_title, key=key, help=(first + explained) or None))
    _told(key, picked, default)
    return picked


def _title(name: str) -> str:
    return TITLES.get(name) or name.replace("-", " ").title()  # families are called after people


def _follow(key: str, linked: str) -> None:
    """The URL leads: where it says something else than at the last look, the widget of this key follows."""
    if session.recall(f"linked-{key}") != linked or session.recall(key) is None:
        session.remember(key, linked)


def _told(key: str, picked: str, default: str) -> None:
    """The hand wins: what was picked stands in the URL."""
    session.remember(f"linked-{key}", picked)
    link.put(**{key: None if picked == default else picked})
