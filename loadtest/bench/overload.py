"""`python -m loadtest.bench.overload`: three times as many calls as the model can answer.

Calls begin at a rate, whether others are answered or not (open loop), from 300 lanes and with a
deadline of 1 s: first at the model server's capacity, then at three times that, then at half of
it. What counts is how many are still answered, how quickly the others are told, what it
costs in memory, and how soon all is well again. Figures go to reports/overload.json.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

from agelane.v1 import checkout_pb2, checkout_pb2_grpc
from loadtest.bench import processes
from loadtest.bench.open_loop import begin_at_rate
from loadtest.photos import SAMPLES

REPORT = Path("reports/overload.json")
_WORKERS, _WORK_SECONDS = 8, 0.04
CAPACITY = _WORKERS / _WORK_SECONDS
"""Calls a second that the model server can answer."""
_LANES = 300
_DEADLINE_SECONDS = 1.0
_CHANNELS = 8


@dataclass(frozen=True, slots=True)
class Result:
    """One call."""

    began: float
    """When, by the monotonic clock."""
    seconds: float
    """How long it took."""
    code: str
    """OK with an age, or what came instead."""


def main() -> int:
    """Measure, print and write; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.bench.overload", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("--seconds", type=int, default=60, help="of overload (%(default)s)")
    options = parser.parse_args()
    with (
        processes.slow_backend(_WORKERS, _WORK_SECONDS) as backend,
        processes.gateway(backend, 1, ["--lane-rate=1000"]) as gateway,
    ):
        figures = asyncio.run(_measure(gateway, options.seconds))
    print(json.dumps(figures, indent=2))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


async def _measure(gateway: processes.Server, seconds: int) -> dict[str, float]:
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(gateway.address, options) for _ in range(_CHANNELS)]
    await _load(channels, CAPACITY, 5)
    memory_before = gateway.memory_mb()
    overload = await _load(channels, 3 * CAPACITY, seconds)
    memory_after, ended = gateway.memory_mb(), time.monotonic()
    after = await _load(channels, CAPACITY / 2, 10)
    for channel in channels:
        await channel.close()
    good = [result for result in overload if result.code == "OK"]
    refused = [result for result in overload if result.code == "RESOURCE_EXHAUSTED"]
    return {
        "capacity_calls_per_second": CAPACITY,
        "offered_calls_per_second": round(len(overload) / seconds, 1),
        "goodput_share_of_capacity": round(len(good) / seconds / CAPACITY, 3),
        "refused_calls": len(refused),
        "neither_calls": len(overload) - len(good) - len(refused),
        "refused_p99_ms": round(1000 * _percentile(refused, 0.99), 2),
        "answered_p99_ms": round(1000 * _percentile(good, 0.99), 1),
        "memory_growth_share": round(memory_after / memory_before - 1, 3),
        "recovered_after_seconds": round(_last_bad(after, ended), 2),
    }


async def _load(
    channels: Sequence[grpc.aio.Channel], calls_per_second: float, seconds: float
) -> list[Result]:
    """Begin calls at a rate for a time; return what came of them."""
    stubs: list[checkout_pb2_grpc.CheckoutServiceAsyncStub]
    stubs = [checkout_pb2_grpc.CheckoutServiceStub(channel) for channel in channels]
    photo = (SAMPLES / "biden_2010.jpg").read_bytes()
    requests = itertools.cycle(
        checkout_pb2.AssessCustomerRequest(photo=photo, lane_id=str(lane)) for lane in range(_LANES)
    )

    async def call(number: int) -> str:
        try:
            answer = await stubs[number % len(stubs)].AssessCustomer(
                next(requests), timeout=_DEADLINE_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            return error.code().name
        return "OK" if answer.assessment.HasField("age_years") else "VERIFY_ID without an age"

    return [Result(*each) for each in await begin_at_rate(call, calls_per_second, seconds)]


def _percentile(results: Sequence[Result], share: float) -> float:
    seconds = sorted(result.seconds for result in results)
    return seconds[min(int(share * len(seconds)), len(seconds) - 1)] if seconds else 0.0


def _last_bad(results: Sequence[Result], since: float) -> float:
    """Return how long after a moment the last call began that was not answered."""
    return max((result.began - since for result in results if result.code != "OK"), default=0.0)


if __name__ == "__main__":
    sys.exit(main())
