"""The cashiers: what each is like, and which of them cheat.

Honest cashiers skip 8 % of the required checks on average, and differ: from each other (beta with
an intraclass correlation of 0.01), from day to day, and a little when a supervisor is there. Some
scan documents in a second, some read them fast, some have few customers, most have a regular one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadtest.simulate.plan import (
    BASE_SKIP,
    DAY_SECONDS,
    STORE_SIZE,
    WATCHED,
    Conduct,
    Flags,
    Floats,
    Ints,
    Plan,
)

BUCKETS = 64
"""Of dates of birth, as in the contract."""
_MINORS = 0.04
_OLDEST_YEARS = 95


@dataclass(frozen=True, eq=False)
class Crew:
    """C cashiers, for D days."""

    conduct: tuple[Conduct, ...]
    """What each does, [C]."""
    begins_day: Ints
    """From which day on they cheat, [C]."""
    sales: Floats
    """Restricted sales on a working day, [C]."""
    works: Flags
    """Who works on which day, [C, D]."""
    watched: Flags
    """Whether a supervisor is on shift, [stores, D]."""
    skips: Floats
    """Share of required checks that each leaves out, [C]."""
    moods: Floats
    """By how much the log odds of leaving one out differ from day to day, [C, D]."""
    unassessed: Floats
    """Share of customers whom each forgets to have photographed, [C]."""
    scans: Floats
    """Share of documents that each scans, [C]."""
    check_seconds: Floats
    """Median time that each takes to read a document, [C]."""
    regular: Floats
    """Share of sales to each one's regular customer, [C]."""
    regular_age_years: Floats
    """That customer's age, [C],"""
    regular_bucket: Ints
    """and the bucket of the date of birth, [C]."""
    buckets: Floats
    """Share of the other customers' dates of birth in each bucket, [64]."""

    def begins_at(self, plan: Plan) -> Floats:
        """Return from when on each cheats, in Unix seconds, [C]."""
        return np.asarray(plan.first_moment + self.begins_day * float(DAY_SECONDS))

    def who(self, conduct: Conduct) -> Flags:
        """Return which of them do this, [C]."""
        return np.array([it is conduct for it in self.conduct])


def hire(random: np.random.Generator, plan: Plan) -> Crew:
    """Return the cashiers of a chain."""
    n = plan.cashiers
    conduct = _conducts(random, plan)
    skips = _differing(random, n, BASE_SKIP, 0.01)
    skips[[it is Conduct.SKIPS for it in conduct]] = 3 * BASE_SKIP
    dates = [it is Conduct.ONE_BIRTH_DATE for it in conduct]
    return Crew(
        conduct=conduct,
        begins_day=np.where(dates, random.integers(*_when_dates_begin(plan.days), n), 0),
        sales=plan.sales_a_day * random.lognormal(0, 0.6, n),
        works=random.random((n, plan.days)) < 5 / 7,
        watched=random.random((n // STORE_SIZE + 1, plan.days)) < WATCHED,
        skips=skips,
        moods=random.normal(0, 0.3, (n, plan.days)),
        unassessed=_differing(random, n, 0.01, 0.005),
        scans=np.where(random.random(n) < 0.3, 0.8, 0.05),
        check_seconds=np.where(random.random(n) < 0.05, 4.0, 7.0),
        regular=_differing(random, n, 0.03, 0.02),
        regular_age_years=customer_ages(random, n),
        regular_bucket=random.integers(0, BUCKETS, n),
        buckets=random.dirichlet(np.full(BUCKETS, 40.0)),
    )


def customer_ages(random: np.random.Generator, n: int) -> Floats:
    """Return the ages of n people who want age-restricted goods; some are under age."""
    adults = np.minimum(_OLDEST_YEARS, 18 + random.gamma(2.0, 12.0, n))
    return np.where(random.random(n) < _MINORS, random.uniform(13, 18, n), adults)


def typed_again(cashier: Ints) -> Ints:
    """Return the bucket of the date that each would type again and again, 0 … 63."""
    return cashier % BUCKETS


def _conducts(random: np.random.Generator, plan: Plan) -> tuple[Conduct, ...]:
    conduct = [Conduct.HONEST] * plan.cashiers
    count = round(plan.cashiers * plan.dishonest_share)
    for turn, place in enumerate(random.choice(plan.cashiers, count, replace=False)):
        conduct[place] = plan.conducts[turn % len(plan.conducts)]
    return tuple(conduct)


def _when_dates_begin(days: int) -> tuple[int, int]:
    """Return from and before which day dates begin to be typed: after a time of honesty, and early
    enough to be found.
    """
    return days // 4, max(days // 4 + 1, days - 14)


def _differing(random: np.random.Generator, n: int, mean: float, spread: float) -> Floats:
    """Return n rates with this mean and intraclass correlation."""
    strength = (1 - spread) / spread
    return random.beta(mean * strength, (1 - mean) * strength, n)
