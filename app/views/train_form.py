"""The form of Train: widgets -> RunConfig. Objectives and their parameters come from the library's one list of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.chrome import say
from vae_core.config import ARCHITECTURES, BINARIZE, DATASETS, LIKELIHOODS, PER_PIXEL, POSTERIORS, RunConfig
from vae_core.config.catalogue import OBJECTIVES, Parameter, Value
from vae_core.config.errors import ConfigError
from vae_core.config.words import plain

BOUND: dict[str, Any] = {"bind": "query-params"}
"""Every choice is in the URL, so that a link can hand a configuration to a class."""


def form() -> RunConfig | None:
    """What the widgets say, in their order on the page; None, and the reason, where that cannot be trained."""
    settings = {**_data_and_network(), **_objective(), **_epochs_and_likelihood(), **_more()}
    try:
        return RunConfig.from_dict(settings).trainable()
    except ConfigError as error:
        say.error(error)
        return None


def _data_and_network() -> dict[str, Any]:
    one, two = st.columns(2, gap="small")
    return {
        "dataset": _choice(
            one,
            "Data",
            "data",
            {name: source.about for name, source in DATASETS.items()},
            "The pictures to learn from. ",
        ),
        "architecture": _choice(two, "Network", "network", ARCHITECTURES),
        "latent_dim": st.slider(
            "Latent dimension D",
            1,
            64,
            RunConfig().latent_dim,
            key="dim",
            help="How many numbers the code z has. With 2 you see the whole plane; with more the pictures get sharper.",
            **BOUND,
        ),
    }


def _objective() -> dict[str, Any]:
    """What is maximised, and all that is said of it: β where it has one, and its own parameters."""
    aim = st.selectbox(
        "Objective",
        list(OBJECTIVES),
        key="objective",
        help="What is maximised. "
        + " ".join(f"**{entry.title}** (`{name}`): {entry.help}" for name, entry in OBJECTIVES.items()),
        **BOUND,
    )
    entry = OBJECTIVES[aim]
    st.caption(entry.help, help=f"Maximised: ${entry.formula}$  ({entry.paper})")
    return {
        "objective": aim,
        **(_weight_of_the_kl() if entry.weighs_kl else {}),
        "parameters": {parameter.name: _parameter(aim, parameter) for parameter in entry.parameters},
    }


def _weight_of_the_kl() -> dict[str, Any]:
    """β, its warm-up in epochs, and how often that starts anew."""
    d = RunConfig()
    beta = st.slider(
        "β, the weight of the KL",
        0.0,
        16.0,
        d.beta,
        0.25,
        key="beta",
        help="How dearly the code pays for each nat it carries. 1 is the ELBO; more makes codes simpler and pictures "
        "blurrier; 0 leaves the KL out.",
        **BOUND,
    )
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
    return {"beta": beta, "warmup_epochs": warmup, "warmup_cycles": cycles}


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


def _epochs_and_likelihood() -> dict[str, Any]:
    d = RunConfig()
    one, two = st.columns(2, gap="small")
    epochs = one.slider("Epochs", 1, 100, d.epochs, key="epochs", help="Times every training image is seen.", **BOUND)
    likelihood = _choice(two, "Likelihood P(X|z)", "likelihood", LIKELIHOODS)
    sigma = _sigma() if likelihood == "gaussian" else None
    return {"epochs": epochs, "likelihood": likelihood, "sigma": sigma}


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
    with st.expander("More settings"):
        return {
            "posterior": _choice(st, "Posterior Q(z|X)", "posterior", POSTERIORS),
            "binarize": _choice(st, "Binarise pixels", "binarize", BINARIZE, "For the Bernoulli likelihood. "),
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


def _choice(where: Any, label: str, key: str, options: Mapping[str, str], first: str = "") -> str:
    """One of the names in `options`, each explained in the help, after `first`."""
    explained = " ".join(f"**{name}**: {text}" for name, text in options.items())
    return str(where.selectbox(label, list(options), key=key, help=first + explained, **BOUND))
