"""`elbo runs`, `elbo show`, `elbo delete`: what is in the store."""

from __future__ import annotations

import argparse
import json
import sys

from vae_core.cli.printing import Json, described
from vae_core.store import Store


def runs(args: argparse.Namespace) -> Json:
    """All runs."""
    store = Store()
    infos = store.infos()
    if not args.json:
        print(f"{'run':44} {'status':12} {'ELBO':>9} {'KL':>7}  nats per image")
        for info in infos:
            elbo = f"{info.result.test.elbo:9.2f} {info.result.test.kl:7.2f}" if info.result else f"{'':17}"
            print(f"{info.run_id:44} {info.status:12} {elbo}{'  ships with Elbo Room' if info.shipped else ''}")
    damaged = store.damaged()
    for message in damaged.values():
        print(f"elbo: {message}; `elbo delete` removes the run", file=sys.stderr)
    return {"runs": [described(info) for info in infos], "damaged": damaged}


def show(args: argparse.Namespace) -> Json:
    """One run."""
    store = Store()
    info = store.get(store.resolve(args.run))
    found = {**described(info), "bytes": store.size(info.run_id), "folder": str(store.folder(info.run_id))}
    if not args.json:
        print(json.dumps(found, indent=2))
    return found


def delete(args: argparse.Namespace) -> Json:
    """Remove a run."""
    store = Store()
    run_id = store.resolve(args.run)
    store.delete(run_id)
    if not args.json:
        print(f"deleted {run_id}")
    return {"run_id": run_id, "deleted": True}
