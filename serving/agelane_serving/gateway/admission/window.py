"""How many calls a model server can work on before they take too long."""

from __future__ import annotations

import time

_FIRST_CALLS = 16
_PATIENCE_SECONDS = 0.6
"""Below a till's patience, and as long as full batches take. Until then no answer is slow."""
_SLOW = 2.0
"""Nor is one that takes less than this times the quickest: some models take their time."""
_SHRINK = 0.8
_FORGET = 1.01  # the quickest answer counts for some hundred answers


class Window:
    """Grows with each quick answer while it is full, shrinks when answers get slow.

    As TCP finds the rate of a line (additive increase, multiplicative decrease, Jacobson 1988): a
    GPU may have hundreds of photos in hand, a processor eight, and nobody has to say which it is.
    """

    def __init__(self, most_calls: int) -> None:
        """`most_calls` is never exceeded; 1 or more."""
        self.calls = min(_FIRST_CALLS, most_calls)
        """Calls that may be in flight now, 1 or more."""
        self._most_calls = most_calls
        self._shrunk_at = 0.0
        self._quickest = float("inf")

    def ended(self, seconds: float, *, answered: bool, full: bool) -> None:
        """Take note of a call that was in flight for so long, and whether the window was full."""
        if answered:
            self._quickest = min(seconds, self._quickest * _FORGET)
        if seconds > max(_PATIENCE_SECONDS, _SLOW * self._quickest):
            self._shrink(seconds)
        elif answered and full:
            self.calls = min(self.calls + 1, self._most_calls)

    def _shrink(self, seconds: float) -> None:
        now = time.monotonic()
        # Once for all the calls that were in flight together.
        if now - seconds >= self._shrunk_at:
            self.calls = max(1, int(self.calls * _SHRINK))
            self._shrunk_at = now
