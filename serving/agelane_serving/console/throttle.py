"""Slow down whoever tries passwords, by the name that they try and by where they come from."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_FORGET_SECONDS = 3600.0
_MOST_KEYS = 10_000


class Throttle:
    """Counts failures by a key; after some free ones each wait is twice the one before."""

    def __init__(
        self,
        free: int,
        longest_seconds: float = 900.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`free` failures have no consequence; no wait is longer than `longest_seconds`."""
        self._free, self._longest, self._clock = free, longest_seconds, clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_seconds(self, key: str) -> float:
        """Return how long the key has to wait before its next try, 0 or more."""
        count, last = self._failures.get(key, (0, 0.0))
        since = self._clock() - last
        if count < self._free or since > _FORGET_SECONDS:
            return 0.0
        wait = min(self._longest, 2.0 ** min(count - self._free, 30))
        return float(max(0.0, wait - since))

    def failed(self, key: str) -> None:
        """Count a failure."""
        count, last = self._failures.pop(key, (0, 0.0))
        now = self._clock()
        self._failures[key] = (1 if now - last > _FORGET_SECONDS else count + 1, now)
        # Whoever makes up names can't fill the memory.
        if len(self._failures) > _MOST_KEYS:
            self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)
