"""What to simulate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Columns: TypeAlias = dict[str, Any]
"""Arrays by name, one row a sale; `customers` and `behave` say which. Codes are the contract's
numbers."""

DAY_SECONDS = 86_400
FIRST_MOMENT = 1_767_571_200.0
"""Monday, 5 January 2026."""
STORE_SIZE = 12
"""Cashiers a store."""
BASE_SKIP = 0.08
"""Share of required checks that honest cashiers leave out."""
WATCHED = 0.4
"""Share of shifts with a supervisor."""


class Conduct(Enum):
    """What a cashier does."""

    HONEST = auto()
    SKIPS = auto()
    ONE_BIRTH_DATE = auto()
    FAKES_FAST = auto()
    REKEYS = auto()
    ONLY_SUPERVISED = auto()
    UNASSESSED = auto()


DISHONEST = tuple(Conduct)[1:]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate."""

    cashiers: int = 300
    """Number of cashiers, twelve a store."""
    days: int = 90
    """Number of days."""
    sales_a_day: float = 15.0
    """Restricted sales of the median cashier on a working day; they differ by a factor of 2."""
    dishonest_share: float = 0.05
    """Share of cashiers who cheat."""
    conducts: tuple[Conduct, ...] = DISHONEST
    """How these do it, in turn."""
    first_moment: float = FIRST_MOMENT
    """When the first day begins, in Unix seconds."""
    until: float = math.inf
    """When the last day is broken off, in Unix seconds, after it has begun."""

    @property
    def end(self) -> float:
        """The first moment after the last day, in Unix seconds."""
        return self.day_end(self.days - 1)

    def day_end(self, day: int) -> float:
        """Return the first moment after a day, in Unix seconds; the first day is 0."""
        return min(self.first_moment + (day + 1) * DAY_SECONDS, self.until)

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Store and number of each cashier."""
        return tuple((f"store-{place // STORE_SIZE}", str(place)) for place in range(self.cashiers))


USUAL = Plan()
"""300 cashiers, 15 of them dishonest in all ways, for 90 days."""


def lane_of(cashier: int) -> str:
    """Return the lane that a cashier sits at; each has one."""
    return f"lane-{cashier % STORE_SIZE + 1}"
