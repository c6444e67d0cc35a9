"""How a client is set up, and what it tells gRPC: the same for `Client` and `AsyncClient`."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TypeAlias

import grpc

from agelane_client.errors import ConfigurationError
from agelane_client.photo_files import Photo

__version__ = "0.1.0"

Tls: TypeAlias = bool | str | os.PathLike[str]
Preparation: TypeAlias = Callable[[Photo], bytes]
DEFAULT_TARGET = "127.0.0.1:50051"
DEFAULT_TIMEOUT = 1.0
DEFAULT_REPORT_TIMEOUT = 60.0

_MOST_SECONDS = 86_400
_MEBIBYTE = 1024 * 1024
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
_LOOPBACK = re.compile(
    r"(((ipv4:|dns:///)?127(\.[0-9]{1,3}){3}|(ipv6:)?\[::1\]|(dns:///)?localhost):[0-9]{1,5}|unix:.*)"
)
_NAME_SCHEMES = ("dns:", "ipv4:", "ipv6:", "unix:", "xds:")

_SERVICE_CONFIG = {
    # Every replica takes its share, and a till outlives any one of them.
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.2s",
                "backoffMultiplier": 2,
                # Alone: these codes say that no work was begun, and every rpc may be repeated.
                # gRPC's servers cancel what has come when they close, and not begun.
                "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
            },
        }
    ],
    # Lanes that all retry at once would keep down a gateway that is just coming back.
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
}

CHANNEL_ARGUMENTS: tuple[tuple[str, int | str], ...] = (
    ("grpc.primary_user_agent", f"agelane-client/{__version__}"),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.service_config_disable_resolution", 1),
    # A dead connection shows within 35 s, in a pause too. The gateway takes a ping every 10 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC would wait up to two minutes before it looks for a gateway that was away.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 2_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # The largest photo, and room for the other fields.
    ("grpc.max_send_message_length", _MEBIBYTE + 64 * 1024),
    ("grpc.max_receive_message_length", 4 * _MEBIBYTE),
    # A customer's photo never goes through a web proxy that happens to be set for browsers.
    ("grpc.enable_http_proxy", 0),
)


@dataclass(frozen=True)
class Options:
    """What one client was told when it was made. Raises ConfigurationError for what can't be."""

    target: str = DEFAULT_TARGET
    """The gateway: HOST:PORT, or a gRPC name such as dns:///agelane.example:50051."""
    timeout: float = DEFAULT_TIMEOUT
    """Seconds after which a call ends, with or without an answer; greater than 0."""
    report_timeout: float = DEFAULT_REPORT_TIMEOUT
    """The same for reports, which read many sales."""
    offline: bool = False
    """Whether `assess` answers VERIFY_ID by itself where it would raise for want of an answer."""
    hedging: float = 0.0
    """How many of the `assess` calls may be sent once more when they are late, as a share, 0 to 1;
    0.05 suits several gateways, of which one may be slow. Under gevent, patch threads first."""
    store_id: str = ""
    """The store that calls are for. Empty: the gateway's default."""
    lane_id: str = ""
    """The lane that calls are for. Empty: unknown."""
    token: str = field(default="", repr=False)
    """The till's API token, which the gateway's operator gave out. Empty: none is sent."""
    tls: Tls = False
    """True speaks TLS with a gateway whose certificate gRPC's own roots vouch for; a path, with one
    that the certificates in that PEM file vouch for; False speaks plaintext."""
    prepare_photos: bool | Preparation = False
    """Whether photos that are files are made upright, small and free of metadata before they are
    sent, and cropped to the face where the extra `faces` is installed; it needs the extra `photos`.
    Or what does that instead of `agelane_client.photos.prepare`."""

    def __post_init__(self) -> None:
        _check_target(self.target)
        _check_timeout(self.timeout)
        _check_timeout(self.report_timeout)
        if not 0 <= self.hedging <= 1:
            raise ConfigurationError(f"hedging must be a share of 0 to 1, not {self.hedging!r}")
        if self.token and self.tls is False and not _LOOPBACK.fullmatch(self.target):
            raise ConfigurationError("a token is sent to other machines only over TLS")
        if not all(" " < character <= "~" for character in self.token):
            raise ConfigurationError("a token has no spaces, line ends or letters beyond ASCII")
        if self.prepare_photos is True:
            import_module("agelane_client.photos")  # says now that something is missing

    def credentials(self) -> grpc.ChannelCredentials | None:
        """Return what TLS is spoken with, None for plaintext; raises ConfigurationError."""
        if self.tls is False:
            return None
        if self.tls is True:
            return grpc.ssl_channel_credentials()
        try:
            with open(self.tls, "rb") as file:
                certificates = file.read()
        except OSError as error:
            raise ConfigurationError(f"{os.fspath(self.tls)}: {error.strerror}") from error
        if b"BEGIN CERTIFICATE" not in certificates:
            raise ConfigurationError(f"{os.fspath(self.tls)}: holds no certificate in PEM")
        return grpc.ssl_channel_credentials(certificates)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What is sent beside each request."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def seconds(self, timeout: float | None) -> float:
        """Return the deadline of one call in seconds: `timeout`, or this client's if None."""
        if timeout is None:
            return self.timeout
        _check_timeout(timeout)
        return timeout

    def report_seconds(self, timeout: float | None) -> float:
        """Return the deadline of one report in seconds: `timeout`, or this client's if None."""
        return self.seconds(self.report_timeout if timeout is None else timeout)


def _check_target(target: str) -> None:
    if target.startswith(_NAME_SCHEMES):
        return
    match = _HOST_AND_PORT.fullmatch(target)
    # Without a port gRPC would silently take 443.
    if not match or not 0 < int(match["port"]) < 65_536:
        raise ConfigurationError(f"the target must be HOST:PORT, not {target!r}")


def _check_timeout(timeout: float) -> None:
    if not (math.isfinite(timeout) and 0 < timeout <= _MOST_SECONDS):
        message = f"a timeout must be more than 0 seconds, and at most a day, not {timeout!r}"
        raise ConfigurationError(message)
