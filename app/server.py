"""What `elbo app` starts: Streamlit's pages, and beside them routes of our own for everything that is not words.

    elbo/modules/<version>/<path>   the front end's modules and style sheets
    elbo/blobs/<hash>               arrays by the hash of their content
    elbo/promised/<key>             arrays that are worked out when somebody asks

All below `server.baseUrlPath`. What is named by its content is kept by browsers for good, so a reload fetches none of
it. Nothing here reads a path that a request names: files come from a table made at the start, arrays from memory.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from streamlit import config

from app.components import modules
from app.components.blobs import blobs
from vae_core.config.errors import ElboRoomError

FOREVER = "public, max-age=31536000, immutable"
OLDER = "this page is older than the server"


async def module(request: Request) -> Response:
    """One file of the front end."""
    file = modules.files().get(request.path_params["path"])
    if file is None or request.path_params["version"] != modules.version():
        return _gone(OLDER)
    return _sent(request, file.packed, file.type, {"Cache-Control": FOREVER})


async def blob(request: Request) -> Response:
    """The arrays of that hash."""
    digest = request.path_params["digest"]
    try:
        packed = await run_in_threadpool(blobs.get, digest)
    except (ElboRoomError, OSError):
        packed = None
    if packed is None:
        return _gone(OLDER)
    return _sent(request, packed, "application/octet-stream", {"Cache-Control": FOREVER})


async def promised(request: Request) -> Response:
    """Arrays worked out now, or before; a browser that has them is told so."""
    try:
        found = await run_in_threadpool(blobs.kept_promise, request.path_params["key"])
    except (ElboRoomError, OSError):
        # The error may name a path of this machine.
        return _gone("a model's files are damaged or were deleted; the page Models says which")
    if found is None:
        return _gone(OLDER)
    digest, packed = found
    headers = {"Cache-Control": "no-cache", "ETag": f'"{digest}"'}
    if f'"{digest}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return _sent(request, packed, "application/octet-stream", headers)


def _sent(request: Request, packed: bytes, type: str, headers: dict[str, str]) -> Response:
    headers = {**headers, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, media_type=type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(packed), media_type=type, headers=headers)


def _gone(sentence: str) -> Response:
    return PlainTextResponse(sentence, status_code=404, headers={"Cache-Control": "no-store"})


def routes(base: str) -> list[BaseRoute]:
    """Our own routes for an app whose pages are below the path `base` ("" for none)."""
    root = "/".join(["", *filter(None, base.split("/")), modules.PREFIX])
    return [
        Route(f"{root}/modules/{{version}}/{{path:path}}", module),
        Route(f"{root}/blobs/{{digest}}", blob),
        Route(f"{root}/promised/{{key}}", promised),
    ]


app = st.App(
    Path(__file__).with_name("main.py"),
    routes=routes(str(config.get_option("server.baseUrlPath") or "")),
)
