"""Latent map: the encoded means of the test images in two dimensions, as a place to walk in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from app import link
from app.chrome import ask, model_bar, plots, say
from app.chrome import waiting as waits
from app.components.blobs import blobs
from app.components.gallery import Picture, Tile, gallery
from app.components.map import Axes, Panel, latent_map
from app.facts import asking, payloads
from vae_core import data
from vae_core.analysis import projection
from vae_core.config import words
from vae_core.config.datasets import DATASETS
from vae_core.config.errors import ElboRoomError
from vae_core.jobs.derived.codes import Codes
from vae_core.jobs.derived.maps import MapRequest
from vae_core.jobs.queue import Look
from vae_core.store import RunInfo, export
from vae_core.store.files import Arrays

METHODS = {"tsne": "t-SNE", "pca": "PCA", "plane": "plane"}
COLOURS = {"label": "label", "kl": "KL", "reconstruction": "reconstruction", "elbo": "ELBO"}
PERPLEXITIES = (5, 10, 30, 50, 100)
BESIDE = ("nothing", "another perplexity", "another start")
SEEDS = range(1, 6)


@dataclass(frozen=True)
class _Map:
    """One map as it stands."""

    request: MapRequest
    points: np.ndarray
    look: Look | None = None
    """How it stands with it at the worker; None once it is final."""


def page() -> None:
    """Controls on the left, the map or two in the middle, the picked image on the right."""
    run = model_bar.choose("map")
    controls, stage = st.columns([2, 10], gap="medium")
    with controls:
        method, colour, requests = _controls(run)
    with stage:
        try:
            ready = payloads.codes(run) is not None and all(_kept(run, one, method) is not None for one in requests)
            st.fragment(_maps, run_every=None if ready else 0.5)(run, requests, method, colour, not ready)
        except ElboRoomError as error:
            say.error(error, "This model cannot be opened: ")


def _controls(run: RunInfo) -> tuple[str, str, list[MapRequest]]:
    """What is asked for: how the map is made, its colours, and the map, or two."""
    flat = run.config.latent_dim == 2
    methods = ["plane", "tsne", "pca"] if flat else ["tsne", "pca"]
    method = st.radio("Map", methods, format_func=METHODS.__getitem__, key="method", bind="query-params")
    colour = st.selectbox(
        "Colour by", list(COLOURS), format_func=COLOURS.__getitem__, key="colour", bind="query-params"
    )
    there = DATASETS[run.config.dataset].test
    limits = [limit for limit in (1000, 2000, 5000, 10_000) if limit <= there]
    limit = there  # where all are fewer than the least that is offered, there is nothing to choose
    if len(limits) > 1:
        middle = min(5000, limits[-1])
        limit = st.select_slider("Test images", limits, middle, key="limit", bind="query-params")
    if method != "tsne":
        return method, colour, [MapRequest(method="pca", limit=limit)]
    perplexities = [some for some in PERPLEXITIES if some <= (limit - 1) / 3]
    perplexity = st.select_slider(
        "Perplexity",
        perplexities,
        30,
        key="perplexity",
        bind="query-params",
        help="About how many neighbours each point tries to keep close.",
    )
    request = MapRequest(limit=limit, perplexity=perplexity)
    return method, colour, [request, *_beside(request, perplexities)]


def _beside(request: MapRequest, perplexities: list[int]) -> list[MapRequest]:
    """The other map that stands beside this one, if one is wished for."""
    beside = st.radio(
        "Beside it",
        BESIDE,
        key="beside",
        bind="query-params",
        help="A second map of the same images. What both show may be in the codes; what only one shows may be the "
        "method's own doing.",
    )
    if beside == "another perplexity":
        others = [some for some in perplexities if some != request.perplexity]
        other = st.select_slider("Perplexity beside it", others, others[0], key="other-perplexity", bind="query-params")
        return [replace(request, perplexity=other)]
    if beside == "another start":
        seed = st.select_slider(
            "Seed of the random start",
            SEEDS,
            key="other-seed",
            bind="query-params",
            help="t-SNE moves the points from where they start. The first map starts from PCA, where a seed would "
            "decide little or nothing; the second starts from places drawn at random by this seed.",
        )
        return [replace(request, start="random", seed=seed)]
    return []


def _kept(run: RunInfo, request: MapRequest, method: str) -> np.ndarray | None:
    """The finished map, if there is one: the plane and PCA are worked out at once."""
    codes = payloads.codes(run)
    if codes is None:
        return None
    if method == "plane":
        return codes["mu"][: request.limit]
    if method == "pca":
        return projection.pca(codes["mu"][: request.limit])
    return payloads.embedding(run, request)


@say.guarded
def _maps(run: RunInfo, requests: list[MapRequest], method: str, colour: str, waiting: bool) -> None:
    codes = payloads.codes(run)
    if codes is None:
        waits.for_all([run], Codes(), fills=True)
        return
    maps = [_map(run, request, method, codes) for request in requests]  # all are asked for at once
    if waiting and all(one.look is None for one in maps):
        st.rerun(scope="app")
    _draw(run, maps, method, colour, codes)


def _map(run: RunInfo, request: MapRequest, method: str, codes: Arrays) -> _Map:
    """The map if it is there; else as far as it is, and asked for."""
    points = _kept(run, request, method)
    if points is not None:
        return _Map(request, points)
    look = asking.want(run, request, by=ask.visitor())
    if look.partial is not None and look.partial.embedding is not None:
        return _Map(request, look.partial.embedding, look)
    return _Map(request, projection.beginning(codes["mu"][: request.limit], request.start, request.seed), look)


def _draw(run: RunInfo, maps: list[_Map], method: str, colour: str, codes: Arrays) -> None:
    n = len(maps[0].points)
    axes, caption = _axes(method, several=len(maps) > 1)
    if method != "plane":
        caption = projection.remark(codes["mu"]) or caption
    chart, side = st.columns([8, 3], gap="medium")
    with chart:
        state = latent_map(
            key=f"map-{run.run_id}",
            panels=[_panel(run, one, colour, codes, titled=len(maps) > 1) for one in maps],
            images=payloads.test_blob(run.config.dataset, run.config.binarize, n),
            names=[str(i) for i in range(10)],
            palette=plots.PALETTE,
            colour_by="label" if colour == "label" else "value",
            colour_title=COLOURS[colour],
            colour_unit="nats",
            selected=link.below(link.SELECTED, n),
            axes=axes,
            caption=caption,
            height=560,
        )
    link.put(selected=state.selected)
    with side:
        _waiting(run, maps)
        _card(run, codes, state.selected, n)
        if state.lasso:
            _lasso(run, codes, [i for i in state.lasso if i < n])
    if len(maps) > 1:
        with chart:  # at last: among 10,000 images neighbours take a second to find
            _agreement(run, maps)


def _panel(run: RunInfo, one: _Map, colour: str, codes: Arrays, *, titled: bool) -> Panel:
    """What the component draws of it."""
    n, look, request = len(one.points), one.look, one.request
    test = data.test_images(run.config.dataset, run.config.binarize)
    kl = codes["kl"][:n].sum(1)
    by = {"kl": kl, "reconstruction": codes["reconstruction"][:n], "elbo": codes["reconstruction"][:n] - kl}
    arrays: dict[str, Any] = {
        "points": one.points.astype(np.float32),
        "labels": test.labels[:n],
        "indices": np.arange(n, dtype=np.int32),
    }
    if colour in by:
        arrays["values"] = by[colour].astype(np.float32)
    progress, text = None, ""
    if look is not None:
        progress, text = 0.0, f"t-SNE starts from {'this PCA' if request.start == 'pca' else 'these random places'}"
        if look.state in ("failed", "cancelled"):
            text = "Not computed: this is where t-SNE starts"
        elif look.partial is not None and look.partial.embedding is not None:
            done, total = look.partial.done, look.partial.total
            progress, text = done / total, f"t-SNE: step {done} of {total}, about {look.partial.eta_seconds:.0f} s left"
    start = "starts from PCA" if request.start == "pca" else f"random start, seed {request.seed}"
    return Panel(
        blobs.offer(export.blob(arrays)),
        title=f"Perplexity {request.perplexity:g} · {start}" if titled else "",
        progress=progress,
        progress_text=text,
    )


def _agreement(run: RunInfo, maps: list[_Map]) -> None:
    """How many neighbours two maps have in common: a sentence, whose figures come once both are final."""
    found = payloads.shared_neighbours(run, *(one.request for one in maps))
    both, first, second = ["…"] * 3 if found is None else [f"{100 * share:.0f}\N{NO-BREAK SPACE}%" for share in found]
    k, n = projection.NEIGHBOURS, len(maps[0].points)
    st.markdown(
        f"Of an image's {k} nearest neighbours on the first map, **{both}** are among its {k} nearest on the second, "
        f"and **{first}** in z; of those on the second map, **{second}** in z. "
        f"By chance it would be {100 * k / (n - 1):.1f}\N{NO-BREAK SPACE}%."
    )


def _waiting(run: RunInfo, maps: list[_Map]) -> None:
    """Of each map that is not final: a button that ends it, or why it was given up."""
    for one, name in zip(maps, ("first map", "second map"), strict=False):
        if one.look is not None:
            several = len(maps) > 1
            if not waits.is_given_up(run, one.request, one.look, f"{name.capitalize()}: " if several else ""):
                waits.cancel_button([(run, one.look)], one.request, f"the {name}" if several else "")


def _axes(method: str, *, several: bool) -> tuple[Axes, str]:
    if method == "plane":
        return (
            {"x": "z1", "y": "z2", "meaningful": True},
            "Each point is μ(X) of a test image. Where no point lies, the decoder has to invent.",
        )
    if method == "pca":
        return (
            {"x": "first principal component", "y": "second principal component", "meaningful": True},
            "The two directions of z along which the codes spread most; distances are those of z, as seen from there.",
        )
    caption = (
        "t-SNE keeps neighbours together. Its axes have no unit; cluster sizes and gaps between them may mean nothing."
    )
    if several:
        caption = (
            "What both maps show may be in the codes; what only one shows may be t-SNE's own doing, and sizes and gaps "
            "may mean nothing on either. Lasso a group on one to see whether it holds together on the other."
        )
    return {"x": "", "y": "", "meaningful": False}, caption


def _card(run: RunInfo, codes: Arrays, index: int | None, n: int) -> None:
    if index is None or index >= n:
        st.caption("Point at a dot to see its image. Click it for its reconstruction, its code and its neighbours.")
        return
    test = data.test_images(run.config.dataset, run.config.binarize)
    mu = codes["mu"]
    distance = np.square(mu[:n] - mu[index]).sum(1)
    near = np.argsort(distance)[1:7]
    pictures = np.concatenate([test.x[[index]], payloads.decoded(run, mu[[index]]), test.x[near]])
    blob = blobs.offer(export.blob({"x": pictures}))
    pair: list[Picture] = [
        {"tensor": "x", "index": 0, "caption": "image"},
        {"tensor": "x", "index": 1, "caption": "reconstruction"},
    ]
    elbo, reconstruction, kl = words.elbo(float(codes["reconstruction"][index]), float(codes["kl"][index].sum()), 1)
    gallery(
        key="card",
        blob=blob,
        tiles=[
            {
                "pictures": pair,
                "title": f"{test.labels[index]} · test image {index}",
                "lines": [
                    f"ELBO {elbo} nats",
                    f"reconstruction {reconstruction}, KL {kl}",
                ],
                "value": index,
            }
        ],
        columns=1,
        tile_px=84,
    )
    if st.button("Explore from here", icon=":material/tune:", type="primary", width="stretch"):
        link.open_page("explore", run=run.run_id, z=mu[index].tolist(), image=index)
    order = np.argsort(codes["kl"].mean(0))[::-1][:6]
    code = ", ".join(f"z{i + 1} {model_bar.number(float(mu[index, i]), 2)}" for i in order)
    st.caption(f"Code μ(X): {code}{' …' if mu.shape[1] > 6 else ''}")
    st.caption("Nearest codes in z:")
    tiles: list[Tile] = [{"pictures": [{"tensor": "x", "index": 2 + i}], "value": int(j)} for i, j in enumerate(near)]
    gallery(key="near", blob=blob, tiles=tiles, columns=6, tile_px=42, dense=True)


def _lasso(run: RunInfo, codes: Arrays, chosen: list[int]) -> None:
    test = data.test_images(run.config.dataset, run.config.binarize)
    mean = codes["mu"][chosen].mean(0, keepdims=True)
    shown = chosen[:32]
    blob = blobs.offer(export.blob({"x": test.x[shown], "mean": payloads.decoded(run, mean)}))
    st.markdown(f"**{len(chosen)} images in the lasso**")
    gallery(key="lasso", blob=blob, tiles="x", columns=8, tile_px=28, dense=True)
    st.caption("What their mean code decodes to:")
    gallery(key="lasso-mean", blob=blob, tiles="mean", columns=1, tile_px=84, dense=True)
