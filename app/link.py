"""View state <-> URL: a copied link opens the same view in another browser. The only user of st.query_params.

Values that cannot be understood are treated as absent: a link that somebody edited still opens a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import session


def get(name: str) -> str | None:
    """A value of this page's URL."""
    return st.query_params.get(name)


def put(**view: str | int | None) -> None:
    """Write these values, and remove those that are None. What the URL already says is left alone, and the rest is
    written at once: each change is a message, and between two of them the link would be to a view that never was.
    """
    for name in [name for name, value in view.items() if value is None]:
        st.query_params.pop(name, None)
    changed = {name: str(value) for name, value in view.items() if value is not None and get(name) != str(value)}
    if changed:
        st.query_params.update(changed)


def integer(name: str, below: int) -> int | None:
    """A whole number from 0 to below − 1, or None."""
    text = get(name) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) < below else None


def run_id() -> str | None:
    """The run this page is about: the URL's, else the one seen last; navigation drops the query string."""
    return get("run") or session.recall("run_id")


def put_run(run_id: str) -> None:
    """Make it the run of this page and of those visited next; a code belongs to its run, so another run drops it."""
    if session.recall("run_id") not in (None, run_id) or get("run") not in (None, run_id):
        put(z=None, image=None, selected=None, lasso=None, moment=None)
    session.remember("run_id", run_id)
    put(run=run_id)


def numbers(name: str, count: int, below: float = 1000.0) -> list[float] | None:
    """So many numbers, separated by commas, each smaller in size than `below`; None if they are not there."""
    try:
        found = [float(part) for part in (get(name) or "").split(",")]
    except ValueError:
        return None
    return found if len(found) == count and all(abs(value) < below for value in found) else None


def pages(sections: dict[str, dict[str, Any]]) -> dict[str, list[Any]]:
    """Remember the pages by name, so that one can lead to another without importing it."""
    session.remember("pages", {name: page for section in sections.values() for name, page in section.items()})
    return {title: list(section.values()) for title, section in sections.items()}


CARRIED = ("present", "tour")
"""What goes along from page to page: how the app is shown, not what."""


def open_page(name: str, **view: str | int) -> None:
    """Go to a page, in this state."""
    if "run" in view:
        session.remember("run_id", view["run"])
    st.switch_page(session.recall("pages")[name], query_params=_target(view))


def to_page(name: str, label: str, icon: str | None = None, **view: str | int) -> None:
    """A link to a page, in this state."""
    st.page_link(session.recall("pages")[name], label=label, icon=icon, query_params=_target(view))


def _target(view: dict[str, str | int]) -> dict[str, str]:
    carried = {name: value for name in CARRIED if (value := get(name))}
    return carried | {name: str(value) for name, value in view.items()}


def code(latent_dim: int) -> list[float]:
    """Z from the URL; the prior mean if there is none of this dimension."""
    return numbers("z", latent_dim, below=100) or [0.0] * latent_dim


def code_text(z: Sequence[float]) -> str:
    """Z as a link carries it: two decimals, what the sliders show."""
    return ",".join(f"{round(value, 2) + 0.0:g}" for value in z)
