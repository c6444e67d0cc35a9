"""The command `agelane`."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections.abc import Sequence

from agelane_client.cli_arguments import EXIT_CODES, ExitCode, Run, add_command, read_token
from agelane_client.cli_output import Outcome, Table, json_line, printable
from agelane_client.cli_reports import add_reports
from agelane_client.client import Client
from agelane_client.errors import (
    AgelaneError,
    ConfigurationError,
    DeadlineError,
    PhotoError,
    RequestError,
    UnavailableError,
)
from agelane_client.options import __version__
from agelane_client.results import Health


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `agelane` with `arguments` (by default the process's); return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a photo may have any name
    parser = _parser()
    options = parser.parse_args(arguments)
    run: Run = options.run
    try:
        token = read_token(options.token_file)
        with Client(
            options.target, timeout=options.timeout, token=token, tls=options.tls_ca or options.tls
        ) as client:
            return run(client, options)
    except ConfigurationError as error:
        parser.error(error.message)
    except AgelaneError as error:
        print(f"{options.target}: {printable(str(error))}", file=sys.stderr)
        return _exit_code(error)
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
    status = client.health()
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
    if isinstance(error, RequestError):
        return ExitCode.USAGE
    if isinstance(error, (DeadlineError, UnavailableError)):
        return ExitCode.NOT_REACHED
    return ExitCode.GATEWAY_REFUSED


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="agelane",
        description="Ask agelane's gateway about photos of customers, and what they add up to.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"agelane {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    assess = add_command(commands, _assess, "assess", "estimate ages and decide about alcohol")
    assess.add_argument("photos", metavar="PHOTO", nargs="+", help="JPEG or PNG file, up to 1 MiB")
    assess.add_argument(
        "--json", action="store_true", help="print one JSON object a photo, a line each"
    )
    add_reports(commands)
    add_command(commands, _health, "health", "ask whether the gateway takes calls")
    return parser


if __name__ == "__main__":
    sys.exit(main())
