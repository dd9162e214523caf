"""Train: choose a model, watch it learn, pause, stop, rewind. The page asks for a job and reads what the store says."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from app import link, session
from app.chrome import ask, model_bar, plots, say
from app.components.blobs import blobs
from app.components.gallery import gallery
from app.facts import estimate, payloads
from app.views import train_form
from vae_core import data
from vae_core.config import RunConfig
from vae_core.config.errors import ElboRoomError
from vae_core.config.events import Losses, Snapshot
from vae_core.store import RunInfo, export, sweeps

POLL_SECONDS = 0.3
FIRST_POINTS = 8
"""Until the curves have so many points they get the browser to themselves: the first movement is what one waits for."""


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
        run_id = _shown_run(config)
        if run_id is not None:
            link.put_run(run_id)
        active = run_id is not None and _goes_on(session.store().get(run_id))
        st.fragment(_live, run_every=POLL_SECONDS if active else None)(run_id, active)


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
        st.caption(
            "Begun before: it goes on from there."
            if begun
            else f"about {estimate.spoken(estimate.seconds(config))} on this machine"
        )


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
    seconds = sum(estimate.seconds(one) for one in missing)
    st.caption(f"{len(missing)} models {left}, one after the other: about {estimate.spoken(seconds)} on this machine")


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
    if error := session.recall("train-error"):
        say.error(error)
    own = {info.run_id: info for info in session.infos() if not info.shipped}
    if (named := link.RUN.get()) in own:
        return named
    running = [run_id for run_id, info in own.items() if info.status == "running"]
    waiting = [job.subject for job in session.jobs().table.living("train") if job.subject in own]
    asked = [config.run_id] if config and config.run_id in own and named is None else []
    halted = [run_id for run_id, info in own.items() if info.status in ("paused", "interrupted")]
    return next(iter([*running, *waiting, *asked, *halted]), None)


# -- the run


@say.guarded
def _live(run_id: str | None, was_active: bool) -> None:
    if run_id is None:
        st.caption("Press *Train*: the curves, pictures and the latent plane appear here and move as the model learns.")
        # Empty, but there: the browser loads the plots while a person is still choosing.
        _curves([])
        return
    store = session.store()
    try:
        run = store.get(run_id)
        events, _ = store.events(run_id)
    except ElboRoomError as error:
        say.error(error)
        return
    active = _goes_on(run)
    if active != was_active:
        # The page around this fragment decides whether to keep polling. Before anything is drawn: buttons that are
        # drawn twice in a row can lose a click between the two.
        st.rerun(scope="app")
    _status(run)
    losses = [event for event in events if isinstance(event, Losses)]
    moments = [event for event in events if isinstance(event, Snapshot)]
    _curves(losses)
    if moments and (len(losses) > FIRST_POINTS or not active):
        _pictures(run, moments)


def _goes_on(run: RunInfo) -> bool:
    """Whether there is something to follow: also where the worker died a moment ago, and nobody has noticed yet."""
    return run.under_way or (run.status == "interrupted" and session.jobs().expects(run.run_id))


def _status(run: RunInfo) -> None:
    run_id, mine = run.run_id, ask.may_end(run.run_id)
    progress = session.store().progress(run_id)
    left, *buttons = st.columns([6, 2, 2.6, 2], vertical_alignment="center", gap="small")

    def button(
        slot: Any, label: str, icon: str, wish: ask.Wish, *, primary: bool = False, help: str | None = None
    ) -> None:
        if wish != "resume" and not mine:
            return
        kind = "primary" if primary else "secondary"
        slot.button(
            label,
            icon=icon,
            on_click=_act,
            args=(wish, run_id),
            width="stretch",
            type=kind,
            help=help,
            key=f"do-{label}",
        )

    name = model_bar.title(run)
    if _goes_on(run):
        if run.status == "interrupted":
            left.progress(0.0, text=f"{name}: its process ended; it goes on from the last checkpoint in a moment")
        elif progress is None:
            text = "waiting for the worker" if run.status == "queued" else "loading the data"
            left.progress(0.0, text=f"{name}: {text}")
        else:
            left.progress(
                min(1.0, progress.step / progress.steps),
                text=f"**epoch {progress.epoch:.1f} / {run.config.epochs}** · "
                f"{progress.images_per_second:,.0f} images/s · {estimate.spoken(progress.eta_seconds)} left",
            )
        button(buttons[0], "Pause", ":material/pause:", "pause", help="Halt at a checkpoint; go on later.")
        button(buttons[1], "Stop, keep", ":material/stop:", "stop", help="End now and keep what was learned.")
        button(buttons[2], "Cancel", ":material/delete:", "cancel", help="End now and forget this run.")
        return
    if run.complete:
        note = say.plain(say.sentence(run.message)) or ("finished" if run.status == "finished" else "the model is kept")
        left.markdown(f"**{name}** · {note}  \n{model_bar.figures(run, dimensions=False)}")
        with buttons[0]:
            if st.button("Explore", icon=":material/arrow_forward:", type="primary", width="stretch", key="to-explore"):
                link.open_page("explore", run=run_id)
        if run.status == "stopped" and not run.message:
            button(buttons[1], "Go on", ":material/play_arrow:", "resume", help="Train to the end after all.")
        return
    where = f" at epoch {progress.epoch:.1f} of {run.config.epochs}" if progress else ""
    reason = {
        "paused": f"paused{where}",
        "interrupted": f"interrupted{where}: its process ended; nothing up to the last checkpoint is lost",
        "failed": f"failed: {say.plain(say.sentence(run.message))}",
    }[run.status]
    left.markdown(f"**{name}** · {reason}")
    if run.status != "failed" or progress is not None:
        button(buttons[0], "Resume", ":material/play_arrow:", "resume", primary=True)
        button(buttons[1], "Stop, keep", ":material/stop:", "stop", help="Keep what was learned so far.")
    button(buttons[2], "Delete", ":material/delete:", "cancel")


def _act(wish: ask.Wish, run_id: str) -> None:
    try:
        ask.wish(wish, run_id)
    except ElboRoomError as error:
        session.remember("train-error", error)
    # The worker grants a wish between two steps; give it that moment, so that the page shows the outcome at once.
    time.sleep(0.25)


def _curves(losses: list[Losses]) -> None:
    one, two, three = st.columns(3, gap="medium")
    with one:
        _chart(plots.elbo_curve(losses), "elbo")
    with two:
        _chart(plots.term_curves(losses), "terms")
    with three:
        bars = plots.kl_bars(losses[-1].held_out.kl_per_dim if losses else [], payloads.ACTIVE_KL)
        _chart(bars, "kl")


def _chart(figure: Any, key: str) -> None:
    presenting = link.PRESENT.get() is True
    st.plotly_chart(plots.enlarged(figure) if presenting else figure, key=key, config=plots.CONFIG)


def _pictures(run: RunInfo, moments: list[Snapshot]) -> None:
    """What the model made at a moment of its training: the last one, or the one that was rewound to."""
    chosen = moments[-1]
    if len(moments) > 1:
        labels = {moment.index: f"{moment.epoch:.2g} epochs" for moment in moments}
        name, left, right = st.columns([1, 7, 4], vertical_alignment="center", gap="small")
        name.markdown("**Rewind**")
        picked = left.select_slider(
            "Rewind to any moment of the training",
            [*labels, "now"],
            value="now",
            format_func=lambda index: labels.get(index, "now") if isinstance(index, int) else index,
            key=f"rewind-{run.run_id}",
            label_visibility="collapsed",
        )
        chosen = next((moment for moment in moments if moment.index == picked), chosen)
        if run.explorable and isinstance(picked, int):
            with right:
                label = f"Explore the model of {labels[picked]}"
                link.to_page("explore", label, ":material/history:", run=run.run_id, moment=picked)
    try:
        arrays = session.store().snapshot(run.run_id, chosen.index)
    except FileNotFoundError:
        return
    channels, height, width = run.config.image_shape
    originals = data.test_images(run.config.dataset, run.config.binarize).x[: len(arrays["reconstructions"])]
    pairs = np.stack(
        [
            originals.reshape(2, 8, channels, height, width),
            arrays["reconstructions"].reshape(2, 8, channels, height, width),
        ],
        axis=1,
    )
    shown = {"pairs": pairs.reshape(-1, channels, height, width), "samples": arrays["samples"]}
    if "plane" in arrays:
        shown["plane"] = arrays["plane"]
    blob = blobs.offer(export.blob(shown))
    one, two, three, *four = st.columns(4 if "plane" in shown else 3, gap="medium")
    with one:
        st.markdown("**Reconstructions**")
        gallery(
            key="pairs", blob=blob, tiles="pairs", columns=8, tile_px=28, dense=True, caption="under each test image"
        )
    with two:
        st.markdown("**Prior samples**")
        gallery(key="samples", blob=blob, tiles="samples", columns=8, tile_px=28, dense=True, caption="z ∼ N(0, I)")
    if four:
        with three:
            st.markdown("**Decoded plane**")
            gallery(key="plane", blob=blob, tiles="plane", columns=15, tile_px=15, dense=True, gap=0)
    with four[0] if four else three:
        d = arrays["means"].shape[1]
        st.markdown("**Encoded means**")
        if d > 1:
            scatter = plots.means_scatter(arrays["means"], arrays["labels"], _widest(arrays["means"]))
            _chart(scatter, "means")


def _widest(means: np.ndarray) -> tuple[int, int]:
    """The two dimensions whose means spread most, in their own order."""
    first, second = sorted(int(i) for i in np.argsort(means.var(0))[-2:])
    return first, second
