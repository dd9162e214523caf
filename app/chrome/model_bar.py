"""The line on top of every page that is about one model: which, and its figures."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import link, session
from app.chrome import say
from app.facts import payloads
from vae_core.config import DATASETS, RunConfig, words
from vae_core.config.catalogue import OBJECTIVES
from vae_core.config.errors import ElboRoomError, RunNotFoundError
from vae_core.store import RunInfo


def choose(
    page: str,
    suits: Callable[[RunInfo], bool] = lambda _: True,
    needs: str = "",
    prefer: Callable[[RunInfo], float] = lambda info: -info.config.latent_dim,
) -> RunInfo:
    """Let the visitor pick a trained model that `suits` this page, which `needs` something in words.

    Where none is asked for, it is the shipped one for which `prefer` is largest. Stops the page with a sentence when
    there is none. A model that was chosen elsewhere and does not suit is kept for the other pages.
    """
    trained = [info for info in session.infos() if info.explorable]
    infos = [info for info in trained if suits(info)]
    if not infos:
        none = f"No trained model suits this page: it needs {needs}." if trained else "There is no trained model yet."
        st.info(f"{none} Train one: it takes about ten seconds.", icon=":material/school:")
        link.to_page("train", "Train a model", icon=":material/play_circle:")
        st.stop()
    wanted = link.run_id()
    by_id = {info.run_id: info for info in infos}
    elsewhere = next((info for info in trained if info.run_id == wanted and wanted not in by_id), None)
    if wanted and wanted not in by_id and elsewhere is None:
        _say_why(wanted)
    default = max((info for info in infos if info.shipped), key=prefer, default=infos[0])
    current = by_id.get(wanted or "", default)
    left, right = st.columns([5, 7], vertical_alignment="center", gap="medium")
    with left:
        key = f"model-{page}"
        if session.recall(key) != current.run_id:
            session.remember(key, current.run_id)  # the URL leads, the box follows
        st.selectbox(
            "Model",
            list(by_id),
            index=list(by_id).index(current.run_id),  # for a box that appears after the script has run again
            format_func=lambda run_id: title(by_id[run_id]),
            key=key,
            label_visibility="collapsed",
            on_change=lambda: link.put_run(session.recall(key)),
        )
    with right:
        st.markdown(figures(current), help=units(current))
    if elsewhere is None:
        link.put_run(current.run_id)
    else:
        st.caption(f"This page needs {needs}, which {say.plain(title(elsewhere))} is not; here is another one.")
    return current


def title(info: RunInfo) -> str:
    """A model in a line: what a person calls it, and what tells it apart. Text: `say.plain` where Markdown is read."""
    return " · ".join(filter(None, (info.notes.label, traits(info))))


def traits(info: RunInfo) -> str:
    """What tells a model apart, in a line."""
    c = info.config
    parts = [DATASETS[c.dataset].title, c.architecture, f"{c.latent_dim}-D", f"β {c.last_beta:.3g}"]
    if c.objective != "elbo":
        parts[-1] = OBJECTIVES[c.objective].title
    parts += [f"{name.replace('_', ' ')} {value}" for name, value in c.parameters]
    if c.warmup_epochs or c.warmup_cycles:
        parts.append("warm-up")
    if c.posterior == "full":
        parts.append("full covariance")
    if c.likelihood != RunConfig.likelihood:
        sigma = "" if c.sigma is None else f" σ {c.sigma}" if isinstance(c.sigma, str) else f" σ {c.sigma:g}"
        *kind, whose = c.likelihood.split("-")  # a family is called after a person: continuous Bernoulli
        parts.append(" ".join([*kind, whose.capitalize()]) + sigma)
    if c.binarize != "none":
        parts.append("binarised")
    parts.append(f"{round(info.result.epoch, 1):g} epochs" if info.result else f"{c.epochs} epochs")
    if info.shipped:
        parts.append("starter")
    if info.status == "stopped":
        parts.append("stopped early")
    elif info.explorable and not info.complete:
        parts.append(f"stopped early, now {info.status}")
    if c.seed:
        parts.append(f"seed {c.seed}")
    return " · ".join(parts)


def figures(info: RunInfo, *, dimensions: bool = True) -> str:
    """The test set's terms, coloured as everywhere, and how many dimensions carry something."""
    if info.result is None:
        return ""
    test = info.result.test
    elbo, reconstruction, kl = words.elbo(test.reconstruction, test.kl, 1)
    terms = f"**ELBO {elbo}** = :blue[reconstruction {reconstruction}] − :orange[KL {kl}] nats per image"
    active = sum(kl >= payloads.ACTIVE_KL for kl in test.kl_per_dim)
    return terms + (f" :gray[· {active} of {len(test.kl_per_dim)} dimensions active]" if dimensions else "")


def terms(info: RunInfo) -> str:
    """The same, as plain text; empty where there is no result."""
    if info.result is None:
        return ""
    test = info.result.test
    elbo, reconstruction, kl = words.elbo(test.reconstruction, test.kl, 1)
    return f"ELBO {elbo} = reconstruction {reconstruction} − KL {kl} nats per image, over all test images"


def units(info: RunInfo) -> str:
    """What the figures are, in a tooltip."""
    text = "Means over the test images, summed over pixels and latent dimensions."
    if info.result is not None and not info.result.is_log_likelihood:
        text += (
            " Bernoulli on grey pixels is a usual objective, not the log of a density: compare it only with its like."
        )
    return text


def number(value: float, digits: int = 1) -> str:
    """With a real minus sign."""
    return words.nats(value, digits)


def _say_why(run_id: str) -> None:
    try:
        info = session.store().get(run_id)
        st.warning(f"{say.plain(title(info))} is {info.status} and has no trained model yet; here is another one.")
    except RunNotFoundError:
        st.warning(f"There is no model named {say.name(run_id)} here. Here is another model.")
    except ElboRoomError as error:
        st.warning(f"{say.plain(say.sentence(error))}. Here is another model.")
