"""Latent map: the encoded means of the test images in two dimensions, as a place to walk in."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from app import link
from app.chrome import ask, model_bar, plots, say
from app.chrome import waiting as waits
from app.components.blobs import blobs
from app.components.gallery import Picture, Tile, gallery
from app.components.map import latent_map
from app.facts import asking, payloads
from vae_core import data
from vae_core.analysis import projection
from vae_core.config import words
from vae_core.config.datasets import DATASETS
from vae_core.config.errors import ElboRoomError
from vae_core.jobs.derived.codes import Codes
from vae_core.jobs.derived.maps import MapRequest
from vae_core.store import RunInfo, export
from vae_core.store.files import Arrays

METHODS = {"tsne": "t-SNE", "pca": "PCA", "plane": "plane"}
COLOURS = {"label": "label", "kl": "KL", "reconstruction": "reconstruction", "elbo": "ELBO"}


def page() -> None:
    """Controls on the left, the map in the middle, the picked image on the right."""
    run = model_bar.choose("map")
    controls, stage = st.columns([2, 10], gap="medium")
    with controls:
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
        perplexity = 30
        if method == "tsne":
            perplexity = st.select_slider(
                "Perplexity",
                [some for some in (5, 10, 30, 50, 100) if some <= (limit - 1) / 3],
                30,
                key="perplexity",
                bind="query-params",
                help="About how many neighbours each point tries to keep close. Try several: what stays is real.",
            )
    request = MapRequest(method="tsne" if method == "tsne" else "pca", limit=limit, perplexity=perplexity)
    with stage:
        try:
            ready = payloads.codes(run) is not None and _kept(run, request, method) is not None
            st.fragment(_map, run_every=None if ready else 0.5)(run, request, method, colour, not ready)
        except ElboRoomError as error:
            say.error(error, "This model cannot be opened: ")


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
def _map(run: RunInfo, request: MapRequest, method: str, colour: str, waiting: bool) -> None:
    codes = payloads.codes(run)
    if codes is None:
        waits.for_all([run], Codes())
        return
    points, progress, text, step = _kept(run, request, method), None, "", "final"
    if points is not None and waiting:
        st.rerun(scope="app")
    if points is None:
        look = asking.want(run, request, by=ask.visitor())
        if waits.is_given_up(run, request, look):
            return
        partial = look.partial
        if partial is not None and partial.embedding is not None:
            points, progress, step = partial.embedding, partial.done / partial.total, str(partial.done)
            text = f"t-SNE: step {partial.done} of {partial.total}, about {partial.eta_seconds:.0f} s left"
        else:
            points, progress, step = projection.pca(codes["mu"][: request.limit]), 0.0, "start"
            text = "t-SNE starts from this PCA"
        waits.cancel_button([(run, look)], request)
    _draw(run, request, method, colour, codes, points, progress, text, step)


def _draw(
    run: RunInfo,
    request: MapRequest,
    method: str,
    colour: str,
    codes: Arrays,
    points: np.ndarray,
    progress: float | None,
    text: str,
    step: str,
) -> None:
    n = len(points)
    test = data.test_images(run.config.dataset, run.config.binarize)
    kl = codes["kl"][:n].sum(1)
    by = {"kl": kl, "reconstruction": codes["reconstruction"][:n], "elbo": codes["reconstruction"][:n] - kl}
    arrays: dict[str, Any] = {
        "points": points.astype(np.float32),
        "labels": test.labels[:n],
        "indices": np.arange(n, dtype=np.int32),
    }
    if colour in by:
        arrays["values"] = by[colour].astype(np.float32)

    axes, caption = _axes(method)
    if method != "plane":
        caption = projection.remark(codes["mu"]) or caption
    chart, card = st.columns([8, 3], gap="medium")
    with chart:
        state = latent_map(
            key=f"map-{run.run_id}",
            points=blobs.offer(export.blob(arrays)),
            images=payloads.test_blob(run.config.dataset, run.config.binarize, request.limit),
            names=[str(i) for i in range(10)],
            palette=plots.PALETTE,
            colour_by="label" if colour == "label" else "value",
            colour_title=COLOURS[colour],
            colour_unit="nats",
            selected=link.below(link.SELECTED, n),
            axes=axes,
            caption=caption,
            progress=progress,
            progress_text=text,
            height=560,
        )
    link.put(selected=state.selected)
    with card:
        _card(run, codes, state.selected, n)
        if state.lasso:
            _lasso(run, codes, [i for i in state.lasso if i < n])


def _axes(method: str) -> tuple[Any, str]:
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
    return (
        {"x": "", "y": "", "meaningful": False},
        "t-SNE keeps neighbours together. Its axes have no unit; cluster sizes and gaps between them may mean nothing.",
    )


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
