"""Train: what to train on the left, and on the right the run that is shown while it learns (`train_live.py`)."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app import link, session
from app.chrome import ask, model_bar, say
from app.facts import estimate
from app.views import train_form, train_live
from vae_core.config import RunConfig
from vae_core.config.errors import ElboRoomError
from vae_core.store import RunInfo, sweeps


def page() -> None:
    """What to train on the left; on the right the run that the link names, or the one that is under way."""
    left, right = st.columns([3, 10], gap="medium")
    with left:
        button = st.container()
        config = train_form.form()
        with button:
            if config is not None:
                _ask(config)
                _ask_for_a_sweep(config)
    with right:
        if error := session.recall("train-error"):
            say.error(error)
        run_id = _shown_run(config)
        if run_id is not None:
            link.put_run(run_id)
        try:
            train_live.show(run_id, config)
        except ElboRoomError as error:
            say.error(error)


# -- the button


def _ask(config: RunConfig) -> None:
    """The button, or the way to what is there already."""
    known = _known(config)
    if known and known.result and known.status == "finished":
        if st.button("Open in Explore", type="primary", width="stretch", icon=":material/tune:", key="open-known"):
            link.open_page("explore", run=known.run_id)
        st.caption(f"Trained before: test ELBO {model_bar.number(known.result.test.elbo)} nats.")
    elif known and known.under_way:
        st.button("Training …", disabled=True, width="stretch", icon=":material/play_arrow:", key="busy")
        st.caption("This configuration is being trained.")
    else:
        st.button(
            "Train",
            type="primary",
            width="stretch",
            icon=":material/play_arrow:",
            key="train",
            on_click=_submit,
            args=(config,),
        )
        begun = known is not None and known.status in ("paused", "interrupted", "stopped")
        st.caption("Begun before: it goes on from there." if begun else estimate.told(config))


def _ask_for_a_sweep(config: RunConfig) -> None:
    """One click for the models that the KL lab compares; those of them that are trained are not trained again."""
    if config.objective != "elbo":
        return
    wanted = sweeps.configs(config)
    known = {one: _known(one) for one in wanted}
    missing = [one for one, info in known.items() if info is None or info.status != "finished"]
    if not missing:
        link.to_page("beta", "Compare the β-sweep", ":material/compare_arrows:", sweep=replace(config, beta=1.0).run_id)
        return
    under_way = all(info is not None and info.under_way for info in map(known.get, missing))
    betas = ", ".join(f"{one.beta:g}" for one in wanted)
    st.button(
        "Training a β-sweep …" if under_way else "Train a β-sweep",
        width="stretch",
        icon=":material/stacked_line_chart:",
        key="train-sweep",
        disabled=under_way,
        on_click=_submit,
        args=missing,
        help=f"{len(wanted)} models that differ in nothing but β: {betas}. Network, data and seed are "
        "those chosen here. *What β does* in the KL lab then compares them.",
    )
    left = "are left" if len(missing) < len(wanted) else "in all"
    st.caption(f"{len(missing)} models {left}, one after the other: {estimate.told(*missing)}")


def _submit(*configs: RunConfig) -> None:
    """Ask for these, and look at the first."""
    try:
        ask.submit(*configs)
    except ElboRoomError as error:
        session.remember("train-error", error)
        return
    session.remember("train-error", None)
    link.put_run(configs[0].run_id)


def _known(config: RunConfig) -> RunInfo | None:
    try:
        return session.store().get(config.run_id)
    except ElboRoomError:
        return None


def _shown_run(config: RunConfig | None) -> str | None:
    """The link's run if it was trained here. Else the one that runs, or waits first; else the last of this
    configuration; else the newest that could go on.
    """
    own = {info.run_id: info for info in session.infos() if not info.shipped}
    if (named := link.RUN.get()) in own:
        return named
    running = [run_id for run_id, info in own.items() if info.status == "running"]
    waiting = [job.subject for job in session.jobs().table.living("train") if job.subject in own]
    asked = [config.run_id] if config and config.run_id in own and named is None else []
    halted = [run_id for run_id, info in own.items() if info.status in ("paused", "interrupted")]
    return next(iter([*running, *waiting, *asked, *halted]), None)
