"""How the load test reaches a gateway: as the environment says, like the command `agelane`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Connection:
    """What a client is set up with beside its target."""

    token: str = field(default="", repr=False)
    """The lane's token."""
    tls: bool | str = False
    """As `agelane_client.Client` takes it."""


def connection() -> Connection:
    """Return it from AGELANE_TOKEN_FILE, AGELANE_TLS and AGELANE_TLS_CA. Raises OSError."""
    file = os.environ.get("AGELANE_TOKEN_FILE")
    return Connection(
        Path(file).read_text("ascii").strip() if file else "",
        os.environ.get("AGELANE_TLS_CA") or bool(os.environ.get("AGELANE_TLS")),
    )
