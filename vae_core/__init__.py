"""vae_core trains variational autoencoders, keeps them, and looks into them.

The names below are the library's public face; torch is imported when the first of them is used.
"""

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vae_core.api import configure, decode, encode, load, reconstruct, sample, train, traverse

__all__ = ["configure", "decode", "encode", "load", "reconstruct", "sample", "train", "traverse"]
__version__ = "0.1.0"

# Read by GNU OpenMP when torch is first imported. By default its threads spin for long while they wait for each other:
# where something else needs the processor (the page's server, a browser), training was seen five to fifty times slower.
# A short spin costs about a tenth of the speed of an idle machine and keeps half of it on a busy one.
torch_came_first = "torch" in sys.modules and not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys()
"""Whether torch was imported before this package, so that the setting came too late: training warns of it."""
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("vae_core.api"), name)
    raise AttributeError(f"module 'vae_core' has no attribute {name!r}")
