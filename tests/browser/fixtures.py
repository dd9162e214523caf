"""A real Chromium and a real `elbo app` server, for the tests that use the app as a person does.

`conftest.py` makes the fixtures known.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from vae_core.config import RunConfig
from vae_core.store import Store

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 90.0
"""Seconds until something that does not happen is a failure: other work may be running on the same cores."""

STREAMLIT_SAYS = (
    "Failed to load resource",
    "Cannot send rerun backMessage when disconnected",
    "Client Error in reaching server endpoint",
    "Is Streamlit still running?",
)
"""Its own complaints: it asks for addresses that are not there, and a fragment polls on while the server is away."""

TINY = RunConfig(dataset="digits", latent_dim=3, epochs=4)
"""Trained in a second; every home of these tests has it, beside the starters."""

expect.set_options(timeout=PATIENCE * 1000)


def chromium_path() -> str:
    """Where Chromium is. Without one the test is skipped, or fails where everything has to be tested."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    reason = "NO CHROMIUM: nothing in the page was tested; install one (`apt install chromium`) and run again"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


def page_of_modules(browser: Browser) -> Page:
    """An empty page that can `import("/net/engine.js")` and every other file of the front end, without an app."""
    from app.components import modules

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path.lstrip("/")
        if path in modules.files():
            file = modules.files()[path]
            route.fulfill(body=file.body, content_type=file.type)
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    page = browser.new_page()
    page.route("http://modules.test/**", answer)
    page.goto("http://modules.test/")
    return page


@dataclass
class Server:
    """`elbo app` on a free port over a home of its own."""

    home: Path
    port: int = 0
    base: str = ""
    """The path below which its pages are, without slashes around it."""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, on the port it had before, and wait until it answers."""
        self.port = self.port or _free_port()
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vae_core", "app", "--port", str(self.port), "--base-path", self.base],
                env={**os.environ, "ELBO_HOME": str(self.home)},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the server did not start:\n{(self.home / 'server.log').read_text()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash does; its workers live on for a while."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def workers(self, kind: str = "train") -> list[int]:
        """Process ids of this home's workers."""
        found = []
        for line in subprocess.run(
            ["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True
        ).stdout.splitlines():
            pid, _, command = line.strip().partition(" ")
            if "vae_core.jobs.worker" in command and f"--home {self.home} --kind {kind}" in command:
                found.append(int(pid))
        return found

    def stop(self) -> None:
        """End the server and its workers."""
        self.kill()
        for kind in ("train", "derive"):
            for pid in self.workers(kind):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def url(self, path: str = "", **view: object) -> str:
        """The address of a page in a state."""
        below = "/".join(filter(None, (self.base, path)))
        end = "/" if below == self.base != "" else ""
        return f"http://localhost:{self.port}/{below}{end}" + (f"?{urlencode(view)}" if view else "")

    @property
    def store(self) -> Store:
        """What it shows."""
        return Store(self.home)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url("_stcore/health"), timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def train_tiny(home: Path) -> str:
    """Put `TINY` into the store of this home; its run_id."""
    from vae_core.jobs.run import run

    for _ in run(TINY, Store(home)):
        pass
    return TINY.run_id


def _serve(home: Path) -> Iterator[Server]:
    train_tiny(home)
    server = Server(home)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a module that leave it as it was, but for more runs."""
    yield from _serve(tmp_path_factory.mktemp("home"))


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may kill."""
    yield from _serve(tmp_path)


EXPERIENCED = """try {
  localStorage.setItem('elbo-room-explored', '1');
  localStorage.getItem('elbo-room-questions') ?? localStorage.setItem('elbo-room-questions', 'off');
} catch {}"""
"""Of somebody who was here before, and wants no question before a view."""


@dataclass
class Visitor:
    """Opens pages, each for a new visitor, and remembers what they complained about."""

    browser: Browser
    errors: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def __call__(self, url: str, *, first: bool = False, **options: Any) -> Page:
        """A page in a browser profile of its own, at this address; `first`: of somebody who was never here."""
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 720}, **options})
        self.contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        if not first:
            context.add_init_script(EXPERIENCED)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._hear(page, message))
        page.goto(url)
        return page

    def _hear(self, page: Page, message: Any) -> None:
        if message.type == "error" and not message.text.startswith(STREAMLIT_SAYS):
            self.errors.append(f"{page.url}: {message.text}")


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`visit(url)` opens a page; at the end no page may have raised an error."""
    visitor = Visitor(chromium)
    yield visitor
    errors = list(visitor.errors)
    for context in visitor.contexts:
        context.close()
    assert not errors, errors
