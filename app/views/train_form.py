"""The form of Train: widgets -> RunConfig. Objectives and their parameters come from the library's one list of them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.chrome import say
from vae_core.config import ARCHITECTURES, BINARIZE, DATASETS, LIKELIHOODS, PER_PIXEL, POSTERIORS, RunConfig
from vae_core.config.catalogue import OBJECTIVES, Parameter, Value
from vae_core.config.errors import ConfigError
from vae_core.config.run_config import RANGES


def form() -> RunConfig | None:
    """Every choice is in the URL, so that a link can hand a configuration to a class."""
    d = RunConfig()
    bound: dict[str, Any] = {"bind": "query-params"}
    one, two = st.columns(2, gap="small")
    dataset = one.selectbox(
        "Data",
        list(DATASETS),
        key="data",
        help="The pictures to learn from. "
        + " ".join(f"**{name}**: {source.about}" for name, source in DATASETS.items()),
        **bound,
    )
    architecture = two.selectbox(
        "Network",
        list(ARCHITECTURES),
        key="network",
        help=" ".join(f"**{name}**: {text}" for name, text in ARCHITECTURES.items()),
        **bound,
    )
    latent_dim = st.slider(
        "Latent dimension D",
        int(RANGES["latent_dim"][0]),
        int(RANGES["latent_dim"][1]),
        d.latent_dim,
        key="dim",
        help="How many numbers the code z has. With 2 you see the whole plane; with more the pictures get sharper.",
        **bound,
    )
    aim = st.selectbox(
        "Objective",
        list(OBJECTIVES),
        key="objective",
        help="What is maximised. "
        + " ".join(f"**{entry.title}** (`{name}`): {entry.help}" for name, entry in OBJECTIVES.items()),
        **bound,
    )
    entry = OBJECTIVES[aim]
    st.caption(entry.help, help=f"Maximised: ${entry.formula}$  ({entry.paper})")
    beta, warmup, cycles = _weight_of_the_kl(bound) if entry.weighs_kl else (1.0, 0, 0)
    parameters = {parameter.name: _parameter(aim, parameter, bound) for parameter in entry.parameters}
    one, two = st.columns(2, gap="small")
    epochs = one.slider("Epochs", 1, 100, d.epochs, key="epochs", help="Times every training image is seen.", **bound)
    likelihood = two.selectbox(
        "Likelihood P(X|z)",
        list(LIKELIHOODS),
        key="likelihood",
        help=" ".join(f"**{name}**: {text}" for name, text in LIKELIHOODS.items()),
        **bound,
    )
    sigma: float | str | None = None
    if likelihood == "gaussian":
        each = st.checkbox(
            "One σ for each pixel", key="sigma-each", help="Learned, as many as there are pixels.", **bound
        )
        sigma = (
            PER_PIXEL
            if each
            else st.number_input(
                "σ of the Gaussian",
                0.01,
                2.0,
                None,
                step=0.05,
                key="sigma",
                placeholder="learned",
                help="Standard deviation of a pixel around its mean, on the 0–1 scale. Empty: one σ is learned.",
                **bound,
            )
        )
    with st.expander("More settings"):
        posterior = st.selectbox(
            "Posterior Q(z|X)",
            list(POSTERIORS),
            key="posterior",
            help=" ".join(f"**{name}**: {text}" for name, text in POSTERIORS.items()),
            **bound,
        )
        binarize = st.selectbox(
            "Binarise pixels",
            list(BINARIZE),
            key="binarize",
            help="For the Bernoulli likelihood. " + " ".join(f"**{name}**: {text}" for name, text in BINARIZE.items()),
            **bound,
        )
        batch = st.selectbox(
            "Batch size",
            [32, 64, 128, 256, 512, 1024],
            index=2,
            key="batch",
            help="Images in one gradient step. Larger is faster for an epoch, with fewer steps in it.",
            **bound,
        )
        rate = st.number_input(
            "Learning rate",
            1e-5,
            0.1,
            d.learning_rate,
            step=5e-4,
            format="%.4g",
            key="rate",
            help="Adam's step size at the start; it falls along a half cosine.",
            **bound,
        )
        seed = st.number_input(
            "Seed",
            int(RANGES["seed"][0]),
            int(RANGES["seed"][1]),
            d.seed,
            key="seed",
            help="Decides the first weights, the order of the images and every ε. Same seed, same model.",
            **bound,
        )
    settings = {
        "dataset": dataset,
        "architecture": architecture,
        "latent_dim": latent_dim,
        "likelihood": likelihood,
        "beta": beta,
        "warmup_epochs": warmup,
        "epochs": epochs,
        "batch_size": batch,
        "learning_rate": rate,
        "seed": seed,
        "sigma": sigma,
        "posterior": posterior,
        "binarize": binarize,
        "objective": aim,
        "warmup_cycles": cycles,
        "parameters": parameters,
    }
    try:
        return RunConfig.from_dict(settings).trainable()
    except ConfigError as error:
        say.error(error)
        return None


def _weight_of_the_kl(bound: dict[str, Any]) -> tuple[float, float, int]:
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
        **bound,
    )
    one, two = st.columns(2, gap="small")
    warmup = one.slider(
        "Warm-up",
        0,
        20,
        int(d.warmup_epochs),
        key="warmup",
        help="β rises from 0 to its value over this many epochs, so that the code is of use before it costs anything.",
        **bound,
    )
    cycles = two.slider(
        "Cycles",
        0,
        10,
        d.warmup_cycles,
        key="cycles",
        help="0: one warm-up. More: the epochs are cut into so many parts, and β rises from 0 in each.",
        **bound,
    )
    return beta, warmup, cycles


def _parameter(objective: str, parameter: Parameter, bound: dict[str, Any]) -> Value:
    """One parameter of an objective, in its range."""
    label = parameter.name.replace("_", " ").capitalize()
    key = f"{objective}-{parameter.name}"
    if parameter.choices:
        options = list(parameter.choices)
        index = options.index(str(parameter.default))
        return str(st.selectbox(label, options, index=index, key=key, help=parameter.help, **bound))
    kind = int if parameter.integer else float
    value = st.number_input(
        label,
        kind(parameter.low),
        kind(parameter.high),
        kind(parameter.default),
        step=1 if parameter.integer else None,
        format=None if parameter.integer else "%.4g",
        key=key,
        help=f"{parameter.help} From {parameter.low:g} to {parameter.high:g}.",
        **bound,
    )
    return kind(value)
