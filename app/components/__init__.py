"""The components in which the network runs in the page: typed doors to the modules in `frontend/`.

The modules are plain ES modules without a build step. `bundle` joins them into the one source text that a
component is registered with; arrays reach the page through `mount_blob`, once, apart from the calls that carry z.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from streamlit.components.v2 import component

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

FRONTEND = Path(__file__).parent / "frontend"

_IMPORT = re.compile(r'^import [^;]* from "\.[\w./-]+\.js";\n', re.MULTILINE)
_EXPORT_DEFAULT = re.compile(r"^export default (?=(async )?function \w)", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default )", re.MULTILINE)


def _find(name: str) -> Path:
    """The file of that name, in whichever folder of `frontend/` it lies."""
    return next(FRONTEND.rglob(name))


def bundle(*names: str, worker: Sequence[str] = ()) -> str:
    """The modules `names` of `frontend/` as one module, in dependency order; the last keeps its default export.

    All of them share one scope, so no two may declare the same name at the top level. The modules in `worker` are
    bundled likewise and carried as the string constant `WORKER_SOURCE`, for a Worker started from a Blob URL.
    """

    def source(name: str) -> str:
        return _EXPORT.sub("", _IMPORT.sub("", _find(f"{name}.js").read_text(encoding="utf-8")))

    parts = [_EXPORT_DEFAULT.sub("", source(name)) for name in names[:-1]] + [source(names[-1])]
    if worker:
        parts.insert(0, f"const WORKER_SOURCE = {json.dumps(bundle(*worker))};\n")
    return "\n".join(parts)


def register(name: str, *modules: str, css: Sequence[str] = (), worker: Sequence[str] = ()) -> ComponentRenderer:
    """Register the component `name` from `modules` (see `bundle`) and the style sheets `css` of `frontend/`, in order.

    Sources are inline: an editable install of this layout has no asset folder that Streamlit would find.
    """
    return component(
        name,
        js=bundle(*modules, worker=worker),
        css="\n".join(_find(f"{sheet}.css").read_text(encoding="utf-8") for sheet in css) or None,
        html=None,
        isolate_styles=True,
    )


_blob = register("elbo_room_blob", "blob")


def mount_blob(blob_id: str, blob: bytes) -> None:
    """Send the safetensors byte string `blob` to the page, where components find it as `blob_id`.

    It takes no space. `blob_id` must be the `id` in the metadata of `blob` and change with its content: Streamlit
    does not send an unchanged payload again, and the page keeps what it has under that id.
    """
    _blob(key=f"blob-{blob_id}", data=blob, height="content")


class DimensionKL(TypedDict):
    """What one latent dimension says."""

    dim: int  # 0-based index; the page calls it z{dim + 1}
    kl: float  # nats, averaged over images


class View(TypedDict):
    """Where the explorer stands."""

    z: list[float]  # (D,)
    image: int | None  # index into the images blob of the image that z started from


_player = register(
    "elbo_room_player",
    *("blob", "engine", "dom", "picker", "plane", "rows", "player"),
    css=["player"],
    worker=("engine", "worker"),
)


def player(
    *,
    key: str,
    model: str,
    z: Sequence[float],
    dims: Sequence[DimensionKL],
    inactive: Sequence[DimensionKL] = (),
    images: str | None = None,
    means: str | None = None,
    image: int | None = None,
    palette: Sequence[str] = (),
    height: int = 500,
    on_view_change: Callable[[], None] | None = None,
) -> View | None:
    """Show the explorer, in which the network itself runs in the page; return where the visitor last let go, or None.

    Parameters
    ----------
    key
        The component's key in `st.session_state`; another key is another explorer.
    model, images, means
        Ids of blobs mounted with `mount_blob` in the same page: the network, the test images to start from, and (for
        two latent dimensions) the encoded means. They may arrive after this call.
    z
        The code (D,) to show. A code other than the page's own moves it there, unless a control is being held.
    dims, inactive
        The active dimensions, most active first, and those whose KL is below 0.01 nats, which are folded away.
        Dimensions in neither list are shown without a figure.
    image
        Index into `images` of the image that z started from.
    palette
        Ten colours, by label.
    height
        Pixels that the component takes at least before its rows scroll; a taller window gives it more.
    on_view_change
        Called before the rerun when a control is released; `st.session_state[key]["view"]` then holds the new view.

    """
    result = _player(
        key=key,
        data={
            "model": model,
            "images": images,
            "means": means,
            "z": [float(value) for value in z],
            "dims": [dict(entry) for entry in dims],
            "inactive": [dict(entry) for entry in inactive],
            "image": image,
            "palette": list(palette),
            "height": height,
        },
        height="content",
        on_view_change=on_view_change or (lambda: None),
    )
    return result.get("view")
