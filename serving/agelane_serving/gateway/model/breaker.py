"""Stop asking a model server that doesn't answer, and find out when it does again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from agelane_serving.gateway.errors import ModelSlow, ModelUnavailable

_MOST_FAILURES = 8
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 5.0
# Whoever leaves less time than this has no right to call a server slow.
_FAIR_SECONDS = 0.25


class BreakerState(Enum):
    """Whether calls pass (Nygard, "Release It!"); the numbers are those of the metric."""

    CLOSED = 0
    """All do."""
    HALF_OPEN = 1
    """One does, to see how the server is."""
    OPEN = 2
    """None does."""


class Breaker:
    """Opens after eight failures in a row, then lets one call at a time try, ever more rarely."""

    def __init__(self) -> None:
        """Closed."""
        self.state = BreakerState.CLOSED
        self._failures = 0
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._pause_until = 0.0

    def allows(self) -> bool:
        """Tell whether a call may pass now."""
        if self.state is BreakerState.CLOSED:
            return True
        return self.state is BreakerState.OPEN and time.monotonic() >= self._pause_until

    @contextmanager
    def watches(self, seconds: float) -> Iterator[None]:
        """Learn from what happens to a call that has so many seconds."""
        trial = self.state is BreakerState.OPEN
        if trial:
            self.state = BreakerState.HALF_OPEN
        try:
            yield
        except ModelUnavailable as error:
            if not isinstance(error, ModelSlow) or seconds >= _FAIR_SECONDS:
                self._failed(trial)
            elif trial:
                self.state = BreakerState.OPEN  # no verdict: the next call is the trial
            raise
        except BaseException:
            if trial:
                self.state = BreakerState.OPEN
            raise
        self.reset()

    def reset(self) -> None:
        """Let all calls pass: the server is known to be well."""
        self.state, self._failures = BreakerState.CLOSED, 0
        self._pause_seconds = _FIRST_PAUSE_SECONDS

    def _failed(self, trial: bool) -> None:
        self._failures += 1
        if trial:
            self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)
        if trial or (self.state is BreakerState.CLOSED and self._failures >= _MOST_FAILURES):
            self.state = BreakerState.OPEN
            self._pause_until = time.monotonic() + self._pause_seconds
