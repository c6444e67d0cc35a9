"""The settings of the gateway: flags, then environment, read once."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from agelane_serving.gateway.admission.queue import Limits
from agelane_serving.gateway.model.discovery import NAME_SCHEME
from agelane_serving.gateway.security.caller import NAME

ENVIRONMENT_PREFIX = "AGELANE_GATEWAY_"
_MOST_PROCESSES = 64


@dataclass(frozen=True)
class Settings:
    """How to run one gateway; SettingsError for what can't work."""

    listen: str = flag("127.0.0.1:50051", str, "HOST:PORT", "address for tills (%(default)s)")
    """HOST:PORT to listen on; port 0 lets the system choose."""
    insecure_listen: bool = flag(
        False, truth, "true|false", "let other machines call without TLS or without credentials"
    )
    """Whether plaintext, or no credentials, are right on an address that other machines reach."""
    tls_certificate: Path | None = flag(None, Path, "FILE", "certificate chain, PEM")
    """The gateway's certificate; with `tls_key`, or neither."""
    tls_key: Path | None = flag(None, Path, "FILE", "its private key, PEM")
    """Its private key."""
    tls_client_ca: Path | None = flag(
        None, Path, "FILE", "who may vouch for callers; makes their certificates mandatory (mTLS)"
    )
    """Certificates of those who may vouch for callers; None: callers need no certificate."""
    credentials: Path | None = flag(None, Path, "FILE", "tokens of callers; none lets all in")
    """Tokens of callers; None: everybody may call."""
    token_keys: Path | None = flag(
        None, Path, "FILE", "keys that sign assessments; none leaves them unsigned"
    )
    """Keys that sign assessments; None: they are not signed."""
    ledger: str = flag(
        "", str, "URL", "database of sales, as sqlite:///FILE or postgresql+psycopg://… (none)"
    )
    """Where sales are recorded, as SQLAlchemy has it; "": nowhere, there is no RecordSale."""
    ledger_key: Path | None = flag(None, Path, "FILE", "key of the ledger's chain of hashes")
    """The key that the ledger's hashes are made with; belongs to `ledger`."""
    admin_listen: str = flag("", str, "HOST:PORT", "address for operators (none)")
    """HOST:PORT of the admin rpcs; "": there are none."""
    metrics_listen: str = flag("", str, "HOST:PORT", "address for Prometheus (none)")
    """HOST:PORT of the metrics; "": they are not served."""
    insecure_metrics: bool = flag(
        False, truth, "true|false", "let other machines read the metrics, which anybody then may"
    )
    """Whether metrics are right on an address that other machines reach: they know no TLS."""
    otlp_endpoint: str = flag("", str, "URL", "collector of OpenTelemetry spans (none)")
    """Where OpenTelemetry spans go, such as http://collector:4317; "": there are none."""
    model_server: str = flag(
        "127.0.0.1:8500",
        str,
        "TARGETS",
        "model servers by commas; dns:///NAME:PORT is all of that name (%(default)s)",
    )
    """gRPC targets of the model servers, separated by commas. One that begins with `dns:///` stands
    for all servers of that name, which may come and go."""
    model_server_ca: Path | None = flag(
        None,
        Path,
        "FILE",
        "who vouches for model servers, PEM; makes the gateway speak TLS to them",
    )
    """Certificates of those who vouch for the model servers; None: plaintext is spoken to them."""
    insecure_model_servers: bool = flag(
        False, truth, "true|false", "send photos in plaintext to model servers on other machines"
    )
    """Whether plaintext is right to model servers on other machines."""
    model_name: str = flag("age", str, "NAME", "name of the model there (%(default)s)")
    """Name of the model there."""
    rollout: Path | None = flag(None, Path, "FILE", "how a new version is tried (not at all)")
    """How a new version of the model is tried; None: the newest one is in charge."""
    policy: Path | None = flag(None, Path, "FILE", "policy file (the built-in one)")
    """Policy file; None is the one that comes with the gateway."""
    offers: Path | None = flag(None, Path, "FILE", "offers file (no offers)")
    """Offers file; None: nothing is offered."""
    offers_refresh_seconds: float = flag(
        3600.0, float, "SECONDS", "how often the ledger is asked what baskets taught (%(default)s)"
    )
    """How often the ledger, if there is one, is asked what its baskets taught, 1 … 86,400."""
    in_flight: int = flag(256, int, "CALLS", "most calls at the model servers (%(default)s)")
    """Calls that the model servers work on together, 1 or more."""
    waiting: int = flag(512, int, "CALLS", "most calls that wait for that (%(default)s)")
    """Calls that wait for that, 1 or more."""
    waiting_per_lane: int = flag(4, int, "CALLS", "of which from one lane (%(default)s)")
    """Of which from one lane, 1 or more."""
    lane_rate: float = flag(10.0, float, "CALLS", "photos a second and lane (%(default)s)")
    """Photos that a lane may send a second, more than 0."""
    lane_burst: int = flag(30, int, "CALLS", "and so many at once (%(default)s)")
    """Photos that a lane may send at once, 1 or more."""
    processes: int = flag(1, int, "COUNT", "processes that share the port (%(default)s)")
    """Processes that share the port, 1 … 64."""
    notice_seconds: float = flag(
        1.0, float, "SECONDS", "how long it still answers when told to stop (%(default)s)"
    )
    """How long calls are still taken when the gateway is told to stop, and says that it is not
    serving, 0 … 60; behind a balancer as long as that takes to notice."""
    drain_seconds: float = flag(
        10.0, float, "SECONDS", "longest wait for calls at the end (%(default)s)"
    )
    """How long calls in progress may take to end when the gateway is told to stop, 0 … 600."""
    log_level: str = flag("INFO", str.upper, "LEVEL", f"{', '.join(LOG_LEVELS)} (%(default)s)")
    """Least severe log lines that are written: DEBUG, INFO, WARNING or ERROR."""

    def __post_init__(self) -> None:
        """Refuse what can't work, before anything is opened."""
        for name in ("listen", "admin_listen", "metrics_listen"):
            value = getattr(self, name)
            if value or name == "listen":
                check_address(f"--{name.replace('_', '-')}", value)
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise SettingsError("--tls-certificate and --tls-key belong together")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise SettingsError("--tls-client-ca needs --tls-certificate")
        if bool(self.ledger) != (self.ledger_key is not None):
            raise SettingsError("--ledger and --ledger-key belong together")
        self._check_exposure()
        if not all(self.model_servers):
            raise SettingsError("--model-server must not be empty")
        for target in self.model_servers:
            if target.startswith(NAME_SCHEME):
                check_address("--model-server", target.removeprefix(NAME_SCHEME))
        self._check_ways_to_model_servers()
        if not NAME.fullmatch(self.model_name):
            raise SettingsError("--model-name must be 1 to 64 of A-Z a-z 0-9 . _ -")
        self._check_numbers()

    @property
    def model_servers(self) -> list[str]:
        """The gRPC targets of the model servers, at least one."""
        return [target.strip() for target in self.model_server.split(",")]

    @property
    def limits(self) -> Limits:
        """How many calls may go on and wait."""
        return Limits(self.in_flight, self.waiting, self.waiting_per_lane)

    def _check_exposure(self) -> None:
        lacks = [
            name
            for name, value in (
                ("TLS", self.tls_certificate),
                ("credentials", self.credentials),
            )
            if value is None
        ]
        for name in ("listen", "admin_listen"):
            address = getattr(self, name)
            if address and lacks and not (self.insecure_listen or is_loopback(address)):
                shown = f"--{name.replace('_', '-')} {address}"
                raise SettingsError(
                    f"{shown} can be reached from other machines, and there are no "
                    f"{' and no '.join(lacks)}: use 127.0.0.1, give --tls-certificate, --tls-key "
                    "and --credentials, or say --insecure-listen"
                )

        if self.metrics_listen and not (self.insecure_metrics or is_loopback(self.metrics_listen)):
            raise SettingsError(
                f"--metrics-listen {self.metrics_listen} can be reached from other machines, and "
                "anybody there may read it: use 127.0.0.1, or say --insecure-metrics"
            )

    def _check_ways_to_model_servers(self) -> None:
        if self.model_server_ca is not None or self.insecure_model_servers:
            return
        for target in self.model_servers:
            if not (target.startswith("unix:") or is_loopback(target.removeprefix(NAME_SCHEME))):
                raise SettingsError(
                    f"photos would go to --model-server {target} in plaintext: give "
                    "--model-server-ca, or say --insecure-model-servers where nobody else is on "
                    "that network"
                )

    def _check_numbers(self) -> None:
        for name in ("in_flight", "waiting", "waiting_per_lane", "lane_burst", "processes"):
            if getattr(self, name) < 1:
                raise SettingsError(f"--{name.replace('_', '-')} must be at least 1")
        if self.processes > _MOST_PROCESSES:
            raise SettingsError(f"--processes must be at most {_MOST_PROCESSES}")
        if not 0 < self.lane_rate < 1e6:
            raise SettingsError("--lane-rate must be more than 0")
        if not 1 <= self.offers_refresh_seconds <= 86_400:
            raise SettingsError("--offers-refresh-seconds must be 1 to 86400")
        if not 0 <= self.notice_seconds <= 60:
            raise SettingsError(f"--notice-seconds must be 0 to 60, not {self.notice_seconds}")
        if not 0 <= self.drain_seconds <= 600:
            raise SettingsError(f"--drain-seconds must be 0 to 600, not {self.drain_seconds}")
        check_log_level(self.log_level)


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
    return parse_flags(Settings, parser, argv, environment, ENVIRONMENT_PREFIX)
