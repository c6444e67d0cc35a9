"""Calls that begin at their time, whether others are answered or not (open loop)."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

_Outcome = TypeVar("_Outcome")


async def begin_at_rate(
    call: Callable[[int], Awaitable[_Outcome]], calls_per_second: float, seconds: float
) -> list[tuple[float, float, _Outcome]]:
    """Begin calls for a time, at moments that have nothing to do with one another (Poisson).

    Args:
        call: makes the call of this number.
        calls_per_second: how many begin a second, on average.
        seconds: for how long.

    Returns:
        Of each call: the moment at which it was to begin, by the monotonic clock; how many seconds
        after that it was answered, so that a generator that is late hides nothing; and what came.
    """
    moments, results = random.Random(1), []

    async def timed(number: int, due: float) -> None:
        outcome = await call(number)
        results.append((due, time.monotonic() - due, outcome))

    due = time.monotonic()
    end = due + seconds
    tasks: set[asyncio.Task[None]] = set()
    while (due := due + moments.expovariate(calls_per_second)) < end:
        wait = due - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(timed(len(results) + len(tasks), due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return results
