"""How much can be done, and how long a call takes.

The first by h2load (nghttp2), which takes far less of the processor than what it measures. It can't
tell the second: what is to begin at a rate it begins in bursts, ten times a second.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import uvloop

from loadtest.bench.open_loop import begin_at_rate

_CONNECTIONS = 8
_THREADS = 1


class LoadError(Exception):
    """Not every call was answered as it should be; the message says what came instead."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a number of calls."""

    calls_per_second: float
    """Answers a second."""
    seconds: tuple[float, ...]
    """Time of each call, from the shortest to the longest."""

    def percentile(self, share: float) -> float:
        """Return the time that `share` (0 … 1) of the calls took at most, in seconds."""
        return self.seconds[min(int(share * len(self.seconds)), len(self.seconds) - 1)]


@dataclass(frozen=True, slots=True)
class Call:
    """What is called, again and again."""

    address: str
    """HOST:PORT."""
    path: str
    """/package.Service/Method."""
    body: Path
    """File with the body: one framed message."""
    token: str = ""
    """API token; empty: none is sent."""

    def metadata(self) -> list[tuple[str, str]]:
        """Return what is sent beside the message."""
        return [("authorization", f"Bearer {self.token}")] if self.token else []

    def check(self) -> None:
        """Make one call, and look at the answer: h2load can't tell an error from an answer.

        Raises:
            LoadError: it is an error, or empty.
        """
        with grpc.insecure_channel(self.address) as channel:
            method: Any = channel.unary_unary(self.path)
            try:
                answer = method(self.body.read_bytes()[5:], timeout=5, metadata=self.metadata())
            except grpc.RpcError as error:
                raise LoadError(f"{self.path}: {error}") from error
        if not answer:
            raise LoadError(f"{self.path}: an empty answer")


def flat_out(call: Call, calls: int, in_flight: int) -> Load:
    """Make so many calls, always so many at a time (closed loop): how much can be done?"""
    streams = max(1, in_flight // _CONNECTIONS)
    return _run(call, [f"--requests={calls}", f"--max-concurrent-streams={streams}"])


def at_rate(call: Call, calls_per_second: float, seconds: float) -> Load:
    """Begin calls at a rate, whether others are answered or not: how long does each take?"""
    call.check()
    return uvloop.run(_at_rate(call, calls_per_second, seconds))


async def _at_rate(call: Call, calls_per_second: float, seconds: float) -> Load:
    message, metadata = call.body.read_bytes()[5:], call.metadata()
    async with grpc.aio.insecure_channel(call.address) as channel:
        method: Any = channel.unary_unary(call.path)

        async def once(number: int) -> None:
            try:
                await method(message, timeout=5, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                raise LoadError(f"{call.path}: {error.code().name}") from error

        results = await begin_at_rate(once, calls_per_second, seconds)
    times = sorted(took for _, took, _ in results)
    return Load(len(times) / seconds, tuple(times))


def _run(call: Call, flags: Sequence[str]) -> Load:
    call.check()
    headers = ["content-type: application/grpc", "te: trailers", "grpc-timeout: 4S"]
    if call.token:
        headers.append(f"authorization: Bearer {call.token}")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "calls.tsv"
        command = [
            "h2load",
            f"--clients={_CONNECTIONS}",
            f"--threads={_THREADS}",
            f"--data={call.body}",
            f"--log-file={log}",
            *[f"--header={header}" for header in headers],
            *flags,
            f"http://{call.address}{call.path}",
        ]
        output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        if not re.search(r"requests: (\d+) total, .* \1 succeeded, 0 failed", output):
            raise LoadError(f"{call.path}: not all calls were answered:\n{output}")
        times = sorted(int(line.split("\t")[2]) / 1e6 for line in log.read_text().splitlines())
        call.check()
    rate = re.search(r", ([0-9.]+) req/s", output)
    assert rate is not None
    return Load(float(rate[1]), tuple(times))
