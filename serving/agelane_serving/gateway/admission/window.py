"""How many calls a model server can work on before they take too long."""

from __future__ import annotations

import time

_FIRST_CALLS = 16
_TARGET_SECONDS = 0.3
"""Far above what a model takes that is not overloaded, far below a till's patience."""
_SHRINK = 0.8


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

    def ended(self, seconds: float, *, answered: bool, full: bool) -> None:
        """Take note of a call that was in flight for so long, and whether the window was full."""
        if seconds > _TARGET_SECONDS:
            self._shrink(seconds)
        elif answered and full:
            self.calls = min(self.calls + 1, self._most_calls)

    def _shrink(self, seconds: float) -> None:
        now = time.monotonic()
        # Once for all the calls that were in flight together.
        if now - seconds >= self._shrunk_at:
            self.calls = max(1, int(self.calls * _SHRINK))
            self._shrunk_at = now
