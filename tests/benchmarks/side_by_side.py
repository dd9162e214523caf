"""This version beside an earlier one, in one run: `python -m tests.benchmarks.side_by_side COMMIT` (`make beside`).

Both take turns on the same machine with the same browser and the same packages, so that what else the machine does
meets both alike. Printed for each: the median of the turns and all of them, and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks.test_page_speed import DRAG, FIRST_CURVE, wait_for_picture
from tests.browser.fixtures import FLAGS, chromium_path

HERE = Path(__file__).resolve().parents[2]
Figures = dict[str, list[float]]


def environment(tree: Path, home: Path) -> dict[str, str]:
    """That of a process that runs the code of `tree` over `home`."""
    return {**os.environ, "PYTHONPATH": str(tree), "ELBO_HOME": str(home)}


@contextmanager
def served(tree: Path, home: Path) -> Iterator[str]:
    """The address of `elbo app` as it is in `tree`, from when it answers on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (home / "server.log").open("ab")
    command = [sys.executable, "-m", "vae_core", "app", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=tree, env=environment(tree, home), stdout=log, stderr=log, start_new_session=True
    )
    try:
        while True:
            if process.poll() is not None:
                raise SystemExit(f"the server of {tree} did not start:\n{(home / 'server.log').read_text()}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        subprocess.run(["pkill", "-9", "-f", "--", f"--home {home} "], check=False)
        log.close()


def opening(tree: Path, home: Path, browser: Browser, figures: Figures) -> None:
    """From the command to the first picture that can be dragged, a reload, and what travels at a reload."""
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    begun = time.perf_counter()
    with served(tree, home) as url:
        note(figures, "the server answers, s", time.perf_counter() - begun)
        page.goto(url)
        wait_for_picture(page)
        note(figures, "start to first draggable picture, s", time.perf_counter() - begun)
        page.wait_for_timeout(4000)
        travelled = count_bytes(page)
        for _ in range(3):
            begun = time.perf_counter()
            page.reload()
            wait_for_picture(page)
            note(figures, "reload, s", time.perf_counter() - begun)
            page.wait_for_timeout(1500)
        note(figures, "bytes at a reload, KB", sum(travelled) / 3 / 1000)
    page.context.close()


def count_bytes(page: Page) -> list[float]:
    """A list that gets the length of whatever the page receives from now on."""
    travelled: list[float] = []
    cdp = page.context.new_cdp_session(page)
    cdp.send("Network.enable")
    cdp.on("Network.loadingFinished", lambda seen: travelled.append(seen["encodedDataLength"]))
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: travelled.append(float(len(frame)))))
    return travelled


def dragging(tree: Path, home: Path, browser: Browser, figures: Figures) -> None:
    """Pictures a second and the cost of one, in a 2-D model; *Train* to the first curve."""
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    with served(tree, home) as url:
        page.goto(url)
        wait_for_picture(page)
        page.wait_for_timeout(8000)  # the worker process warms up; a person looks first, too
        seen = page.get_by_label("z1", exact=True).evaluate(DRAG)
        note(figures, "pictures a second while dragging", seen["pictures"])
        note(figures, "input to painted, ms (median)", seen["median"])
        note(figures, "input to painted, ms (p95)", seen["p95"])
        page.goto(f"{url}train")
        button = page.get_by_role("button", name="Train", exact=True)
        button.wait_for()
        page.wait_for_timeout(4000)
        page.evaluate(FIRST_CURVE)
        button.click()
        page.wait_for_function("() => marks.moved")
        marks = page.evaluate("() => marks")
        note(figures, "Train to the first curve, s", marks["first"] / 1000)
        note(figures, "Train to the first moving curve, s", marks["moved"] / 1000)
    page.context.close()


def training(tree: Path, home: Path, turn: int, figures: Figures) -> None:
    """`elbo train` as it is typed: imports, data, training, evaluation and publishing."""
    for network, epochs in (("mlp", 5), ("conv", 1)):
        words = ["train", "--architecture", network, "--epochs", str(epochs), "--seed", str(100 + turn)]
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "vae_core", *words], cwd=tree, env=environment(tree, home), check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        note(figures, f"elbo train, {network}, {epochs} epochs, s", time.perf_counter() - begun)


def note(figures: Figures, name: str, value: float) -> None:
    """Keep one more figure of that name."""
    figures.setdefault(name, []).append(value)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit", help="the earlier version")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", choices=["opening", "dragging", "training"], help="one of the three parts")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="elbo-beside-"))
    trees = {arguments.commit: work / "earlier", "this": HERE}
    subprocess.run(["git", "worktree", "add", "--detach", "--quiet", trees[arguments.commit], arguments.commit],
                   cwd=HERE, check=True)  # fmt: skip
    figures: dict[str, Figures] = {name: {} for name in trees}
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
            for turn in range(arguments.turns + 1):
                # Turn 0 compiles Python files and fills the disk's cache; it isn't counted. Each goes first in turn.
                for name in sorted(trees, reverse=turn % 2 == 0):
                    home = work / f"{name}-{turn}"
                    home.mkdir()
                    kept = figures[name] if turn else {}
                    if arguments.only in (None, "opening"):
                        opening(trees[name], home, browser, kept)
                    if arguments.only in (None, "dragging"):
                        dragging(trees[name], home, browser, kept)
                    if arguments.only in (None, "training"):
                        training(trees[name], home, turn, kept)
            browser.close()
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", trees[arguments.commit]], cwd=HERE, check=False)
        shutil.rmtree(work)
    print(f"{os.cpu_count()} cores, {platform.machine()}; {arguments.turns} turns each")
    for name, mine in figures["this"].items():
        theirs = figures[arguments.commit][name]
        ratio = statistics.median(mine) / statistics.median(theirs)
        print(f"{name}: {arguments.commit} {statistics.median(theirs):.3g}, this {statistics.median(mine):.3g} "
              f"(x{ratio:.2f})   {_all(theirs)} | {_all(mine)}")  # fmt: skip


def _all(values: list[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)


if __name__ == "__main__":
    main()
