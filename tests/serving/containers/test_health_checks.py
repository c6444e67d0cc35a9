"""The health checks of docker-compose.yml, run against real servers."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agelane_serving.gateway.server import Gateway
from tests.serving.containers.project import (
    CONSOLE,
    GATEWAY,
    MODEL_SERVERS,
    NIGHTLY,
    OFFICE,
    ROOT,
    flags,
    mounts,
)
from tests.serving.containers.test_secrets import make_secrets
from tests.serving.foreign.processes import listening
from tests.serving.gateway.conftest import Lane, gateway, lane, model, policy_text, settings
from tests.serving.gateway.fake_model_server import LOADING, FakeModelServer
from tests.serving.gateway.security.certificates import needs_openssl

__all__ = ["gateway", "lane", "model", "policy_text", "settings"]  # fixtures
READY = "agelane.v1.CheckoutService"
MOUNTS = mounts(CONSOLE)


async def test_the_gateway_is_healthy_while_a_model_is_available(
    gateway: Gateway, lane: Lane, model: FakeModelServer
) -> None:
    """Readiness, not life: it follows what the model server says of its versions."""
    await lane.until_health(READY, "SERVING")
    assert await gateway_check(gateway.address) == 0
    model.states = {3: LOADING}
    await lane.until_health(READY, "NOT_SERVING")
    assert await gateway_check(gateway.address) != 0


async def test_the_model_server_is_healthy_once_its_port_is_open() -> None:
    """Bash opens a connection: the image has no program to speak gRPC with."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert (
            await check(*on_port(MODEL_SERVERS["gpu"]["healthcheck"]["test"][1:], 8500, port)) == 0
        )
    assert await check(*on_port(MODEL_SERVERS["gpu"]["healthcheck"]["test"][1:], 8500, port)) != 0


async def test_the_office_is_healthy_while_it_lives(
    gateway: Gateway, lane: Lane, model: FakeModelServer
) -> None:
    """Reports need no model."""
    model.states = {3: LOADING}
    await lane.until_health(READY, "NOT_SERVING")
    assert await gateway_check(gateway.address, OFFICE) == 0


@needs_openssl
async def test_the_console_is_healthy_while_its_pages_come(tmp_path: Path) -> None:
    """With its own flags and the files of `make secrets`, whoever vouches for its certificate."""
    make_secrets(tmp_path / "secrets")
    here = {
        "0.0.0.0:8443": "127.0.0.1:0",
        "postgresql+psycopg:///?service=agelane": f"sqlite:///{tmp_path / 'ledger.db'}",
        "office:": "127.0.0.1:",
        **{
            f"={place}/": f"={tmp_path / path.relative_to(ROOT)}/" for place, path in MOUNTS.items()
        },
    }
    command = CONSOLE["command"]
    for old, new in here.items():
        command = [word.replace(old, new) for word in command]
    log = r"listening on https://(\S+)"
    async with listening(log, sys.executable, "-m", *command) as running:
        port = int(running.address.rpartition(":")[2])
        python, *arguments = on_port(CONSOLE["healthcheck"]["test"][1:], 8443, port)
        assert python == "python"
        assert await check(sys.executable, *arguments) == 0
    assert await check(sys.executable, *arguments) != 0


@pytest.mark.parametrize(("hours", "healthy"), [(1, True), (25, True), (27, False)])
async def test_the_night_is_healthy_for_a_day_and_a_little(
    tmp_path: Path, hours: float, healthy: bool
) -> None:
    """Since the last good one; before the first, it isn't."""
    kept = tmp_path / "last"
    command = [word.replace("/seen/last", str(kept)) for word in NIGHTLY["healthcheck"]["test"]]
    assert flags(NIGHTLY)["seen"] == "/seen/last"
    assert await check(*command[1:]) != 0
    kept.touch()
    then = time.time() - 3600 * hours
    os.utime(kept, (then, then))
    assert (await check(*command[1:]) == 0) is healthy


async def gateway_check(address: str, service: dict[str, Any] = GATEWAY) -> int:
    """Run a gateway's check against the gateway at `address`; return the exit code."""
    port = int(address.rpartition(":")[2])
    python, *arguments = on_port(service["healthcheck"]["test"][1:], 50051, port)
    assert python == "python"
    return await check(sys.executable, *arguments)


def on_port(command: list[str], port: int, other: int) -> list[str]:
    """Return a check's command with another port, which must be in it."""
    changed = [word.replace(str(port), str(other)) for word in command]
    assert changed != command
    return changed


async def check(*command: str) -> int:
    """Run a check without the project around it; return the exit code."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=Path(os.sep),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await asyncio.wait_for(process.wait(), 60)
