"""`python -m vae_core` is the command `elbo`."""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. Ctrl-C is no traceback, not even while the command is being imported."""
    try:
        from vae_core.cli import main as run

        return run(argv)
    except KeyboardInterrupt:
        print("elbo: interrupted", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
