"""`elbo train` and `elbo objectives`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from vae_core.cli.printing import Json, follow, terms, trained
from vae_core.config import RunConfig
from vae_core.config.catalogue import ALIASES, OBJECTIVES
from vae_core.config.presets import preset
from vae_core.config.settings import settings
from vae_core.config.words import plain
from vae_core.store import Store


def train(args: argparse.Namespace) -> Json:
    """Train a configuration, or find it in the store."""
    given = {name: getattr(args, name) for name in settings() if getattr(args, name) is not None}
    config = RunConfig.from_dict({**(preset(args.preset).to_dict() if args.preset is not None else {}), **given})
    store = Store()
    cached = config.run_id in store.run_ids() and store.get(config.run_id).status == "finished"
    if not cached:
        from vae_core.jobs.run import run

        follow(run(config, store, resume_stopped=True), config.run_id)
    info = store.get(config.run_id)
    if info.result is None or not info.complete:
        print(f"elbo: {info.run_id} {info.status}: {info.message}", file=sys.stderr)
        return {"run_id": info.run_id, "status": "failed", "message": info.message}
    if not cached:
        from vae_core.jobs import artifacts

        artifacts.diagnostics(store, info.run_id)  # now that torch is here, so that no page need wait for it
    if not args.json:
        print(f"{info.run_id}{' (from the store)' if cached else ''}\n{terms(info.result)}")
    return {**trained(info, info.result), "cached": cached}


def objectives(args: argparse.Namespace) -> Json:
    """What can be optimised, with parameters and ranges."""
    if not args.json:
        for entry in OBJECTIVES.values():
            print(f"{entry.name}  {entry.title}: {entry.help}\n    {entry.paper}")
            shared = "  beta, warmup_epochs, warmup_cycles" if entry.weighs_kl else ""
            for p in entry.parameters:
                allowed = " | ".join(p.choices) if p.choices else f"{plain(p.low)} to {plain(p.high)}"
                print(f"    --{p.name.replace('_', '-')} {allowed} (default {p.default}): {p.help}")
            print(f"    and{shared}" if shared else "", end="\n" if shared else "")
    return {"objectives": [asdict(entry) for entry in OBJECTIVES.values()], "aliases": ALIASES}
