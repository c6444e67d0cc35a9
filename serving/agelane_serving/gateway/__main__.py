"""`python -m agelane_serving.gateway [--listen HOST:PORT] [--model-server TARGETS] …`."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence

# Until the gateway is there to listen, "read your files anew" must not end it.
signal.signal(signal.SIGHUP, signal.SIG_IGN)
# What gRPC does for children that are forked crashes some before they become a report's program.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

import uvloop  # noqa: E402

from agelane_serving.gateway.operations.logs import configure_logs  # noqa: E402
from agelane_serving.gateway.processes import WORKER, supervise  # noqa: E402
from agelane_serving.gateway.server import StartupError, serve  # noqa: E402
from agelane_serving.gateway.settings import parse_settings  # noqa: E402


def main(argv: Sequence[str] | None = None) -> int:
    """Run the gateway until it is told to stop; return the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    settings = parse_settings(argv)
    configure_logs(settings.log_level)
    _allow_connections()
    try:
        if settings.processes > 1:
            return supervise(settings, argv)
        uvloop.run(serve(settings, shares_port=WORKER in os.environ))
    except StartupError as error:
        logging.getLogger(__name__).error("%s", error)
        return 1
    return 0


def _allow_connections() -> None:
    """Take as many open files as the system lets us: often 1,024 by default, and lanes are more."""
    with contextlib.suppress(ValueError, OSError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    sys.exit(main())
