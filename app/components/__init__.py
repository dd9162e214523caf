"""The components in which the network runs in the page: typed doors to the modules in `frontend/`.

The modules are plain ES modules without a build step. A component is registered with a few lines that import its module
from the server (`modules.py`); arrays reach it by an address that it fetches (`blobs.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict

import streamlit as st
from streamlit.components.v2 import component
from streamlit.runtime.scriptrunner import RerunException

from app.components import modules

if TYPE_CHECKING:
    from streamlit.components.v2.bidi_component import ComponentResult


AGAIN = "again"
"""Under which name `frontend/hosts/streamlit.js` says which kept things were not heard."""
ATTEMPTS = 5
"""How often a callback is begun that other events cut off; one that asks for another run itself never ends else."""

registered: dict[str, tuple[str, tuple[str, ...]]] = {}
"""Component -> its module and its style sheets, paths below `frontend/`."""


class Renderer(Protocol):
    """Shows a component; the result has what it keeps, by name."""

    def __call__(  # noqa: D102
        self,
        *,
        key: str,
        data: Mapping[str, Any],
        height: Literal["content"] = "content",
        default: dict[str, Any] | None = None,
        **callbacks: Callable[[], None],
    ) -> ComponentResult: ...


def register(name: str, module: str, css: Sequence[str] = ()) -> Renderer:
    """Register the component `name`: the default export of `module`, under the style sheets `css`, in order.

    Both are paths below `frontend/`. What it keeps or asks under a name is heard by `on_<name>_change`, before the
    script runs again. What Streamlit loses on the way is said again until it is heard: so a callback may be called
    twice, and what it does must be the same then. Raises KeyError for a path that is not there.
    """
    registered[name] = (module, tuple(css))
    mounted = component(name, js=modules.source(module, css), html=None, isolate_styles=True)

    def render(
        *,
        key: str,
        data: Mapping[str, Any],
        height: Literal["content"] = "content",
        default: dict[str, Any] | None = None,
        **callbacks: Callable[[], None],
    ) -> ComponentResult:
        def again() -> None:
            for kept in st.session_state[key][AGAIN]["names"]:
                listeners.get(f"on_{kept}_change", _nothing)()

        counts: dict[str, int] = st.session_state.setdefault(f"{key} heard", {})
        listeners = {event: counted(event, callback, counts) for event, callback in callbacks.items()}
        given = {**data, "session": _session(), "heard": dict(counts)}
        heard = {**listeners, f"on_{AGAIN}_change": again}
        return mounted(key=key, data=given, default=default, width="stretch", height=height, **heard)

    return render


def counted(event: str, callback: Callable[[], None], counts: dict[str, int]) -> Callable[[], None]:
    """The callback, run to its end and counted.

    When another event comes while it runs, Streamlit leaves it at its next look at the session's state, with that event
    in the exception. It is begun anew then; the exception goes on when it is done, so that the other has its turn.
    """
    name = event.removeprefix("on_").removesuffix("_change")

    def hear() -> None:
        other: RerunException | None = None
        for _ in range(ATTEMPTS):
            try:
                callback()
                counts[name] = counts.get(name, 0) + 1
                break
            except RerunException as cut:
                other = cut
        if other is not None:
            raise other

    return hear


def _session() -> str:
    """Changes when a page that stays open is served by a new session."""
    return st.session_state.setdefault("session", secrets.token_hex(8))


def _nothing() -> None:
    """Nobody listens."""


class DimensionKL(TypedDict):
    """What one latent dimension says."""

    dim: int  # 0-based index; the page calls it z{dim + 1}
    kl: float  # nats, averaged over images


class View(TypedDict):
    """Where the explorer stands."""

    z: list[float]  # (D,)
    image: int | None  # index into the images blob of the image that z started from


_player = register("elbo_room_player", "explore/player.js", ["paint/track.css", "explore/player.css"])


def player(
    *,
    key: str,
    model: str,
    title: str,
    thing: str,
    z: Sequence[float] | None,
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
        Addresses of blobs: the network, the test images to start from, and (for two latent dimensions) the encoded
        means.
    title, thing
        What the model is called, and what its pictures are of.
    z
        The code (D,) to show. A code other than the page's own moves it there, unless a control is being held. None:
        that of an image which comes out clear, found in the page.
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
            "title": title,
            "thing": thing,
            "z": None if z is None else [float(value) for value in z],
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
