"""What each command reads from its arguments.

The module of a command is imported when the command is carried out, so that `elbo app` and `elbo --help` wait for no
array library.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from vae_core import __version__
from vae_core.config import PER_PIXEL
from vae_core.config.notes import LONGEST_LABEL, LONGEST_NOTE
from vae_core.config.presets import PRESETS
from vae_core.config.settings import Kind, settings
from vae_core.config.visitors import Visitors

if TYPE_CHECKING:
    from vae_core.cli.printing import Json

MOST = 10_000_000
"""The largest count that any option takes."""


class _Parser(argparse.ArgumentParser):
    """Refuses in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())}; see `{self.prog} --help`\n")


def parser() -> argparse.ArgumentParser:
    """The whole command; the function that carries a command out is in `command` of what was parsed."""
    parser = _Parser(
        prog="elbo",
        description="Train variational autoencoders, keep them, and look into their latent space.",
        epilog="Runs are kept under ELBO_HOME, by default the platform's folder for user data.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, module: str, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(command=_found_later(module, name), name=name)
        if name != "app":
            sub.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        return sub

    _add_app(add("app", "app", "Start the app in the browser. Only this machine reaches it, unless --host opens it."))

    _add_settings(add("train", "train", "Train a model, or find it in the store if it was trained before."))
    add("objectives", "train", "List what can be optimised, with parameters and ranges.")
    add("runs", "look", "List all runs.")
    _add_run(add("show", "look", "Show one run."))
    sub = _add_run(add("label", "look", "Call a run by a name of your own, or say something of it."))
    sub.add_argument("--label", metavar="TEXT", help=f"a short name, up to {LONGEST_LABEL} letters; '' takes it away")
    sub.add_argument("--note", metavar="TEXT", help=f"what is to be remembered, up to {LONGEST_NOTE} letters")
    _add_run(add("delete", "look", "Delete one run and its files."))

    sub = add("starters", "starters", "Rebuild the models that ship with Elbo Room.")
    _add_out(sub, "folder to write them to (default: assets/models)", folder=True, required=False)

    sub = _add_run(add("traverse", "pictures", "Write a picture of every latent dimension from −3 to 3."))
    _add_out(sub, "PNG file to write")
    sub = _add_run(add("reconstruct", "pictures", "Write a picture of test images above their reconstructions."))
    _add_out(sub, "PNG file to write")
    sub.add_argument("--limit", type=_count, default=64, help="how many test images (default 64)")
    sub = _add_run(add("project", "analysis", "Write the encoded means and a 2-D map of them."))
    _add_out(sub, ".npz file to write: codes (N, D), embedding (N, 2), labels (N,)")
    sub.add_argument("--method", choices=("tsne", "pca"), default="tsne")
    sub.add_argument("--limit", type=_count, default=10_000, help="how many test images (default 10000)")
    sub.add_argument("--perplexity", type=_number, default=30.0, help="about how many neighbours (default 30)")
    sub.add_argument(
        "--start",
        choices=("pca", "random"),
        default="pca",
        help="where t-SNE starts; random: by the seed (default pca)",
    )
    sub.add_argument("--seed", type=_seed, default=0, help="decides every random number (default 0)")
    sub = _add_run(add("evaluate", "analysis", "Estimate log P(X) of test images by importance sampling."))
    sub.add_argument("--samples", type=_count, default=5000, help="codes that are scored for each image (default 5000)")
    sub.add_argument("--limit", type=_count, default=1000, help="how many test images (default 1000)")
    sub = _add_run(add("identity", "analysis", "Check log P(X) − D[Q‖P(z|X)] = ELBO on one test image, for D up to 2."))
    sub.add_argument("--image", type=_whole, required=True, help="index of the test image")
    sub = _add_run(add("gap", "analysis", "Bound log P(X) from both sides by annealed importance sampling, for any D."))
    sub.add_argument("--limit", type=_count, default=20, help="how many images (default 20)")
    sub.add_argument(
        "--simulated",
        action="store_true",
        help="images drawn from the model, whose exact posterior samples make the upper figure a bound",
    )
    sub.add_argument("--chains", type=_count, default=16, help="for each image, in each direction (default 16)")
    sub.add_argument("--temperatures", type=_count, default=200, help="steps from Q to the posterior (default 200)")
    sub.add_argument("--seed", type=_seed, default=0, help="decides every random number (default 0)")
    sub = _add_run(add("export", "export", "Write both networks as manifest.json and weights.bin for other programs."))
    _add_out(sub, "folder to write to", folder=True)
    sub.add_argument("--onnx", action="store_true", help="write each network as an ONNX file too")
    return parser


def _found_later(module: str, name: str) -> Callable[[argparse.Namespace], Json]:
    """The command of that name, a function in `vae_core.cli.<module>`."""

    def command(args: argparse.Namespace) -> Json:
        return getattr(import_module(f"vae_core.cli.{module}"), name)(args)

    return command


def _add_app(sub: argparse.ArgumentParser) -> None:
    limits = Visitors()
    sub.add_argument("--port", type=_whole, default=8501, help="port to listen on (default 8501)")
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
    """Every setting of a run, as `config/settings.py` has it from the configuration and the catalogue."""
    sub.add_argument("--preset", help=f"start from one of {', '.join(PRESETS)}; other options change it")
    for setting in settings().values():
        names = [f"--{setting.name.replace('_', '-')}"]
        if setting.name == "learning_rate":
            names.insert(0, "--lr")
        metavar, default = {
            "hidden": ("N,N", "256,256; none: linear"),
            "sigma": (f"N|learned|{PER_PIXEL}", "learned"),
        }.get(setting.name, (None, str(setting.default).removesuffix(".0")))
        words = "; ".join(filter(None, (setting.help.rstrip("."), setting.allowed))) + f" (default {default})"
        if setting.owners:
            words = f"of {', '.join(setting.owners)}: {words}"
        sub.add_argument(
            *names, dest=setting.name, type=_READ[setting.kind], metavar=metavar, help=words.replace("%", "%%")
        )


def _add_out(sub: argparse.ArgumentParser, help: str, *, folder: bool = False, required: bool = True) -> None:
    sub.add_argument("--out", metavar="DIR" if folder else "FILE", required=required, help=help)
    sub.set_defaults(out_is_folder=folder)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{_short(text)}: give a number") from None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{_short(text)}: give a whole number") from None


def _layers(text: str) -> tuple[int, ...]:
    try:
        return () if text == "none" else tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{_short(text)}: give whole numbers with commas between them, such as 256,256, or none"
        ) from None


def _sigma(text: str) -> float | str | None:
    if text in ("learned", PER_PIXEL):
        return None if text == "learned" else text
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{_short(text)}: give a number, learned or {PER_PIXEL}") from None


_READ: dict[Kind, Callable[[str], Any]] = {
    "word": str,
    "whole": _whole,
    "number": _number,
    "layers": _layers,
    "sigma": _sigma,
}


def _count(text: str) -> int:
    value = _whole(text)
    if not 1 <= value <= MOST:
        raise argparse.ArgumentTypeError(f"{_short(text)}: give a positive number, at most {MOST}")
    return value


def _seed(text: str) -> int:
    value = _whole(text)
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"seed={_short(text)}: give a number from 0 to {2**32 - 1}")
    return value


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…").strip("'")
