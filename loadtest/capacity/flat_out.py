"""The most photos a second that a whole stack assesses: callers who each wait for their answer.

Unlike the lanes this loop is closed, for it asks how much work is done, not how long a customer
waits. What TensorFlow alone does is measured before and after, in turns, since a machine's speed
changes.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence

import uvloop

from agelane_client import AsyncClient, OverloadedError
from loadtest.connection import connection

CALLERS = 32
"""At once: enough to fill every batch."""
_TIMEOUT_SECONDS = 30.0
_WARM_UP_SECONDS = 3.0
_PAUSE_SECONDS = 0.05
"""After a refusal: the gateway takes no more than it can answer in time."""


def photos_per_second(
    target: str, photos: Sequence[bytes], seconds: float, callers: int = CALLERS
) -> float:
    """Return how many photos a second get an age while so many callers ask without a pause.

    Refused calls are tried again and count when they are answered. Raises AgelaneError for the first
    that fails otherwise.
    """
    return uvloop.run(_measured(target, photos, seconds, callers))


async def _measured(target: str, photos: Sequence[bytes], seconds: float, callers: int) -> float:
    by = connection()
    answered_at: list[float] = []
    numbers = itertools.count()
    end = time.monotonic() + _WARM_UP_SECONDS + seconds

    async def ask(client: AsyncClient, lane: int) -> None:
        while time.monotonic() < end:
            photo = photos[next(numbers) % len(photos)]
            try:
                assessment = await client.assess(photo, lane_id=f"lane-{lane}")
            except OverloadedError:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if assessment.age_years is not None:
                answered_at.append(time.monotonic())

    async with AsyncClient(target, timeout=_TIMEOUT_SECONDS, token=by.token, tls=by.tls) as client:
        await asyncio.gather(*[ask(client, lane) for lane in range(callers)])
    return sum(end - seconds <= it < end for it in answered_at) / seconds
