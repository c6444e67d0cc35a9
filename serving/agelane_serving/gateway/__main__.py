"""`python -m agelane_serving.gateway [--listen HOST:PORT] [--model-server TARGETS] …`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from agelane_serving.gateway.operations.logs import configure_logs
from agelane_serving.gateway.processes import WORKER, supervise
from agelane_serving.gateway.server import StartupError, serve
from agelane_serving.gateway.settings import parse_settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run the gateway until it is told to stop; return the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    settings = parse_settings(argv)
    configure_logs(settings.log_level)
    try:
        if settings.processes > 1:
            return supervise(settings, argv)
        asyncio.run(serve(settings, shares_port=WORKER in os.environ))
    except StartupError as error:
        logging.getLogger(__name__).error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
