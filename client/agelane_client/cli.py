"""The command `agelane`."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from enum import IntEnum

from agelane_client.cli_output import Outcome, Table, json_line, printable
from agelane_client.client import Client
from agelane_client.errors import (
    AgelaneError,
    ConfigurationError,
    DeadlineError,
    PhotoError,
    UnavailableError,
)
from agelane_client.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, __version__
from agelane_client.results import Health

EXIT_CODES = """\
exit codes:
  0    every photo was assessed; the gateway takes calls
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `agelane` with `arguments` (by default the process's); return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a photo may have any name
    parser = _parser()
    options = parser.parse_args(arguments)
    run: Callable[[Client, argparse.Namespace], ExitCode] = options.run
    try:
        token = _read_token(options.token_file)
        with Client(
            options.target, timeout=options.timeout, token=token, tls=options.tls_ca or options.tls
        ) as client:
            return run(client, options)
    except ConfigurationError as error:
        parser.error(error.message)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Python flushes once more at exit, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.BROKEN_PIPE


def _assess(client: Client, options: argparse.Namespace) -> ExitCode:
    """Assess the photos in their order, a line each as soon as it is known."""
    write = json_line if options.json else Table(options.photos).row
    worst = ExitCode.DONE
    for photo in options.photos:
        outcome = _outcome(client, photo)
        print(write(outcome), flush=True)
        if outcome.error:
            worst = max(worst, _exit_code(outcome.error))
    return worst


def _health(client: Client, options: argparse.Namespace) -> ExitCode:
    """Ask for the gateway's health and print it."""
    try:
        status = client.health()
    except AgelaneError as error:
        print(f"{options.target}: {printable(str(error))}", file=sys.stderr)
        return _exit_code(error)
    print(f"{options.target}: {status}", flush=True)
    return ExitCode.DONE if status is Health.SERVING else ExitCode.GATEWAY_REFUSED


def _outcome(client: Client, photo: str) -> Outcome:
    """Assess one photo; an error is an outcome too."""
    started = time.perf_counter()
    try:
        assessment = client.assess(photo)
    except AgelaneError as error:
        return Outcome(photo=photo, error=error)
    latency_ms = (time.perf_counter() - started) * 1000
    return Outcome(photo=photo, assessment=assessment, latency_ms=latency_ms)


def _exit_code(error: AgelaneError) -> ExitCode:
    if isinstance(error, PhotoError):
        return ExitCode.PHOTO_REFUSED
    if isinstance(error, (DeadlineError, UnavailableError)):
        return ExitCode.NOT_REACHED
    return ExitCode.GATEWAY_REFUSED


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="agelane",
        description="Ask agelane's gateway about photos of customers.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"agelane {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    assess = _command(commands, _assess, "assess", "estimate ages and decide about alcohol")
    assess.add_argument("photos", metavar="PHOTO", nargs="+", help="JPEG or PNG file, up to 1 MiB")
    assess.add_argument(
        "--json", action="store_true", help="print one JSON object a photo, a line each"
    )
    _command(commands, _health, "health", "ask whether the gateway takes calls")
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    run: Callable[[Client, argparse.Namespace], ExitCode],
    name: str,
    description: str,
) -> argparse.ArgumentParser:
    """Add a command with the arguments that all commands have."""
    command = commands.add_parser(
        name,
        help=description,
        description=f"{description[0].upper()}{description[1:]}.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    target = os.environ.get("AGELANE_TARGET") or DEFAULT_TARGET
    command.add_argument(
        "--target", metavar="HOST:PORT", default=target, help="the gateway (default: %(default)s)"
    )
    command.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=DEFAULT_TIMEOUT,
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
        help="file with the till's API token (default: none is sent)",
    )
    return command


def _read_token(path: str) -> str:
    """Return the token in a file, "" for no file; not an argument, which others may see."""
    if not path:
        return ""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not a file with a token ({error})") from error


if __name__ == "__main__":
    sys.exit(main())
