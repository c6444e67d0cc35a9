"""`python -m agelane_serving.stack [--models DIR] [--gateway-port N] … [-- COMMAND …]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from agelane_serving.stack.errors import StackError
from agelane_serving.stack.run import Stack
from agelane_serving.stack.settings import parse_settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stack until it is told to stop or the command ends; return the exit code."""
    settings = parse_settings(sys.argv[1:] if argv is None else argv)
    try:
        return Stack(settings).run()
    except StackError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
