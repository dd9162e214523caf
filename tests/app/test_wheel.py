"""The app from an installed wheel: the front end travels with it. Minutes, so by name: `pytest -m slow_proof`."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.components import modules
from tests.browser.fixtures import _free_port
from tests.conftest import until

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow_proof


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_every_file_of_the_front_end_is_in_it(installed: Path) -> None:
    frontend = installed / "app" / "components" / "frontend"
    found = {path.relative_to(frontend).as_posix() for path in frontend.rglob("*") if path.is_file()}
    assert set(modules.files()) <= found


@pytest.fixture(params=["elbo app", "streamlit run"])
def address(request: pytest.FixtureRequest, installed: Path, tmp_path: Path) -> Iterator[str]:
    """Where it answers, started far from the source tree."""
    port = _free_port()
    command = {
        "elbo app": ["-m", "vae_core", "app", "--port", str(port)],
        "streamlit run": [
            *("-m", "streamlit", "run", str(installed / "app" / "server.py")),
            *("--server.port", str(port), "--server.headless", "true"),
        ],
    }[request.param]
    environment = {**os.environ, "PYTHONPATH": str(installed), "ELBO_HOME": str(tmp_path / "home")}
    process = subprocess.Popen([sys.executable, *command], cwd=tmp_path, env=environment)
    where = f"http://localhost:{port}"

    def answers() -> bool:
        assert process.poll() is None
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{where}/_stcore/health", timeout=5) as answer:
            return answer.status == 200
        return False

    try:
        until(answers, "the server")
        yield where
    finally:
        process.terminate()
        process.wait(90)


def test_it_serves_its_modules_and_its_events(address: str, installed: Path) -> None:
    with urllib.request.urlopen(f"{address}/{modules.address()}explore/player.js", timeout=90) as answer:
        assert answer.read() == (installed / "app" / "components" / "frontend" / "explore" / "player.js").read_bytes()
    with urllib.request.urlopen(f"{address}/elbo/events/mnist-mlp-2d-beta1-2d28d5af", timeout=90) as answer:
        assert b'"status": "finished"' in answer.read()
