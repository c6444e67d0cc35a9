"""The command `agelane`."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from agelane_client.cli.arguments import EXIT_CODES, ExitCode, Parser, Run, add_command, exit_code
from agelane_client.cli.assess import add_assess
from agelane_client.cli.bench import add_bench
from agelane_client.cli.completion import add_completion
from agelane_client.cli.output import printable, say
from agelane_client.cli.record import add_record
from agelane_client.cli.reports import add_reports
from agelane_client.client import Client
from agelane_client.errors import AgelaneError, ConfigurationError
from agelane_client.options import __version__
from agelane_client.results import Health

_EXAMPLES = """
examples:
  agelane assess photo.jpg
  agelane health --target gateway.example:50051 --tls
  agelane assess --help
"""
_HEALTH_EXAMPLES = """\
  agelane health
  until agelane health --target gateway.example:50051 --tls; do sleep 1; done
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `agelane` with `arguments` (by default the process's); return its exit code."""
    if sys.stderr is None:  # closed; what is printed to None goes to standard output
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # till the end
    if sys.stdout is None:
        print("agelane: standard output is closed; send it to a file or a pipe", file=sys.stderr)
        return ExitCode.OUTPUT_FAILED
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a photo may have any name
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()  # a help text that did not fit on a disk
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return ExitCode.BROKEN_PIPE
    except OSError as error:  # all but those of the output are AgelaneErrors by now
        _forget_output()
        message = f"agelane: the output could not be written: {error.strerror or error}"
        with suppress(OSError):  # it may be standard error itself
            print(message, file=sys.stderr)
        return ExitCode.OUTPUT_FAILED


def _run(arguments: Sequence[str] | None) -> ExitCode:
    """Run the command that `arguments` name."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    run: Run = options.run
    try:
        return run(options)
    except ConfigurationError as error:
        parser.error(printable(error.message))
    except AgelaneError as error:
        who = options.target if error.code else "agelane"  # with a code it came from there
        print(f"{who}: {printable(str(error))}", file=sys.stderr)
        return exit_code(error)


def _forget_output() -> None:
    """Send what is left of the output nowhere: Python writes it once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _health(client: Client, options: argparse.Namespace) -> ExitCode:
    """Ask for the gateway's health and print it."""
    status = client.health()
    say(f"{options.target}: {status}")
    return ExitCode.DONE if status is Health.SERVING else ExitCode.GATEWAY_REFUSED


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser: argparse.ArgumentParser = Parser(
        prog="agelane",
        description="Ask agelane's gateway about photos of customers, and what they add up to.",
        epilog=EXIT_CODES + _EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"agelane {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add_assess(commands)
    add_record(commands)
    add_reports(commands)
    add_command(
        commands,
        _health,
        "health",
        "ask whether the gateway takes calls",
        examples=_HEALTH_EXAMPLES,
    )
    add_bench(commands)
    add_completion(commands, make_parser)
    return parser
