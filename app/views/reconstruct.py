"""Reconstruct: test images, what comes back, and what each one costs in nats."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import link, session
from app.chrome import model_bar, say, waiting
from app.components.blobs import blobs
from app.components.gallery import Picture, Tile, gallery
from app.facts import payloads
from vae_core import data
from vae_core.config import words
from vae_core.config.errors import ElboRoomError
from vae_core.jobs.derived.codes import Codes
from vae_core.store import RunInfo, export

SHOWN = 24
DRAWS = 10


def page() -> None:
    """Cards of test images, sorted by their ELBO."""
    run = model_bar.choose("reconstruct")
    labels = data.load_split(run.config.dataset, "test").labels
    left, middle, right = st.columns([3, 6, 3], vertical_alignment="bottom", gap="medium")
    order = left.segmented_control(
        "Sort by ELBO", ["worst", "best", "random"], default="worst", required=True, key="sort", bind="query-params"
    )
    wanted = middle.pills(
        "Labels", [str(n) for n in np.unique(labels)], selection_mode="multi", key="labels", bind="query-params"
    )
    right.toggle(
        f"{DRAWS} draws from Q",
        key="draws",
        bind="query-params",
        help="Codes z drawn from Q(z|X) of each image, decoded: what the encoder holds for possible.",
    )
    if order == "random":
        right.button("Other images", icon=":material/casino:", on_click=_reshuffle, width="stretch")
    st.fragment(_cards, run_every=None if payloads.codes(run) is not None else 0.5)(run, order, tuple(wanted or ()))


def _reshuffle() -> None:
    link.put(shuffle=((link.SHUFFLE.get() or 0) + 1) % 1_000_000)


def _cards(run: RunInfo, order: str, wanted: tuple[str, ...]) -> None:
    link.follow()
    try:
        codes = payloads.codes(run)
        if codes is None:
            waiting.for_all([run], Codes(), fills=True)
            return
        _draw(run, codes, order, wanted)
    except ElboRoomError as error:
        say.error(error, "This model cannot be opened: ")


def _draw(run: RunInfo, codes: dict[str, np.ndarray], order: str, wanted: tuple[str, ...]) -> None:
    test = data.test_images(run.config.dataset, run.config.binarize)
    kl = codes["kl"].sum(1)
    elbo = codes["reconstruction"] - kl
    candidates = np.flatnonzero(np.isin(test.labels, [int(n) for n in wanted])) if wanted else np.arange(len(elbo))
    if order == "random":
        rng = np.random.default_rng(link.SHUFFLE.get() or 0)
        chosen = rng.choice(candidates, min(SHOWN, len(candidates)), replace=False)
    else:
        ranked = candidates[np.argsort(elbo[candidates])]
        chosen = ranked[:SHOWN] if order == "worst" else ranked[::-1][:SHOWN]

    again = payloads.decoded(run, codes["mu"][chosen])
    images = test.x[chosen]
    difference = 128 + (again.astype(np.int16) - images) // 2
    arrays = {"images": images, "again": again, "difference": difference.clip(0, 255).astype(np.uint8)}
    drawn: list[Picture] = []
    if st.session_state.get("draws"):
        arrays["draws"] = draws(run, images)
        drawn = [{"tensor": "draws", "index": 0, "caption": f"{DRAWS} codes from Q(z|X)", "wide": True}]
    blob = blobs.offer(export.blob(arrays))
    tiles: list[Tile] = [
        {
            "pictures": [
                {"tensor": "images", "index": i, "caption": "image"},
                {"tensor": "again", "index": i, "caption": "reconstruction"},
                {"tensor": "difference", "index": i, "caption": "difference", "diverging": True},
                *({**picture, "index": i} for picture in drawn),
            ],
            "title": f"{test.labels[index]} · test image {index}",
            "lines": lines(float(codes["reconstruction"][index]), float(kl[index])),
            "value": int(index),
        }
        for i, index in enumerate(chosen)
    ]
    st.caption(
        "ELBO = reconstruction − KL, in nats, with one z ∼ Q(z|X) for each image; the picture is the one at the mean "
        "μ(X). In the difference, orange is too bright, blue is too dark. Click a card to open its code in Explore."
    )

    def open_picked() -> None:
        index = int(session.recall("cards")["picked"])
        if 0 <= index < len(codes["mu"]):
            link.open_soon("explore", run=run.run_id, z=codes["mu"][index].tolist(), image=index)

    gallery(key="cards", blob=blob, tiles=tiles, columns=6, tile_px=84, clickable=True, on_pick=open_picked)


def draws(run: RunInfo, images: np.ndarray) -> np.ndarray:
    """What DRAWS codes from Q(z|X) of each image decode to, side by side: (N, C, H, W) -> (N, C, H, wide), uint8."""
    scorer = payloads.scorer(run.run_id, session.version(run))
    q = scorer.encode_bytes(images)
    z = q.sample(np.random.default_rng(0).standard_normal((DRAWS, *q.mu.shape)))
    pictures = scorer.pictures(z.reshape(-1, z.shape[2])).reshape(DRAWS, *images.shape)
    apart = np.pad(pictures, ((0, 0),) * 4 + ((0, 1),), constant_values=128)  # a grey column between two
    return np.concatenate(list(apart), axis=3)[..., :-1]


def lines(reconstruction: float, kl: float) -> list[str]:
    """The terms of one image, under its pictures."""
    whole, first, second = words.elbo(reconstruction, kl, 1)
    return [f"ELBO {whole} nats", f"reconstruction {first}", f"KL {second}"]
