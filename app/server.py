"""What `elbo app` starts: Streamlit's pages, and beside them routes of our own for everything that is not words.

    elbo/modules/<version>/<path>   the front end's modules and style sheets
    elbo/blobs/<hash>               arrays by the hash of their content
    elbo/promised/<key>             arrays that are worked out when somebody asks
    elbo/events/<run_id>            a run's events while they come (`live.py`)
    elbo/standing?run=<run_id>&…    where several runs stand, likewise
    elbo/pictures/<run_id>/<which>  what a run made at a moment of its training

All below `server.baseUrlPath`. What is named by its content is kept by browsers for good, so a reload fetches none of
it. Nothing here reads a path that a request names: files come from a table made at the start, arrays from memory.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import pkgutil
import re
import signal
import threading
import time
from collections.abc import AsyncGenerator
from importlib import import_module
from pathlib import Path
from types import FrameType

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from app.components import modules
from app.components.blobs import blobs, pack
from app.live import MOST_RUNS, Stream, pictures, streams
from vae_core.cli.app import OPTIONS, theme
from vae_core.config.errors import ElboRoomError

FOREVER = "public, max-age=31536000, immutable"
QUIET = 0.1
"""Seconds without an answer to anybody after which there is time for other things."""
OLDER = "this page is older than the server"


async def module(request: Request) -> Response:
    """One file of the front end."""
    file = modules.files().get(request.path_params["path"])
    if file is None or request.path_params["version"] != modules.version():
        return _refused(404, OLDER)
    return _sent(request, file.packed, file.type, {"Cache-Control": FOREVER})


async def blob(request: Request) -> Response:
    """The arrays of that hash."""
    digest = request.path_params["digest"]
    try:
        packed = await run_in_threadpool(blobs.get, digest)
    except (ElboRoomError, OSError):
        packed = None
    if packed is None:
        return _refused(404, OLDER)
    return _sent(request, packed, "application/octet-stream", {"Cache-Control": FOREVER})


async def promised(request: Request) -> Response:
    """Arrays worked out now, or before; a browser that has them is told so."""
    try:
        found = await run_in_threadpool(blobs.kept_promise, request.path_params["key"])
    except (ElboRoomError, OSError):
        # The error may name a path of this machine.
        return _refused(404, "a model's files are damaged or were deleted; the page Models says which")
    if found is None:
        return _refused(404, OLDER)
    digest, packed = found
    headers = {"Cache-Control": "no-cache", "ETag": f'"{digest}"'}
    if f'"{digest}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return _sent(request, packed, "application/octet-stream", headers)


async def run_events(request: Request) -> Response:
    """What a run says, from `?since=` or Last-Event-ID on."""
    run_id = request.path_params["run_id"]
    again = request.headers.get("last-event-id", "")
    since = again or request.query_params.get("since", "0")
    if not re.fullmatch(r"[0-9]{1,15}", since):
        return _refused(400, f"since={since[:40]!r}: give the byte to go on from, as the last event's id says it")
    if await streams.status(run_id) is None:
        return _refused(404, "there is no such run, or its files are damaged; the page Models says which there are")
    if again and await streams.ended(run_id, int(since)):
        return Response(status_code=204)  # a browser that was cut off at the end asks no more
    return _stream(streams.follow(run_id, int(since)))


async def standing(request: Request) -> Response:
    """Where the runs `?run=` stand, while they wait or are trained."""
    run_ids = tuple(dict.fromkeys(request.query_params.getlist("run")))
    if not 0 < len(run_ids) <= MOST_RUNS or max(map(len, run_ids)) > 200:
        return _refused(400, f"run=: name 1 to {MOST_RUNS} runs")
    return _stream(streams.standing(run_ids))


def _stream(said: AsyncGenerator[str]) -> Response:
    if streams.full():
        return _refused(503, f"{streams.most} pages follow a run already; close one", {"Retry-After": "10"})
    return Stream(streams, said)


async def run_pictures(request: Request) -> Response:
    """The pictures of one moment of a run."""
    try:
        found = await run_in_threadpool(pictures, request.path_params["run_id"], request.path_params["which"])
    except (ElboRoomError, OSError):
        return _refused(404, "these pictures are damaged, or were deleted")
    if found is None:
        return _refused(404, "no pictures of this moment are kept")
    return _sent(request, pack(found), "application/octet-stream", {"Cache-Control": "no-store"})


def _sent(request: Request, packed: bytes, type: str, headers: dict[str, str]) -> Response:
    headers = {**headers, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, media_type=type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(packed), media_type=type, headers=headers)


def _refused(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(sentence, status, {"Cache-Control": "no-store", **(headers or {})})


class AllowedHosts:
    """Refuses a request under a name that is not ours, as Streamlit does for its own connection.

    Else a page from elsewhere could have its own name lead to this machine, and read what only its reader may.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        if scope["type"] == "http" and not is_host_allowed(Headers(scope=scope).get("host")):
            await _refused(403, "this server does not answer to that name")(scope, receive, send)
        else:
            await self.app(scope, receive, send)


RawHeaders = list[tuple[bytes, bytes]]


class Dressed:
    """Puts the style of the page around the views into each HTML page of Streamlit's.

    As an element of the page it would come late, and what is there by then would jump.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        style = Path(__file__).with_name("page.css").read_bytes()
        self.end = b"<style>" + style + b"</style></head>"
        self.mark = f"-{hashlib.sha256(style).hexdigest()[:12]}".encode()
        """What it adds to a page's ETag: one with another style is another page."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        known, headers = self._asked(scope["headers"])
        start: Message | None = None  # of a page, held back until its body is there
        body = b""

        async def sent(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                answered = Headers(raw=message["headers"])
                html = answered.get("content-type", "").startswith("text/html")
                if html and answered.get("content-encoding") in (None, "gzip"):
                    start = message
                    return
                if known and message["status"] == 304:
                    message = {**message, "headers": self._marked(message["headers"])}
            elif start is not None:
                body += message.get("body", b"")
                if message.get("more_body", False):
                    return
                start, message = self._dressed(start, body)
                await send(start)
            await send(message)

        await self.app({**scope, "headers": headers}, receive, sent)

    def _asked(self, headers: RawHeaders) -> tuple[bool, RawHeaders]:
        """Whether the browser has a page with this style; what Streamlit is asked: by its own name, or not at all."""
        if any(name == b"if-none-match" and self.mark in value for name, value in headers):
            return True, [(name, value.replace(self.mark, b"")) for name, value in headers]
        page = any(name == b"accept" and b"text/html" in value for name, value in headers)
        old = (b"if-none-match", b"if-modified-since") if page else ()
        return False, [(name, value) for name, value in headers if name not in old]

    def _marked(self, headers: RawHeaders) -> RawHeaders:
        return [(n, value.rstrip(b'"') + self.mark + b'"' if n == b"etag" else value) for n, value in headers]

    def _dressed(self, start: Message, body: bytes) -> tuple[Message, Message]:
        headers = self._marked(start["headers"])
        if body:
            zipped = (b"content-encoding", b"gzip") in headers
            page = (gzip.decompress(body) if zipped else body).replace(b"</head>", self.end, 1)
            body = gzip.compress(page, 6, mtime=0) if zipped else page
            length = (b"content-length", str(len(body)).encode())
            headers = [*(header for header in headers if header[0] != b"content-length"), length]
        return {**start, "headers": headers}, {"type": "http.response.body", "body": body}


ON_LANDING = (
    "explore/player.js",
    "presenter/presenter.js",
    "paint/track.css",
    "explore/player.css",
    "presenter/presenter.css",
)
"""What Explore is made of, whose components aren't registered yet when the first page is asked for."""


class Landing:
    """Tells a browser with the landing page what that page will fetch: it has it before Streamlit has started.

    At low priority: what Streamlit starts with goes first.
    """

    busy = 0.0
    """When somebody was last answered, `time.monotonic()`."""

    def __init__(self, app: ASGIApp, root: str) -> None:
        self.app = app
        self.paths = (root, f"{root}/")
        starts = [modules.HOST, *(path for path in ON_LANDING if path.endswith(".js"))]
        scripts = dict.fromkeys(path for start in starts for path in modules.graph(start))
        sheets = [path for path in ON_LANDING if path.endswith(".css")]
        # Relative to the page: a proxy may hide the path that the browser sees.
        links = [f"<./{modules.address()}{path}>; rel=modulepreload" for path in scripts]
        links += [f"<./{modules.address()}{path}>; rel=preload; as=fetch; crossorigin" for path in sheets]
        self.header = (b"link", ", ".join(f"{link}; fetchpriority=low" for link in links).encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                message = {**message, "headers": [*message["headers"], self.header]}
            await send(message)

        landing = scope["type"] == "http" and scope["path"] in self.paths
        Landing.busy = time.monotonic()
        await self.app(scope, receive, sent if landing else send)
        Landing.busy = time.monotonic()


def _root(base: str) -> str:
    return "/".join(["", *filter(None, base.split("/"))])


def routes(base: str) -> list[BaseRoute]:
    """Our own routes for an app whose pages are below the path `base` ("" for none)."""
    root = f"{_root(base)}/{modules.PREFIX}"
    own = [Middleware(AllowedHosts)]
    return [
        Route(f"{root}/modules/{{version}}/{{path:path}}", module, middleware=own),
        Route(f"{root}/blobs/{{digest}}", blob, middleware=own),
        Route(f"{root}/promised/{{key}}", promised, middleware=own),
        Route(f"{root}/events/{{run_id}}", run_events, middleware=own),
        Route(f"{root}/standing", standing, middleware=own),
        Route(f"{root}/pictures/{{run_id}}/{{which}}", run_pictures, middleware=own),
    ]


def import_pages() -> None:
    """Import what `main.py` needs before somebody needs it; Streamlit's own scripts are given out first."""
    latest = time.monotonic() + 2
    while Landing.busy + QUIET > time.monotonic() < latest:
        time.sleep(QUIET / 5)
    from app import lab, views

    assert lab.VIEWS
    for found in pkgutil.iter_modules(views.__path__, "app.views."):
        import_module(found.name)


@contextlib.asynccontextmanager
async def lifespan(_: st.App) -> AsyncGenerator[None]:
    """Streams end as soon as somebody ends the server, which waits for them else."""
    threading.Thread(target=import_pages, daemon=True).start()
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}

    def end(sign: int, frame: FrameType | None) -> None:
        streams.closing = True
        handler = before[signal.Signals(sign)]
        if callable(handler):
            handler(sign, frame)

    streams.closing = False
    main = threading.current_thread() is threading.main_thread()
    if main:
        for sign in before:
            signal.signal(sign, end)
    yield
    if main:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def take_house_options() -> None:
    """What `elbo app` starts the server with, also where `streamlit run` was given none of it.

    Else a traceback, with the paths of this machine, would be shown to a visitor. What somebody set goes first; where
    the server listens is decided before this is read.
    """
    for name, said in {**OPTIONS, **theme(Path(__file__).parent)}.items():
        if config.get_where_defined(name) == config.ConfigOption.DEFAULT_DEFINITION:
            config.set_option(name, _value(said), "elbo app")


def _value(said: str) -> bool | int | str:
    """What a command line would make of it."""
    return said == "true" if said in ("true", "false") else int(said) if said.isdigit() else said


take_house_options()
BASE = str(config.get_option("server.baseUrlPath") or "")

app = st.App(
    Path(__file__).with_name("main.py"),
    routes=routes(BASE),
    middleware=[Middleware(Landing, root=_root(BASE)), Middleware(Dressed)],
    lifespan=lifespan,
)
