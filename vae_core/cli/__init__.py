"""The command `elbo`. Each command reads its arguments, asks the library, prints.

Exit codes: 0 done; 1 interrupted or failed on the way; 2 the request itself cannot be met, and nothing was written.
With `--json` the last line of standard output is one JSON object; progress goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from vae_core import __version__
from vae_core.config import (
    ACTIVATIONS,
    ARCHITECTURES,
    BINARIZE,
    DATASETS,
    LIKELIHOODS,
    PER_PIXEL,
    POSTERIORS,
    RunConfig,
)
from vae_core.config.catalogue import ALIASES, OBJECTIVES, PARAMETERS
from vae_core.config.errors import ConfigError, ElboRoomError, StoreError
from vae_core.config.events import Event, Finished, Progress
from vae_core.config.presets import PRESETS, preset
from vae_core.store import RunInfo, Store

Json = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    args = _parser().parse_args(argv)
    command = cast("Callable[[argparse.Namespace], Json]", args.command)
    try:
        result = command(args)
    except ElboRoomError as error:
        print(f"elbo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("elbo: interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 1
    if getattr(args, "json", False):
        print(json.dumps(result))
    return 1 if result.get("status") == "failed" else 0


# -- commands


def app(args: argparse.Namespace) -> Json:
    """Become the Streamlit server."""
    from importlib.util import find_spec

    found = find_spec("app")
    if found is None or not found.submodule_search_locations:
        raise StoreError("the package 'app' is not installed beside 'vae_core'; reinstall elbo-room")
    folder = Path(found.submodule_search_locations[0])
    arguments = [sys.executable, "-m", "streamlit", "run", str(folder / "main.py"), "--server.port", str(args.port)]
    options = {
        "server.headless": str(not args.browser).lower(),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        # A box that follows the URL has its value from there, and the same as its default: a browser that is slow to
        # load the box shows the default, and would send back another.
        "global.disableWidgetStateDuplicationWarning": "true",
        **_theme(folder),
    }
    arguments += [part for name, value in options.items() for part in (f"--{name}", value)]
    os.execv(sys.executable, arguments)


def train(args: argparse.Namespace) -> Json:
    """Train a configuration, or find it in the store."""
    given = {name: getattr(args, name) for name in _SETTINGS if getattr(args, name) is not None}
    config = RunConfig.from_dict({**(preset(args.preset).to_dict() if args.preset else {}), **given})
    store = Store()
    cached = config.run_id in store.run_ids() and store.get(config.run_id).status == "finished"
    if not cached:
        from vae_core.jobs.run import run

        _follow(run(config, store, resume_stopped=True), config.run_id)
    info = store.get(config.run_id)
    if info.result is None:
        print(f"elbo: {info.run_id} {info.status}: {info.message}", file=sys.stderr)
        return {"run_id": info.run_id, "status": "failed", "message": info.message}
    if not cached:
        from vae_core.jobs import artifacts

        artifacts.diagnostics(store, info.run_id)  # now that torch is here, so that no page need wait for it
    if not args.json:
        print(f"{info.run_id}{' (from the store)' if cached else ''}\n{_terms(info.result)}")
    return {**_trained(info, info.result), "cached": cached}


def objectives(args: argparse.Namespace) -> Json:
    """What can be optimised, with parameters and ranges."""
    if not args.json:
        for entry in OBJECTIVES.values():
            print(f"{entry.name}  {entry.title}: {entry.help}\n    {entry.paper}")
            shared = "  beta, warmup_epochs, warmup_cycles" if entry.weighs_kl else ""
            for p in entry.parameters:
                allowed = " | ".join(p.choices) if p.choices else f"{p.low:g} to {p.high:g}"
                print(f"    --{p.name.replace('_', '-')} {allowed} (default {p.default}): {p.help}")
            print(f"    and{shared}" if shared else "", end="\n" if shared else "")
    return {"objectives": [asdict(entry) for entry in OBJECTIVES.values()], "aliases": ALIASES}


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
    return {"runs": [_described(info) for info in infos], "damaged": damaged}


def show(args: argparse.Namespace) -> Json:
    """One run."""
    store = Store()
    info = store.get(store.resolve(args.run))
    described = {**_described(info), "bytes": store.size(info.run_id), "folder": str(store.folder(info.run_id))}
    if not args.json:
        print(json.dumps(described, indent=2))
    return described


def delete(args: argparse.Namespace) -> Json:
    """Remove a run."""
    store = Store()
    run_id = store.resolve(args.run)
    store.delete(run_id)
    if not args.json:
        print(f"deleted {run_id}")
    return {"run_id": run_id, "deleted": True}


def starters(args: argparse.Namespace) -> Json:
    """Rebuild the models that ship."""
    from vae_core.data import assets
    from vae_core.jobs.starters import LAB_MODELS, STARTERS, rebuild

    out = Path(args.out or assets() / "models")
    configs = (*STARTERS, *LAB_MODELS)
    for config in configs:
        print(config.run_id, file=sys.stderr)
    _follow((event for _config, event in rebuild(out)), "starters")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    if not args.json:
        print(f"{len(configs)} models in {out}, {size / 1e6:.2f} MB")
    return {"run_ids": [config.run_id for config in configs], "out": str(out), "bytes": size}


def traverse(args: argparse.Namespace) -> Json:
    """A picture: one row a latent dimension, most active first, from −3 to 3."""
    import numpy as np

    from vae_core import api
    from vae_core.cli import pictures

    store = Store()
    run_id = store.resolve(args.run)
    model = api.load(run_id)
    result = store.get(run_id).result
    order = np.argsort(result.test.kl_per_dim)[::-1].tolist() if result else range(model.config.latent_dim)
    rows = np.concatenate([api.traverse(model, dim) for dim in order])
    out = _writable(args.out)
    pictures.save(pictures.grid(_bytes(rows), columns=13), out)
    return _wrote(args, run_id, out, dimensions=[f"z{dim + 1}" for dim in order])


def reconstruct(args: argparse.Namespace) -> Json:
    """A picture: test images, and under each its reconstruction."""
    import numpy as np

    from vae_core import api, data
    from vae_core.cli import pictures

    store = Store()
    run_id = store.resolve(args.run)
    model = api.load(run_id)
    x = data.test_images(model.config.dataset, model.config.binarize).x[: args.limit]
    columns = min(16, len(x))
    again = _bytes(api.reconstruct(model, x))
    rows = [part[i : i + columns] for i in range(0, len(x), columns) for part in (x, again)]
    blank = [np.full((columns - len(row), *row.shape[1:]), 255, np.uint8) for row in rows]
    out = _writable(args.out)
    padded = [np.concatenate(pair) for pair in zip(rows, blank, strict=True)]
    pictures.save(pictures.grid(np.concatenate(padded), columns), out)
    return _wrote(args, run_id, out, images=len(x))


def project(args: argparse.Namespace) -> Json:
    """Codes and a map of them, as arrays."""
    import io

    import numpy as np
    from rich.progress import Progress as Bar

    from vae_core.jobs import artifacts
    from vae_core.store.files import write_bytes

    store = Store()
    run_id = store.resolve(args.run)
    request = artifacts.MapRequest(method=args.method, limit=args.limit, perplexity=args.perplexity, seed=args.seed)
    out = _writable(args.out)
    with Bar(console=_console(), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(args.method, total=None)

        def tell(done: int, total: int, _points: object) -> None:
            bar.update(task, completed=done, total=total)

        found = artifacts.embedding(store, run_id, request, tell)
    codes = artifacts.codes(store, run_id)["mu"][: len(found["embedding"])]
    buffer = io.BytesIO()
    np.savez(buffer, codes=codes, embedding=found["embedding"], labels=found["labels"])
    write_bytes(out, buffer.getvalue())
    return _wrote(args, run_id, out, method=args.method, images=len(codes))


def evaluate(args: argparse.Namespace) -> Json:
    """log P(X) of test images, and what their codes are like."""
    import numpy as np
    from rich.progress import Progress as Bar

    from vae_core.jobs import artifacts

    store = Store()
    run_id = store.resolve(args.run)
    codes = artifacts.codes(store, run_id)
    with Bar(console=_console(), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("log P(X)", total=None)
        found = artifacts.log_px(
            store, run_id, args.samples, args.limit, lambda done, n, _map: bar.update(task, completed=done, total=n)
        )
        inside = bar.add_task("parts of the KL", total=None)
        facts = artifacts.diagnostics(store, run_id, lambda done, n, _map: bar.update(inside, completed=done, total=n))
    n = len(found["log_px"])
    kl = artifacts.kl_per_dim(codes)[:n].sum(1)
    info = store.get(run_id)
    result: Json = {
        "run_id": run_id,
        "images": n,
        "samples": args.samples,
        "elbo": float((codes["reconstruction"][:n] - kl).mean(dtype=np.float64)),
        "log_px": float(found["log_px"].mean()),
        "log_px_stderr": float(np.sqrt(np.square(found["stderr"]).sum()) / n),
        "effective_samples": float(np.median(found["ess"])),
        # From here on over all test images, whatever the limit.
        **{name: facts[name] for name in _INSIDE},
        "collapsed": [f"z{one['dim'] + 1}" for one in facts["findings"] if one["state"] == "collapsed"],
        "is_log_likelihood": bool(info.result and info.result.is_log_likelihood),
    }
    if not args.json:
        print(json.dumps(result, indent=2))
        print(
            f"KL {facts['rate']:.2f} = I(X; z) {facts['mutual_information']:.2f} (at most log N = "
            f"{facts['mutual_information_ceiling']:.2f}) + total correlation {facts['total_correlation']:.2f} + by "
            f"dimension {sum(facts['dimension_wise_kl']):.2f} nats per image"
        )
        print(*(one["sentence"] for one in facts["findings"]), sep="\n")
    return result


_INSIDE = (
    "active_units",
    "mutual_information",
    "mutual_information_stderr",
    "total_correlation",
    "total_correlation_stderr",
    "marginal_kl",
    "marginal_kl_stderr",
    "rate",
    "distortion",
)
"""What `elbo evaluate` passes on of `artifacts.diagnostics`."""


def identity(args: argparse.Namespace) -> Json:
    """Both sides of the identity behind the ELBO, for one test image."""
    import numpy as np

    from vae_core import data
    from vae_core.analysis import bounds
    from vae_core.networks.forward import NumpyScorer

    store = Store()
    run_id = store.resolve(args.run)
    config = store.get(run_id).config
    scorer = NumpyScorer(config, store.weights(run_id))
    x = data.test_images(config.dataset, config.binarize).x
    if not 0 <= args.image < len(x):
        raise ConfigError(f"image={args.image}: give a test image from 0 to {len(x) - 1}")
    terms = bounds.identity(scorer, x[args.image].astype(np.float32) / np.float32(255))
    result: Json = {"run_id": run_id, "image": args.image, **asdict(terms)}
    if not args.json:
        print(json.dumps(result, indent=2))
    return result


def gap(args: argparse.Namespace) -> Json:
    """The gap between log P(X) and the ELBO, from both sides and split in two, for any number of dimensions."""
    import numpy as np

    from vae_core import data
    from vae_core.analysis import annealing
    from vae_core.analysis.amortisation import fit_q
    from vae_core.jobs import artifacts

    store = Store()
    run_id = store.resolve(args.run)
    model = artifacts.load_model(store, run_id)
    rng = np.random.default_rng(args.seed)
    if args.simulated:
        x, codes = annealing.simulate(model, args.limit, rng)
    else:
        images = data.test_images(model.config.dataset, model.config.binarize).x[: args.limit]
        x, codes = images.astype(np.float32) / np.float32(255), None
    settings = annealing.Annealing(chains=args.chains, temperatures=args.temperatures, start="q")
    bounds = annealing.bracket(model, x, settings, rng, codes)
    fitted = fit_q(model, x, rng)
    elbo = float(fitted.amortised.mean())
    result: Json = {
        "run_id": run_id,
        "images": len(x),
        "simulated": args.simulated,
        "elbo": elbo,
        "log_px_lower": float(bounds.lower.mean()),
        "log_px_upper": float(bounds.upper.mean()),
        "upper_is_bound": bounds.upper_is_bound,
        "gap_lower": float(bounds.lower.mean()) - elbo,
        "gap_upper": float(bounds.upper.mean()) - elbo,
        "amortisation_gap": float(fitted.gain.mean()),
        "acceptance": bounds.acceptance,
        "is_log_likelihood": bounds.is_log_likelihood,
    }
    if not args.json:
        print(json.dumps(result, indent=2))
    return result


def export(args: argparse.Namespace) -> Json:
    """The networks as manifest.json and weights.bin."""
    from vae_core.store.export import export as write

    store = Store()
    run_id = store.resolve(args.run)
    paths = write(store.get(run_id).config, store.weights(run_id), Path(args.out))
    return _wrote(args, run_id, Path(args.out), files=[path.name for path in paths])


# -- what they print


def _follow(happening: Iterable[Event], title: str) -> None:
    """Live through the events, with a progress bar on standard error if that is a terminal."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeRemainingColumn())
    with Bar(*columns, console=_console(), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=None, note="")
        for event in happening:
            if isinstance(event, Progress):
                note = f"epoch {event.epoch:.1f} · {event.images_per_second:,.0f} images/s"
                bar.update(task, completed=event.step, total=event.steps, note=note)


def _console() -> Any:
    from rich.console import Console

    return Console(stderr=True)


def _terms(finished: Finished) -> str:
    test = finished.test
    return (
        f"test ELBO {test.elbo:.2f} = reconstruction {test.reconstruction:.2f} − KL {test.kl:.2f} nats per image; "
        f"{finished.seconds:.1f} s, {finished.images_per_second:,.0f} images/s"
    )


def _trained(info: RunInfo, finished: Finished) -> Json:
    return {
        "run_id": info.run_id,
        "status": info.status,
        "seconds": finished.seconds,
        "images_per_second": finished.images_per_second,
        "epochs": finished.epoch,
        "is_log_likelihood": finished.is_log_likelihood,
        "message": info.message,
        "test": {"elbo": finished.test.elbo, **asdict(finished.test)},
    }


def _described(info: RunInfo) -> Json:
    described: Json = {
        "run_id": info.run_id,
        "status": info.status,
        "created": info.created,
        "shipped": info.shipped,
        "message": info.message,
        "config": {**asdict(info.config), "parameters": dict(info.config.parameters)},
    }
    if info.result is not None:
        described |= {key: value for key, value in _trained(info, info.result).items() if key not in described}
    return described


def _wrote(args: argparse.Namespace, run_id: str, out: Path, **facts: Any) -> Json:
    if not args.json:
        print(f"wrote {out}")
    return {"run_id": run_id, "out": str(out), **facts}


def _writable(name: str) -> Path:
    """The path to write to, refused before any work is done if its folder is not there."""
    path = Path(name)
    if not path.absolute().parent.is_dir():
        raise StoreError(f"{path}: the folder {path.absolute().parent} does not exist; create it first")
    return path


def _bytes(x: Any) -> Any:
    return (x * 255).round().astype("uint8")


def _theme(folder: Path) -> dict[str, str]:
    """The app's colours: `app/theme.json`, one Streamlit option a line."""
    return cast("dict[str, str]", json.loads((folder / "theme.json").read_text(encoding="utf-8")))


# -- what they read

_SETTINGS = (*(name for name in RunConfig.__dataclass_fields__ if name != "parameters"), *PARAMETERS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="elbo",
        description="Train variational autoencoders, keep them, and look into their latent space.",
        epilog="Runs are kept under ELBO_HOME, by default the platform's folder for user data.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], Json], help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(command=command)
        if name != "app":
            sub.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        return sub

    sub = add("app", app, "Start the app in the browser.")
    sub.add_argument("--port", type=int, default=8501, help="port to listen on (default 8501)")
    sub.add_argument("--browser", action="store_true", help="open a browser window")

    _add_settings(add("train", train, "Train a model, or find it in the store if it was trained before."))
    add("objectives", objectives, "List what can be optimised, with parameters and ranges.")
    add("runs", runs, "List all runs.")
    for name, command, help in (("show", show, "Show one run."), ("delete", delete, "Delete one run and its files.")):
        _add_run(add(name, command, help))

    sub = add("starters", starters, "Rebuild the models that ship with Elbo Room.")
    sub.add_argument("--out", help="folder to write them to (default: assets/models)")

    sub = _add_run(add("traverse", traverse, "Write a picture of every latent dimension from −3 to 3."))
    sub.add_argument("--out", required=True, help="PNG file to write")
    sub = _add_run(add("reconstruct", reconstruct, "Write a picture of test images above their reconstructions."))
    sub.add_argument("--out", required=True, help="PNG file to write")
    sub.add_argument("--limit", type=_count, default=64, help="how many test images (default 64)")
    sub = _add_run(add("project", project, "Write the encoded means and a 2-D map of them."))
    sub.add_argument("--out", required=True, help=".npz file to write: codes (N, D), embedding (N, 2), labels (N,)")
    sub.add_argument("--method", choices=("tsne", "pca"), default="tsne")
    sub.add_argument("--limit", type=_count, default=10_000, help="how many test images (default 10000)")
    sub.add_argument("--perplexity", type=float, default=30.0, help="of t-SNE: about how many neighbours (default 30)")
    sub.add_argument("--seed", type=int, default=0)
    sub = _add_run(add("evaluate", evaluate, "Estimate log P(X) of test images by importance sampling."))
    sub.add_argument("--samples", type=_count, default=5000, help="codes that are scored for each image (default 5000)")
    sub.add_argument("--limit", type=_count, default=1000, help="how many test images (default 1000)")
    sub = _add_run(add("identity", identity, "Check log P(X) − D[Q‖P(z|X)] = ELBO on one test image, for D up to 2."))
    sub.add_argument("--image", type=int, required=True, help="index of the test image")
    sub = _add_run(add("gap", gap, "Bound log P(X) from both sides by annealed importance sampling, for any D."))
    sub.add_argument("--limit", type=_count, default=20, help="how many images (default 20)")
    sub.add_argument(
        "--simulated",
        action="store_true",
        help="images drawn from the model, whose exact posterior samples make the upper figure a bound",
    )
    sub.add_argument("--chains", type=_count, default=16, help="for each image, in each direction (default 16)")
    sub.add_argument("--temperatures", type=_count, default=200, help="steps from Q to the posterior (default 200)")
    sub.add_argument("--seed", type=int, default=0)
    sub = _add_run(add("export", export, "Write both networks as manifest.json and weights.bin for other programs."))
    sub.add_argument("--out", required=True, help="folder to write to")
    return parser


def _add_run(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
    sub.add_argument("run", metavar="RUN", help="a run's name, or enough of its beginning")
    return sub


def _add_settings(sub: argparse.ArgumentParser) -> None:
    d = RunConfig()
    sub.add_argument("--preset", help=f"start from one of {', '.join(PRESETS)}; other options change it")
    sub.add_argument("--dataset", help=f"one of {', '.join(DATASETS)} (default {d.dataset})")
    sub.add_argument("--architecture", help=f"one of {', '.join(ARCHITECTURES)} (default {d.architecture})")
    sub.add_argument(
        "--hidden", type=_hidden, metavar="N,N", help="units of the mlp's hidden layers (default 256,256); none: linear"
    )
    sub.add_argument("--activation", help=f"of the mlp: one of {', '.join(ACTIVATIONS)} (default {d.activation})")
    sub.add_argument("--latent-dim", type=int, help=f"D, 1 to 64 (default {d.latent_dim})")
    sub.add_argument("--likelihood", help=f"P(X|z): one of {', '.join(LIKELIHOODS)} (default {d.likelihood})")
    sub.add_argument("--sigma", type=_sigma, help=f"of the Gaussian: a number, 'learned' (default) or '{PER_PIXEL}'")
    sub.add_argument("--beta", type=float, help=f"weight of the KL; 1 is the ELBO (default {d.beta:g})")
    sub.add_argument("--warmup-epochs", type=float, help="epochs over which β rises from 0 (default 0)")
    sub.add_argument(
        "--warmup-cycles", type=int, help="repeat the warm-up so many times over the run (default 0: once)"
    )
    sub.add_argument("--posterior", help=f"Q(z|X): one of {', '.join(POSTERIORS)} (default {d.posterior})")
    sub.add_argument("--binarize", help=f"of the pixels: one of {', '.join(BINARIZE)} (default {d.binarize})")
    sub.add_argument("--objective", help=f"one of {', '.join([*OBJECTIVES, *ALIASES])} (default {d.objective})")
    for name, owners in PARAMETERS.items():
        kinds = {p.name: p for owner in owners for p in OBJECTIVES[owner].parameters}
        kind = str if kinds[name].choices else int if kinds[name].integer else float
        sub.add_argument(
            f"--{name.replace('_', '-')}", type=kind, help=f"of {', '.join(owners)}; see `elbo objectives`"
        )
    sub.add_argument("--epochs", type=int, help=f"passes over the training images (default {d.epochs})")
    sub.add_argument("--batch-size", type=int, help=f"images in a step (default {d.batch_size})")
    sub.add_argument("--lr", dest="learning_rate", type=float, help=f"Adam's step size (default {d.learning_rate:g})")
    sub.add_argument("--seed", type=int, help=f"decides every random number (default {d.seed})")


def _hidden(text: str) -> tuple[int, ...]:
    return () if text == "none" else tuple(int(part) for part in text.split(","))


def _sigma(text: str) -> float | str | None:
    return {"learned": None, PER_PIXEL: PER_PIXEL}[text] if text in ("learned", PER_PIXEL) else float(text)


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: give a positive number")
    return value
