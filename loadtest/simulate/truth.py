"""What really happened in a chain, as far as a report can be measured by it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agelane.v1 import sale_pb2
from loadtest.simulate.crew import Crew, typed_again
from loadtest.simulate.plan import DAY_SECONDS, Columns, Conduct, Flags, Floats, Ints, Plan
from loadtest.simulate.tastes import RATES, TEMPTED

_AGES = 101


class Truth:
    """Counts sales as they are made."""

    def __init__(self, plan: Plan, crew: Crew) -> None:
        """Nothing has been sold."""
        self._begins_at = crew.begins_at(plan)
        self.baskets_by_age: Ints = np.zeros(_AGES, np.int64)
        """Baskets that marketing learns of, by the buyer's true age in completed years, [101]."""
        self._offered: dict[str, list[float]] = {}
        types_one_date = np.flatnonzero(crew.who(Conduct.ONE_BIRTH_DATE))
        self._typed = dict.fromkeys(types_one_date.tolist(), 0)

    def add(self, columns: Columns, estimated: Flags) -> None:
        """Count sales; `estimated` are those whose customer's age was estimated."""
        sold = columns["outcome"] == sale_pb2.SALE_OUTCOME_SOLD
        told = sold & columns["assessed"] & estimated
        ages = columns["age_years"][told].astype(np.int64)
        self.baskets_by_age += np.bincount(ages, minlength=_AGES)
        since = columns["sold_at"] - self._begins_at[columns["cashier"]]
        typed = sold & (since >= 0) & (since < 7 * DAY_SECONDS)
        typed &= columns["birth_date_bucket"] == typed_again(columns["cashier"])
        for place in self._typed:
            self._typed[place] += int((typed & (columns["cashier"] == place)).sum())

    def add_offers(self, columns: Columns, offers: Sequence[frozenset[str]]) -> None:
        """Count what an offer adds, for each sale, by the categories that it was made with."""
        sold = (columns["outcome"] == sale_pb2.SALE_OUTCOME_SOLD) & columns["assessed"]
        ages = columns["age_years"].astype(np.int64)
        for row in np.flatnonzero(sold).tolist():
            for category in offers[row]:
                added = TEMPTED * (1 - RATES[category][ages[row]])
                self._offered.setdefault(category, []).append(float(added))

    def uplift(self, category: str) -> float:
        """Return by how much offers of this category raise the rate of baskets with it."""
        return float(np.mean(self._offered[category]))

    @property
    def dates_in_first_week(self) -> list[int]:
        """How often each who types one date did so in their first seven days."""
        return list(self._typed.values())

    def group_shares(self, first_years: list[int]) -> Floats:
        """Return each age group's share of the baskets, by the groups' first years, [K]."""
        groups = np.add.reduceat(self.baskets_by_age, first_years)
        shares: Floats = groups / max(1, groups.sum())
        return shares
