"""The latent map: codes in two dimensions as points that show their picture, can be picked and lassoed.

Two maps of the same images may stand side by side: what is pointed at, picked or lassoed on one is on the other.

A typed door to `frontend/map/map.js`. The points and the pictures are in blobs (`blobs.py`); a call carries only what
is shown of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from app.components import register


class Axes(TypedDict):
    """What the two directions are."""

    x: str
    """Title of the horizontal axis."""
    y: str
    """Title of the vertical axis."""
    meaningful: bool
    """Whether positions can be read off (the plane, PCA: ticks are drawn) or not (t-SNE: none; `caption` says so)."""


@dataclass(frozen=True)
class Panel:
    """One map."""

    points: str
    """Address of a blob with `points` F32 (N, 2), `labels` U8 (N), `indices` I32 (N) in the test set and, if points
    carry a number, `values` F32 (N); N up to 10,000. Under a new address the points travel from their old places to the
    new ones, matched by index.
    """
    title: str = ""
    """What tells it from the other."""
    progress: float | None = None
    """0 … 1 while the coordinates are being computed, None when they are final."""
    progress_text: str = ""
    """Stands before the bar."""


@dataclass(frozen=True)
class MapState:
    """What a person has done on the map. Images are named by their index in the test set."""

    selected: int | None
    """The picked image. Before anybody picked: what was passed in."""
    lasso: tuple[int, ...]
    """The lassoed images; empty without a lasso. Before anybody drew one: what was passed in."""


_component = register("elbo_room_map", "map/map.js", ["map/map.css"])


def latent_map(
    *,
    key: str,
    panels: Sequence[Panel],
    images: str,
    names: Sequence[str],
    palette: Sequence[str],
    colour_by: Literal["label", "value"] = "label",
    colour_title: str = "",
    colour_unit: str = "",
    selected: int | None = None,
    lasso: Sequence[int] = (),
    axes: Axes,
    caption: str = "",
    height: int = 620,
    on_select: Callable[[], None] | None = None,
    on_lasso: Callable[[], None] | None = None,
) -> MapState:
    """Draw the map and return what was picked on it.

    Parameters
    ----------
    key
        Names the map; the page remembers zoom and hidden labels by it.
    panels
        One map, or two of the same images.
    images
        Address of a blob with `images` U8 (M, C, H, W) and `indices` I32 (M); a point whose index is missing has no
        picture.
    names, palette
        Name and colour ("#rrggbb") of each label.
    colour_by
        "label", or "value": a sequential scale over the 1st to 99th percentile of `values`.
    colour_title, colour_unit
        What `values` is ("KL") and its unit ("nats"); shown on the scale and, in either colouring, beside the picture.
    selected, lasso
        Indices in the test set that come up ringed and lassoed, for a link. A value passed later shows if it differs
        from the one passed before; what is returned stays what the person picked last.
    axes, caption
        What the axes are, and one line under the maps. For t-SNE say there that distance and axes have no unit.
    height
        CSS pixels of the whole, legend and caption included. Two maps are squares, at most so high.
    on_select, on_lasso
        Called before the script runs again, when `selected` or `lasso` changed.

    """
    chosen = None if selected is None else int(selected)  # numpy integers are welcome; JSON knows only int
    lassoed = [int(index) for index in lasso]
    result = _component(
        key=key,
        data={
            "key": key,
            "panels": [
                {
                    "title": panel.title,
                    "points": panel.points,
                    "progress": panel.progress,
                    "progressText": panel.progress_text,
                }
                for panel in panels
            ],
            "images": images,
            "names": list(names),
            "palette": list(palette),
            "colourBy": colour_by,
            "colourTitle": colour_title,
            "colourUnit": colour_unit,
            "selected": chosen,
            "lasso": lassoed,
            "axes": dict(axes),
            "caption": caption,
            "height": height,
        },
        default={"selected": None if chosen is None else {"index": chosen}, "lasso": lassoed},
        on_selected_change=on_select or _nothing,
        on_lasso_change=on_lasso or _nothing,
    )
    picked = result.get("selected")
    return MapState(
        selected=None if picked is None else int(picked["index"]),
        lasso=tuple(int(index) for index in result.get("lasso") or ()),
    )


def _nothing() -> None:
    """A state exists for Streamlit only if it has a callback."""
