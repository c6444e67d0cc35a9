"""Are the shop's customers those that the certificate was made on?"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

_REMEMBERED = 2_000
_ENOUGH = 200
_LEAST_SHARE = 1e-3


class AgeDrift:
    """Population stability index of the last estimates against the model card's shares.

    PSI = sum over decades of (p - q) ln(p / q); the usual reading is: below 0.1 alike, above 0.25
    different (Siddiqi, "Credit Risk Scorecards", 2006).
    """

    def __init__(self) -> None:
        """Nobody has been seen."""
        self._decades: deque[int] = deque(maxlen=_REMEMBERED)

    def saw(self, age_years: float) -> None:
        """Take note of an estimate, 0 … 100 years."""
        self._decades.append(min(int(age_years // 10), 9))

    def index(self, expected_shares: Sequence[float]) -> float | None:
        """Return the index, 0 or greater; None before 200 customers have been seen.

        Args:
            expected_shares: of 0 to 9 years, 10 to 19, … 90 to 100; they sum to 1. Empty: nobody
                knows what to expect, and there is no index.
        """
        seen = len(self._decades)
        if seen < _ENOUGH or not expected_shares:
            return None
        total = 0.0
        for decade, expected in enumerate(expected_shares):
            share = max(self._decades.count(decade) / seen, _LEAST_SHARE)
            expected = max(expected, _LEAST_SHARE)
            total += (share - expected) * math.log(share / expected)
        return total
