"""One Gaussian against the prior: drag it in one dimension or two; then a whole data set, with β as the dial."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import link, session
from app.chrome import course, model_bar, say, waiting
from app.chrome.plots import PALETTE
from app.components import register
from app.facts import payloads
from vae_core.config.errors import ElboRoomError
from vae_core.jobs.derived.codes import Codes
from vae_core.store import RunInfo, sweeps

VIEW = course.View(
    1,
    "gaussian",
    "A Gaussian and the prior",
    "Drag the code of one image, Q = N(μ, σ²), away from the prior N(0, 1): the KL, its price in nats, is zero "
    "only on the prior, and rises ever faster as Q narrows.",
)
KEY = "lab-gaussian"
LINE = [1.2, 0.4]
"""μ and σ before anybody moved them."""
PLANE = [1.5, 0.8, 0.5, 0.9, 0.0]
"""μ1, μ2, σ1, σ2 and the correlation ρ."""

_view = register(
    "elbo_room_lab_gaussian", "lab/gaussian/lab-gaussian.js", ["kit/lab.css", "lab/lab-normal.css", "lab/lab-sweep.css"]
)


def page() -> None:
    """The view."""
    course.begin(VIEW)
    mode = link.MODE.get() or "line"
    sweep: dict[str, Any] = {}
    if mode == "data":
        try:
            sweep = _sweep()
        except ElboRoomError as error:
            sweep = {"error": f"These models cannot be opened: {say.sentence(error)}"}
    _view(
        key=KEY,
        data={
            "mode": mode,
            "line": link.LINE.get() or LINE,
            "plane": link.PAIR.get() or PLANE,
            "sweep": sweep,
        },
        height="content",
        on_view_change=_keep,
    )


def _kept() -> dict[str, Any]:
    """Where a control was let go last; empty before that."""
    state = session.recall(KEY) or {}
    return state.get("view") or {}


def _keep() -> None:
    view = _kept()
    link.put(mode=view["mode"], line=view["line"], pair=view["plane"])
    if view["run"]:
        link.put_run(view["run"])
    if view["sweep"]:
        link.put_run(view["sweep"])


def _suits(info: RunInfo) -> bool:
    """The density is worked out on a grid of the plane, dimension by dimension."""
    return info.explorable and info.config.latent_dim == 2 and info.config.posterior == "diagonal"


def _families() -> list[tuple[RunInfo, ...]]:
    """The sweeps among the models that suit, then the models that belong to none."""
    infos = [info for info in session.infos() if _suits(info)]
    found = [sweep.runs for sweep in sweeps.find(infos)]
    inside = {info.run_id for runs in found for info in runs}
    return found + [(info,) for info in infos if info.run_id not in inside]


def _sweep() -> dict[str, Any]:
    """What the component shows of a whole data set: one family of models, and all of them to choose from."""
    families = _families()
    if not families:
        return {"error": "This needs a trained model with a two-dimensional code and a diagonal Q. Train one first."}
    wanted = link.run_id()
    runs = next((runs for runs in families if any(info.run_id == wanted for info in runs)), families[0])
    current = next((info for info in runs if info.run_id == wanted), None) or _nearest_to_one(runs)
    found = payloads.aggregate(runs)
    if found is None:
        st.fragment(_wait, run_every=1.0)(runs)
        return {"error": "Encoding the test images; this takes a few seconds, once for each model."}
    link.put_run(current.run_id)
    models: list[dict[str, Any]] = []
    for info, reach in zip(runs, found.reach, strict=True):
        facts = payloads.kept_diagnostics(info)
        models.append(
            {
                "run": info.run_id,
                "beta": info.config.beta,
                "reach": reach,
                "wide": payloads.AGGREGATE_WIDE * reach,
                "rate": info.result.test.kl if info.result else None,
                "information": facts.get("mutual_information"),
                "marginal": facts.get("marginal_kl"),
            }
        )
    return {
        "key": _nearest_to_one(runs).run_id,
        "options": [[_nearest_to_one(family).run_id, _title(family)] for family in families],
        "run": current.run_id,
        "blob": found.blob,
        "palette": list(PALETTE),
        "models": models,
    }


@say.guarded
def _wait(runs: tuple[RunInfo, ...]) -> None:
    """Look again until every model has its codes."""
    if payloads.aggregate(runs) is not None:
        st.rerun(scope="app")
    waiting.for_all([run for run in runs if payloads.codes(run) is None], Codes())


def _nearest_to_one(runs: tuple[RunInfo, ...]) -> RunInfo:
    """The model that a family opens with: the ELBO's own β, if it is there."""
    return min(runs, key=lambda info: abs(info.config.beta - 1))


def _title(runs: tuple[RunInfo, ...]) -> str:
    """A family in a line."""
    if len(runs) == 1:
        return model_bar.title(runs[0])
    first, last = runs[0].config.beta, runs[-1].config.beta
    return model_bar.traits(_nearest_to_one(runs)).replace(
        f"β {_nearest_to_one(runs).config.beta:g}", f"{len(runs)} models, β {first:g} to {last:g}"
    )
