"""What the judge counts in one chain: counts, so that those of several chains can be summed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Named:
    """Who was named by one way to look at the cashiers."""

    dishonest: int
    """Dishonest cashiers with an alert, by the end."""
    honest: int
    """Honest cashiers with an alert, by the end."""
    false_alerts: int
    """Alerts about honest cashiers, each once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CashierCounts:
    """How the cashiers of a chain were judged."""

    months: float
    """Length of the simulated time, in months of 30 days."""
    honest: int
    """Honest cashiers."""
    dishonest: int
    """Dishonest cashiers."""
    at_once: Named
    """By one report over the whole time."""
    monthly: Named
    """By a report a month."""
    nightly: Named
    """By the nightly job."""
    busy_skippers: int
    """Those who skip three times as often, and had enough required checks to be found."""
    busy_skippers_found: int
    """Of whom the report over the whole time names so many."""
    typed_dates: int
    """Those who type one date of birth again and again."""
    typed_dates_found: int
    """Of whom the nightly job names so many within a week."""
    typed_dates_often: int
    """Those who type it often enough in their first week to stand out from regular customers."""
    typed_dates_often_found: int
    """Of whom the nightly job names so many within that week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseCounts:
    """How near the report on purchases came to the truth."""

    age_mix_error_pp: float
    """By how many percentage points the worst age group's share of the baskets is off."""
    age_mix_error_naive_pp: float
    """The same without the correction."""
    age_groups: int
    """Age groups."""
    age_groups_held: int
    """Of whose shares the interval holds the truth."""
    offers: int
    """Offers whose effect is told."""
    offers_held: int
    """Of which the interval holds the truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """One chain."""

    customers: int
    """Customers who came."""
    seconds: float
    """How long it took until all was recorded."""
    cashiers: CashierCounts
    """What was said of the cashiers."""
    purchases: PurchaseCounts
    """What was said of the purchases."""

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Counts:
        """Return the counts of which this is `asdict`."""
        cashiers = content["cashiers"]
        looks = {look: Named(**cashiers[look]) for look in ("at_once", "monthly", "nightly")}
        return cls(
            customers=content["customers"],
            seconds=content["seconds"],
            cashiers=CashierCounts(**cashiers | looks),
            purchases=PurchaseCounts(**content["purchases"]),
        )
