"""Does the network wait for its photos, or the photos for the network?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_Batch = TypeVar("_Batch")


class InputClock:
    """Splits the time of a loop over batches into waiting for them and working on them.

    The wait for the first is left out: nothing could have fetched it ahead.

    Args:
        now: tells the time (seconds).
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._batches, self._waited, self._total = 0, 0.0, 0.0

    def watch(self, batches: Iterable[_Batch]) -> Iterator[_Batch]:
        """Yield the batches; what the caller does between two of them counts as work."""
        source = iter(batches)
        batch, began = next(source, None), self._now()
        while batch is not None:
            self._batches += 1
            yield batch
            asked = self._now()
            batch = next(source, None)
            answered = self._now()
            self._waited += answered - asked
            self._total = answered - began

    @property
    def wait_share(self) -> float:
        """Share of the time that was waited, 0 to 1."""
        return self._waited / self._total if self._total else 0.0

    @property
    def batches_per_second(self) -> float:
        """Speed of the loop."""
        return self._batches / self._total if self._total else 0.0
