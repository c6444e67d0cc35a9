"""`python -m tests.client.storm --calls 100000`: tills before a gateway that misbehaves.

A real gateway behind a proxy is killed and started again, frozen with its connections open, cut
off (what is sent goes nowhere) and disconnected, at random. Tills with threads and with asyncio,
each in a process of its own, never pause. What must hold for each call, and is checked: a decision
or a typed error, no later than its deadline and 50 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from agelane_client import AgelaneError, AsyncClient, Client
from tests.ports import free_port

_PHOTO = Path(__file__).resolve().parents[2] / "docs" / "samples" / "collins.jpg"
_DEADLINES = (0.1, 0.3, 1.0)
_GRACE_SECONDS = 0.05
_KINDS = ("threads", "asyncio")
_LANES = 16
_CALM_SECONDS, _FAULT_SECONDS = 0.5, 1.5
_PAUSE_SECONDS, _PAUSE_AFTER_ERROR = 0.005, 0.05
"""Or all calls would be spent on the moments in which answers, or errors, come at once."""


@dataclass
class Calls:
    """What came of the calls of one kind of client."""

    ends: Counter[str] = field(default_factory=Counter)
    """By decision or by the error's class."""
    untyped: list[str] = field(default_factory=list)
    """Exceptions that are none of the SDK's."""
    late_ms: list[float] = field(default_factory=list)
    """Of each call that ended more than 50 ms after its deadline, by how much."""
    latest_ms: float = 0.0
    """The most that a call ended after its deadline."""

    def count(self, deadline: float, took: float, end: str | Exception) -> None:
        """Take note of a call; times in seconds."""
        if isinstance(end, Exception) and not isinstance(end, AgelaneError):
            self.untyped.append(repr(end))
        self.ends[end if isinstance(end, str) else type(end).__name__] += 1
        late = took - deadline
        self.latest_ms = max(self.latest_ms, round(1000 * late, 1))
        if late > _GRACE_SECONDS:
            self.late_ms.append(round(1000 * late, 1))


def call_with_threads(target: str, calls: int) -> Calls:
    """Make so many calls, from a thread for each lane."""
    photo, counted, lock = _PHOTO.read_bytes(), Calls(), threading.Lock()

    def lane(number: int) -> None:
        chance = random.Random(number)
        for _ in range(calls // _LANES):
            deadline = chance.choice(_DEADLINES)
            began = time.monotonic()
            end: str | Exception
            try:
                end = str(client.assess(photo, timeout=deadline).alcohol_decision)
            except Exception as error:  # noqa: BLE001 - what comes is what is looked at
                end = error
            took = time.monotonic() - began
            with lock:
                counted.count(deadline, took, end)
            time.sleep(_PAUSE_SECONDS if isinstance(end, str) else _PAUSE_AFTER_ERROR)

    with Client(target) as client:
        lanes = [threading.Thread(target=lane, args=[number]) for number in range(_LANES)]
        for each in lanes:
            each.start()
        for each in lanes:
            each.join()
    return counted


async def call_with_asyncio(target: str, calls: int) -> Calls:
    """Make so many calls, from a task for each lane."""
    photo, counted = _PHOTO.read_bytes(), Calls()

    async def lane(number: int) -> None:
        chance = random.Random(number)
        for _ in range(calls // _LANES):
            deadline = chance.choice(_DEADLINES)
            began = time.monotonic()
            end: str | Exception
            try:
                end = str((await client.assess(photo, timeout=deadline)).alcohol_decision)
            except Exception as error:  # noqa: BLE001 - what comes is what is looked at
                end = error
            counted.count(deadline, time.monotonic() - began, end)
            await asyncio.sleep(_PAUSE_SECONDS if isinstance(end, str) else _PAUSE_AFTER_ERROR)

    async with AsyncClient(target) as client:
        await asyncio.gather(*[lane(number) for number in range(_LANES)])
    return counted


class Wire:
    """A proxy between tills and gateway: it passes everything on, or nothing."""

    def __init__(self, address: str) -> None:
        """`address` is the gateway's."""
        self._address = address
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> str:
        """Listen; return the address."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Pass nothing on, and let nobody know."""
        self._open.clear()

    def mend(self) -> None:
        """Pass everything on again."""
        self._open.set()

    def disconnect(self) -> None:
        """End all connections."""
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._address.partition(":")
        try:
            there = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()
            return
        both = {writer, there[1]}
        self._writers |= both
        try:
            await asyncio.gather(self._pass(reader, there[1]), self._pass(there[0], writer))
        finally:
            self._writers -= both

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


class Trouble:
    """What goes wrong with the gateway."""

    def __init__(self, seed: int) -> None:
        """`seed` is of the order and the moments."""
        self.faults: Counter[str] = Counter()
        self._chance = random.Random(seed)
        self._address = f"127.0.0.1:{free_port()}"
        self._wire = Wire(self._address)
        command = [sys.executable, "-m", "agelane_serving.gateway", f"--listen={self._address}"]
        # Its model server is dead: it answers VERIFY_ID, at once.
        self._command = [*command, "--model-server=127.0.0.1:1", "--lane-rate=100000"]

    async def start(self) -> str:
        """Start gateway and proxy; return the address for tills."""
        await self._start()
        host, _, port = self._address.partition(":")
        async with asyncio.timeout(60):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(host, int(port))
                    writer.close()
                    return await self._wire.start()
                await asyncio.sleep(0.05)

    async def go_on(self) -> None:
        """Let one thing after the other go wrong, until cancelled."""
        faults: dict[str, Callable[[float], Awaitable[None]]] = {
            "killed": self._killed,
            "frozen": self._frozen,
            "cut off": self._cut_off,
            "disconnected": self._disconnected,
        }
        while True:
            await asyncio.sleep(self._chance.uniform(0, _CALM_SECONDS))
            name = self._chance.choice(sorted(faults))
            self.faults[name] += 1
            await faults[name](self._chance.uniform(0, _FAULT_SECONDS))

    async def end(self) -> None:
        """Stop the gateway."""
        self._wire.mend()
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stderr=subprocess.DEVNULL
        )

    async def _killed(self, seconds: float) -> None:
        self._process.kill()
        await self._process.wait()
        await asyncio.sleep(seconds)
        await self._start()

    async def _frozen(self, seconds: float) -> None:
        self._process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)

    async def _cut_off(self, seconds: float) -> None:
        self._wire.cut()
        await asyncio.sleep(seconds)
        self._wire.mend()

    async def _disconnected(self, _: float) -> None:
        self._wire.disconnect()


async def storm(calls: int, seed: int) -> tuple[dict[str, Calls], Counter[str]]:
    """Let tills make so many calls in trouble; return what came of them, and the faults."""
    trouble = Trouble(seed)
    target = await trouble.start()
    going_on = asyncio.create_task(trouble.go_on())
    tills = [_till(kind, target, calls // 2) for kind in _KINDS]
    came = dict(zip(_KINDS, await asyncio.gather(*tills), strict=True))
    going_on.cancel()
    await asyncio.wait([going_on])
    await trouble.end()
    return came, trouble.faults


async def _till(kind: str, target: str, calls: int) -> Calls:
    command = [sys.executable, "-m", "tests.client.storm", "--kind", kind, "--target", target]
    process = await asyncio.create_subprocess_exec(
        *command, f"--calls={calls}", stdout=subprocess.PIPE
    )
    said, _ = await process.communicate()
    told = json.loads(said)
    return Calls(Counter(told["ends"]), told["untyped"], told["late_ms"], told["latest_ms"])


def main() -> int:
    """Storm, and say how it ended; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--calls", type=int, default=100_000, help="in all (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the faults (%(default)s)")
    parser.add_argument("--kind", choices=_KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--target", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind == "threads":
        print(json.dumps(vars(call_with_threads(options.target, options.calls))))
        return 0
    if options.kind == "asyncio":
        print(json.dumps(vars(asyncio.run(call_with_asyncio(options.target, options.calls)))))
        return 0
    came, faults = asyncio.run(storm(options.calls, options.seed))
    print(dict(faults))
    for kind, calls in came.items():
        print(f"{kind}: {dict(calls.ends)}, the latest {calls.latest_ms} ms after its deadline,")
        print(f"  {len(calls.late_ms)} later than 50 ms, {len(calls.untyped)} untyped")
    return 0 if all(not calls.untyped and not calls.late_ms for calls in came.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
