"""`python -m agelane_serving.gateway [--listen HOST:PORT] [--model-server TARGET] …`."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence

from agelane_serving.gateway.logs import configure_logs
from agelane_serving.gateway.server import StartupError, serve
from agelane_serving.gateway.settings import parse_settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run the gateway until it is told to stop; return the exit code."""
    settings = parse_settings(sys.argv[1:] if argv is None else argv)
    configure_logs(settings.log_level)
    try:
        asyncio.run(serve(settings))
    except StartupError as error:
        logging.getLogger(__name__).error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
