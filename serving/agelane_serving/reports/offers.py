"""Whether an offer sells: those who got it beside those who would have and did not."""

from __future__ import annotations

import math
from dataclasses import dataclass

from agelane_serving.reports.estimate import NORMAL_95, Estimate

LEAST_CUSTOMERS = 20
"""Of either kind, from which on an uplift is told."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How many customers there were, and how many of them bought such goods."""

    customers: int
    """0 or greater."""
    buyers: int
    """0 … customers."""

    def __post_init__(self) -> None:
        """Refuse what can't be counts."""
        if not 0 <= self.buyers <= self.customers:
            raise ValueError(f"{self.buyers} of {self.customers} bought")

    @property
    def rate(self) -> float:
        """Share of buyers, 0 … 1."""
        return self.buyers / self.customers


@dataclass(frozen=True, slots=True)
class OfferEffect:
    """Whether an offer sells; report.proto describes it."""

    offer_id: str
    """The offer."""
    category: str
    """Its category of goods."""
    offered: int
    """Customers who got it."""
    held_out: int
    """Customers who would have got it and did not."""
    uplift: Estimate | None
    """Rate of buyers among those offered minus that among those held out, -1 … 1; None: too few
    of either."""


def offer_effect(offer_id: str, category: str, offered: Trial, held_out: Trial) -> OfferEffect:
    """Return the effect of one offer."""
    enough = min(offered.customers, held_out.customers) >= LEAST_CUSTOMERS
    difference = rate_difference(offered, held_out) if enough else None
    return OfferEffect(offer_id, category, offered.customers, held_out.customers, difference)


def rate_difference(first: Trial, second: Trial) -> Estimate:
    """Return the first rate minus the second, with its 95 % interval; both have customers.

    Newcombe (1998), Interval estimation for the difference between independent proportions,
    method 10: the intervals of both rates are combined, so that it holds at rates near 0 too.
    """
    difference = first.rate - second.rate
    first_low, first_high = _wilson(first)
    second_low, second_high = _wilson(second)
    below = math.hypot(first.rate - first_low, second_high - second.rate)
    above = math.hypot(first_high - first.rate, second.rate - second_low)
    return Estimate(difference, difference - below, difference + above)


def _wilson(trial: Trial) -> tuple[float, float]:
    """Return the ends of Wilson's 95 % interval for a rate."""
    square = NORMAL_95**2
    middle = trial.buyers + square / 2
    reach = NORMAL_95 * math.sqrt(trial.buyers * (1 - trial.rate) + square / 4)
    whole = trial.customers + square
    # Rounding must not put the rate outside its interval, nor an end outside 0 … 1.
    low = min(max((middle - reach) / whole, 0.0), trial.rate)
    return low, max(min((middle + reach) / whole, 1.0), trial.rate)
