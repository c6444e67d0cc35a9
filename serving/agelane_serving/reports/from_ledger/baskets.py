"""Read what was bought, by whom as far as marketing may know, and what was offered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import ColumnElement, Connection, func, select

from agelane_serving.ledger.schema import basket_lines, basket_offers, baskets
from agelane_serving.reports.cashiers import Period
from agelane_serving.reports.offers import OfferEffect, Trial, offer_effect

_AT_A_TIME = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """Goods of one category."""

    category: str
    """In the store's own words."""
    amount_minor: int
    """What they cost, in the smallest unit of the currency; negative for returns."""


@dataclass(frozen=True, slots=True)
class Basket:
    """A basket whose buyer was assessed."""

    shares: tuple[float, ...]
    """P(age group) of the buyer."""
    lines: tuple[Line, ...]
    """What was in it."""


@dataclass(frozen=True, slots=True)
class Which:
    """Which baskets: those of whole days (UTC), since they know no hour."""

    first_day: date
    """The first day."""
    last_day: date
    """The last day, inclusive."""
    store_id: str
    """The store; empty: all."""

    @classmethod
    def within(cls, period: Period, store_id: str) -> Which:
        """Return the baskets of all days that a period touches."""
        last = max(period.start, period.end - 1)
        return cls(_day(period.start), _day(last), store_id)

    @property
    def condition(self) -> ColumnElement[bool]:
        """As a condition on `baskets`."""
        days = baskets.c.day.between(self.first_day, self.last_day)
        return days & (baskets.c.store_id == self.store_id) if self.store_id else days


def model_versions(connection: Connection, which: Which) -> Counter[int]:
    """Return how many baskets there are of each version that estimated the buyers' ages."""
    found = connection.execute(
        select(baskets.c.model_version, func.count().label("baskets"))
        .where(which.condition, baskets.c.model_version.is_not(None))
        .group_by(baskets.c.model_version)
    )
    return Counter({row.model_version: row.baskets for row in found})


def read_baskets(
    connection: Connection, which: Which, model_version: int, group_count: int
) -> Iterator[Basket]:
    """Yield the baskets of one version, but for those of a policy with other age groups."""
    rows = connection.execution_options(yield_per=_AT_A_TIME).execute(
        select(
            baskets.c.id,
            baskets.c.age_group_shares,
            basket_lines.c.category,
            basket_lines.c.amount_minor,
        )
        .outerjoin(basket_lines, basket_lines.c.basket_id == baskets.c.id)
        .where(which.condition, baskets.c.model_version == model_version)
        .order_by(baskets.c.id)
    )
    for _, group in groupby(rows, itemgetter(0)):
        found = list(group)
        shares = tuple(map(float, found[0].age_group_shares.split(",")))
        if len(shares) == group_count:
            lines = [Line(row.category, row.amount_minor) for row in found if row.category]
            yield Basket(shares, tuple(lines))


def restricted_categories(connection: Connection, which: Which) -> dict[str, str]:
    """Return the categories of goods that tills sell with an age restriction, and which it is."""
    found = connection.execute(
        select(basket_lines.c.category, basket_lines.c.restricted_category)
        .join(baskets, baskets.c.id == basket_lines.c.basket_id)
        .where(which.condition, basket_lines.c.restricted_category != "")
        .distinct()
        .order_by(basket_lines.c.category, basket_lines.c.restricted_category)
    )
    return {row.category: row.restricted_category for row in found}


def read_offer_effects(connection: Connection, which: Which) -> tuple[OfferEffect, ...]:
    """Return what each offer brought, by the offers' names."""
    bought = (
        select(basket_lines.c.basket_id)
        .where(
            basket_lines.c.basket_id == basket_offers.c.basket_id,
            basket_lines.c.category == basket_offers.c.category,
            basket_lines.c.amount_minor >= 0,
        )
        .exists()
    )
    made = (basket_offers.c.offer_id, basket_offers.c.category, basket_offers.c.held_out)
    found = connection.execute(
        select(*made, bought.label("bought"), func.count().label("count"))
        .join(baskets, baskets.c.id == basket_offers.c.basket_id)
        .where(which.condition)
        .group_by(*made, "bought")
    )
    counts: Counter[tuple[str, str, bool, bool]] = Counter()
    for *key, count in found:
        offer_id, category, held_out, has_bought = key
        counts[offer_id, category, bool(held_out), bool(has_bought)] = count

    def trial(offer_id: str, category: str, held_out: bool) -> Trial:
        buyers = counts[offer_id, category, held_out, True]
        return Trial(buyers + counts[offer_id, category, held_out, False], buyers)

    return tuple(
        offer_effect(*offer, trial(*offer, held_out=False), trial(*offer, held_out=True))
        for offer in sorted({(offer_id, category) for offer_id, category, _, _ in counts})
    )


def _day(moment: float) -> date:
    return datetime.fromtimestamp(moment, UTC).date()
