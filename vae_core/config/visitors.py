"""What those who visit a server may ask of it. `elbo app` decides it, the app holds its visitors to it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

VARIABLE = "ELBO_ROOM_VISITORS"
"""In which environment variable the command hands it to the server that it becomes."""


@dataclass(frozen=True, kw_only=True)
class Visitors:
    """Limits for a server that others can reach. On a machine of one's own (`strangers` false) none of them holds."""

    strangers: bool = True
    """Whether others than the person at this machine may come."""
    max_waiting: int = 20
    """Runs that may wait or train at the same time, of all visitors."""
    max_waiting_each: int = 6
    """Of them, runs that one visitor may have asked for: a β-sweep and one more."""
    max_minutes: int = 30
    """How long one run may take on this machine, as far as that can be estimated."""
    allow_delete: bool = False
    """Whether everybody may pause, stop, cancel and delete any run; else only who asked for it may."""

    def to_environment(self) -> dict[str, str]:
        """The variable for a process that shall know it."""
        return {VARIABLE: json.dumps(asdict(self))}

    @staticmethod
    def from_environment() -> Visitors:
        """What this process was told; where nobody said anything, strangers may come."""
        try:
            given: dict[str, Any] = json.loads(os.environ[VARIABLE])
            whole = {name: int(given[name]) for name in ("max_waiting", "max_waiting_each", "max_minutes")}
            return Visitors(strangers=bool(given["strangers"]), allow_delete=bool(given["allow_delete"]), **whole)
        except (KeyError, TypeError, ValueError):
            return Visitors()
