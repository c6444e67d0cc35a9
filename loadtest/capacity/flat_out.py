"""The most photos a second that a system assesses: callers who each wait for their answer.

Unlike the lanes this loop is closed, for it asks how much work is done, not how long a customer
waits.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence

import uvloop

from agelane_client import AsyncClient, OverloadedError
from loadtest.connection import connection

CALLERS = 64
"""At once: enough to fill every batch, and the next ones while these are computed."""
_TIMEOUT_SECONDS = 30.0
_WARM_UP_SECONDS = 3.0
_PAUSE_SECONDS = 0.05
"""After a refusal: the gateway takes no more than it can answer in time."""


async def answers_per_second(
    ask: Callable[[int], Awaitable[bool]], seconds: float, callers: int = CALLERS
) -> float:
    """Return how many calls a second are answered while so many callers ask without a pause.

    Args:
        ask: makes a call for a caller, numbered from 0; returns whether it was answered.
        seconds: how long to measure, after a warm-up.
        callers: how many calls are in progress.
    """
    answered_at: list[float] = []
    end = time.monotonic() + _WARM_UP_SECONDS + seconds

    async def caller(number: int) -> None:
        while time.monotonic() < end:
            if await ask(number):
                answered_at.append(time.monotonic())

    await asyncio.gather(*[caller(number) for number in range(callers)])
    return sum(end - seconds <= it < end for it in answered_at) / seconds


def photos_per_second(target: str, photos: Sequence[bytes], seconds: float) -> float:
    """Return how many photos a second get an age from a gateway, through the SDK.

    Refused calls are made again and count when they are answered. Raises AgelaneError for the first
    that fails otherwise.
    """
    return uvloop.run(_through_the_sdk(target, photos, seconds))


async def _through_the_sdk(target: str, photos: Sequence[bytes], seconds: float) -> float:
    by, numbers = connection(), itertools.count()
    async with AsyncClient(target, timeout=_TIMEOUT_SECONDS, token=by.token, tls=by.tls) as client:

        async def ask(caller: int) -> bool:
            photo = photos[next(numbers) % len(photos)]
            try:
                assessment = await client.assess(photo, lane_id=f"lane-{caller}")
            except OverloadedError:
                await asyncio.sleep(_PAUSE_SECONDS)
                return False
            return assessment.age_years is not None

        return await answers_per_second(ask, seconds)
