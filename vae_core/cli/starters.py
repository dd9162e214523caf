"""`elbo starters`: rebuild the models that ship."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vae_core.cli.printing import Json, follow


def starters(args: argparse.Namespace) -> Json:
    """Rebuild the models that ship."""
    from vae_core.data import assets
    from vae_core.jobs.starters import LAB_MODELS, STARTERS, rebuild

    out = Path(args.out or assets() / "models")
    configs = (*STARTERS, *LAB_MODELS)
    for config in configs:
        print(config.run_id, file=sys.stderr)
    follow((event for _config, event in rebuild(out)), "starters")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    if not args.json:
        print(f"{len(configs)} models in {out}, {size / 1e6:.2f} MB")
    return {"run_ids": [config.run_id for config in configs], "out": str(out), "bytes": size}
