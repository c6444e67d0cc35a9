"""Who comes to the simulated tills, and what the gateway says."""

from __future__ import annotations

import numpy as np
from scipy import special

from agelane_serving.policy import Decision
from agelane_serving.reports.cashiers import Outcome
from agelane_serving.reports.cashiers.arrays import Floats, Ints
from tests.serving.reports.cashier_plan import (
    DAY_SECONDS,
    FIRST_MOMENT,
    STORE_SIZE,
    WATCHED,
    Columns,
    Plan,
    differing,
)

_ERROR_YEARS = 6.0
_HALF_WIDTH_YEARS = 9.3
"""Holds 88 % instead of 90: the simulated model is a little too sure of itself."""


def customers(random: np.random.Generator, plan: Plan) -> Columns:
    """Return the sales before anybody has checked anything."""
    cashier, day = _visits(random, plan)
    n = len(cashier)
    watched = random.random((plan.cashiers // STORE_SIZE + 1, plan.days)) < WATCHED
    return {
        "day": day,
        "cashier": cashier,
        "sold_at": FIRST_MOMENT + day * DAY_SECONDS + random.uniform(8, 22, n) * 3600,
        "outcome": np.full(n, Outcome.SOLD, np.int16),
        "document_result": np.zeros(n, np.int16),
        "reading": np.zeros(n, np.int16),
        "check_seconds": np.full(n, np.nan),
        "birth_date_bucket": np.full(n, -1, np.int16),
        "supervisor_on_shift": watched[cashier // STORE_SIZE, day].astype(np.int16),
        "voids_row": np.full(n, -1, np.int64),
        **_assessments(random, plan, cashier),
    }


def _visits(random: np.random.Generator, plan: Plan) -> tuple[Ints, Ints]:
    """Return cashier and day of each sale."""
    busy = plan.sales_a_day * random.lognormal(0, 0.6, plan.cashiers)
    works = random.random((plan.cashiers, plan.days)) < 5 / 7
    counts = random.poisson(busy[:, None] * works).ravel()
    cashier, day = np.divmod(np.repeat(np.arange(counts.size), counts), plan.days)
    return cashier, day


def _assessments(random: np.random.Generator, plan: Plan, cashier: Ints) -> Columns:
    """Return ages and decisions; one sale in a hundred has none, one in 200 no network."""
    n = len(cashier)
    age = np.where(random.random(n) < 0.04, random.uniform(13, 18, n), _adult_ages(random, n))
    estimate = age + random.normal(0, _ERROR_YEARS, n)
    under = special.ndtr((18 - estimate) / _ERROR_YEARS)
    offline = random.random(n) < 0.005
    unseen = offline | (random.random(n) < differing(random, plan.cashiers, 0.01, 0.005)[cashier])
    seen = np.where(unseen, np.nan, 1.0)
    told = [Decision.ALLOW.value, Decision.REFUSE.value]
    decision = np.select([unseen, under < 0.01, under > 0.95], [0, *told], Decision.VERIFY_ID.value)
    return {
        "decision": decision.astype(np.int16),
        "probability_under_legal_age": under * seen,
        "age_low_years": np.maximum(0, estimate - _HALF_WIDTH_YEARS) * seen,
        "age_high_years": np.maximum(1, estimate + _HALF_WIDTH_YEARS) * seen,
        # The truth; whoever reads no document erases it again.
        "document_age_years": np.floor(age),
        "decided_offline": offline,
    }


def _adult_ages(random: np.random.Generator, n: int) -> Floats:
    return np.minimum(95, 18 + random.gamma(2.0, 12.0, n))
