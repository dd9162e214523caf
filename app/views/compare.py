"""Compare: two to four models side by side, moved by the same film strips; their curves and their figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from app import link, session
from app.chrome import ask, model_bar, plots, say, waiting
from app.components import register
from app.facts import asking, payloads
from vae_core.config import words
from vae_core.config.catalogue import OBJECTIVES
from vae_core.config.errors import ElboRoomError
from vae_core.config.events import Losses, Started
from vae_core.jobs.derived.codes import Codes
from vae_core.jobs.queue import Look
from vae_core.store import RunInfo

KEY = "compare"
MOST = 4
POLL_SECONDS = 0.7
COLOURS = ("#3f90da", "#e76300", "#a96b59", "#717581")
"""Of the models A to D: those of the palette that stand out from white and from black, with black letters on them."""

_view = register("elbo_room_compare", "compare/compare.js", ["kit/lab.css", "paint/track.css", "compare/compare.css"])


def page() -> None:
    """The page."""
    runs = _choose()
    if len(runs) < 2:
        st.info("Choose two to four models; their pictures then follow the same strips.", icon=":material/compare:")
        return
    missing = _missing(runs)
    st.fragment(_side_by_side, run_every=POLL_SECONDS if missing else None)(runs, bool(missing))
    st.markdown("#### Curves and figures")
    left, right = st.columns([4, 6], gap="large")
    with left:
        curves = [(letter, COLOURS[i], _losses(run)) for i, (letter, run) in enumerate(_lettered(runs))]
        st.plotly_chart(plots.elbo_comparison(curves), key="compare-elbo", config=plots.CONFIG)
    with right:
        st.markdown(_table(runs))
        if why := _not_comparable(runs):
            st.caption(f"No best is marked: {why}")


def _lettered(runs: Sequence[RunInfo]) -> list[tuple[str, RunInfo]]:
    return list(zip("ABCD", runs, strict=False))


# -- which


def _choose() -> list[RunInfo]:
    trained = {info.run_id: info for info in session.infos() if info.explorable}
    if not trained:
        st.info("There is no trained model yet. Train one: it takes about ten seconds.", icon=":material/school:")
        link.to_page("train", "Train a model", icon=":material/play_circle:")
        st.stop()
    wanted = link.RUNS.get() or []
    unknown = [run_id for run_id in wanted if run_id not in trained]
    if unknown:
        st.warning(f"No trained model named {', '.join(say.name(run_id) for run_id in unknown[:MOST])} is here.")
    current = [run_id for run_id in wanted if run_id in trained][:MOST]
    if not wanted:
        before: list[str] | None = session.recall("compared")
        current = _pair(trained) if before is None else [run_id for run_id in before if run_id in trained]
    if session.recall("compare-runs") != current:
        session.remember("compare-runs", current)  # the URL leads, the box follows
    st.multiselect(
        "Models",
        list(trained),
        default=current,  # for a box that appears after the script has run again
        format_func=lambda run_id: model_bar.title(trained[run_id]),
        key="compare-runs",
        max_selections=MOST,
        placeholder="Choose two to four models",
        label_visibility="collapsed",
        on_change=_put,
    )
    session.remember("compared", current)
    link.put(runs=current or None)
    return [trained[run_id] for run_id in current]


def _put() -> None:
    chosen: list[str] = session.recall("compare-runs")
    # A code belongs to the first model's dimensions.
    if chosen[:1] != session.recall("compared", [])[:1]:
        link.put(z=None)
    session.remember("compared", chosen)
    link.put(runs=chosen or None)


def _pair(trained: dict[str, RunInfo]) -> list[str]:
    """What to begin with: the model seen last, and the one most like it, its dimensions first."""
    first = trained.get(link.run_id() or "") or max(trained.values(), key=lambda i: (i.shipped, i.config.latent_dim))
    a = first.config

    def unlike(info: RunInfo) -> tuple[bool, ...]:
        b = info.config
        return (
            a.dataset != b.dataset,
            a.latent_dim != b.latent_dim,
            a.architecture != b.architecture,
            a.beta == b.beta,
        )

    others = sorted((info for info in trained.values() if info is not first), key=unlike)
    return [first.run_id, *(info.run_id for info in others[:1])]


# -- the component


Looks = list[tuple[RunInfo, Look]]


def _missing(runs: Sequence[RunInfo]) -> list[RunInfo]:
    """Those whose codes are still to be computed."""
    alike = [run for run in runs if _aligned(runs[0], run)]
    return [run for run in alike if payloads.codes(run) is None] if len(alike) > 1 else []


def _aligned(a: RunInfo, b: RunInfo) -> bool:
    return a.config.dataset == b.config.dataset


def _side_by_side(runs: list[RunInfo], waited: bool) -> None:
    try:
        missing = _missing(runs)
        if waited and not missing:
            st.rerun(scope="app")
        # All are asked for at once.
        _draw(runs, [(run, asking.want(run, Codes(), by=ask.visitor())) for run in missing])
    except ElboRoomError as error:
        say.error(error, "These models cannot be compared: ")


def _draw(runs: list[RunInfo], looks: Looks) -> None:
    first = runs[0]
    kl = _kl(first)
    dims = [{"dim": int(dim), "kl": kl[dim]} for dim in np.argsort(kl)[::-1]]
    models: list[dict[str, Any]] = []
    for i, (letter, run) in enumerate(_lettered(runs)):
        images, _ = payloads.images_blob(run.config.dataset, run.config.binarize)
        models.append(
            {
                "letter": letter,
                "title": model_bar.title(run),
                "colour": COLOURS[i],
                "blob": payloads.model_blob(run.run_id, session.version(run)),
                "images": images,
                "shape": list(run.config.image_shape),
                "links": [] if i == 0 else _links(first, run),
                "waiting": None if i == 0 else _waiting(runs, run, looks),
            }
        )
    _view(
        key=KEY,
        data={
            "models": models,
            "dims": [entry for entry in dims if entry["kl"] >= payloads.ACTIVE_KL],
            "inactive": [entry for entry in dims if entry["kl"] < payloads.ACTIVE_KL],
            "z": link.code(first.config.latent_dim),
        },
        height="content",
        on_view_change=lambda: link.put(z=session.recall(KEY)["view"]["z"]),
        on_retry_change=lambda: waiting.retry(looks, Codes()),
        on_cancel_change=lambda: waiting.cancel(looks, Codes()),
    )
    st.caption(_how(runs, models))


def _waiting(runs: Sequence[RunInfo], run: RunInfo, looks: Looks) -> waiting.Waiting | None:
    """What is said in the place of a model that is not matched yet: that takes its codes and the first one's."""
    needed = [(other, look) for other, look in looks if other in (runs[0], run)]
    if not needed or not _aligned(runs[0], run):
        return None
    names = " and ".join(letter for letter, other in _lettered(runs) if any(other is found for found, _ in needed))
    text = f"Encoding the test images of {names}: a few seconds, once for each model."
    return waiting.of_component(needed, text)


def _links(a: RunInfo, b: RunInfo) -> list[list[float | None]] | None:
    """Which dimension of b follows which of a: [a's, b's, sign, |r|]; by rank of their KL where nothing aligns them.

    None while it is not known.
    """
    if _aligned(a, b):
        matches = payloads.matches(a, b)
        if matches is None:
            return None
        return [[match.dim, match.other, match.sign, match.correlation] for match in matches]
    ranked = (np.argsort(_kl(run))[::-1].tolist() for run in (a, b))
    return [[dim, other, 1, None] for dim, other in zip(*ranked, strict=False)]


def _kl(run: RunInfo) -> list[float]:
    return run.result.test.kl_per_dim if run.result else [0.0] * run.config.latent_dim


def _how(runs: Sequence[RunInfo], models: Sequence[dict[str, Any]]) -> str:
    """In words: what follows what, and how well."""
    kl = _kl(runs[0])
    parts: list[str] = []
    for run, model in list(zip(runs, models, strict=True))[1:]:
        if not _aligned(runs[0], run):
            parts.append(f"{model['letter']} learned other data, so its dimensions are only ranked by their KL")
            continue
        if model["links"] is None:
            parts.append(f"{model['letter']}: not matched yet")
            continue
        r = [r for dim, _, _, r in model["links"] if kl[int(dim)] >= payloads.ACTIVE_KL]
        over = f"mean |r| {np.mean(r):.2f} over {len(r)} dimensions" if r else "none"
        parts.append(f"{model['letter']}: {over}")
    rows = "Each row is a dimension of A, and in every other model the one that moves with it. "
    matched = (
        "Dimensions are matched one to one, with a sign (−z2 is z2 turned round), so that the correlations |r| of "
        "their encoded means over the test images are largest in sum. At |r| = 1 two dimensions say the same, at 0 "
        "they have nothing in common; each line is as strong as its |r| with A. "
    )
    return f"{rows}{matched if any(_aligned(runs[0], run) for run in runs[1:]) else ''}{'; '.join(parts)}."


# -- curves and figures


def _losses(run: RunInfo) -> list[Losses]:
    events, _ = session.store().events(run.run_id)
    return [event for event in events if isinstance(event, Losses)]


def _not_comparable(runs: Sequence[RunInfo]) -> str:
    """Why higher is not better among these; empty if it is."""
    for field, name in (
        ("dataset", "data sets"),
        ("likelihood", "likelihoods"),
        ("binarize", "binarisations of the pixels"),
    ):
        values = {str(getattr(run.config, field)) for run in runs}
        if len(values) > 1:
            listed = ", ".join(sorted(values))
            return f"the models have different {name} ({listed}), so their nats do not measure the same."
    return ""


def _table(runs: Sequence[RunInfo]) -> str:
    """One row a figure, one column a model, in Markdown; the best ELBO and log P(X) are marked where they compare."""
    tests = [run.result.test if run.result else None for run in runs]
    compares = not _not_comparable(runs)
    bounds = [payloads.log_px(run) for run in runs]
    same_bound = len({bound[1:] for bound in bounds if bound}) == 1

    terms = [words.elbo(test.reconstruction, test.kl, 1) if test else ("–", "–", "–") for test in tests]

    def row(name: str, values: list[float | None], texts: Sequence[str], mark: bool) -> list[str]:
        known = [value for value in values if value is not None]
        top = max(known) if mark and len(known) > 1 else None
        pairs = zip(values, texts, strict=True)
        return [name, *(f"**{text}** (best)" if value is not None and value == top else text for value, text in pairs)]

    rows = [
        row("ELBO, nats", [test.elbo if test else None for test in tests], [each[0] for each in terms], compares),
        ["= reconstruction, nats", *(each[1] for each in terms)],
        ["− KL, nats", *(each[2] for each in terms)],
        [
            "active dimensions",
            *(f"{sum(kl >= payloads.ACTIVE_KL for kl in _kl(run))} of {len(_kl(run))}" for run in runs),
        ],
    ]
    if any(bounds):
        values = [bound[0] if bound else None for bound in bounds]
        texts = ["–" if value is None else words.nats(value, 1) for value in values]
        rows.append(row("log P(X), nats", values, texts, compares and same_bound))
        rows.append(
            ["… estimated from", *(f"{b[2]} images, {b[1]:,} codes each" if b else "not evaluated" for b in bounds)]
        )
    rows += [
        ["parameters", *(_parameters(run) for run in runs)],
        ["epochs", *(f"{run.result.epoch:.3g}" if run.result else "–" for run in runs)],
        ["training, seconds", *(f"{run.result.seconds:.0f}" if run.result else "–" for run in runs)],
        ["objective", *(_objective(run) for run in runs)],
    ]
    head = ["test set, nats per image", *(letter for letter, _ in _lettered(runs))]
    lines = [head, ["---", *("---:" for _ in runs)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _parameters(run: RunInfo) -> str:
    events, _ = session.store().events(run.run_id)
    return next((f"{event.parameters:,}" for event in events if isinstance(event, Started)), "–")


def _objective(run: RunInfo) -> str:
    c = run.config
    parts = [OBJECTIVES[c.objective].title, *(f"{name.replace('_', ' ')} {value}" for name, value in c.parameters)]
    if OBJECTIVES[c.objective].weighs_kl:
        parts.append(f"β {c.beta:g}")
    if c.rise_epochs:
        parts.append(f"warm-up {c.rise_epochs:g}")
    return ", ".join(parts)
