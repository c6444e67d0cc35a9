"""What simulated cashiers do: check, forget, or cheat."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from scipy import special

from agelane_serving.policy import Decision
from agelane_serving.reports.cashiers import (
    DocumentReading,
    DocumentResult,
    Outcome,
    SaleColumns,
)
from agelane_serving.reports.cashiers.arrays import Flags, Floats, Ints
from tests.serving.reports.cashier_plan import (
    BASE_SKIP,
    WATCHED,
    Columns,
    Conduct,
    Conducts,
    Plan,
    differing,
)


def behave(
    random: np.random.Generator,
    plan: Plan,
    columns: Columns,
    conduct: Conducts,
    cheats: Flags,
) -> None:
    """Let the cashiers check, refuse or cheat."""
    cashier, n = columns["cashier"], len(cheats)

    def at_times(which: Conduct, share: float) -> Flags:
        marked: Flags = cheats & (conduct[cashier] == which) & (random.random(n) < share)
        return marked

    unassessed = at_times(Conduct.UNASSESSED, 0.25)
    columns["decision"][unassessed] = 0
    for name in ("probability_under_legal_age", "age_low_years", "age_high_years"):
        columns[name][unassessed] = np.nan
    required = columns["decision"] != Decision.ALLOW.value
    skips = random.random(n) < _skip_rates(random, plan, columns, conduct)
    skips &= columns["decision"] != Decision.REFUSE.value
    typed_again = required & at_times(Conduct.ONE_BIRTH_DATE, 0.6)
    faked_fast = required & at_times(Conduct.FAKES_FAST, 0.5)
    checked = required & ~skips & ~typed_again & ~faked_fast
    _check_honestly(random, plan, columns, checked & ~(unassessed & (random.random(n) < 0.7)))
    _pretend(random, columns, typed_again, faked_fast)
    read = np.isin(columns["reading"], (DocumentReading.TYPED, DocumentReading.SCANNED))
    columns["document_age_years"][~read] = np.nan


def one_bucket(cashier: Ints) -> Ints:
    """Return the bucket of the date that each would type again and again, 0 … 63."""
    return cashier % 64


def _pretend(
    random: np.random.Generator, columns: Columns, typed_again: Flags, faked_fast: Flags
) -> None:
    """Enter checks that never were."""
    columns["document_result"][typed_again | faked_fast] = DocumentResult.OF_AGE
    columns["reading"][faked_fast] = DocumentReading.LOOKED_AT
    columns["check_seconds"][faked_fast] = random.uniform(0.3, 1.4, int(faked_fast.sum()))
    columns["reading"][typed_again] = DocumentReading.TYPED
    columns["check_seconds"][typed_again] = random.lognormal(1.6, 0.5, int(typed_again.sum()))
    columns["birth_date_bucket"][typed_again] = one_bucket(columns["cashier"][typed_again])
    columns["document_age_years"][typed_again] = 30


def _skip_rates(
    random: np.random.Generator,
    plan: Plan,
    columns: Columns,
    conduct: Conducts,
) -> Floats:
    """Return each customer's probability of not being checked."""
    skip = differing(random, plan.cashiers, BASE_SKIP, 0.01)
    skip[conduct == Conduct.SKIPS] = 3 * BASE_SKIP
    odds = special.logit(skip)[:, None] + random.normal(0, 0.3, (plan.cashiers, plan.days))
    watched = columns["supervisor_on_shift"] == 1
    cashier = columns["cashier"]
    # On average neither more nor less, so that three times the base rate stays that.
    usual = special.expit(odds[cashier, columns["day"]] - 0.2 * (watched - WATCHED))
    pretends = conduct[cashier] == Conduct.ONLY_SUPERVISED
    rates: Floats = np.where(pretends, np.where(watched, 0.04, 0.35), usual)
    return rates


def _check_honestly(
    random: np.random.Generator, plan: Plan, columns: Columns, checked: Flags
) -> None:
    cashier, n = columns["cashier"], len(checked)
    shown = checked & (random.random(n) < 0.93)
    of_age = shown & (columns["document_age_years"] >= 18)
    of_age &= columns["decision"] != Decision.REFUSE.value
    columns["document_result"][checked] = DocumentResult.NOT_SHOWN
    columns["document_result"][shown] = DocumentResult.UNDER_AGE
    columns["document_result"][of_age] = DocumentResult.OF_AGE
    columns["outcome"][checked & ~of_age] = Outcome.REFUSED
    reading = _readings(random, plan, cashier)
    columns["reading"][of_age] = reading[of_age]
    median = np.where(random.random(plan.cashiers) < 0.05, 4.0, 7.0)[cashier]
    median = np.where(reading == DocumentReading.SCANNED, 1.2, median)
    columns["check_seconds"][checked] = (median * random.lognormal(0, 0.5, n))[checked]
    read = of_age & (reading != DocumentReading.LOOKED_AT)
    columns["birth_date_bucket"][read] = _buckets(random, plan, cashier)[read]


def _readings(random: np.random.Generator, plan: Plan, cashier: Ints) -> Ints:
    """Return how each customer's document would be read; three cashiers in ten mostly scan."""
    scans = np.where(random.random(plan.cashiers) < 0.3, 0.8, 0.05)[cashier]
    draw = random.random(len(cashier))
    return np.select(
        [draw < scans, draw < scans + 0.7 * (1 - scans)],
        [DocumentReading.SCANNED.value, DocumentReading.TYPED.value],
        DocumentReading.LOOKED_AT.value,
    )


def _buckets(random: np.random.Generator, plan: Plan, cashier: Ints) -> Ints:
    """Return buckets of true dates: filled unevenly, and each cashier has a regular customer."""
    shares = random.dirichlet(np.full(64, 40.0))
    buckets = random.choice(64, len(cashier), p=shares)
    regular = random.random(len(cashier)) < differing(random, plan.cashiers, 0.03, 0.02)[cashier]
    return np.where(regular, random.integers(0, 64, plan.cashiers)[cashier], buckets)


def with_rekeyed(
    random: np.random.Generator,
    sales: SaleColumns,
    conduct: Conducts,
    cheats: Flags,
) -> SaleColumns:
    """Cancel some baskets, and ring some of those up again without an assessment."""
    n = len(sales.cashier)
    stopped = sales.decision >= Decision.VERIFY_ID.value
    rekeys = conduct[sales.cashier] == Conduct.REKEYS
    evades = cheats & rekeys & stopped & (random.random(n) < 0.3)
    mishap = random.random(n) < 0.01
    sales.outcome[evades | mishap] = Outcome.VOIDED
    again = np.flatnonzero(evades | (mishap & (random.random(n) < 0.1)))
    extra = _unassessed_again(random, sales, again)
    joined: Columns = {
        field.name: np.concatenate([column, extra.get(field.name, column[again])])
        for field in fields(sales)[1:]
        for column in [getattr(sales, field.name)]
    }
    return replace(sales, **joined)


def _unassessed_again(random: np.random.Generator, sales: SaleColumns, again: Ints) -> Columns:
    """Return what differs in sales that are rung up again at once."""
    n = len(again)
    unknown = ("probability_under_legal_age", "age_low_years", "age_high_years")
    unread = ("check_seconds", "document_age_years")
    return {
        "sold_at": sales.sold_at[again] + random.uniform(20, 120, n),
        "outcome": np.full(n, Outcome.SOLD, np.int16),
        "decision": np.zeros(n, np.int16),
        "document_result": np.zeros(n, np.int16),
        "reading": np.zeros(n, np.int16),
        "birth_date_bucket": np.full(n, -1, np.int16),
        "decided_offline": np.zeros(n, bool),
        **{name: np.full(n, np.nan) for name in (*unknown, *unread)},
    }
