"""`elbo app`: become the server."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import cast

from vae_core.cli.printing import Json
from vae_core.config.errors import StoreError


def app(args: argparse.Namespace) -> Json:
    """Become the Streamlit server."""
    from importlib.util import find_spec

    found = find_spec("app")
    if found is None or not found.submodule_search_locations:
        raise StoreError("the package 'app' is not installed beside 'vae_core'; reinstall elbo-room")
    folder = Path(found.submodule_search_locations[0])
    arguments = [sys.executable, "-m", "streamlit", "run", str(folder / "main.py"), "--server.port", str(args.port)]
    options = {
        "server.headless": str(not args.browser).lower(),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        # A box that follows the URL has its value from there, and the same as its default: a browser that is slow to
        # load the box shows the default, and would send back another.
        "global.disableWidgetStateDuplicationWarning": "true",
        **_theme(folder),
    }
    arguments += [part for name, value in options.items() for part in (f"--{name}", value)]
    os.execv(sys.executable, arguments)


def _theme(folder: Path) -> dict[str, str]:
    """The app's colours: `app/theme.json`, one Streamlit option a line."""
    return cast("dict[str, str]", json.loads((folder / "theme.json").read_text(encoding="utf-8")))
