"""How many calls a model server can work on before they take too long."""

from __future__ import annotations

import time

_FIRST_CALLS = 16
_PATIENCE_SHARE = 0.6
_LEAST_PATIENCE_SECONDS, _MOST_PATIENCE_SECONDS = 0.6, 1.2
"""No answer is slow that takes less than this share of the shortest deadline, between these."""
_SLOW = 2.0
"""Nor is one that takes less than this times the quickest: some models take their time."""
_SHRINK = 0.8
_FORGET = 1.01  # the quickest answer and the shortest deadline count for some hundred calls


class Window:
    """Grows with each quick answer while it is full, shrinks when answers get slow.

    As TCP finds the rate of a line (additive increase, multiplicative decrease, Jacobson 1988): a
    GPU may have hundreds of photos in hand, a processor eight, and nobody has to say which it is.
    Callers who give more time get a larger window, so that the next full batch is always there.
    """

    def __init__(self, most_calls: int) -> None:
        """`most_calls` is never exceeded; 1 or more."""
        self.calls = min(_FIRST_CALLS, most_calls)
        """Calls that may be in flight now, 1 or more."""
        self._most_calls = most_calls
        self._shrunk_at = 0.0
        self._quickest = self._shortest_deadline = float("inf")

    def asked(self, deadline_seconds: float) -> None:
        """Take note of a call that has so long left for its answer, admitted or not."""
        # Shorter ones change nothing, and one of 0 would never be forgotten.
        seconds = max(deadline_seconds, _LEAST_PATIENCE_SECONDS / _PATIENCE_SHARE)
        self._shortest_deadline = min(seconds, self._shortest_deadline * _FORGET)

    def ended(self, seconds: float, *, answered: bool, full: bool) -> None:
        """Take note of a call that was in flight for so long, and whether the window was full."""
        if answered:
            self._quickest = min(seconds, self._quickest * _FORGET)
        if seconds > max(self._patience_seconds(), _SLOW * self._quickest):
            self._shrink(seconds)
        elif answered and full:
            self.calls = min(self.calls + 1, self._most_calls)

    def _patience_seconds(self) -> float:
        return min(_PATIENCE_SHARE * self._shortest_deadline, _MOST_PATIENCE_SECONDS)

    def _shrink(self, seconds: float) -> None:
        now = time.monotonic()
        # Once for all the calls that were in flight together.
        if now - seconds >= self._shrunk_at:
            self.calls = max(1, int(self.calls * _SHRINK))
            self._shrunk_at = now
