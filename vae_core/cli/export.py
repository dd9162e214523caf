"""`elbo export`: both networks for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from vae_core.cli.printing import Json, wrote
from vae_core.store import Store


def export(args: argparse.Namespace) -> Json:
    """The networks as manifest.json and weights.bin, with --onnx as encoder.onnx and decoder.onnx too."""
    from vae_core.store import models
    from vae_core.store.export import export as write

    store = Store()
    run_id = store.resolve(args.run)
    paths = write(models.load(store, run_id), Path(args.out), onnx=args.onnx)
    return wrote(args, run_id, Path(args.out), files=[path.name for path in paths])
