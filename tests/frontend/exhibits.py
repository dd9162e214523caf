"""Every view with the data that its page hands to it, on a plain web server: for tests, and to look at.

    python -m tests.frontend.exhibits [--port 8600]

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
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
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
    "gallery": Shown("reconstruct", "elbo_room_gallery", {"run": PLANE}),
    "compare": Shown("compare", "elbo_room_compare", {"runs": f"{PLANE},{ROOM}"}),
    "presenter": Shown("", "elbo_room_presenter", {"run": PLANE}),
    **{name: Shown(name, f"elbo_room_lab_{name.replace('-', '_')}", {}) for name in lab.VIEWS},
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
    at.run()
    assert not at.exception, at.exception
    sent = [element.proto for element in at.get("bidi_component")]  # type: ignore[union-attr]
    text = next(proto.json for proto in sent if proto.component_name == component)
    module, css = registered[component]
    addresses = set(re.findall(r'"((?:blobs|promised)/[0-9a-f]+)"', text))
    data: dict[str, Any] = json.loads(text)
    return Exhibit(module, css, data, {address: _bytes(address) for address in addresses}, f"Elbo Room: {name}")


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


def main() -> None:
    """Serve all of them until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Every view on a page of its own.")
    parser.add_argument("--port", type=int, default=8600)
    port: int = parser.parse_args().port
    with tempfile.TemporaryDirectory() as name, nobody_works():
        root = Path(name)
        prepare(root / "home")
        for view in VIEWS:
            folder(exhibit(view), root / "site" / view, "fixture")
        with served(root / "site", port) as url:
            print("\n".join(f"{url}/{view}/" for view in VIEWS), flush=True)
            try:
                Thread(target=lambda: None).join()
                while True:
                    input()
            except (EOFError, KeyboardInterrupt):
                pass


if __name__ == "__main__":
    main()
