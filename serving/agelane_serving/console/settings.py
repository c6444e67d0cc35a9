"""The settings of the console: flags, then environment, read once."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agelane_serving.flags import (
    LOG_LEVELS,
    SettingsError,
    check_address,
    check_log_level,
    flag,
    is_loopback,
    parse_flags,
    truth,
)

ENVIRONMENT_PREFIX = "AGELANE_CONSOLE_"


@dataclass(frozen=True)
class Settings:
    """How to run one console; SettingsError for what can't work."""

    listen: str = flag("127.0.0.1:8080", str, "HOST:PORT", "address for browsers (%(default)s)")
    """HOST:PORT to listen on; port 0 lets the system choose."""
    insecure_listen: bool = flag(
        False, truth, "true|false", "let other machines log in without TLS"
    )
    """Whether plaintext is right on an address that other machines reach."""
    tls_certificate: Path | None = flag(None, Path, "FILE", "certificate chain, PEM")
    """The console's certificate; with `tls_key`, or neither."""
    tls_key: Path | None = flag(None, Path, "FILE", "its private key, PEM")
    """Its private key."""
    users: Path | None = flag(None, Path, "FILE", "who may log in; made by the command `user`")
    """Who may log in; must be given."""
    ledger: str = flag("", str, "URL", "database of sales, as the gateway's --ledger")
    """Where sales are recorded, as SQLAlchemy has it; must be given."""
    gateway: str = flag("127.0.0.1:50051", str, "HOST:PORT", "the gateway (%(default)s)")
    """The gateway's gRPC target."""
    gateway_ca: Path | None = flag(
        None, Path, "FILE", "who vouches for the gateway, PEM; makes the console speak TLS to it"
    )
    """Certificates of those who vouch for the gateway; None: plaintext is spoken to it."""
    insecure_gateway: bool = flag(
        False, truth, "true|false", "speak plaintext to a gateway on another machine"
    )
    """Whether plaintext is right to a gateway on another machine."""
    gateway_token_file: Path | None = flag(
        None, Path, "FILE", "a token with the role of a manager (none is sent)"
    )
    """A token of a manager, for reports; None: none is sent."""
    lane_token_file: Path | None = flag(
        None, Path, "FILE", "a token with the role of a lane, to try photos with (none is sent)"
    )
    """A token of a lane, for photos; None: none is sent."""
    admin: str = flag("", str, "HOST:PORT", "the gateway's --admin-listen (none)")
    """The gateway's address for operators; "": the console can't tell how it is."""
    admin_token_file: Path | None = flag(
        None, Path, "FILE", "a token with the role of an operator (none is sent)"
    )
    """A token of an operator, for `admin`; None: none is sent."""
    time_zone: str = flag("UTC", str, "NAME", "the stores' time, as Europe/Berlin (%(default)s)")
    """The zone that days and hours are told in, by its IANA name."""
    idle_minutes: float = flag(
        20.0, float, "MINUTES", "a session without use ends after this (%(default)s)"
    )
    """After how many minutes without use a session ends, 1 … 720."""
    log_level: str = flag("INFO", str.upper, "LEVEL", f"{', '.join(LOG_LEVELS)} (%(default)s)")
    """Least severe log lines that are written: DEBUG, INFO, WARNING or ERROR."""

    def __post_init__(self) -> None:
        """Refuse what can't work, before anything is opened."""
        for name in ("listen", "gateway", "admin"):
            value = getattr(self, name)
            if value or name != "admin":
                check_address(f"--{name}", value)
        for name in ("users", "ledger"):
            if not getattr(self, name):
                raise SettingsError(f"--{name} must be given")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise SettingsError("--tls-certificate and --tls-key belong together")
        self._check_exposure()
        if not 1 <= self.idle_minutes <= 720:
            raise SettingsError(f"--idle-minutes must be 1 to 720, not {self.idle_minutes}")
        check_log_level(self.log_level)
        self._check_zone()

    @property
    def zone(self) -> ZoneInfo:
        """The zone that days and hours are told in."""
        return ZoneInfo(self.time_zone)

    def _check_zone(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise SettingsError(f"--time-zone {self.time_zone!r} is not known") from error

    def _check_exposure(self) -> None:
        plain = self.tls_certificate is None and not self.insecure_listen
        if plain and not is_loopback(self.listen):
            raise SettingsError(
                f"--listen {self.listen} can be reached from other machines, and there is no TLS: "
                "use 127.0.0.1, give --tls-certificate and --tls-key, or say --insecure-listen"
            )
        if self.gateway_ca is not None or self.insecure_gateway:
            return
        for name, address in (("--gateway", self.gateway), ("--admin", self.admin)):
            if address and not is_loopback(address):
                raise SettingsError(
                    f"photos and figures would go to and from {name} {address} in plaintext: give "
                    "--gateway-ca, or say --insecure-gateway where nobody else is on that network"
                )


def parse_settings(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings; exit with code 2 and a message if they can't be used.

    A flag that is not given falls back to AGELANE_CONSOLE_<FLAG>, then to its default.
    """
    parser = argparse.ArgumentParser(
        prog="python -m agelane_serving.console",
        description="The manager's pages of agelane.",
        epilog=f"Instead of a flag, {ENVIRONMENT_PREFIX}<FLAG> can be set in the environment. "
        "`python -m agelane_serving.console user --help` tells how to make a user.",
        allow_abbrev=False,
    )
    return parse_flags(Settings, parser, argv, environment, ENVIRONMENT_PREFIX)
