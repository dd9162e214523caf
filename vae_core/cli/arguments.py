"""What each command reads from its arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from vae_core import __version__
from vae_core.cli.analysis import evaluate, gap, identity, project
from vae_core.cli.app import app
from vae_core.cli.export import export
from vae_core.cli.look import delete, runs, show
from vae_core.cli.pictures import reconstruct, traverse
from vae_core.cli.printing import Json
from vae_core.cli.starters import starters
from vae_core.cli.train import objectives, train
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
from vae_core.config.presets import PRESETS
from vae_core.config.visitors import Visitors


def parser() -> argparse.ArgumentParser:
    """The whole command; the function that carries a command out is in `command` of what was parsed."""
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

    _add_app(add("app", app, "Start the app in the browser. Only this machine reaches it, unless --host opens it."))

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
    sub.add_argument("--onnx", action="store_true", help="write each network as an ONNX file too")
    return parser


def _add_app(sub: argparse.ArgumentParser) -> None:
    limits = Visitors()
    sub.add_argument("--port", type=int, default=8501, help="port to listen on (default 8501)")
    sub.add_argument("--browser", action="store_true", help="open a browser window")
    sub.add_argument("--base-path", default="", metavar="PATH", help="serve below this path, behind a proxy")
    opened = sub.add_argument_group(
        "opening it to others",
        "There is no password: whoever reaches the port sees every model here and can train, within these limits.",
    )
    opened.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on (default 127.0.0.1: this machine alone; 0.0.0.0: every network it is in)",
    )
    opened.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="another name under which browsers may ask for it, such as a proxy's; may be given several times",
    )
    opened.add_argument(
        "--max-waiting",
        type=_count,
        default=limits.max_waiting,
        metavar="N",
        help=f"runs that may wait or train at a time, of all visitors (default {limits.max_waiting})",
    )
    opened.add_argument(
        "--max-waiting-per-visitor",
        type=_count,
        default=limits.max_waiting_each,
        metavar="N",
        help=f"of them, runs that one visitor asked for (default {limits.max_waiting_each})",
    )
    opened.add_argument(
        "--max-minutes",
        type=_count,
        default=limits.max_minutes,
        metavar="N",
        help=f"how long a run may take, as estimated beforehand (default {limits.max_minutes})",
    )
    opened.add_argument(
        "--allow-delete",
        action="store_true",
        help="let every visitor pause, stop and delete any run; else only who asked for it may",
    )


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
