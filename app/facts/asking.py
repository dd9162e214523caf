"""Asking for what is derived from a model. Looking, as `payloads` does, starts nothing; a page asks with these."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from app import session
from vae_core.config.errors import ElboRoomError, LimitError
from vae_core.jobs.derived import Thing
from vae_core.jobs.queue import Look
from vae_core.store import RunInfo


def want(run: RunInfo, thing: Thing, *, by: str = "") -> Look:
    """How it stands with it; asked for now if nobody has. What failed is not asked for again (`again`)."""
    jobs = session.jobs()
    try:
        look = jobs.look(run.run_id, thing)
        if look.state != "absent":
            return look
        jobs.ask(run.run_id, thing, by=by)
        return jobs.look(run.run_id, thing)
    except LimitError as error:
        return Look("waiting", reason=str(error))  # asked for at the next look
    except ElboRoomError as error:
        return Look("failed", reason=str(error))


def again(run: RunInfo, thing: Thing, by: str = "") -> None:
    """Ask once more for what failed or was cancelled; what goes wrong shows at the next look."""
    with contextlib.suppress(ElboRoomError):
        session.jobs().ask(run.run_id, thing, by=by)


def drop(runs: Iterable[RunInfo], thing: Thing) -> None:
    """Nobody wants it of these any more; what goes wrong shows at the next look."""
    for run in runs:
        with contextlib.suppress(ElboRoomError):
            session.jobs().drop(run.run_id, thing)
