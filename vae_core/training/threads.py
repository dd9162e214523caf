"""How many threads training takes: what this process may use, not what the machine has.

A container's quota and a mask of processors are smaller than the host's count; and who sets OMP_NUM_THREADS means it.
"""

from __future__ import annotations

import contextlib
import math
import os
import warnings
from collections.abc import Generator
from pathlib import Path

import torch

from vae_core.config import openmp

CGROUP = Path("/sys/fs/cgroup")


def allowed() -> int:
    """OMP_NUM_THREADS if it is set; else the processors of this process, at most its quota, at least 1."""
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if given.isdigit() and int(given):
        return int(given)
    mask = getattr(os, "sched_getaffinity", None)
    here = len(mask(0)) if mask else os.cpu_count() or 1
    return max(1, math.ceil(min(here, _quota())))


def _quota() -> float:
    """Processors that the control group grants; inf where there is none."""
    with contextlib.suppress(OSError, ValueError):
        limit, period = (CGROUP / "cpu.max").read_text().split()
        return float(limit) / float(period) if limit != "max" else math.inf
    with contextlib.suppress(OSError, ValueError):
        limit = float((CGROUP / "cpu" / "cpu.cfs_quota_us").read_text())
        return limit / float((CGROUP / "cpu" / "cpu.cfs_period_us").read_text()) if limit > 0 else math.inf
    return math.inf


@contextlib.contextmanager
def set_to(count: int) -> Generator[None]:
    """Torch works on so many threads inside, and on as many as before afterwards.

    Warns where these threads would spin while they wait for each other: beside twenty other processes on two processors
    that made training twenty times slower, and nothing can change it in a process that runs.
    """
    if openmp.torch_came_first and count > 1:
        warnings.warn(
            "torch was imported before vae_core, so training is many times slower wherever something else needs the "
            "processor; import vae_core first, or start Python with GOMP_SPINCOUNT=1000 in the environment",
            RuntimeWarning,
            stacklevel=2,
        )
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
