"""Calendar weeks, from Monday to Monday in UTC, so that no report shifts their borders."""

from __future__ import annotations

import math

DAY_SECONDS = 86_400.0
WEEK_SECONDS = 7 * DAY_SECONDS
_FIRST_MONDAY = 4 * DAY_SECONDS
"""5 January 1970."""


def week_of(moment: float) -> int:
    """Return the number of the week that a moment in Unix seconds lies in."""
    return math.floor((moment - _FIRST_MONDAY) / WEEK_SECONDS)


def start_of(week: int) -> float:
    """Return the first moment of a week, in Unix seconds."""
    return week * WEEK_SECONDS + _FIRST_MONDAY
