"""The table of jobs: what was asked, by whom, in which order, and what became of it. One SQLite file of a home.

    ask ─> waiting ─claim─> running ─end─> done | failed (with its reason) | cancelled
              ^                │
              └─ its worker died, or leaves: back to its place

The order is the order of asking, and a job that is given back keeps its place. While a job waits or runs, asking for it
once more is asking once. Nothing here knows what a job does.

Every process opens the file for itself. A file that cannot be believed is set aside by a new name; what waited is then
asked for anew by what `refill` says, since the runs' own folders are the truth.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from vae_core.config.errors import LimitError, StoreError
from vae_core.store.files import explained

Kind = Literal["train", "derive"]
State = Literal["waiting", "running", "done", "failed", "cancelled"]

ATTEMPTS = 3
"""How often a job is begun whose process dies each time."""
BUSY_SECONDS = 20.0
"""How long one process waits for another that writes."""
KEPT = 1000
"""Jobs that are over and still remembered."""
VERSION = 1

_SCHEMA = """
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- the order, too
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    parameters TEXT NOT NULL,
    asked_at REAL NOT NULL,
    asked_by TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    worker TEXT NOT NULL DEFAULT '',
    again INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX asked_once ON jobs (kind, subject, parameters) WHERE state IN ('waiting', 'running');
CREATE INDEX by_state ON jobs (kind, state, id);
CREATE INDEX by_subject ON jobs (kind, subject, parameters, id);
CREATE TABLE wishes (run_id TEXT PRIMARY KEY, wish TEXT NOT NULL);
"""
_SHARED = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "lustre")
"""File systems of several machines, on which SQLite's write-ahead log must not be used."""

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """One row."""

    id: int
    kind: Kind
    subject: str
    """The run it is about."""
    parameters: dict[str, Any]
    asked_at: float
    asked_by: str
    """Who asked; empty for the person at this machine."""
    state: State
    attempts: int
    """How often it was begun."""
    reason: str
    """Why it failed, in one sentence."""

    @property
    def living(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running")


@dataclass(frozen=True)
class Limit:
    """How much may wait or run at a time; what is 0 is not limited."""

    runs: int = 0
    runs_each: int = 0
    """Of one who asks."""
    derived: int = 0
    derived_each: int = 0

    def check(self, kind: Kind, living: int, of_one: int) -> None:
        """Raise `LimitError` where one more would be too many."""
        all_of_them, each = (self.runs, self.runs_each) if kind == "train" else (self.derived, self.derived_each)
        what = "trainings" if kind == "train" else "computations"
        if all_of_them and living >= all_of_them:
            raise LimitError(f"{living} {what} are under way or wait, as many as may; try again when one is done")
        if each and of_one >= each:
            raise LimitError(f"{of_one} of your {what} are under way or wait, as many as may; wait for one of them")


@dataclass(frozen=True)
class Asked:
    """A job that a new table begins with."""

    kind: Kind
    subject: str
    parameters: dict[str, Any]
    asked_at: float


@dataclass
class Refill:
    """What a new table begins with."""

    jobs: list[Asked] = field(default_factory=list[Asked])
    wishes: dict[str, str] = field(default_factory=dict[str, str])
    taken: list[Path] = field(default_factory=list[Path])
    """Files that said so, to be removed once the table does."""


_COLUMNS = "id, kind, subject, parameters, asked_at, asked_by, state, attempts, reason"
_LIVING = "state IN ('waiting', 'running')"


class Table:
    """The jobs of one home. Safe to use from several threads; creating one touches no disk.

    `alone()` is a lock of this home, under which a damaged file is set aside. Every method raises `StoreError` where
    the file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        alone: Callable[[], AbstractContextManager[Any]],
        refill: Callable[[], Refill] = Refill,
    ) -> None:
        self.path = path
        self._alone, self._refill = alone, refill
        self._mutex = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None

    # -- asking

    def ask(
        self,
        kind: Kind,
        subject: str,
        parameters: dict[str, Any],
        *,
        by: str = "",
        limit: Limit | None = None,
        again: bool = False,
    ) -> Job:
        """The living job of these parameters, asked for now if there is none. Raises `LimitError`.

        With `again` one that runs is asked for once more after it, since what it does is over but for its last words.
        """
        text = _canonical(parameters)

        def insert(c: sqlite3.Connection) -> Job:
            found = _one(c, f"kind = ? AND subject = ? AND parameters = ? AND {_LIVING}", kind, subject, text)
            if found is not None:
                if again and found.state == "running":
                    c.execute("UPDATE jobs SET again = 1 WHERE id = ?", (found.id,))
                return found
            if limit is not None:
                living, of_one = c.execute(
                    f"SELECT COUNT(*), COALESCE(SUM(asked_by = ?), 0) FROM jobs WHERE kind = ? AND {_LIVING}",
                    (by, kind),
                ).fetchone()
                limit.check(kind, living, of_one)
            c.execute(
                "DELETE FROM jobs WHERE state NOT IN ('waiting', 'running') AND id <= (SELECT MAX(id) FROM jobs) - ?",
                (KEPT,),
            )
            new = c.execute(
                "INSERT INTO jobs (kind, subject, parameters, asked_at, asked_by) VALUES (?, ?, ?, ?, ?)",
                (kind, subject, text, time.time(), by),
            ).lastrowid
            return cast("Job", _one(c, "id = ?", new))

        return self._write(insert)

    def find(self, kind: Kind, subject: str, parameters: dict[str, Any]) -> Job | None:
        """The newest job of these parameters."""
        asked = (kind, subject, _canonical(parameters))
        return self._read(lambda c: _one(c, "kind = ? AND subject = ? AND parameters = ?", *asked), None)

    def job(self, job_id: int) -> Job | None:
        """By its number."""
        return self._read(lambda c: _one(c, "id = ?", job_id), None)

    def living(self, kind: Kind, subject: str | None = None) -> list[Job]:
        """What waits or runs, in order."""
        where, values = f"kind = ? AND {_LIVING}", [kind]
        if subject is not None:
            where, values = f"{where} AND subject = ?", [kind, subject]
        return self._read(lambda c: _all(c, where, *values), [])

    def cancel(self, kind: Kind, subject: str, parameters: dict[str, Any] | None = None) -> list[Job]:
        """End what waits and runs of this subject, as it was; whoever runs it sees that it is not running any more."""
        where, values = f"kind = ? AND subject = ? AND {_LIVING}", [kind, subject]
        if parameters is not None:
            where, values = f"{where} AND parameters = ?", [*values, _canonical(parameters)]

        def end(c: sqlite3.Connection) -> list[Job]:
            found = _all(c, where, *values)
            c.executemany("UPDATE jobs SET state = 'cancelled' WHERE id = ?", [(job.id,) for job in found])
            return found

        return self._write(end) if self.path.exists() else []

    def withdraw(self, kind: Kind, subject: str) -> bool:
        """Cancel what waits of this subject, not what runs; whether there was something."""

        def end(c: sqlite3.Connection) -> bool:
            where = "kind = ? AND subject = ? AND state = 'waiting'"
            return c.execute(f"UPDATE jobs SET state = 'cancelled' WHERE {where}", (kind, subject)).rowcount > 0

        return self.path.exists() and self._write(end)

    # -- working

    def claim(self, kind: Kind, worker: str, skip: Callable[[Job], bool] = lambda _job: False) -> Job | None:
        """The first that waits and is not skipped; it runs from now on, for this worker alone."""
        waiting = self._read(lambda c: _all(c, "kind = ? AND state = 'waiting'", kind), [])
        job = next((job for job in waiting if not skip(job)), None)
        if job is None:
            return None

        def take(c: sqlite3.Connection) -> Job | None:
            taken = c.execute(
                "UPDATE jobs SET state = 'running', worker = ?, attempts = attempts + 1 "
                "WHERE id = ? AND state = 'waiting'",
                (worker, job.id),
            )
            return _one(c, "id = ?", job.id) if taken.rowcount else None

        return self._write(take)

    def end(self, job: Job, state: State, reason: str = "") -> bool:
        """Say what became of a running job; False where it was cancelled meanwhile."""

        def over(c: sqlite3.Connection) -> bool:
            where = "id = ? AND state = 'running'"
            row = c.execute(f"SELECT again FROM jobs WHERE {where}", (job.id,)).fetchone()
            c.execute(f"UPDATE jobs SET state = ?, reason = ?, worker = '' WHERE {where}", (state, reason, job.id))
            if row is not None and row[0]:
                c.execute(
                    "INSERT INTO jobs (kind, subject, parameters, asked_at, asked_by) "
                    "SELECT kind, subject, parameters, asked_at, asked_by FROM jobs WHERE id = ?",
                    (job.id,),
                )
            return row is not None

        return self._write(over)

    def give_back(self, job: Job) -> bool:
        """Its worker leaves: it waits again, in its place, as if it had not been begun."""
        return self._move(job, "waiting", "", "attempts - 1")

    def forgive(self, job: Job) -> None:
        """It got on: processes that died before do not count any more."""
        self._write(lambda c: c.execute("UPDATE jobs SET attempts = 1 WHERE id = ? AND attempts > 1", (job.id,)))

    def left_behind(self, kind: Kind) -> list[Job]:
        """What runs. For who holds the lock of the worker, these are the jobs of a worker that died."""
        return self._read(lambda c: _all(c, "kind = ? AND state = 'running'", kind), [])

    def recover(self, job: Job) -> State:
        """Its worker died: it waits again, in its place, unless that happened too often; where it stands now."""
        if job.attempts >= ATTEMPTS:
            self.end(job, "failed", died(job.attempts))
            return "failed"
        self._move(job, "waiting", "", "attempts")
        return "waiting"

    # -- wishes about a run under way

    def wish(self, run_id: str) -> str:
        """What is wished of it; empty for nothing."""
        found = self._read(lambda c: c.execute("SELECT wish FROM wishes WHERE run_id = ?", (run_id,)).fetchone(), None)
        return str(found[0]) if found else ""

    def set_wish(self, run_id: str, wish: str) -> None:
        """Wish something else; nothing, if empty."""
        if wish:
            self._write(lambda c: c.execute("INSERT OR REPLACE INTO wishes VALUES (?, ?)", (run_id, wish)))
        elif self.path.exists():
            self._write(lambda c: c.execute("DELETE FROM wishes WHERE run_id = ?", (run_id,)))

    def close(self) -> None:
        """Give the file back; it is opened again when it is needed."""
        with self._mutex:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    # -- the file

    def _move(self, job: Job, state: State, reason: str, attempts: str) -> bool:
        def move(c: sqlite3.Connection) -> bool:
            done = c.execute(
                f"UPDATE jobs SET state = ?, reason = ?, worker = '', again = 0, attempts = {attempts} "
                "WHERE id = ? AND state = 'running'",
                (state, reason, job.id),
            )
            return done.rowcount > 0

        return self._write(move)

    def _read(self, ask: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        """Ask the file; where there is none, nothing was ever asked, and looking does not make one."""
        if not self.path.exists():
            return nothing
        try:
            return self._using(ask)
        except StoreError:
            if os.access(self.path.parent, os.W_OK):
                raise
            return nothing  # where nothing can be written nobody works

    def _write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Change the file, all or nothing."""

        def whole(c: sqlite3.Connection) -> T:
            c.execute("BEGIN IMMEDIATE")
            try:
                result = change(c)
                c.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    c.execute("ROLLBACK")
                raise
            return result

        return self._using(whole)

    def _using(self, use: Callable[[sqlite3.Connection], T]) -> T:
        with self._mutex:
            try:
                return use(self._open())
            except (sqlite3.DatabaseError, _UnbelievableError) as error:
                if not _damaged(error):
                    raise _explained(self.path, error) from error
                self._set_aside(error)
            try:
                return use(self._open())
            except (sqlite3.DatabaseError, _UnbelievableError) as error:
                raise _explained(self.path, error) from error

    def _open(self) -> sqlite3.Connection:
        """The connection to the file that is there now."""
        here = _identity(self.path)
        if self._connection is not None and here == self._opened:
            return self._connection
        self.close()
        with explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._opened = connection, _identity(self.path)
        return connection

    def _prepare(self, c: sqlite3.Connection) -> None:
        version: int = c.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise StoreError(f"{self.path}: written by a newer version of Elbo Room; update it (`pip install -U`)")
        if version == VERSION:
            return
        if not _is_shared(self.path.parent):
            # Readers need not wait for who writes; where the system cannot do that, SQLite says so and goes on without.
            with contextlib.suppress(sqlite3.OperationalError):
                c.execute("PRAGMA journal_mode = WAL").fetchone()
        found = self._refill()
        c.execute("BEGIN IMMEDIATE")
        # Another process may have been faster.
        if c.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _SCHEMA.split(";\n"):
                c.execute(statement)
            c.executemany(
                "INSERT OR IGNORE INTO jobs (kind, subject, parameters, asked_at, asked_by) VALUES (?, ?, ?, ?, '')",
                [(one.kind, one.subject, _canonical(one.parameters), one.asked_at) for one in found.jobs],
            )
            c.executemany("INSERT OR REPLACE INTO wishes VALUES (?, ?)", found.wishes.items())
            c.execute(f"PRAGMA user_version = {VERSION}")
        c.execute("COMMIT")
        for path in found.taken:
            with contextlib.suppress(OSError):
                path.unlink()

    def _set_aside(self, error: Exception) -> None:
        self.close()
        with self._alone():
            if self._is_sound():
                return  # another process has done it
            name = f"{self.path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
            with explained(self.path):
                for suffix in ("-wal", "-shm", ""):
                    with contextlib.suppress(FileNotFoundError):
                        self.path.with_name(self.path.name + suffix).rename(self.path.with_name(name + suffix))
            print(
                f"{self.path}: damaged ({error}); it was set aside as {name}, and the runs that waited wait again",
                file=sys.stderr,
                flush=True,
            )

    def _is_sound(self) -> bool:
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as c:
                if c.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                    return False
                if c.execute("PRAGMA user_version").fetchone()[0] == 0:
                    return c.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] == 0
                _all(c, "1")
                c.execute("SELECT COUNT(*) FROM wishes").fetchone()
        except (sqlite3.DatabaseError, _UnbelievableError):
            return False
        return True


class _UnbelievableError(Exception):
    """A row that nobody here wrote."""


def died(attempts: int) -> str:
    """Why a job is given up whose process dies each time."""
    return f"its process died {attempts} times; it may need more memory than there is"


def _canonical(parameters: dict[str, Any]) -> str:
    return json.dumps(parameters, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _all(c: sqlite3.Connection, where: str, *values: Any) -> list[Job]:
    return [_job(row) for row in c.execute(f"SELECT {_COLUMNS} FROM jobs WHERE {where} ORDER BY id", values)]


def _one(c: sqlite3.Connection, where: str, *values: Any) -> Job | None:
    row = c.execute(f"SELECT {_COLUMNS} FROM jobs WHERE {where} ORDER BY id DESC LIMIT 1", values).fetchone()
    return None if row is None else _job(row)


def _job(row: tuple[Any, ...]) -> Job:
    number, kind, subject, text, *rest = row
    try:
        parameters = json.loads(text)
    except (TypeError, ValueError) as error:
        raise _UnbelievableError(f"job {number} is not readable: {error}") from error
    return Job(number, kind, subject, parameters, *rest)


def _damaged(error: Exception) -> bool:
    """Whether the file is at fault, not the disk, the permissions or another process."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    return isinstance(error, _UnbelievableError) or code in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_ERROR,  # a table or column of ours is missing
    )


def _explained(path: Path, error: Exception) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"{path.parent}: the disk is full; free some space, then try again")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(f"{path}: another process has been writing for {BUSY_SECONDS:g} s; try again")
    return StoreError(
        f"{path.parent}: cannot be written ({error}); choose another folder with ELBO_HOME or allow writing there"
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_shared(folder: Path) -> bool:
    """Whether the folder is on a network disk, as far as the system tells."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    here, best, kind = str(folder.resolve()), "", ""
    for line in lines:
        _, point, of, *_ = [*line.split(" "), "", "", ""]
        point = point.replace("\\040", " ")
        if len(point) >= len(best) and (here + "/").startswith(point.rstrip("/") + "/"):
            best, kind = point, of
    return kind in _SHARED
