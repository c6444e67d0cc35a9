"""A simulated chain as records: who cheats is known, so that a report can be marked.

Cashiers and customers are those of `loadtest.simulate`, which lets them go through the real
servers. Here a formula stands for model and gateway.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from agelane_serving.policy import Decision
from agelane_serving.reports.cashiers import SaleColumns, TokenMisuse
from loadtest.simulate.conduct import behave
from loadtest.simulate.crew import Crew, hire
from loadtest.simulate.customers import customers
from loadtest.simulate.plan import USUAL, Columns, Plan
from loadtest.simulate.truth import Truth

_PERSON_YEARS, _PHOTO_YEARS = 5.0, 3.3
"""By how much the estimate errs about a person in all photos, and in one more than in another."""
_ERROR_YEARS = float(np.hypot(_PERSON_YEARS, _PHOTO_YEARS))
_HALF_WIDTH_YEARS = 9.3
"""Holds 88 % instead of 90: the simulated model is a little too sure of itself."""


@dataclass(frozen=True, eq=False)
class Chain:
    """Some months of sales, and the truth about the cashiers."""

    plan: Plan
    """What was simulated."""
    crew: Crew
    """The cashiers."""
    sales: SaleColumns
    """The sales."""
    attempts: tuple[TokenMisuse, ...]
    """Bad tokens, all of them mishaps."""
    truth: Truth
    """What really happened."""


def simulate(seed: int, plan: Plan = USUAL) -> Chain:
    """Return a chain; the same seed and plan make the same one."""
    random = np.random.default_rng(seed)
    crew = hire(random, plan)
    come = customers(random, plan, crew)
    sales = behave(random, crew, come | _assessments(random, come, plan))
    truth = Truth(plan, crew)
    truth.add(sales, sales["assessed"])
    return Chain(plan, crew, _as_columns(plan, sales), _attempts(plan, sales), truth)


def _assessments(random: np.random.Generator, come: Columns, plan: Plan) -> Columns:
    """Return what model and gateway would say about everybody."""
    n = len(come["cashier"])
    regulars = random.normal(0, _PERSON_YEARS, plan.cashiers)[come["cashier"]]
    person = np.where(come["regular"], regulars, random.normal(0, _PERSON_YEARS, n))
    estimate = come["age_years"] + person + random.normal(0, _PHOTO_YEARS, n)
    under = special.ndtr((18 - estimate) / _ERROR_YEARS)
    told = [Decision.ALLOW.value, Decision.REFUSE.value]
    return {
        "decision": np.select([under < 0.01, under > 0.95], told, Decision.VERIFY_ID.value),
        "probability_under_legal_age": under,
        "age_low_years": np.maximum(0, estimate - _HALF_WIDTH_YEARS),
        "age_high_years": np.maximum(1, estimate + _HALF_WIDTH_YEARS),
    }


def _as_columns(plan: Plan, sales: Columns) -> SaleColumns:
    """Return the sales as a report takes them: without an assessment nothing of it is known."""
    seen = np.where(sales["assessed"], 1.0, np.nan)
    age = sales["document_age_years"]
    same = ("cashier", "sold_at", "outcome", "document_result", "reading", "check_seconds")
    more = ("birth_date_bucket", "supervisor_on_shift", "decided_offline")
    estimates = ("probability_under_legal_age", "age_low_years", "age_high_years")
    return SaleColumns(
        plan.names,
        **{name: sales[name] for name in (*same, *more)},
        **{name: sales[name] * seen for name in estimates},
        decision=np.where(sales["assessed"], sales["decision"], 0).astype(np.int16),
        document_age_years=np.where(age < 0, np.nan, age),
        voids_row=np.full(len(seen), -1, np.int64),
    )


def _attempts(plan: Plan, sales: Columns) -> tuple[TokenMisuse, ...]:
    again = sales["token_used_again"]
    times: dict[int, list[float]] = {}
    for cashier, moment in zip(sales["cashier"][again], sales["sold_at"][again], strict=True):
        times.setdefault(int(cashier), []).append(float(moment))
    return tuple(TokenMisuse(*plan.names[it], tuple(when)) for it, when in times.items())
