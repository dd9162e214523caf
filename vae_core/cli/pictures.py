"""`elbo traverse` and `elbo reconstruct`: pictures of what a model does."""

from __future__ import annotations

import argparse
from pathlib import Path

from vae_core.cli.printing import Json, wrote
from vae_core.store import Store


def traverse(args: argparse.Namespace) -> Json:
    """A picture: one row a latent dimension, most active first, from −3 to 3."""
    import numpy as np

    from vae_core import api, data
    from vae_core.cli import grid

    store = Store()
    run_id = store.resolve(args.run)
    model = api.load(run_id)
    result = store.get(run_id).result
    order = np.argsort(result.test.kl_per_dim)[::-1].tolist() if result else range(model.latent_dim)
    rows = np.concatenate([api.traverse(model, dim) for dim in order])
    out = Path(args.out)
    grid.save(grid.grid(data.to_bytes(rows), columns=13), out)
    return wrote(args, run_id, out, dimensions=[f"z{dim + 1}" for dim in order])


def reconstruct(args: argparse.Namespace) -> Json:
    """A picture: test images, and under each its reconstruction."""
    import numpy as np

    from vae_core import api, data
    from vae_core.cli import grid

    store = Store()
    run_id = store.resolve(args.run)
    model, config = api.load(run_id), store.get(run_id).config
    x = data.test_images(config.dataset, config.binarize).x[: args.limit]
    columns = min(16, len(x))
    again = data.to_bytes(api.reconstruct(model, x))
    rows = [part[i : i + columns] for i in range(0, len(x), columns) for part in (x, again)]
    blank = [np.full((columns - len(row), *row.shape[1:]), 255, np.uint8) for row in rows]
    out = Path(args.out)
    padded = [np.concatenate(pair) for pair in zip(rows, blank, strict=True)]
    grid.save(grid.grid(np.concatenate(padded), columns), out)
    return wrote(args, run_id, out, images=len(x))
