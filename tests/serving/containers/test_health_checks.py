"""The health checks of docker-compose.yml, run against real servers."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

from agelane_serving.gateway.server import Gateway
from tests.serving.containers.project import GATEWAY, MODEL_SERVERS
from tests.serving.gateway.conftest import Lane, gateway, lane, model, policy_text, settings
from tests.serving.gateway.fake_model_server import LOADING, FakeModelServer

__all__ = ["gateway", "lane", "model", "policy_text", "settings"]  # fixtures
READY = "agelane.v1.CheckoutService"


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


async def gateway_check(address: str) -> int:
    """Run the gateway's check against the gateway at `address`; return the exit code."""
    port = int(address.rpartition(":")[2])
    python, *arguments = on_port(GATEWAY["healthcheck"]["test"][1:], 50051, port)
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
        *command, cwd=Path(os.sep), stderr=asyncio.subprocess.DEVNULL
    )
    return await asyncio.wait_for(process.wait(), 60)
