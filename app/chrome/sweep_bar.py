"""The line on top of the pages that are about a sweep: which."""

from __future__ import annotations

import streamlit as st

from app import link, session
from app.chrome import model_bar, say
from vae_core.store import RunInfo, sweeps
from vae_core.store.sweeps import Sweep


def choose(page: str) -> Sweep:
    """Let the visitor pick a sweep. Stops the page with a sentence when there is none.

    The link's comes first, then the one looked at last, then the one that the model chosen elsewhere belongs to.
    """
    found = {sweep.key: sweep for sweep in sweeps.find(session.infos())}
    if not found:
        st.info(
            "This page compares models that are equal but for β, and there are no two such models here. "
            "*Train a β-sweep* on the page Train makes five at once.",
            icon=":material/school:",
        )
        link.to_page("train", "Train a β-sweep", icon=":material/play_circle:")
        st.stop()
    wanted, seen = link.SWEEP.get(), session.recall("sweep")
    if wanted and wanted not in found:
        st.warning(f"There is no sweep named {say.name(wanted)} here; here is another one.")
    run_id = link.run_id()
    own = next((key for key, sweep in found.items() if any(run.run_id == run_id for run in sweep.runs)), None)
    current = next(key for key in (wanted, seen, own, next(iter(found))) if key in found)
    left, right = st.columns([5, 7], vertical_alignment="center", gap="medium")
    with left:
        key = f"sweep-{page}"
        if session.recall(key) != current:
            session.remember(key, current)  # the URL leads, the box follows
        st.selectbox(
            "Sweep",
            list(found),
            index=list(found).index(current),  # for a box that appears after the script has run again
            format_func=lambda key: title(found[key]),
            key=key,
            label_visibility="collapsed",
            on_change=lambda: link.put(sweep=session.recall(key)),
        )
    sweep = found[current]
    right.markdown(f":gray[{len(sweep.runs)} models with the same network, data and seed; only β differs.]")
    session.remember("sweep", current)
    link.put(sweep=current)
    return sweep


def title(sweep: Sweep) -> str:
    """A sweep in a line: what its models share, and from where to where β goes."""
    run = sweep.runs[0]
    parts = model_bar.traits(run).split(" · ")
    span = f"β {sweep.betas[0]:g} … {sweep.betas[-1]:g}"
    return " · ".join(span if part == f"β {run.config.beta:g}" else part for part in parts)


def opening(sweep: Sweep) -> RunInfo:
    """The member to begin with: the link's β, else β = 1, or what is nearest to it."""
    found = link.MEMBER.get()
    wanted = 1.0 if found is None else found
    return min(sweep.runs, key=lambda run: abs(run.config.beta - wanted))
