"""The run that Train shows: what the page says of it once; the component then follows its stream by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from app import link, session
from app.chrome import ask, model_bar, plots, say
from app.components import register
from app.facts import payloads
from vae_core.config import RunConfig
from vae_core.config.catalogue import OBJECTIVES
from vae_core.config.errors import ElboRoomError
from vae_core.networks.builders import design
from vae_core.networks.graph import Graph
from vae_core.store import RunInfo, sweeps

KEY = "train-live"
SHOWN_IMAGES = 16

_view = register("elbo_room_train", "train/train.js", ["kit/lab.css", "train/train.css"])


def show(run_id: str | None, config: RunConfig | None) -> None:
    """The run, or what would be here; `config` is what the form says. Raises what reading the store raises."""
    info = session.store().get(run_id) if run_id is not None else None
    _view(
        key=KEY,
        data=_data(info, config),
        height="content",
        on_wish_change=_wish,
        on_show_change=lambda: link.put_run(session.recall(KEY)["show"]["run"]),
        on_ended_change=lambda: None,
    )


def goes_on(run: RunInfo) -> bool:
    """Whether there is something to follow: also where the worker died a moment ago, and nobody has noticed yet."""
    return run.under_way or (run.status == "interrupted" and session.jobs().expects(run.run_id))


def _data(run: RunInfo | None, form: RunConfig | None) -> dict[str, Any]:
    c = run.config if run is not None else form or RunConfig()
    entry = OBJECTIVES[c.objective]
    return {
        "run": run.run_id if run else None,
        "title": model_bar.title(run) if run else "",
        "status": ("running" if run.status == "interrupted" and goes_on(run) else run.status) if run else "",
        "note": _note(run) if run else "",
        "result": model_bar.terms(run) if run else "",
        "other": _other(run, form),
        "mine": run is not None and ask.may_end(run.run_id) and not run.shipped,
        "explorable": run is not None and run.explorable,
        "resumable": run is not None and _resumable(run),
        "epochs": c.epochs,
        "dims": c.latent_dim,
        "shape": list(c.image_shape),
        "layers": layers(c),
        "beta": c.beta,
        "objective": "" if c.objective == "elbo" else entry.title,
        "weighsKL": entry.weighs_kl,
        "warmup": bool(c.warmup_epochs or c.warmup_cycles),
        "images": payloads.test_blob(c.dataset, c.binarize, SHOWN_IMAGES),
        "palette": list(plots.PALETTE),
        "activeKL": payloads.ACTIVE_KL,
        "queue": _queue(run),
    }


def layers(config: RunConfig) -> list[str]:
    """The network from picture to picture, a word for each layer that changes the size of what goes through."""
    made = design(config)
    shape = _sized(config.image_shape[1:] if config.image_shape[0] == 1 else config.image_shape)
    code = f"z: {config.latent_dim}"
    # Q's parameters are the code, and what has a picture's size is the picture.
    inner, outer = _widths(made.encoder)[:-1], _widths(made.decoder)
    if outer and outer[-1][0] in (config.image_shape[0], math.prod(config.image_shape)):
        outer.pop()
    return [shape, *map(_sized, inner), code, *map(_sized, outer), shape]


def _sized(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _widths(graph: Graph | None) -> list[Sequence[int]]:
    """What a graph's inner layers put out: so many features, or maps of so many pixels."""
    if graph is None:
        return []
    weighted = [node for node in graph.nodes if any(len(graph.initializers.get(name, ())) > 1 for name in node.inputs)]
    inner = [node for node in weighted if not set(node.outputs) & set(graph.outputs)]
    return [graph.shapes[node.outputs[0]] for node in inner]


def _resumable(run: RunInfo) -> bool:
    if run.shipped or goes_on(run):
        return False
    if run.status == "stopped":
        return not run.message
    return run.status in ("paused", "interrupted") or (
        run.status == "failed" and session.store().progress(run.run_id) is not None
    )


def _note(run: RunInfo) -> str:
    """What is said of a run that does not go on."""
    progress = session.store().progress(run.run_id)
    where = f" at epoch {progress.epoch:.1f} of {run.config.epochs}" if progress else ""
    said = say.sentence(run.message) if run.message else ""
    return {
        "finished": "finished",
        "stopped": said or f"stopped{where}; the model is kept",
        "paused": f"paused{where}",
        "interrupted": f"interrupted{where}: its process ended; nothing up to the last checkpoint is lost",
        "failed": f"failed: {said}",
    }.get(run.status, "")


def _other(run: RunInfo | None, form: RunConfig | None) -> str:
    """Said where the form and what is shown are two models."""
    if run is None or form is None or run.config == form:
        return ""
    return "The form on the left says another model than the one shown here; Train begins with it."


def _queue(run: RunInfo | None) -> list[dict[str, Any]]:
    """The sweep that the run belongs to, else what waits: so many as a stream tells of."""
    infos = {info.run_id: info for info in session.infos() if not info.shipped}
    waiting = [job.subject for job in session.jobs().table.living("train") if job.subject in infos]
    siblings = (
        {config.run_id for config in sweeps.configs(run.config)} if run and run.config.objective == "elbo" else set()
    )
    family = sorted((infos[name] for name in siblings if name in infos), key=lambda info: info.config.beta)
    asked = [info for info in family if info.run_id in waiting]
    rows = family if asked and len(family) > 1 else []
    rows += [infos[name] for name in waiting if infos[name] not in rows]
    return [_row(info, info.run_id in siblings) for info in rows[:16]]


def _row(info: RunInfo, sibling: bool) -> dict[str, Any]:
    return {
        "run": info.run_id,
        "label": f"β {info.config.beta:g}" if sibling else model_bar.title(info),
        "status": info.status,
        "ahead": session.jobs().ahead(info.run_id) if info.status == "queued" else None,
        "share": None,
        "elbo": info.result.test.elbo if info.result else None,
        "sibling": sibling,
    }


def _wish() -> None:
    said = session.recall(KEY)["wish"]
    wish, run_id = said["wish"], said["run"]
    session.remember("train-error", None)
    try:
        if wish in ("pause", "stop", "cancel", "resume"):
            ask.wish(wish, run_id)
        elif wish == "explore":
            link.open_soon("explore", run=run_id, moment=said["moment"])
    except ElboRoomError as error:
        session.remember("train-error", error)
