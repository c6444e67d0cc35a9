"""How many second attempts are affordable."""

from __future__ import annotations

_MOST = 10.0
_PER_ANSWER = 0.1


class RetryBudget:
    """One second attempt for ten answers, and a few at once after good times.

    As gRPC's retry throttling (proposal A6): where everything fails, second attempts would only
    double the load that made it fail.
    """

    def __init__(self) -> None:
        """Full."""
        self._left = _MOST

    def earn(self) -> None:
        """Take note of an answer."""
        self._left = min(_MOST, self._left + _PER_ANSWER)

    def spend(self) -> bool:
        """Take one attempt out of the budget; False: it is used up."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
