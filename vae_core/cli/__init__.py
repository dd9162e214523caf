"""The command `elbo`. Each command reads its arguments, asks the library, prints.

Exit codes: 0 done; 1 interrupted or failed on the way; 2 the request itself cannot be met, and nothing was written.
With `--json` the last line of standard output is one JSON object; progress goes to standard error. Nothing ends in a
traceback; with ELBO_DEBUG=1 in the environment what nobody foresaw does.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from vae_core.cli.arguments import parser
from vae_core.cli.printing import Json, as_json, say_in_any_letters, writable
from vae_core.config.errors import ElboRoomError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    say_in_any_letters()
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has read enough
        _forget_output()
        return 1
    except OSError as error:
        if not _is_output(error):
            raise
        with contextlib.suppress(OSError):
            print(f"elbo: standard output cannot be written ({error.strerror or error})", file=sys.stderr)
        _forget_output()
        return 1
    return code


def _run(argv: Sequence[str] | None) -> int:
    args = parser().parse_args(argv)
    command = cast("Callable[[argparse.Namespace], Json]", args.command)
    try:
        if getattr(args, "out", None) is not None:
            writable(Path(args.out), folder=args.out_is_folder)
        result = command(args)
        if getattr(args, "json", False):
            print(as_json(result))
    except ElboRoomError as error:
        print(f"elbo: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        more = "; the same command goes on from the last checkpoint" if args.name == "train" else ""
        print(f"elbo: interrupted{more}", file=sys.stderr)
        return 1
    except MemoryError:
        print("elbo: not enough memory; ask for less at a time", file=sys.stderr)
        return 1
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get("ELBO_DEBUG") or _is_output(error):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"elbo: {what[:500]} ({Path(where.filename).name}, line {where.lineno})", file=sys.stderr)
        return 1
    return 1 if result.get("status") == "failed" else 0


def _is_output(error: Exception) -> bool:
    """Whether it was printing that failed: no file of ours is named in it."""
    return isinstance(error, OSError) and error.filename is None


def _forget_output() -> None:
    """Python flushes what is left when it ends, and would complain once more."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
