"""A view with its data, without Streamlit: a folder of static files, one HTML file, or a module for a notebook.

The same modules run as in the app. A folder lays them out as the server does, so any web server (or `python -m
http.server`) can give it out. Where there is no server at all they travel as text, each after what it imports, and
become Blob URLs (`frontend/hosts/link.js`).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any, Literal

from app.components import modules

LOADER = "hosts/link.js"
PAGE_CSS = "hosts/page.css"

_STARTED = re.compile(r"""new URL\(\s*"(\.[^"]+\.js)",\s*import\.meta\.url""")
"""A worker, which no import names: it is started by its address."""


@dataclass(frozen=True)
class Exhibit:
    """A view and what it shows."""

    module: str
    """Path of its module below `frontend/`."""
    css: Sequence[str]
    """Paths of its style sheets, in order."""
    data: Mapping[str, Any]
    """What a page of the app hands to it; arrays by address."""
    blobs: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """Address -> safetensors bytes, for every address in `data`."""
    title: str = "Elbo Room"


def folder(exhibit: Exhibit, out: Path, host: Literal["static", "fixture"] = "static") -> Path:
    """Write the exhibit as static files into `out`, a new or empty folder; the path of its `index.html`.

    A page on disk may not import modules: the folder needs a web server, however small. Raises `FileExistsError` for a
    folder that holds anything.
    """
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty; name a new folder")
    root = modules.address()
    for path in [*_closure(exhibit.module, f"hosts/{host}.js"), *_sheets(exhibit)]:
        _write(out / root / path, modules.files()[path].body)
    for address, body in exhibit.blobs.items():
        _write(out / modules.PREFIX / address, body)
    _write(out / "data.json", json.dumps(exhibit.data).encode())
    sheets = json.dumps([f"{root}{path}" for path in _sheets(exhibit)])
    script = f"""
import {{ open }} from "./{root}hosts/{host}.js";
import definition from "./{root}{exhibit.module}";
const text = async (path) => (await fetch(path)).text();
open({{
  definition,
  element: document.querySelector("main"),
  css: await Promise.all({sheets}.map(text)),
  data: JSON.parse(await text("data.json")),
}});
"""
    page = out / "index.html"
    _write(page, _html(exhibit.title, f'<script type="module">{script}</script>').encode())
    return page


def one_file(exhibit: Exhibit) -> str:
    """The exhibit as one HTML text that opens from anywhere, a disk included."""
    carried = {
        "loader": _text(LOADER),
        "modules": [[path, _text(path)] for path in _closure(exhibit.module, "hosts/static.js")],
        "view": exhibit.module,
        "css": [_text(path) for path in _sheets(exhibit)],
        "data": exhibit.data,
        "blobs": {address: base64.b64encode(body).decode() for address, body in exhibit.blobs.items()},
    }
    # A script element ends at the first "</script": as JSON it may be written without any "<".
    data = json.dumps(carried).replace("<", "\\u003c")
    script = """
const { loader, modules, view, css, data, blobs } = JSON.parse(document.querySelector("#exhibit").textContent);
const { link } = await import(URL.createObjectURL(new Blob([loader], { type: "text/javascript" })));
const urls = link(modules);
const [{ open }, { takeBlobsFrom }, { default: definition }] = await Promise.all(
  ["hosts/static.js", "net/blob.js", view].map((path) => import(urls.get(path))),
);
takeBlobsFrom((address) => Uint8Array.from(atob(blobs[address]), (letter) => letter.charCodeAt(0)));
open({ definition, element: document.querySelector("main"), css, data });
"""
    return _html(
        exhibit.title,
        f'<script type="application/json" id="exhibit">{data}</script><script type="module">{script}</script>',
    )


def notebook(module: str, css: Sequence[str]) -> str:
    """The view as the text of a module `{render}`, such as anywidget takes for `_esm`.

    The widget's synchronised traits are `data` (what a page of the app hands to the view), `blobs` (address -> bytes)
    and `kept` (what the view keeps, by name).
    """
    carried = {
        "modules": [[path, _text(path)] for path in _closure(module, "hosts/notebook.js")],
        "css": [_text(path) for path in [PAGE_CSS, *css]],
    }
    return f"""\
const {{ modules, css }} = {json.dumps(carried)};
const loader = {json.dumps(_text(LOADER))};
const {{ link }} = await import(URL.createObjectURL(new Blob([loader], {{ type: "text/javascript" }})));
const urls = link(modules);
const {{ widget }} = await import(urls.get("hosts/notebook.js"));
const {{ default: definition }} = await import(urls.get({json.dumps(module)}));
export default widget(definition, css);
"""


def _closure(*starts: str) -> list[str]:
    """These modules and all that they need, each after what it imports."""
    found: dict[str, None] = {}

    def visit(path: str) -> None:
        if path in found:
            return
        started = [normpath(join(dirname(path), worker)) for worker in _STARTED.findall(_text(path))]
        for other in (*modules.imports(path), *started):
            visit(other)
        found[path] = None

    for start in starts:
        visit(start)
    return list(found)


def _sheets(exhibit: Exhibit) -> list[str]:
    return [PAGE_CSS, *exhibit.css]


def _text(path: str) -> str:
    return modules.files()[path].body.decode()


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _html(title: str, scripts: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ margin: 0; padding: 1rem 1.4rem; background: light-dark(#ffffff, #101218); }}
</style>
<main></main>
{scripts}
</html>
"""
