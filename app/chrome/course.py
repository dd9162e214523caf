"""What the views of the KL lab share: the heading, and the model they are about.

A view is one module of `app/lab` with a `VIEW` and a `page`, and one folder of the front end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app.chrome import model_bar, tour
from vae_core.store import RunInfo


@dataclass(frozen=True)
class View:
    """One view: its place in the navigation, and the one sentence that says what to notice."""

    place: int
    """Among the others, in the order in which they are taught."""
    name: str
    """Of the page, in the URL."""
    title: str
    notice: str


def begin(view: View) -> None:
    """The heading, and what to notice; a stop of the tour says that itself."""
    st.markdown(f"### {view.title}")
    if not tour.stands_at(view.name):
        st.markdown(view.notice)


def choose(
    view: View,
    suits: Callable[[RunInfo], bool],
    needs: str,
    prefer: Callable[[RunInfo], float] = lambda info: -info.config.latent_dim,
) -> RunInfo:
    """Let the visitor pick among the models that suit this view; `needs` says in words what it takes.

    Where none is asked for, it is the shipped one for which `prefer` is largest.
    """
    return model_bar.choose(f"lab-{view.name}", suits=suits, needs=needs, prefer=prefer)
