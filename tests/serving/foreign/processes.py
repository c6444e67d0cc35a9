"""Gateways and foreign tools as processes, each ended with the test that began it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from tests.serving.gateway.conftest import Lane

ROOT = Path(__file__).resolve().parents[3]
READY = "agelane.v1.CheckoutService"
"""The name by which health tells whether a gateway is ready."""
DEADLINE_SECONDS = 30
"""Of calls that should succeed, however slow the machine is. The gateway itself takes at most 5."""
_PATIENCE_SECONDS = 60
_TOOLS = str(Path(sys.executable).parent)
BUF, ENVOY = shutil.which("buf", path=_TOOLS), shutil.which("envoy", path=_TOOLS)
needs_buf = pytest.mark.skipif(BUF is None, reason="no buf here: pip install buf-bin")


@dataclass(frozen=True)
class Outcome:
    """How a tool ended, and what it said."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    process: Process
    address: str

    async def ends(self) -> int:
        """Return its exit code once it has ended, within a minute."""
        return await asyncio.wait_for(self.process.wait(), _PATIENCE_SECONDS)


async def run(*command: str | Path, **environment: str) -> Outcome:
    """Run a tool to its end; TimeoutError if that takes more than a minute."""
    process = await _start(command, PIPE, environment)
    try:
        output, errors = await asyncio.wait_for(process.communicate(), _PATIENCE_SECONDS)
    finally:
        await _kill(process)
    return Outcome(process.returncode or 0, output.decode(), errors.decode())


@asynccontextmanager
async def listening(pattern: str, *command: str | Path) -> AsyncIterator[Running]:
    """Run a server; its log tells by the pattern that it listens, and where in group 1."""
    process = await _start(command, DEVNULL, {})
    assert process.stderr is not None
    log = ""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not (found := re.search(pattern, log)):
                line = await process.stderr.readline()
                if not line:
                    pytest.fail(f"{command[0]} ended before it listened: {log}")
                log += line.decode()
        # A full pipe would make it wait.
        reading = asyncio.create_task(process.stderr.read())
        yield Running(process, found[1])
    finally:
        await _kill(process)
    await reading


@asynccontextmanager
async def gateway_for(model_server: str, policy: Path, *more: str) -> AsyncIterator[Running]:
    """Run a gateway in front of a model server, with more flags."""
    flags = ("--listen=127.0.0.1:0", f"--model-server={model_server}", f"--policy={policy}")
    command = (sys.executable, "-m", "agelane_serving.gateway", *flags, *more)
    async with listening(r"listening on ([^\s,]+)", *command) as running:
        yield running


async def until_ready(address: str) -> None:
    """Wait until a gateway has found its model."""
    async with grpc.aio.insecure_channel(address) as channel:
        await Lane(channel).until_health(READY, "SERVING")


@contextmanager
def nobody() -> Iterator[str]:
    """Give an address where nobody listens, nor will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


async def _start(
    command: tuple[str | Path, ...], stdout: int, environment: dict[str, str]
) -> Process:
    without_proxy = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=DEVNULL,
        stdout=stdout,
        stderr=PIPE,
        env=os.environ | without_proxy | environment,
    )


async def _kill(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
