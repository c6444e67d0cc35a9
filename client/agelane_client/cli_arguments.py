"""What all commands of `agelane` have: arguments, environment, exit codes."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from datetime import datetime
from enum import IntEnum

from agelane_client.client import Client
from agelane_client.errors import ConfigurationError
from agelane_client.options import DEFAULT_TARGET, DEFAULT_TIMEOUT

EXIT_CODES = """\
exit codes:
  0    every photo was assessed; the report is there; the gateway takes calls
  1    at least one photo could not be used
  2    the command line is wrong
  3    no gateway answered in time
  4    the gateway would not answer: overloaded, not serving, faulty, or not for this caller
  130  interrupted
  141  the reader of the output went away
Of several, the highest counts. A photo without an answer is no decision: look at a document.

environment:
  AGELANE_TARGET, AGELANE_TLS, AGELANE_TLS_CA, AGELANE_TOKEN_FILE
      what holds where --target, --tls, --tls-ca or --token-file is not given
"""


class ExitCode(IntEnum):
    """How the command ends; EXIT_CODES says it to users."""

    DONE = 0
    PHOTO_REFUSED = 1
    USAGE = 2
    NOT_REACHED = 3
    GATEWAY_REFUSED = 4
    INTERRUPTED = 130
    BROKEN_PIPE = 141


Run = Callable[[Client, argparse.Namespace], ExitCode]


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    run: Run,
    name: str,
    description: str,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    notes: str = "",
) -> argparse.ArgumentParser:
    """Add a command with the arguments that all commands have.

    Args:
        commands: where to add it.
        run: what it does.
        name: how it is called.
        description: what it does, in a few words without a capital letter.
        timeout: seconds to wait for an answer if the user says nothing.
        notes: what its help tells below the arguments, before the exit codes.
    """
    command = commands.add_parser(
        name,
        help=description,
        description=f"{description[0].upper()}{description[1:]}.",
        epilog=notes + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    _add_connection(command, timeout)
    return command


def moment(text: str) -> datetime:
    """Return the date or time in `text`; without a zone it is this machine's."""
    try:
        # Python 3.10 doesn't read the Z.
        return datetime.fromisoformat(re.sub("[Zz]$", "+00:00", text)).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        message = f"not a date such as 2026-11-30 or a time such as 2026-11-30T08:00: {text!r}"
        raise argparse.ArgumentTypeError(message) from error


def read_token(path: str) -> str:
    """Return the token in a file, "" for no file; not an argument, which others may see."""
    if not path:
        return ""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not a file with a token ({error})") from error


def _add_connection(command: argparse.ArgumentParser, timeout: float) -> None:
    """Add how to reach the gateway, and for how long."""
    target = os.environ.get("AGELANE_TARGET") or DEFAULT_TARGET
    command.add_argument(
        "--target", metavar="HOST:PORT", default=target, help="the gateway (default: %(default)s)"
    )
    command.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=timeout,
        help="how long to wait for an answer (default: %(default)s)",
    )
    command.add_argument(
        "--tls",
        action="store_true",
        default=bool(os.environ.get("AGELANE_TLS")),
        help="speak TLS, and trust what gRPC trusts",
    )
    command.add_argument(
        "--tls-ca",
        metavar="FILE",
        default=os.environ.get("AGELANE_TLS_CA") or "",
        help="speak TLS, and trust the certificates in this PEM file instead",
    )
    command.add_argument(
        "--token-file",
        metavar="FILE",
        default=os.environ.get("AGELANE_TOKEN_FILE") or "",
        help="file with the API token (default: none is sent)",
    )
