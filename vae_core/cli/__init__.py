"""The command `elbo`. Each command reads its arguments, asks the library, prints.

Exit codes: 0 done; 1 interrupted or failed on the way; 2 the request itself cannot be met, and nothing was written.
With `--json` the last line of standard output is one JSON object; progress goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import cast

from vae_core.cli.arguments import parser
from vae_core.cli.printing import Json
from vae_core.config.errors import ElboRoomError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    args = parser().parse_args(argv)
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
