"""What to simulate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agelane_serving.reports.cashiers.arrays import Floats

DAY_SECONDS = 86_400
FIRST_MOMENT = 1_767_571_200.0
"""Monday, 5 January 2026."""
STORE_SIZE = 12
"""Cashiers a store."""
BASE_SKIP = 0.08
WATCHED = 0.4
"""Share of shifts with a supervisor."""
Conducts: TypeAlias = NDArray[np.object_]
"""A `Conduct` for each cashier, [C]."""
Columns: TypeAlias = dict[str, Any]
"""The arrays of `SaleColumns` by name, and "day"."""


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


USUAL = Plan()
"""300 cashiers, 15 of them dishonest in all ways, for 90 days."""


def differing(random: np.random.Generator, n: int, mean: float, spread: float) -> Floats:
    """Return n rates with this mean and intraclass correlation."""
    strength = (1 - spread) / spread
    return random.beta(mean * strength, (1 - mean) * strength, n)
