"""How long GNU OpenMP's threads spin while they wait for each other: set before torch is imported, or too late."""

from __future__ import annotations

import os
import sys

SETTINGS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")

torch_came_first = False
"""Whether torch was imported before this package with nothing set, so that its threads spin: training warns of it."""


def settle() -> None:
    """Set it, unless it is set.

    Read by GNU OpenMP when torch is first imported. By default its threads spin for long: where something else needs
    the processor (the page's server, a browser), training was seen five to fifty times slower. A short spin costs about
    a tenth of the speed of an idle machine and keeps half of it on a busy one.
    """
    global torch_came_first
    torch_came_first = "torch" in sys.modules and not any(name in os.environ for name in SETTINGS)
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
