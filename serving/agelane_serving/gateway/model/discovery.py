"""Where the model servers are: addresses as they are given, or all those of a name."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

NAME_SCHEME = "dns:///"
"""Begins a target whose name stands for several servers, which come and go."""


@dataclass(frozen=True, slots=True)
class Place:
    """One model server."""

    target: str
    """gRPC target to connect to, such as `10.0.0.7:8500`."""
    tls_name: str = ""
    """Name that its certificate must be for; "": the target's own."""


Resolve = Callable[[str], Awaitable[list[Place]]]


async def resolve(target: str) -> list[Place]:
    """Return the servers behind a target `dns:///NAME:PORT`, in a lasting order.

    Raises:
        OSError: the name is not known, or nobody can tell just now.
    """
    host, _, port = target.removeprefix(NAME_SCHEME).rpartition(":")
    host = host.strip("[]")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except UnicodeError as error:
        raise OSError(f"{host} is no name") from error
    addresses = sorted({str(address[0]) for _, _, _, _, address in found})
    return [
        Place(f"[{address}]:{port}" if ":" in address else f"{address}:{port}", tls_name=host)
        for address in addresses
    ]
