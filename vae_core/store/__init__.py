"""Runs on the disk: what is kept, where, and how it is verified."""

from vae_core.store.records import Status
from vae_core.store.runs import Odd, RunInfo, Store, Wish

__all__ = ["Odd", "RunInfo", "Status", "Store", "Wish"]
