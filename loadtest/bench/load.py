"""Load from h2load (nghttp2), which takes far less of the processor than what it measures."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

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

    def check(self) -> None:
        """Make one call, and look at the answer: h2load can't tell an error from an answer.

        Raises:
            LoadError: it is an error, or empty.
        """
        metadata = [("authorization", f"Bearer {self.token}")] if self.token else []
        with grpc.insecure_channel(self.address) as channel:
            method: Any = channel.unary_unary(self.path)
            try:
                answer = method(self.body.read_bytes()[5:], timeout=5, metadata=metadata)
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
    rate = max(1, round(calls_per_second / _CONNECTIONS))
    calls = int(rate * _CONNECTIONS * seconds)
    flags = [f"--requests={calls}", f"--rps={rate}", "--max-concurrent-streams=100"]
    return _run(call, flags)


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
