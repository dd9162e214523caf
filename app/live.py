"""A run's events while they come, as server-sent events: any number of pages follow a run without asking again.

    id: <byte of the log to go on from>      with the last event of what was read together
    data: {"type": "losses", "step": …}      one event of the run (`vae_core/config/events.py`), in order, each once
    data: {"type": "progress", …}            where it is, ten times a second; has no id, the newest is all that counts
    data: {"type": "status", "status": …}    queued, running, …; when it changes
    data: {"type": "again"}                  the run went back to its checkpoint: what follows replaces all there was
    event: end                               with the last status, "gone" or "unreadable"; nothing follows

and where several runs stand, when that changes:

    data: {"<run_id>": {"status": …, "ahead": …, "share": …, "elbo": …}, …}

A reader that was cut off names the last id it has seen, in `?since=` or as browsers do in `Last-Event-ID`.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from vae_core.config.errors import ElboRoomError, RunNotFoundError

PERIOD = 0.09
"""Seconds between two looks at the store."""
STANDING_PERIOD = 0.5
"""The same, where it is about several runs."""
HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that nothing between here and the reader closes the line."""
MOST = 64
"""Streams that may be open at once. A reader beyond that is told to come again."""
UNDER_WAY = ("queued", "running")

SHOWN = ("reconstructions", "samples", "plane", "means", "dims", "labels")
"""Of a snapshot or a frame, what pages show."""
MOST_RUNS = 16
"""About how many runs one stream tells."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True)
class Look:
    """Where a run stands, the same for all who follow it."""

    at: float
    status: str
    goes_on: bool
    """Whether more will come: also where its worker died, and another will take it."""
    progress: str | None
    """As JSON."""


class Streams:
    """All open streams of this server."""

    def __init__(self, most: int = MOST, period: float = PERIOD, heartbeat: float = HEARTBEAT) -> None:
        self.most = most
        self.period = period
        self.heartbeat = heartbeat
        self.open = 0
        self.closing = False
        """Set when the server ends: streams end with it, rather than hold it up."""
        self._looks: dict[str, asyncio.Task[Look]] = {}

    def full(self) -> bool:
        """Whether nobody more can follow."""
        return self.open >= self.most or self.closing

    async def status(self, run_id: str) -> str | None:
        """Where the run stands; None where there is none, or its files cannot be read."""
        if not _NAME.fullmatch(run_id):
            return None
        try:
            return (await run_in_threadpool(_look, run_id)).status
        except (ElboRoomError, OSError):
            return None

    async def ended(self, run_id: str, since: int) -> bool:
        """Whether a reader who has the log up to `since` has all that will come."""
        try:
            look = await self._shared(run_id)
            found, _, _ = await run_in_threadpool(_read, run_id, since)
        except (ElboRoomError, OSError):
            return False
        return not look.goes_on and not found

    async def follow(self, run_id: str, at: int) -> AsyncGenerator[str]:
        """The stream of a run that is there, from byte `at` of its log on."""
        status, progress, quiet = "", None, time.monotonic()
        yield "retry: 2000\n\n"
        while not self.closing:
            try:
                # Its state first: what it said before it ended is then read for sure.
                look = await self._shared(run_id)
                found, position, again = await run_in_threadpool(_read, run_id, at)
            except RunNotFoundError:
                yield _end("gone")
                return
            except (ElboRoomError, OSError):  # it may name a path of this machine
                yield _end("unreadable")
                return
            said = [_message({"type": "again"})] if again else []
            said += [f"data: {event}\n\n" for event in found]
            if found:
                said[-1] = f"id: {position}\n{said[-1]}"
            at = position
            if look.status != status:
                status = look.status
                said.append(_message({"type": "status", "status": status}))
            if look.progress not in (None, progress):
                progress = look.progress
                said.append(f"data: {progress}\n\n")
            if not look.goes_on:
                yield "".join([*said, _end(status)])
                return
            if said:
                quiet = time.monotonic()
                yield "".join(said)
            elif time.monotonic() - quiet >= self.heartbeat:
                quiet = time.monotonic()
                yield ": still there\n\n"
            await asyncio.sleep(self.period)

    async def standing(self, run_ids: tuple[str, ...]) -> AsyncGenerator[str]:
        """Where each of these runs stands, until all of them have ended."""
        before, quiet = "", time.monotonic()
        yield "retry: 2000\n\n"
        while not self.closing:
            stands = await run_in_threadpool(_stands, run_ids)
            said = json.dumps(stands)
            if said != before:
                before, quiet = said, time.monotonic()
                yield f"data: {said}\n\n"
            if not any(one["status"] in UNDER_WAY for one in stands.values()):
                yield _end("all")
                return
            if time.monotonic() - quiet >= self.heartbeat:
                quiet = time.monotonic()
                yield ": still there\n\n"
            await asyncio.sleep(STANDING_PERIOD)

    async def _shared(self, run_id: str) -> Look:
        """One look a period, however many follow the run."""
        task = self._looks.get(run_id)
        if task is None or (task.done() and not self._fresh(task)):
            for name in [name for name, other in self._looks.items() if other.done() and not self._fresh(other)]:
                del self._looks[name]
            task = self._looks[run_id] = asyncio.create_task(run_in_threadpool(_look, run_id))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # its readers hear of it
        return await asyncio.shield(task)

    def _fresh(self, task: asyncio.Task[Look]) -> bool:
        failed = task.cancelled() or task.exception()
        return not failed and task.result().at > time.monotonic() - self.period


class Stream(StreamingResponse):
    """One of them, counted as long as it is open."""

    def __init__(self, streams: Streams, said: AsyncGenerator[str]) -> None:
        super().__init__(
            said,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},  # a proxy must not collect it
        )
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        self._streams.open += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.open -= 1


# The store, and numpy with it, is imported when somebody asks: the server answers half a second earlier.


def _look(run_id: str) -> Look:
    from app import session
    from vae_core.config import events

    info = session.store().get(run_id)
    goes_on = info.under_way or (info.status == "interrupted" and session.jobs().expects(run_id))
    progress = session.store().progress(run_id) if goes_on else None
    return Look(time.monotonic(), info.status, goes_on, None if progress is None else events.to_json(progress))


def _read(run_id: str, since: int) -> tuple[list[str], int, bool]:
    from app import session
    from vae_core.config import events

    said = session.store().said(run_id, since)
    return [events.to_json(event) for event in said.events], said.end.size, said.again


def _stands(run_ids: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    from app import session

    found: dict[str, dict[str, Any]] = {}
    for run_id in run_ids:
        try:
            info = session.store().get(run_id)
            progress = session.store().progress(run_id) if info.status == "running" else None
            found[run_id] = {
                "status": info.status,
                "ahead": session.jobs().ahead(run_id) if info.status == "queued" else None,
                "share": progress.step / progress.steps if progress else None,
                "elbo": info.result.test.elbo if info.result else None,
            }
        except (ElboRoomError, OSError):
            found[run_id] = {"status": "gone", "ahead": None, "share": None, "elbo": None}
    return found


def pictures(run_id: str, which: str) -> bytes | None:
    """What a run made at a moment: `now` for the last frame, else a snapshot's index. None for what is not there.

    Without the decoder that a snapshot also holds. Raises `CorruptFileError`.
    """
    from app import session
    from vae_core.store import export

    if not _NAME.fullmatch(run_id) or not re.fullmatch(r"now|[0-9]{1,4}", which):
        return None
    try:
        store = session.store()
        arrays = store.frame(run_id) if which == "now" else store.snapshot(run_id, int(which))
    except (FileNotFoundError, RunNotFoundError):
        return None
    return export.blob({name: array for name, array in arrays.items() if name in SHOWN})


def _message(value: dict[str, str]) -> str:
    return f"data: {json.dumps(value)}\n\n"


def _end(status: str) -> str:
    return "event: end\n" + _message({"type": "end", "status": status})


streams = Streams()
"""Those of this process."""
