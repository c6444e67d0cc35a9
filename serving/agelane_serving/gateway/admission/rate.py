"""How often one lane may call."""

from __future__ import annotations

import time
from collections import OrderedDict

from agelane_serving.gateway.errors import CallError, Fault

_MOST_LANES = 10_000


class RateLimit:
    """A token bucket for each lane (ITU-T I.371): so many calls a second, some more in a burst."""

    def __init__(self, calls_per_second: float, burst: int) -> None:
        """Every lane begins with a full bucket; both must be greater than 0."""
        self._rate, self._burst = calls_per_second, float(burst)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, lane: str) -> None:
        """Count a call of a lane.

        Raises:
            CallError: RATE_LIMITED, with the time until the next call may come.
        """
        now = time.monotonic()
        left, since = self._buckets.pop(lane, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        self._buckets[lane] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > _MOST_LANES:
            self._buckets.popitem(last=False)  # the one that has not called for the longest time
        if left < 1:
            raise CallError(
                Fault.RATE_LIMITED,
                f"a lane may call {self._rate:g} times a second",
                retry_seconds=(1 - left) / self._rate,
            )
