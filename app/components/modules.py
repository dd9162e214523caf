"""The files of `frontend/` as the server gives them out: ES modules and style sheets, in a folder named by their hash.

A page imports them by URL, so every module has its own scope and browsers keep them until one of them changes. The
table is made once: nothing that is not in it can be asked for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from posixpath import join, normpath

from app.components.blobs import pack

PREFIX = "elbo"
"""What all of our own addresses begin with, below the app's base."""
FRONTEND = Path(__file__).parent / "frontend"

_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_IMPORT = re.compile(r"""^(?:import|export)\b[^;"']*?from\s*["'](\.[^"']+)["']|^import\s*["'](\.[^"']+)["']""", re.M)


@dataclass(frozen=True)
class File:
    """One file as it is served."""

    body: bytes
    type: str

    @cached_property
    def packed(self) -> bytes:
        """Its bytes as gzip."""
        return pack(self.body)


@cache
def files() -> dict[str, File]:
    """Path below `frontend/`, with slashes -> file."""
    found = sorted(path for path in FRONTEND.rglob("*") if path.suffix in _TYPES and path.is_file())
    return {path.relative_to(FRONTEND).as_posix(): File(path.read_bytes(), _TYPES[path.suffix]) for path in found}


@cache
def version() -> str:
    """Changes with any file."""
    digest = hashlib.sha256()
    for path, file in files().items():
        digest.update(f"{path}\0{len(file.body)}\0".encode() + file.body)
    return digest.hexdigest()[:16]


def address() -> str:
    """The folder of the modules, below the app's base."""
    return f"{PREFIX}/modules/{version()}/"


@cache
def imports(path: str) -> tuple[str, ...]:
    """The modules that this one imports. Raises KeyError for one that is not there."""
    folder = str(PurePosixPath(path).parent)
    return tuple(normpath(join(folder, a or b)) for a, b in _IMPORT.findall(files()[path].body.decode()))


@cache
def graph(path: str) -> tuple[str, ...]:
    """The module `path` and all that it imports, itself first. Raises KeyError for one that is not there."""
    found: dict[str, None] = {}
    waiting = [path]
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found[name] = None
        waiting += imports(name)
    return tuple(found)


HOST = "hosts/streamlit.js"


def source(module: str, css: Sequence[str]) -> str:
    """The text that a component is registered with: it imports the real module, and all that module needs at once.

    Named one by one, the imports cost one round trip instead of one for each level of the graph. The page's base is
    where its own scripts come from: the app may live below any path, and behind a proxy that hides a part of it.
    """
    wanted = list(dict.fromkeys([*graph(HOST), *graph(module)]))
    missing = [sheet for sheet in css if sheet not in files()]
    if missing:
        raise KeyError(f"no style sheet {missing[0]!r} in {FRONTEND}")
    return f"""\
const script = document.querySelector('script[type="module"][src*="static/js/"]');
const base = new URL({json.dumps(address())}, script ? new URL("../../", script.src) : document.baseURI);
const modules = {json.dumps(wanted)}.map((path) => import(new URL(path, base).href));
const sheets = {json.dumps(list(css))}.map((path) => fetch(new URL(path, base)));
const host = await modules[0];
export default await host.component(await modules[{wanted.index(module)}], sheets);
"""
