"""`elbo runs`, `elbo show`, `elbo label`, `elbo delete`: what is in the store."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from vae_core.cli.printing import Json, as_json, described
from vae_core.config.errors import StoreError
from vae_core.store import Store

KINDS = ("damaged", "newer", "unreadable")


def runs(args: argparse.Namespace) -> Json:
    """All runs."""
    store = Store()
    infos = store.infos()
    if not args.json:
        print(f"{'run':44} {'status':12} {'ELBO':>9} {'KL':>7}  nats per image")
        for info in infos:
            elbo = f"{info.result.test.elbo:9.2f} {info.result.test.kl:7.2f}" if info.result else f"{'':17}"
            words = "  ".join(filter(None, (info.notes.label, "ships with Elbo Room" if info.shipped else "")))
            print(f"{info.run_id:44} {info.status:12} {elbo}  {words}".rstrip())
    odd = store.odd()
    for one in odd:
        remedy = "; `elbo delete` removes the run" if one.deletable else ""
        print(f"elbo: {one.message}{remedy}", file=sys.stderr)
    if unreadable := [one.message for one in odd if not one.run_id]:
        raise StoreError(unreadable[0])
    by_kind = {kind: {one.run_id: one.message for one in odd if one.kind == kind} for kind in KINDS}
    return {"runs": [described(info) for info in infos], **by_kind}


def show(args: argparse.Namespace) -> Json:
    """One run."""
    store = Store()
    info = store.get(store.resolve(args.run))
    found = {
        **described(info),
        "bytes": store.size(info.run_id),
        "folder": str(store.folder(info.run_id)),
        "precision": info.precision,
        "made": store.made(info.run_id),
    }
    if not args.json:
        print(as_json(found, indent=2))
    return found


def label(args: argparse.Namespace) -> Json:
    """Say what a run is called and what is to be remembered of it, or read it."""
    store = Store()
    run_id = store.resolve(args.run)
    given = args.label is not None or args.note is not None
    found = store.describe(run_id, label=args.label, note=args.note) if given else store.notes(run_id)
    if not args.json:
        print(f"{run_id}: {found.label or 'no label'}", *filter(None, [found.note]), sep="\n")
    return {"run_id": run_id, **asdict(found)}


def delete(args: argparse.Namespace) -> Json:
    """Remove a run."""
    store = Store()
    run_id = store.resolve(args.run)
    store.delete(run_id)
    if not args.json:
        print(f"deleted {run_id}")
    return {"run_id": run_id, "deleted": True}
