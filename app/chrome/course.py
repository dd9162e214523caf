"""What the views of the KL lab share: the heading with the way to the next, and the model they are about.

A view is one module of `app/lab` with a `VIEW` and a `page`, and one folder of the front end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from app import link, session
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


def arrange(views: Sequence[View]) -> None:
    """Say once a script run in which order they are taught."""
    session.remember("lessons", tuple(views))


def begin(view: View) -> None:
    """The heading, and what to notice; a stop of the tour says that itself, and a presenter has keys to go on."""
    if link.PRESENT.get() or tour.stands_at(view.name):
        st.markdown(f"### {view.title}")
    else:
        heading, way = st.columns([7, 5], vertical_alignment="center")
        heading.markdown(f"### {view.title}")
        with way.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
            _way(view)
    if not tour.stands_at(view.name):
        st.markdown(view.notice)


def _way(view: View) -> None:
    lessons: tuple[View, ...] = session.recall("lessons") or (view,)
    at = lessons.index(view)
    if at > 0:
        link.to_page(lessons[at - 1].name, lessons[at - 1].title, icon=":material/chevron_left:")
    link.to_page("lab", f"{at + 1} of {len(lessons)}")
    if at + 1 < len(lessons):
        link.to_page(lessons[at + 1].name, lessons[at + 1].title, icon=":material/chevron_right:")


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
