"""Every view with the data that its page hands to it, on a plain web server: for tests, and to look at.

    python -m tests.frontend.exhibits [--port 8600]          serve them until Ctrl-C
    python -m tests.frontend.exhibits --pictures FOLDER      take a picture of each, light and dark

The pages run once, in Streamlit's AppTest, to say what they would show; the views then stand alone (`standalone.py`).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app import lab, session
from app.components import registered
from app.components.blobs import blobs
from app.components.standalone import Exhibit, folder
from app.facts import kept
from vae_core.jobs import artifacts
from vae_core.jobs.queue import Jobs
from vae_core.jobs.starters import STARTERS
from vae_core.store import Store

MAIN = Path(__file__).parents[2] / "app" / "main.py"
PLANE, ROOM = (config.run_id for config in STARTERS)
"""The shipped models of two and of ten dimensions."""


class Shown(NamedTuple):
    """Where a view is seen."""

    page: str
    component: str
    link: dict[str, str]


VIEWS = {
    "explore": Shown("", "elbo_room_player", {"run": PLANE}),
    "explore-many": Shown("", "elbo_room_player", {"run": ROOM, "image": "3"}),
    "map": Shown("map", "elbo_room_map", {"run": PLANE}),
    "train": Shown("train", "elbo_room_train", {}),
    "gallery": Shown("reconstruct", "elbo_room_gallery", {"run": PLANE}),
    "compare": Shown("compare", "elbo_room_compare", {"runs": f"{PLANE},{ROOM}"}),
    "presenter": Shown("", "elbo_room_presenter", {"run": PLANE}),
    **{name: Shown(name, f"elbo_room_lab_{name.replace('-', '_')}", {}) for name in lab.VIEWS},
    "gaussian-data": Shown("gaussian", "elbo_room_lab_gaussian", {"mode": "data"}),
}


@contextmanager
def nobody_works() -> Iterator[None]:
    """No worker process is started, and what pages remember of one home is forgotten before the next."""
    import pytest

    def forget() -> None:
        for each in (st.cache_resource.clear, kept.forget, blobs.clear):
            each()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Jobs, "ensure_worker", lambda *_: None)
        patch.setattr(session, "_warm_up", lambda: None)
        forget()
        yield
        forget()


def prepare(home: Path) -> None:
    """What the pages would ask a worker for."""
    os.environ["ELBO_HOME"] = str(home)
    for run_id in (PLANE, ROOM):
        artifacts.codes(Store(home), run_id)


def exhibit(name: str) -> Exhibit:
    """A view as its page shows it now."""
    page, component, link = VIEWS[name]
    at = AppTest.from_file(str(MAIN), default_timeout=120)
    at.query_params.update(link)
    at._page_hash = calc_hash(page)
    text = _told(at, component)
    if refine := json.loads(text).get("refine"):  # what the page would ask for once it has painted the first figures
        at.session_state[f"{name}-refined"] = refine
        text = _told(at, component)
    module, css = registered[component]
    addresses = set(re.findall(r'"((?:blobs|promised)/[0-9a-f]+)"', text))
    data: dict[str, Any] = json.loads(text)
    return Exhibit(module, css, data, {address: _bytes(address) for address in addresses}, f"Elbo Room: {name}")


def _told(at: AppTest, component: str) -> str:
    """What the page tells its component, as JSON."""
    at.run()
    assert not at.exception, at.exception
    sent = [element.proto for element in at.get("bidi_component")]  # type: ignore[union-attr]
    return next(proto.json for proto in sent if proto.component_name == component)


def _bytes(address: str) -> bytes:
    kind, _, key = address.partition("/")
    if kind == "blobs":
        packed = blobs.get(key)
    else:
        found = blobs.kept_promise(key)
        packed = found[1] if found else None
    assert packed is not None, f"the page named {address}, which is not there"
    return gzip.decompress(packed)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def served(root: Path, port: int = 0) -> Iterator[str]:
    """The address of a plain web server over this folder."""
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(root)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def pictures(url: str, out: Path) -> None:
    """A picture of each view, light and dark."""
    from playwright.sync_api import sync_playwright

    from tests.browser.fixtures import FLAGS, chromium_path

    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        for theme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme=theme)
            for view in VIEWS:
                page.goto(f"{url}/{view}/")
                page.wait_for_function("globalThis.fixture")
                page.wait_for_timeout(2000)  # pictures that are decoded bit by bit
                page.screenshot(path=out / f"{view}-{theme}.png")
                print(out / f"{view}-{theme}.png", flush=True)
        browser.close()


def main() -> None:
    """Serve all of them until Ctrl-C, or take their pictures."""
    parser = argparse.ArgumentParser(description="Every view on a page of its own.")
    parser.add_argument("--port", type=int, default=8600)
    parser.add_argument("--pictures", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, nobody_works():
        root = Path(name)
        prepare(root / "home")
        for view in VIEWS:
            folder(exhibit(view), root / "site" / view, "fixture")
        with served(root / "site", args.port) as url:
            if args.pictures:
                pictures(url, args.pictures)
                return
            print("\n".join(f"{url}/{view}/" for view in VIEWS), flush=True)
            with suppress(KeyboardInterrupt):
                Event().wait()


if __name__ == "__main__":
    main()
