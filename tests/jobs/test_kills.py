"""Workers, servers and commands are killed at random while they queue, train and derive.

Afterwards nothing that was asked for is lost, nothing was computed twice that was kept, no two of a kind worked at a
time, and nobody started a herd.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import same, timeless, tiny, until
from vae_core.config import RunConfig
from vae_core.jobs.derived import Thing
from vae_core.jobs.derived.codes import Codes
from vae_core.jobs.derived.diagnostics import Diagnostics
from vae_core.jobs.derived.maps import MapRequest
from vae_core.jobs.queue import KINDS, Jobs
from vae_core.jobs.run import run
from vae_core.store import Store

pytestmark = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into /proc")

THINGS: tuple[Thing, ...] = (
    Codes(),
    Diagnostics(),
    MapRequest(limit=100, perplexity=5),
    MapRequest(method="pca", limit=90),
)

SERVER = """
import random, sys, time
from tests.jobs.test_kills import THINGS, configs
from vae_core.jobs.queue import Jobs
from vae_core.store import Store

home, runs, seed, log = sys.argv[1:]
jobs, chance, wanted = Jobs(Store(home)), random.Random(int(seed)), configs(int(runs))
with open(log, "a") as said:
    while True:
        config = chance.choice(wanted)
        if chance.random() < 0.5:
            jobs.submit(config)
            print(config.run_id, "run", file=said, flush=True)
        elif config.run_id in jobs.store.run_ids() and jobs.store.get(config.run_id).status == "finished":
            index = chance.randrange(len(THINGS))
            if jobs.look(config.run_id, THINGS[index]).state == "absent":
                jobs.ask(config.run_id, THINGS[index])
                print(config.run_id, index, file=said, flush=True)
        jobs.watch()
        time.sleep(chance.uniform(0, 0.2))
"""
COMMAND = "import sys; from vae_core.__main__ import main; sys.exit(main(sys.argv[1:]))"


def configs(runs: int) -> list[RunConfig]:
    """A second of training each, less on a good day."""
    return [tiny(epochs=40, batch_size=64, seed=seed) for seed in range(runs)]


class Zoo:
    """All processes of one home."""

    def __init__(self, home: Path, runs: int, seed: int) -> None:
        self.store, self.runs = Store(home), runs
        self.chance = random.Random(seed)
        self.servers: list[subprocess.Popen[bytes]] = []
        self.commands: list[subprocess.Popen[bytes]] = []
        self.log, self.errors = home / "asked.txt", home / "errors.txt"
        self.kept: dict[Path, int] = {}

    def populate(self) -> None:
        """Two servers that ask and watch, and now and then a command that trains by itself."""
        self.servers = [process for process in self.servers if process.poll() is None]
        self.commands = [process for process in self.commands if process.poll() is None]
        while len(self.servers) < 2:
            arguments = [str(self.store.home), str(self.runs), str(self.chance.random())[2:], str(self.log)]
            self.servers.append(self._start(SERVER, *arguments))
        if not self.commands and self.chance.random() < 0.3:
            config = self.chance.choice(configs(self.runs))
            settings = ["--dataset=digits", "--hidden=16", "--epochs=40", "--batch-size=64", f"--seed={config.seed}"]
            self.commands.append(self._start(COMMAND, "train", *settings, "--json"))

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self.errors.open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-c", program, *arguments],
                env={**os.environ, "ELBO_HOME": str(self.store.home)},
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def workers(self, kind: str) -> list[int]:
        """Process ids of this home's workers of a kind."""
        found: list[int] = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if "vae_core.jobs.worker" in words and str(self.store.home) in words and kind in words:
                found.append(int(folder.name))
        return found

    def look(self) -> None:
        """What must be true at every moment."""
        for kind in KINDS:
            heavy = [pid for pid in self.workers(kind) if _has_torch(pid)]
            assert len(heavy) <= 2, f"{len(heavy)} workers that {kind} have imported torch"
            if len(heavy) == 2:  # one has given its lock back and ends
                until(lambda: not all(map(_has_torch, heavy)), "one of them to be gone")  # noqa: B023
            table = Jobs(self.store).table
            assert len(table.left_behind(kind)) <= 1
            living = [(job.subject, str(job.parameters)) for job in table.living(kind)]
            assert len(living) == len(set(living))
            table.close()
        for path in self.done():
            try:
                written = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
            assert self.kept.setdefault(path, written) == written, f"{path} was computed twice"

    def done(self) -> list[Path]:
        """The files that tell of work."""
        folder = self.store.home
        found = (*folder.glob("artifacts/*/*.safetensors"), *folder.glob("runs/*/weights.safetensors"))
        return [path for path in found if path.name[0] != "." and ".partial." not in path.name]

    def kill(self) -> None:
        """One of them, at any moment: soon, or a moment after a worker has got something done."""
        if self.chance.random() < 0.3:
            before, table = len(self.done()), Jobs(self.store).table
            until(lambda: len(self.done()) > before or not any(map(table.living, KINDS)), "something to be done")
            table.close()
        time.sleep(self.chance.uniform(0, 0.6))
        self.look()
        kinds = {
            "server": [process.pid for process in self.servers],
            "command": [process.pid for process in self.commands],
            **{kind: self.workers(kind) for kind in KINDS},
        }
        there = [kind for kind, pids in kinds.items() if pids]
        pid = self.chance.choice(kinds[self.chance.choice(there)])
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def asked(self) -> tuple[set[str], set[tuple[str, Thing]]]:
        """What servers were told is asked for."""
        runs: set[str] = set()
        things: set[tuple[str, Thing]] = set()
        for line in self.log.read_text().splitlines() if self.log.exists() else []:
            run_id, _, what = line.partition(" ")
            if what == "run":
                runs.add(run_id)
            elif what:
                things.add((run_id, THINGS[int(what)]))
        return runs, things

    def end(self) -> None:
        """Kill what is left."""
        for process in (*self.servers, *self.commands):
            process.kill()
            process.wait()
        for kind in KINDS:
            for pid in self.workers(kind):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue


def _has_torch(pid: int) -> bool:
    try:
        return "libtorch" in Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False


@pytest.fixture
def zoo(home: Store, request: pytest.FixtureRequest) -> Iterator[Zoo]:
    kills, runs = request.param
    home.home.mkdir(parents=True)
    zoo = Zoo(home.home, runs, seed=kills)
    try:
        yield zoo
    finally:
        zoo.end()


@pytest.mark.parametrize(
    ("zoo", "kills"),
    [
        pytest.param((4, 2), 4, id="4", marks=pytest.mark.timeout(900)),
        pytest.param((200, 12), 200, id="200", marks=[pytest.mark.slow_proof, pytest.mark.timeout(7200)]),
    ],
    indirect=["zoo"],
)
def test_whoever_is_killed_nothing_is_lost_and_nothing_is_done_twice(zoo: Zoo, kills: int, tmp_path: Path) -> None:
    zoo.populate()
    until(lambda: zoo.asked()[0], "somebody to ask")
    for _ in range(kills):
        zoo.populate()
        zoo.kill()
    for process in (*zoo.servers, *zoo.commands):
        process.kill()
        process.wait()
    # Somebody comes back and asks for nothing.
    jobs = Jobs(zoo.store)
    try:
        runs, things = zoo.asked()
        given_up = 0

        def over() -> bool:
            nonlocal given_up
            jobs.watch()
            zoo.look()
            for kind in KINDS:
                if jobs.table.living(kind):
                    return False
            for run_id, thing in things:
                look = jobs.look(run_id, thing)
                if look.state == "failed":
                    # Killed again and again it is given up, and says so; then somebody presses the button.
                    assert "its process died 3 times" in look.reason, look.reason
                    given_up += 1
                    jobs.ask(run_id, thing)
                    return False
            for run_id in runs:
                info = zoo.store.get(run_id)
                if info.status == "failed":
                    assert "its process died 3 times" in info.message, info.message
                    given_up += 1
                    jobs.resume(run_id)
                    return False
            return True

        until(over, "all that was asked for")
        assert runs
        assert {zoo.store.get(run_id).status for run_id in runs} == {"finished"}
        assert all(jobs.look(run_id, thing).state == "ready" for run_id, thing in things)
        print(f"\n{kills} kills: {len(runs)} runs, {len(things)} derived things, {given_up} given up and asked again")
        assert "Traceback" not in zoo.errors.read_text().replace("KeyboardInterrupt", "")
        # The first of them is, bit for bit, what comes of it undisturbed.
        config = zoo.store.get(min(runs)).config
        undisturbed = Store(tmp_path / "undisturbed")
        list(run(config, undisturbed))
        assert same(zoo.store.weights(config.run_id), undisturbed.weights(config.run_id))
        assert timeless(zoo.store.events(config.run_id)[0]) == timeless(undisturbed.events(config.run_id)[0])
    finally:
        jobs.close()
        zoo.end()
        for started in jobs._started.values():
            started.wait()


def test_many_who_ask_at_once_start_no_herd(home: Store) -> None:
    for _ in run(tiny(), home):
        pass
    all_of_them = [Jobs(home) for _ in range(6)]
    zoo = Zoo(home.home, 1, 0)
    try:
        for jobs in all_of_them:
            jobs.ask(tiny().run_id, Codes())
        while all_of_them[0].look(tiny().run_id, Codes()).state != "ready":
            zoo.look()
            time.sleep(0.02)
        until(lambda: len(zoo.workers("derive")) == 1, "those who came too late to have left")
    finally:
        zoo.end()
        for jobs in all_of_them:
            jobs.close()
            for started in jobs._started.values():
                started.wait()
