"""What the views of the KL lab share: their list, the heading, and the model they are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app.chrome import model_bar, tour
from vae_core.store import RunInfo


@dataclass(frozen=True)
class View:
    """One view: its place in the navigation, and the one sentence that says what to notice."""

    name: str
    """Of the page, and of its file under `lab/`."""
    title: str
    notice: str


VIEWS = {
    view.name: view
    for view in (
        View(
            "gaussian",
            "A Gaussian and the prior",
            "Drag the code of one image, Q = N(μ, σ²), away from the prior N(0, 1): the KL, its price in nats, is zero "
            "only on the prior, and rises ever faster as Q narrows.",
        ),
        View(
            "reparameterisation",
            "The reparameterisation trick",
            "With the noise ε held still, moving μ and σ moves every code smoothly: that is how a gradient gets "
            "through a random draw.",
        ),
        View(
            "beta",
            "What β does",
            "Move β: the dearer each nat of code, the fewer dimensions survive, and the more the pictures look like "
            "their average.",
        ),
        View(
            "rate-distortion",
            "Rate and distortion",
            "Models on one dotted line have the same ELBO, yet their codes say very different amounts about the image.",
        ),
        View(
            "gap",
            "The gap",
            "Green are the codes that may have made this image, violet the encoder's guess at them: what the ELBO "
            "lacks of log P(X) is exactly the difference between the two. Drag z.",
        ),
        View(
            "sampling",
            "Why sample from Q",
            "Codes from the prior almost never explain the image; codes from Q nearly always do, so a handful of them "
            "is worth thousands of the others.",
        ),
        View(
            "collapse",
            "Posterior collapse",
            "Watch each dimension's KL over training: one whose band closes has been switched off, and warm-up or free "
            "bits can keep it open.",
        ),
        View(
            "steps",
            "Training, step by step",
            "Press Play and drag β: reconstruction pulls each code to where its picture gets better, the KL pulls all "
            "of them to the middle.",
        ),
    )
}
"""Name -> view, in the order in which they are taught."""


def begin(name: str) -> None:
    """The heading, and what to notice; a stop of the tour says that itself."""
    view = VIEWS[name]
    st.markdown(f"### {view.title}")
    if not tour.stands_at(name):
        st.markdown(view.notice)


def choose(
    name: str,
    suits: Callable[[RunInfo], bool],
    needs: str,
    prefer: Callable[[RunInfo], float] = lambda info: -info.config.latent_dim,
) -> RunInfo:
    """Let the visitor pick among the models that suit this view; `needs` says in words what it takes.

    Where none is asked for, it is the shipped one for which `prefer` is largest.
    """
    return model_bar.choose(f"lab-{name}", suits=suits, needs=needs, prefer=prefer)
