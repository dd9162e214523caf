"""vae_core trains variational autoencoders, keeps them, and looks into them.

The names below are the library's public face; torch is imported by what needs it: `train` and `sample`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vae_core.config import openmp

if TYPE_CHECKING:
    from vae_core.api import configure, decode, encode, load, reconstruct, sample, train, traverse

__all__ = ["configure", "decode", "encode", "load", "reconstruct", "sample", "train", "traverse"]
__version__ = "0.1.0"

openmp.settle()


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("vae_core.api"), name)
    raise AttributeError(f"module 'vae_core' has no attribute {name!r}")
