"""What all commands of `agelane` have: arguments, environment, exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Any, TypeAlias

from agelane_client.client import Client
from agelane_client.errors import (
    AgelaneError,
    ConfigurationError,
    DeadlineError,
    PhotoError,
    RequestError,
    UnavailableError,
)
from agelane_client.options import DEFAULT_TARGET, DEFAULT_TIMEOUT

EXIT_CODES = """\
exit codes:
  0    all of it was done: photos assessed, sales recorded, calls answered; the report or the
       script is there; the gateway takes calls
  1    at least one photo could not be used
  2    the command line or a sale is wrong
  3    no gateway answered in time
  4    the gateway would not answer: overloaded, not serving, faulty, or not for this caller
  5    the output could not be written, for example to a full disk
  130  interrupted
  141  the reader of the output went away
Of several, the highest counts. A photo without an answer is no decision: look at a document.
"""
_ENVIRONMENT = """
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
    OUTPUT_FAILED = 5
    INTERRUPTED = 130
    BROKEN_PIPE = 141


Run = Callable[[argparse.Namespace], ExitCode]
RunWithClient = Callable[[Client, argparse.Namespace], ExitCode]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class Parser(argparse.ArgumentParser):
    """A parser whose help and version do not vanish in silence where they can't be written."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)


def exit_code(error: AgelaneError) -> ExitCode:
    """Return what a command ends with that ended in `error`."""
    if isinstance(error, PhotoError):
        return ExitCode.PHOTO_REFUSED
    if isinstance(error, (RequestError, ConfigurationError)):
        return ExitCode.USAGE
    if isinstance(error, (DeadlineError, UnavailableError)):
        return ExitCode.NOT_REACHED
    return ExitCode.GATEWAY_REFUSED


def add_command(
    commands: Commands,
    run: RunWithClient,
    name: str,
    description: str,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    notes: str = "",
    examples: str,
) -> argparse.ArgumentParser:
    """Add a command that asks the gateway, with the arguments that all of these have.

    Args:
        commands: where to add it.
        run: what it does, with a client that is closed thereafter.
        name: how it is called.
        description: what it does, in a few words without a capital letter.
        timeout: seconds to wait for an answer if the user says nothing.
        notes: what its help tells below the arguments, before the exit codes.
        examples: command lines, with which its help ends.
    """
    end = f"{notes}{EXIT_CODES}{_ENVIRONMENT}"
    command = add_plain_command(
        commands, partial(_with_client, run), name, description, notes=end, examples=examples
    )
    _add_connection(command, timeout)
    return command


def add_plain_command(
    commands: Commands, run: Run, name: str, description: str, *, notes: str, examples: str
) -> argparse.ArgumentParser:
    """Add a command that needs no gateway; arguments as for `add_command`."""
    command = commands.add_parser(
        name,
        help=description,
        description=f"{description[0].upper()}{description[1:]}.",
        epilog=f"{notes}\nexamples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def _with_client(run: RunWithClient, options: argparse.Namespace) -> ExitCode:
    """Run a command with a client for the gateway that `options` name."""
    token = read_token(options.token_file)
    with Client(
        options.target, timeout=options.timeout, token=token, tls=options.tls_ca or options.tls
    ) as client:
        return run(client, options)


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
