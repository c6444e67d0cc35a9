"""The settings of the stack: flags, then environment, read once."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT_PREFIX = "AGELANE_STACK_"
_CONFIG = Path(__file__).resolve().parents[2] / "tfserving"


@dataclass(frozen=True)
class Settings:
    """What to run, and where."""

    models: Path
    """Folder that holds `age/<version>/`."""
    config: Path
    """Folder that holds `models.config` and `batching.config`."""
    model_port: int
    """Port of the model server on 127.0.0.1; 0 takes any that is free."""
    gateway_port: int
    """Port of the gateway on 127.0.0.1; 0 takes any that is free."""
    office: Path | None
    """Folder of the gateway's keys and ledger, made where it is not there; None: no books."""
    command: tuple[str, ...]
    """What to run against the stack before it stops; empty: run until told to stop."""


def parse_settings(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings; exit with code 2 and a message if they can't be used.

    A flag that is not given falls back to AGELANE_STACK_<FLAG>, then to its default.
    """
    own, separator, command = _split(argv)
    parser = argparse.ArgumentParser(
        prog="python -m agelane_serving.stack",
        usage="%(prog)s [flags] [-- COMMAND ...]",
        description="Run model server and gateway on 127.0.0.1 until Ctrl-C. With a COMMAND, run "
        "that against them instead, with AGELANE_TARGET set, and end with its exit code.",
        epilog=f"Instead of a flag, {ENVIRONMENT_PREFIX}<FLAG> can be set in the environment.",
        allow_abbrev=False,
    )
    for flag, kind, default, text in (
        ("models", Path, "models", "folder that holds age/<version>/"),
        ("config", Path, str(_CONFIG), "folder that holds models.config and batching.config"),
        ("model-port", _port, "8500", "port of the model server; 0: any"),
        ("gateway-port", _port, "50051", "port of the gateway; 0: any"),
        ("office", Path, None, "folder for keys, sales and offers, made at the first use"),
    ):
        variable = ENVIRONMENT_PREFIX + flag.replace("-", "_").upper()
        default = environment.get(variable, default)
        parser.add_argument(f"--{flag}", type=kind, default=default, help=f"{text} (%(default)s)")
    values = vars(parser.parse_args(own))
    if separator and not command:
        parser.error("no COMMAND after --")
    return Settings(**values, command=command)


def _split(argv: Sequence[str]) -> tuple[Sequence[str], bool, tuple[str, ...]]:
    if "--" not in argv:
        return argv, False, ()
    at = argv.index("--")
    return argv[:at], True, tuple(argv[at + 1 :])


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)
