"""A simulated chain: who cheats is known, so that a report can be marked.

Honest cashiers skip 8 % of the required checks on average, and differ: from each other (beta with
an intraclass correlation of 0.01), from day to day, and a little when a supervisor is there. Some
scan documents in a second, some read them fast, some have few customers, most have a regular one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agelane_serving.reports.cashiers import SaleColumns, TokenMisuse
from agelane_serving.reports.cashiers.arrays import Floats
from tests.serving.reports.cashier_conduct import behave, with_rekeyed
from tests.serving.reports.cashier_customers import customers
from tests.serving.reports.cashier_plan import (
    DAY_SECONDS,
    FIRST_MOMENT,
    STORE_SIZE,
    USUAL,
    Conduct,
    Conducts,
    Plan,
)


@dataclass(frozen=True, eq=False)
class Chain:
    """Some months of sales, and the truth about C cashiers."""

    sales: SaleColumns
    """The sales."""
    attempts: tuple[TokenMisuse, ...]
    """Bad tokens, all of them mishaps."""
    conduct: tuple[Conduct, ...]
    """What each cashier does, [C]."""
    begins_at: Floats
    """From when, in Unix seconds, [C]."""
    end: float
    """The first moment after the last day, in Unix seconds."""


def simulate(seed: int, plan: Plan = USUAL) -> Chain:
    """Return a chain; the same seed and plan make the same one."""
    random = np.random.default_rng(seed)
    conduct = _conducts(random, plan)
    begins_day = np.where(
        conduct == Conduct.ONE_BIRTH_DATE,
        random.integers(plan.days // 4, plan.days - 14, plan.cashiers),
        0,
    )
    columns = customers(random, plan)
    cheats = columns["day"] >= begins_day[columns["cashier"]]
    behave(random, plan, columns, conduct, cheats)
    del columns["day"]
    names = tuple((f"store-{place // STORE_SIZE}", str(place)) for place in range(plan.cashiers))
    end = FIRST_MOMENT + plan.days * DAY_SECONDS
    return Chain(
        sales=with_rekeyed(random, SaleColumns(names, **columns), conduct, cheats),
        attempts=_mishaps(random, names, plan.days),
        conduct=tuple(conduct),
        begins_at=FIRST_MOMENT + begins_day * float(DAY_SECONDS),
        end=end,
    )


def _conducts(random: np.random.Generator, plan: Plan) -> Conducts:
    conduct = np.full(plan.cashiers, Conduct.HONEST, object)
    cheats = random.choice(
        plan.cashiers, round(plan.cashiers * plan.dishonest_share), replace=False
    )
    for turn, place in enumerate(cheats):
        conduct[place] = plan.conducts[turn % len(plan.conducts)]
    return conduct


def _mishaps(
    random: np.random.Generator, names: tuple[tuple[str, str], ...], days: int
) -> tuple[TokenMisuse, ...]:
    counts = random.poisson(0.02 * days / 30, len(names))
    return tuple(
        TokenMisuse(*name, tuple(FIRST_MOMENT + random.random(count) * days * DAY_SECONDS))
        for name, count in zip(names, counts, strict=True)
        if count
    )
