"""A grid of pictures: cards with numbers under them, or many pictures close together.

A typed door to `frontend/gallery/gallery.js`. The pictures are in a blob (`blobs.py`); a call says which are shown
where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict

from app.components import register


class Picture(TypedDict):
    """One picture of the blob."""

    tensor: str
    """Name of a tensor U8 (N, C, H, W), C 1 or 3."""
    index: int
    """Which of its N."""
    caption: NotRequired[str]
    """A few words under it."""
    diverging: NotRequired[bool]
    """Whether it is a difference: 128 is none and has the page's colour, less is blue, more is orange."""
    wide: NotRequired[bool]
    """Whether it has a row of its own, as wide as the card."""


class Tile(TypedDict):
    """What is shown together."""

    pictures: Sequence[Picture]
    """Side by side; a dense grid shows the first only."""
    title: NotRequired[str]
    lines: NotRequired[Sequence[str]]
    value: NotRequired[int | str]
    """What a click returns."""


_component = register("elbo_room_gallery", "gallery/gallery.js", ["gallery/gallery.css"])


def gallery(
    *,
    key: str,
    blob: str,
    tiles: Sequence[Tile] | str,
    columns: int,
    tile_px: int,
    selected: int | str | None = None,
    clickable: bool = False,
    dense: bool = False,
    gap: int = 1,
    caption: str = "",
    on_pick: Callable[[], None] | None = None,
) -> None:
    """Draw the grid.

    Parameters
    ----------
    key
        Names the grid.
    blob
        Address of the blob with the pictures. While a next one is on its way, what is drawn stays, in its place and
        size.
    tiles
        What is shown. With `dense`, the name of a tensor stands for all its pictures, whose values are their indices.
    columns
        Cards: at most so many in a row, fewer where the page is narrow. Dense: exactly so many.
    tile_px
        Width of one picture in CSS pixels; a multiple of the picture's own width is the crispest.
    selected
        The `value` of the tile that is marked.
    clickable
        Whether tiles are buttons.
    dense
        Only the pictures, in one tight grid: prior samples, a decoded plane. Cheap enough to change twice a second.
    gap
        Dense only: pixels of the picture's own raster between two pictures; 0 for a plane.
    caption
        Dense only: one line under the grid.
    on_pick
        Called before the script runs again after a click; `st.session_state[key]["picked"]` is the `value` of the tile.

    """
    if isinstance(tiles, str) and not dense:
        raise ValueError(f"tiles={tiles!r}: the name of a tensor needs dense=True; cards need a list of tiles")
    _component(
        key=key,
        data={
            "blob": blob,
            "tiles": tiles if isinstance(tiles, str) else [dict(tile) for tile in tiles],
            "columns": columns,
            "tilePx": tile_px,
            "selected": selected,
            "clickable": clickable,
            "dense": dense,
            "gap": gap,
            "caption": caption,
        },
        on_picked_change=on_pick or _nothing,
    )


def _nothing() -> None:
    """A trigger exists for Streamlit only if it has a callback."""
