"""What makes other weights of the same configuration: the machine, its settings, the library's version."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import torch

_PREFIXES = ("OMP_", "GOMP_", "KMP_", "MKL_", "ATEN_", "DNNL_", "ONEDNN_", "OPENBLAS_")
"""Settings by which sums are split or instructions chosen, so that the last bits differ."""


def facts(precision: str, threads: int) -> dict[str, Any]:
    """What is recorded of a sitting: `torch`, `processor`, `capability` (the instructions that torch uses), `threads`,
    `precision` of the products, `environment` (settings that are not at their default).
    """
    return {
        "torch": torch.__version__,
        "processor": _processor(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": threads,
        "precision": precision,
        "environment": {name: value for name, value in sorted(os.environ.items()) if name.startswith(_PREFIXES)},
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
