"""Every path of a home, once. Nothing else joins them, and what is not named here is not ours and is never removed.

    <home>/runs/<run_id>/
        config.json           what the run is; written first, with the folder
        state.json            where it stands: queued, running, paused, failed
        progress.json         the last Progress, replaced ten times a second
        frame.safetensors     the last Frame, likewise
        events.jsonl          everything else the run said, one event a line
        made.json             on what machine, with what, it was trained
        snapshots/NN.safetensors
        checkpoint.safetensors   from which an interrupted run goes on
        weights.safetensors   the trained model
        result.json           written last: a run that has it is complete, a run that has not is not
    <home>/artifacts/<run_id>/<name>.safetensors    what is derived from a run's model
    <home>/notes/<run_id>.json    what a person calls a run, and says of it
    <home>/queue/             what is asked for
    <home>/locks/<name>.lock  held by living processes
    <home>/worker-<kind>.log

A folder of models that ship holds `<run_id>/` as above, with `artifacts/` inside; it is only ever read.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

_RUN_ID = re.compile(r"[a-z0-9][a-z0-9.+-]*-[0-9a-f]{8}")
_RECORDS = ("config.json", "state.json", "progress.json", "events.jsonl", "made.json", "result.json")
BELIEVED = ("config.json", "state.json", "result.json", "made.json")
"""Of a run, what its line in a list is made of."""
_ARRAYS = ("checkpoint.safetensors", "weights.safetensors", "frame.safetensors")
_ARTIFACT = r"[A-Za-z0-9][A-Za-z0-9_.+-]*\.(?:safetensors|error)"
_SNAPSHOT = r"\d{2,}\.safetensors"


def _named(*alternatives: str) -> str:
    """A file of one of these names, or one on its way to it (`files.write_bytes`)."""
    either = "|".join(alternatives)
    return rf"(?:{either}|\.(?:{either})-[a-z0-9_]{{8}}\.tmp)"


_IN_RUN = re.compile(
    rf"(?:{_named(*map(re.escape, (*_RECORDS, *_ARRAYS)))}|snapshots(?:/{_named(_SNAPSHOT)})?"
    rf"|artifacts(?:/{_named(_ARTIFACT)})?)"
)
_IN_ARTIFACTS = re.compile(_named(_ARTIFACT))


def is_of_a_run(name: str) -> bool:
    """Whether we give this name, relative to a run's folder, to a file or folder in it."""
    return _IN_RUN.fullmatch(name) is not None


def is_artifact(name: str) -> bool:
    """Whether we give this name to a file beside those that are derived from a run."""
    return _IN_ARTIFACTS.fullmatch(name) is not None


def notes_name(run_id: str) -> str:
    """How the file is called of what a person says of this run."""
    return f"{run_id}.json"


def is_notes_of(run_id: str, name: str) -> bool:
    """Whether we give this name to that file."""
    return re.fullmatch(_named(re.escape(notes_name(run_id))), name) is not None


def is_there(path: Path) -> bool:
    """Whether something is there by that name, were it one that we may not look at."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run's name is its folder's."""
        return self.path.name

    def is_run(self) -> bool:
        """Whether this is a run's folder, however damaged: it has a configuration, or a run's name and records."""
        if self.path.name.startswith(".") or not self.path.is_dir():
            return False
        if is_there(self.config):
            return True
        return bool(_RUN_ID.fullmatch(self.path.name)) and any(map(is_there, (self.state, self.result, self.events)))

    @property
    def config(self) -> Path:
        """What the run is."""
        return self.path / "config.json"

    @property
    def state(self) -> Path:
        """Where it stands."""
        return self.path / "state.json"

    @property
    def progress(self) -> Path:
        """The last Progress."""
        return self.path / "progress.json"

    @property
    def events(self) -> Path:
        """Everything else it said."""
        return self.path / "events.jsonl"

    @property
    def made(self) -> Path:
        """On what machine, with what, it was trained."""
        return self.path / "made.json"

    @property
    def result(self) -> Path:
        """How it ended."""
        return self.path / "result.json"

    @property
    def weights(self) -> Path:
        """The trained model."""
        return self.path / "weights.safetensors"

    @property
    def checkpoint(self) -> Path:
        """From which it goes on."""
        return self.path / "checkpoint.safetensors"

    @property
    def frame(self) -> Path:
        """What it looks like while it runs."""
        return self.path / "frame.safetensors"

    @property
    def snapshots(self) -> Path:
        """The folder of its moments."""
        return self.path / "snapshots"

    def snapshot(self, index: int) -> Path:
        """One moment of the training."""
        return self.snapshots / f"{index:02d}.safetensors"

    @property
    def artifacts(self) -> Path:
        """The folder of what ships with a run that ships."""
        return self.path / "artifacts"

    def artifact(self, name: str) -> Path:
        """One of them."""
        return self.artifacts / f"{name}.safetensors"

    def half_written(self) -> list[Path]:
        """What a process that was killed in the middle of a write left behind."""
        there = [
            *((path.name, path) for path in self.path.glob(".*.tmp")),
            *((f"snapshots/{path.name}", path) for path in self.snapshots.glob(".*.tmp")),
        ]
        return [path for name, path in there if is_of_a_run(name)]

    @property
    def shipped(self) -> tuple[Path, ...]:
        """What of a run ships: not its snapshots, whose decoders would be four times the model."""
        return (self.config, self.state, self.events, self.made, self.weights, self.result)


@dataclass(frozen=True)
class Runs:
    """A folder of runs: this home's, or those that ship."""

    path: Path

    def run(self, run_id: str) -> RunFolder:
        """The files of a run, whether it is there or not."""
        return RunFolder(self.path / run_id)

    @property
    def new_prefix(self) -> str:
        """How the folder of a run begins that is being made."""
        return ".new-"

    def deleted(self, run_id: str) -> Path:
        """A name for a run's folder while it is being removed."""
        return self.path / f".deleted-{run_id}-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Layout:
    """The paths of one home."""

    home: Path

    @property
    def runs(self) -> Runs:
        """Its own runs."""
        return Runs(self.home / "runs")

    def artifacts(self, run_id: str) -> Path:
        """The folder of what is derived from a run."""
        return self.home / "artifacts" / run_id

    def artifact(self, run_id: str, name: str) -> Path:
        """One derived thing."""
        return self.artifacts(run_id) / f"{name}.safetensors"

    def partial(self, run_id: str, name: str) -> Path:
        """A derived thing on its way."""
        return self.artifacts(run_id) / f"{name}.partial.safetensors"

    @property
    def notes(self) -> Path:
        """The folder of what a person says of runs."""
        return self.home / "notes"

    def notes_of(self, run_id: str) -> Path:
        """What a person says of one run."""
        return self.notes / notes_name(run_id)

    @property
    def locks(self) -> Path:
        """The folder of locks."""
        return self.home / "locks"

    def lock(self, name: str) -> Path:
        """One lock."""
        return self.locks / f"{name}.lock"

    @property
    def queue(self) -> Path:
        """The folder of what is asked for."""
        return self.home / "queue"

    @property
    def jobs(self) -> Path:
        """The table of what is asked for."""
        return self.queue / "jobs.sqlite3"

    def old_jobs(self, kind: str) -> Path:
        """Version 0.1's folder of jobs of one kind, a file each."""
        return self.queue / kind

    @property
    def old_wishes(self) -> Path:
        """Version 0.1's folder of what is wished of runs under way."""
        return self.queue / "wishes"

    def log(self, kind: str) -> Path:
        """What a worker prints."""
        return self.home / f"worker-{kind}.log"
