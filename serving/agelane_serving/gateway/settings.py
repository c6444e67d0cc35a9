"""The settings of the gateway: flags, then environment, read once."""

from __future__ import annotations

import argparse
import ipaddress
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

ENVIRONMENT_PREFIX = "AGELANE_GATEWAY_"
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(ValueError):
    """A setting that the gateway refuses to start with; the message names it."""


@dataclass(frozen=True)
class Settings:
    """How to run one gateway; SettingsError for what can't work."""

    listen: str = "127.0.0.1:50051"
    """HOST:PORT to listen on; port 0 lets the system choose."""
    insecure_listen: bool = False
    """Whether plaintext may be spoken on an address that other machines reach."""
    model_server: str = "127.0.0.1:8500"
    """gRPC target of the model server."""
    model_name: str = "age"
    """Name of the model there."""
    policy: Path | None = None
    """Policy file; None is the one that comes with the gateway."""
    drain_seconds: float = 10.0
    """How long calls in progress may take to end when the gateway is told to stop, 0 … 600."""
    log_level: str = "INFO"
    """Least severe log lines that are written: DEBUG, INFO, WARNING or ERROR."""

    def __post_init__(self) -> None:
        """Refuse what can't work, before anything is opened."""
        host, separator, port = self.listen.rpartition(":")
        if not separator or not port.isdecimal() or int(port) > 65535:
            raise SettingsError(f"--listen must be HOST:PORT, not {self.listen!r}")
        if not (self.insecure_listen or _is_loopback(host)):
            raise SettingsError(
                f"--listen {self.listen} can be reached from other machines, and this gateway "
                "speaks plaintext: use 127.0.0.1, or say --insecure-listen"
            )
        if not self.model_server or not self.model_name:
            raise SettingsError("--model-server and --model-name must not be empty")
        if not 0 <= self.drain_seconds <= 600:
            raise SettingsError(f"--drain-seconds must be 0 to 600, not {self.drain_seconds}")
        if self.log_level not in _LOG_LEVELS:
            raise SettingsError(f"--log-level must be one of {', '.join(_LOG_LEVELS)}")


def parse_settings(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings; exit with code 2 and a message if they can't be used.

    A flag that is not given falls back to AGELANE_GATEWAY_<FLAG>, then to its default.
    """
    parser = argparse.ArgumentParser(
        prog="python -m agelane_serving.gateway",
        description="The gRPC gateway of agelane.",
        epilog=f"Instead of a flag, {ENVIRONMENT_PREFIX}<FLAG> can be set in the environment.",
        allow_abbrev=False,
    )
    for field in fields(Settings):
        # Variables beyond these are let be: orchestrators put some of their own beside them.
        default = environment.get(ENVIRONMENT_PREFIX + field.name.upper(), field.default)
        flag = "--" + field.name.replace("_", "-")
        parser.add_argument(flag, default=default, **_ARGUMENTS[field.name])
    try:
        return Settings(**vars(parser.parse_args(argv)))
    except SettingsError as error:
        parser.error(str(error))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, not {text!r}")
    return text.lower() == "true"


def _argument(type_: Callable[[str], Any], metavar: str, help_: str, **more: Any) -> dict[str, Any]:
    return {"type": type_, "metavar": metavar, "help": help_, **more}


_ARGUMENTS = {
    "listen": _argument(str, "HOST:PORT", "address to listen on (%(default)s)"),
    "insecure_listen": _argument(
        _truth,
        "true|false",
        "speak plaintext on an address that other machines reach",
        nargs="?",
        const=True,
    ),
    "model_server": _argument(str, "TARGET", "gRPC target of the model server (%(default)s)"),
    "model_name": _argument(str, "NAME", "name of the model there (%(default)s)"),
    "policy": _argument(Path, "FILE", "policy file (the built-in one)"),
    "drain_seconds": _argument(float, "SECONDS", "longest wait for calls at the end (%(default)s)"),
    "log_level": _argument(str.upper, "LEVEL", f"{', '.join(_LOG_LEVELS)} (%(default)s)"),
}
