"""Train: choose a model, watch it learn, pause, stop, rewind. The page asks for a job and reads what the store says."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import streamlit as st

from app import link, model_bar, plots, session
from app.player import mount_blob
from app.player.gallery import gallery
from vae_core import data, export
from vae_core.config import ARCHITECTURES, DATASETS, LIKELIHOODS, RunConfig
from vae_core.errors import ConfigError, ElboRoomError
from vae_core.events import Losses, Snapshot
from vae_core.store import RunInfo

POLL_SECONDS = 0.3
FIRST_POINTS = 8
"""Until the curves have so many points they get the browser to themselves: the first movement is what one waits for."""
UNDER_WAY = ("queued", "running")

RELATIVE_COST = {"mlp": 1.0, "conv": 4.0, "burgess": 5.5}
"""Time for an image relative to the mlp (`make bench` measures it); used until such a network has been trained here."""


def page() -> None:
    """What to train on the left; on the right the run that the link names, or the one that is under way."""
    left, right = st.columns([3, 10], gap="medium")
    with left:
        button = st.container()
        config = _form()
        with button:
            if config is not None:
                _ask(config)
    with right:
        run_id = _shown_run(config)
        if run_id is not None:
            link.put_run(run_id)
        active = run_id is not None and session.store().get(run_id).status in UNDER_WAY
        st.fragment(_live, run_every=POLL_SECONDS if active else None)(run_id, active)


# -- the form


def _form() -> RunConfig | None:
    """Every choice is in the URL, so that a link can hand a configuration to a class."""
    d = RunConfig()
    bound: dict[str, Any] = {"bind": "query-params"}
    one, two = st.columns(2, gap="small")
    dataset = one.selectbox(
        "Data",
        list(DATASETS),
        key="data",
        help="The pictures to learn from. **mnist**: 60,000 handwritten digits, 28×28. **digits**: 1,500 of 8×8.",
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
        1,
        64,
        d.latent_dim,
        key="dim",
        help="How many numbers the code z has. With 2 you see the whole plane; with more the pictures get sharper.",
        **bound,
    )
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
    epochs = two.slider("Epochs", 1, 100, d.epochs, key="epochs", help="Times every training image is seen.", **bound)
    likelihood = st.segmented_control(
        "Likelihood P(X|z)",
        list(LIKELIHOODS),
        default=d.likelihood,
        required=True,
        key="likelihood",
        help=" ".join(f"**{name}**: {text}" for name, text in LIKELIHOODS.items()),
        **bound,
    )
    sigma = None
    if likelihood == "gaussian":
        sigma = st.number_input(
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
    with st.expander("More settings"):
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
            0,
            2**31 - 1,
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
    }
    try:
        return RunConfig.from_dict(settings)
    except ConfigError as error:
        st.error(f"{error}.")
        return None


def _ask(config: RunConfig) -> None:
    """The button, or the way to what is there already."""
    known = _known(config)
    if known and known.result and known.status == "finished":
        if st.button("Open in Explore", type="primary", width="stretch", icon=":material/tune:", key="open-known"):
            link.open_page("explore", run=known.run_id)
        st.caption(f"Trained before: test ELBO {model_bar.number(known.result.test.elbo)} nats.")
    elif known and known.status in UNDER_WAY:
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
            "Begun before: it goes on from there." if begun else f"about {_duration(_estimate(config))} on this machine"
        )


def _submit(config: RunConfig) -> None:
    try:
        run_id = session.jobs().submit(config)
        if session.store().get(run_id).status == "stopped":
            session.jobs().resume(run_id)
    except ElboRoomError as error:
        session.remember("train-error", str(error))
        return
    session.remember("train-error", "")
    link.put_run(run_id)


def _known(config: RunConfig) -> RunInfo | None:
    try:
        return session.store().get(config.run_id)
    except ElboRoomError:
        return None


def _estimate(config: RunConfig) -> float:
    """Seconds, from the last run of this network that was trained here, else from the mlp's and a measured ratio."""
    images = len(data.load_split(config.dataset, "train").labels) * config.epochs
    rates: dict[str, float] = {}  # the newest of each network, since the store lists the newest first
    for info in session.store().infos():
        if info.result is not None and info.config.dataset == config.dataset:
            rates.setdefault(info.config.architecture, max(1.0, info.result.images_per_second))
    rate = rates.get(config.architecture) or rates.get("mlp", 30_000.0) / RELATIVE_COST[config.architecture]
    return images / rate + 0.5


def _shown_run(config: RunConfig | None) -> str | None:
    """The link's run if it was trained here; else one that is under way; else the last of this configuration."""
    if error := session.recall("train-error"):
        st.error(f"{error}.")
    store = session.store()
    named = link.get("run")
    for run_id in (named, config.run_id if config and named is None else None):
        try:
            if run_id and not store.get(run_id).shipped:
                return run_id
        except ElboRoomError:
            continue
    running = [info.run_id for info in store.infos() if info.status in UNDER_WAY]
    return running[0] if running else None


# -- the run


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
        st.error(f"{error}.")
        return
    active = run.status in UNDER_WAY
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


def _status(run: RunInfo) -> None:
    jobs, run_id = session.jobs(), run.run_id
    progress = session.store().progress(run_id)
    left, *buttons = st.columns([6, 2, 2.6, 2], vertical_alignment="center", gap="small")

    def button(
        slot: Any, label: str, icon: str, action: Any, *, primary: bool = False, help: str | None = None
    ) -> None:
        kind = "primary" if primary else "secondary"
        slot.button(
            label,
            icon=icon,
            on_click=_act,
            args=(action, run_id),
            width="stretch",
            type=kind,
            help=help,
            key=f"do-{label}",
        )

    name = model_bar.title(run)
    if run.status in UNDER_WAY:
        if progress is None:
            text = "waiting for the worker" if run.status == "queued" else "loading the data"
            left.progress(0.0, text=f"{name}: {text}")
        else:
            left.progress(
                min(1.0, progress.step / progress.steps),
                text=f"**epoch {progress.epoch:.1f} / {run.config.epochs}** · "
                f"{progress.images_per_second:,.0f} images/s · {_duration(progress.eta_seconds)} left",
            )
        button(buttons[0], "Pause", ":material/pause:", jobs.pause, help="Halt at a checkpoint; go on later.")
        button(buttons[1], "Stop, keep", ":material/stop:", jobs.stop, help="End now and keep what was learned.")
        button(buttons[2], "Cancel", ":material/delete:", jobs.cancel, help="End now and forget this run.")
        return
    if run.explorable:
        note = run.message or ("finished" if run.status == "finished" else "the model is kept")
        left.markdown(f"**{name}** · {note}  \n{model_bar.figures(run, dimensions=False)}")
        with buttons[0]:
            if st.button("Explore", icon=":material/arrow_forward:", type="primary", width="stretch", key="to-explore"):
                link.open_page("explore", run=run_id)
        if run.status == "stopped" and not run.message:
            button(buttons[1], "Go on", ":material/play_arrow:", jobs.resume, help="Train to the end after all.")
        return
    where = f" at epoch {progress.epoch:.1f} of {run.config.epochs}" if progress else ""
    reason = {
        "paused": f"paused{where}",
        "interrupted": f"interrupted{where}: its process ended; nothing up to the last checkpoint is lost",
        "failed": f"failed: {run.message}",
    }[run.status]
    left.markdown(f"**{name}** · {reason}")
    if run.status != "failed" or progress is not None:
        button(buttons[0], "Resume", ":material/play_arrow:", jobs.resume, primary=True)
        button(buttons[1], "Stop, keep", ":material/stop:", jobs.stop, help="Keep what was learned so far.")
    button(buttons[2], "Delete", ":material/delete:", jobs.cancel)


def _act(action: Any, run_id: str) -> None:
    try:
        action(run_id)
    except ElboRoomError as error:
        session.remember("train-error", str(error))
    # The worker grants a wish between two steps; give it that moment, so that the page shows the outcome at once.
    time.sleep(0.25)


def _curves(losses: list[Losses]) -> None:
    one, two, three = st.columns(3, gap="medium")
    with one:
        st.plotly_chart(plots.elbo_curve(losses), key="elbo", config=plots.CONFIG)
    with two:
        st.plotly_chart(plots.term_curves(losses), key="terms", config=plots.CONFIG)
    with three:
        bars = plots.kl_bars(losses[-1].held_out.kl_per_dim if losses else [], session.ACTIVE_KL)
        st.plotly_chart(bars, key="kl", config=plots.CONFIG)


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
    blob_id = f"snapshot-{run.run_id}-{chosen.index}-{chosen.step}"
    mount_blob(blob_id, export.blob(blob_id, shown))
    one, two, three, *four = st.columns(4 if "plane" in shown else 3, gap="medium")
    with one:
        st.markdown("**Reconstructions**")
        gallery(
            key="pairs", blob=blob_id, tiles="pairs", columns=8, tile_px=28, dense=True, caption="under each test image"
        )
    with two:
        st.markdown("**Prior samples**")
        gallery(key="samples", blob=blob_id, tiles="samples", columns=8, tile_px=28, dense=True, caption="z ∼ N(0, I)")
    if four:
        with three:
            st.markdown("**Decoded plane**")
            gallery(key="plane", blob=blob_id, tiles="plane", columns=15, tile_px=15, dense=True, gap=0)
    with four[0] if four else three:
        d = arrays["means"].shape[1]
        st.markdown("**Encoded means**")
        if d > 1:
            scatter = plots.means_scatter(arrays["means"], arrays["labels"], _widest(arrays["means"]))
            st.plotly_chart(scatter, key="means", config=plots.CONFIG)


def _widest(means: np.ndarray) -> tuple[int, int]:
    """The two dimensions whose means spread most, in their own order."""
    first, second = sorted(int(i) for i in np.argsort(means.var(0))[-2:])
    return first, second


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
