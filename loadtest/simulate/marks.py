"""Marks for what is said about the cashiers of a chain whose truth is known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np

from loadtest.simulate.crew import Crew
from loadtest.simulate.plan import DAY_SECONDS, Conduct, Plan

MONTH_DAYS = 30
ENOUGH_CHECKS = 120
"""Required checks from which on somebody who skips three times as often is to be found."""
ENOUGH_DATES = 8
"""So many of one date in a week no regular customer explains; of fewer, a week may be too short."""


class Alert(Protocol):
    """What was said about a cashier."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def cashier_id(self) -> str:
        """The cashier's number."""

    @property
    def kind(self) -> Enum:
        """What it is about."""


class Summary(Protocol):
    """A cashier's line in a report."""

    @property
    def cashier_id(self) -> str:
        """The cashier's number."""

    @property
    def required_checks(self) -> int:
        """How many checks were required of them."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the cashiers brought."""

    start: float
    """The time that was looked at, in Unix seconds: its beginning,"""
    end: float
    """and the first moment after it, when the look was taken."""
    alerts: Sequence[Alert]
    """What was said."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What came of looking at a chain once, monthly, or daily."""

    false_alerts: Counter[str]
    """Alerts about honest cashiers by their kind, each id once."""
    accused: frozenset[int]
    """Honest cashiers with an alert."""
    found: dict[int, float]
    """Dishonest cashiers with an alert, and the moment of the first look that brought one."""
    alerts: int
    """Number of different ids."""
    looked_days: float
    """Length of the time that was looked at."""
    honest: int
    """Number of honest cashiers."""
    shares: tuple[float, ...]
    """Share of honest cashiers among those with an alert, of each look; 0 where there was none."""

    @property
    def false_discovery_rate(self) -> float:
        """Share of honest cashiers among all who ever had an alert."""
        return len(self.accused) / max(1, len(self.accused) + len(self.found))

    @property
    def mean_false_discovery_rate(self) -> float:
        """The same of one look, averaged over all."""
        return float(np.mean(self.shares))

    @property
    def false_a_month(self) -> float:
        """False alerts per 100 honest cashiers and 30 days."""
        months = self.looked_days / MONTH_DAYS
        return 100 * self.false_alerts.total() / self.honest / months


def mark(plan: Plan, crew: Crew, looks: Sequence[Look]) -> Marks:
    """Return the marks for these looks, in the order of time."""
    honest = {place for place, it in enumerate(crew.conduct) if it is Conduct.HONEST}
    kinds: dict[str, tuple[int, str]] = {}
    found: dict[int, float] = {}
    shares = []
    for look in looks:
        named = {int(alert.cashier_id) for alert in look.alerts}
        shares.append(len(named & honest) / max(1, len(named)))
        for alert in look.alerts:
            kinds[alert.id] = int(alert.cashier_id), alert.kind.name
            found.setdefault(int(alert.cashier_id), look.end)
    begin = max(plan.first_moment, min(look.start for look in looks))
    return Marks(
        false_alerts=Counter(kind for cashier, kind in kinds.values() if cashier in honest),
        accused=frozenset(found.keys() & honest),
        found={place: at for place, at in found.items() if place not in honest},
        alerts=len(kinds),
        looked_days=(looks[-1].end - begin) / DAY_SECONDS,
        honest=len(honest),
        shares=tuple(shares),
    )


def busy_skippers(crew: Crew, cashiers: Iterable[Summary]) -> set[int]:
    """Return those who skip at three times the base rate and had enough required checks."""
    return {
        int(it.cashier_id)
        for it in cashiers
        if crew.conduct[int(it.cashier_id)] is Conduct.SKIPS and it.required_checks >= ENOUGH_CHECKS
    }


def days_to_find(plan: Plan, crew: Crew, marks: Marks, conduct: Conduct) -> list[float]:
    """Return how many days after their start cashiers were found; infinite: never."""
    begins_at = crew.begins_at(plan).tolist()
    return [
        (marks.found.get(place, math.inf) - begins_at[place]) / DAY_SECONDS
        for place, it in enumerate(crew.conduct)
        if it is conduct
    ]
