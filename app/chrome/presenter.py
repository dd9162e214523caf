"""Presenter mode (large type, nothing around the page, the keys of a remote) and the bar of the tour.

`present=1` in the URL turns it on. One component listens to the keys and shows what floats over the page; what is
wished there comes here, and leads to another page or another URL.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import link, session
from app.chrome import tour
from app.components import register

KEY = "presenter"

_component = register("elbo_room_presenter", "presenter/presenter.js", ["presenter/presenter.css"])

_ON_TOUR = """
/* A view that asks a question first (question.js) sees from --tour that it has not the word. */
:root { --tour: 1; --bar: 44px; --around: 190px; --below: 60px; }
body [data-testid="stMainBlockContainer"] { padding-bottom: var(--below); }
body [data-testid="stMainBlockContainer"] h3 { padding: 0 0 0.4rem; }
"""

# 22 px in a window of 1280×720, and as large in proportion in every other: a projector shows the same at any
# resolution. Streamlit measures in rem, the components in --type. The component takes --fit of it where a view has no
# room for so much.
_PRESENTING = """
:root {
  --type: calc(var(--fit, 1) * max(22px, min(3.056vh, 1.719vw)));
  --least: 2.21vh;
  --bar: 0px;
  --around: calc(4rem + var(--bar));
  --below: calc(0.7rem + var(--bar));
  font-size: var(--type) !important;
}
[data-testid="stHeader"], [data-testid="stToolbar"], [data-testid="stDecoration"] { display: none; }
body [data-testid="stMainBlockContainer"] { padding: 0.7rem 1.4rem var(--below); max-width: none; }
body [data-testid="stMainBlockContainer"] h3 { padding: 0 0 0.4rem; font-size: 1.35rem; }
body [data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0.5rem; }
/* The model's line: lower, and without the count of dimensions, so that the terms fit into one line. */
[class*="st-key-model-"] .react-aria-ComboBox > div { height: 2rem; min-height: 0; }
[class*="st-key-model-"] .react-aria-ComboBox :is(input, button) { height: 100%; min-height: 0; padding-block: 0; }
[data-testid="stHorizontalBlock"]:has(> * [class*="st-key-model-"]) .stMarkdownColoredText:nth-of-type(3) {
  display: none;
}
[data-testid="stMain"] :is(p, label, input, [data-baseweb="select"] div) { font-size: 1rem; }
[data-testid="stMain"] button :has(> [data-testid="stIconMaterial"]) { display: none; }
"""
_PRESENTING_ON_TOUR = ":root { --bar: 3.2rem; }"


def begin(page: str, order: Sequence[str]) -> None:
    """Once a script run, before the page is drawn; may lead to another page instead.

    `order` is what the keys lead through off the tour.
    """
    wish = session.recall("wish")
    session.remember("wish", None)
    if wish:
        _grant(wish, page, order)
    tour.arrive(page)
    presenting, stop = link.PRESENT.get() is True, tour.at()
    style = _ON_TOUR if stop else ""
    if presenting:
        style += _PRESENTING + (_PRESENTING_ON_TOUR if stop else "")
    st.html(f"<style>{style}</style>")
    place = order.index(page) if page in order else None
    with st.container(key="over"):
        _component(
            key=KEY,
            data={
                "presenting": presenting,
                "stop": stop,
                "stops": len(tour.STOPS),
                "sentence": tour.STOPS[stop - 1].sentence if stop else "",
                "points": tour.STOPS[stop - 1].points if stop and tour.stands_at(page) else "",
                "ends": list(tour.ENDS.items()),
                "astray": bool(stop) and not tour.stands_at(page),
                "offer": page == "explore" and not stop,
                "page": page,
                "place": place,
                "places": len(order),
            },
            height="content",
            on_wish_change=_hear,
        )


def _hear() -> None:
    """A mode is a matter of the URL; another page has to wait until the script runs."""
    wish = session.recall(KEY)["wish"]
    if wish == "present":
        link.put(present="1")
    elif wish == "quit":
        link.put(present=None)
    elif wish == "leave":
        tour.leave()
    else:
        session.remember("wish", wish)


def _grant(wish: str, page: str, order: Sequence[str]) -> None:
    """Open what `wish` asks for, if there is such a page: a stop, as in `tour:3`, `next` or `back`."""
    stop = tour.at()
    if wish.startswith("tour:"):
        tour.go(int(wish.removeprefix("tour:")))
    elif wish.removeprefix("end:") in tour.ENDS:
        tour.end(wish.removeprefix("end:"))
    elif stop and wish == "next":
        tour.go(stop + 1)
    elif stop:
        # Where another page was opened in between, the way back is the stop itself.
        tour.go(stop - 1 if tour.stands_at(page) else stop)
    else:
        at = order.index(page) + (1 if wish == "next" else -1) if page in order else 0
        if 0 <= at < len(order):
            link.open_page(order[at])
