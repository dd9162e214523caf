"""The KL lab: every module here is a view, found by its being here, in the order of their places; and a first page."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

import streamlit as st

from app import link, session
from app.chrome.course import View
from app.components import register


class Lesson(NamedTuple):
    """A view and what draws it."""

    view: View
    page: Callable[[], None]


def _found() -> dict[str, Lesson]:
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    lessons = sorted((Lesson(module.VIEW, module.page) for module in modules), key=lambda lesson: lesson.view.place)
    return {lesson.view.name: lesson for lesson in lessons}


VIEWS = _found()
"""Name -> view, in the order in which they are taught."""
ORDER = ("explore", *VIEWS)
"""What a presenter's keys lead through, off the tour."""

KEY = "lab-start"

_cards = register("elbo_room_lab_start", "lab/start/lab-start.js", ["kit/lab.css", "lab/start/lab-start.css"])


def start() -> None:
    """The lab's first page: a card for each view, in order, with what was seen of them."""
    st.markdown("### The KL lab")
    st.markdown(f"What the KL term does, in {len(VIEWS)} steps: each one thing to drag, and one sentence to take away.")
    _cards(
        key=KEY,
        data={"views": [{"name": name, "title": v.title, "notice": v.notice} for name, (v, _) in VIEWS.items()]},
        height="content",
        on_open_change=_open,
    )


def _open() -> None:
    if (name := session.recall(KEY)["open"]) in VIEWS:
        link.open_soon(name)
