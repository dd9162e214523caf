"""Runs on the disk: what is kept, where, and how it is verified."""

from vae_core.store.runs import EXPLORABLE, RunInfo, Status, Store, Wish

__all__ = ["EXPLORABLE", "RunInfo", "Status", "Store", "Wish"]
