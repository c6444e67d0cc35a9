"""Settings of a server as a frozen dataclass: each field is a flag, and a variable beside it."""

from __future__ import annotations

import argparse
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, field, fields
from typing import Any, TypeVar

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_Settings = TypeVar("_Settings")


class SettingsError(ValueError):
    """A setting that the server refuses to start with; the message names it."""


def flag(default: Any, parse: Callable[[str], Any], metavar: str, help_: str) -> Any:
    """Return a field of a dataclass that is a flag too."""
    more = {"nargs": "?", "const": True} if parse is truth else {}
    argument = {"type": parse, "metavar": metavar, "help": help_, **more}
    return field(default=default, metadata=argument)


def truth(text: str) -> bool:
    """Return what "true" or "false" means; for `flag`."""
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, not {text!r}")
    return text.lower() == "true"


def parse_flags(
    kind: type[_Settings],
    parser: argparse.ArgumentParser,
    argv: Sequence[str],
    environment: Mapping[str, str],
    prefix: str,
) -> _Settings:
    """Return the settings; exit with code 2 and a message if they can't be used.

    A flag that is not given falls back to the variable `prefix` + FLAG, then to its default.
    """
    for each in fields(kind):  # type: ignore[arg-type]  # all of them are dataclasses
        assert each.default is not MISSING
        # Variables beyond these are let be: orchestrators put some of their own beside them.
        default = environment.get(prefix + each.name.upper(), each.default)
        parser.add_argument("--" + each.name.replace("_", "-"), default=default, **each.metadata)
    try:
        return kind(**vars(parser.parse_args(argv)))
    except SettingsError as error:
        parser.error(str(error))


def check_address(name: str, address: str) -> None:
    """Let pass HOST:PORT; raises SettingsError that names the flag."""
    _, separator, port = address.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f"{name} must be HOST:PORT, not {address!r}")


def check_log_level(level: str) -> None:
    """Let pass one of LOG_LEVELS; raises SettingsError."""
    if level not in LOG_LEVELS:
        raise SettingsError(f"--log-level must be one of {', '.join(LOG_LEVELS)}")


def is_loopback(address: str) -> bool:
    """Tell whether only this machine reaches HOST:PORT."""
    host = address.rpartition(":")[0]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
