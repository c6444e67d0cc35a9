"""The judge: asks for reports as a manager does, and compares them with the truth."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from itertools import groupby
from operator import and_
from pathlib import Path

import numpy as np

from agelane_client import AgeGroupReport, AsyncClient, CashierAlertKind, CashierReport
from loadtest.simulate.chain import Chain
from loadtest.simulate.counts import CashierCounts, Named, PurchaseCounts
from loadtest.simulate.marks import (
    ENOUGH_DATES,
    MONTH_DAYS,
    Look,
    Marks,
    busy_skippers,
    days_to_find,
    mark,
)
from loadtest.simulate.plan import DAY_SECONDS, Conduct, Floats, Plan

_SECONDS = 300.0
_WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """An alert as the nightly job kept it."""

    id: str
    """Its name."""
    cashier_id: str
    """The cashier's number."""
    kind: Enum
    """What it is about."""
    told_at: float
    """When it was told first, in Unix seconds."""


async def judge_cashiers(client: AsyncClient, database: Path, chain: Chain) -> CashierCounts:
    """Judge what is said of the cashiers, once all days have passed."""
    plan, crew = chain.plan, chain.crew
    whole = await _report(client, plan.first_moment, plan.end)
    months = [Look(*it, (await _report(client, *it)).alerts) for it in _months(plan)]
    at_once = mark(plan, crew, [Look(plan.first_moment, plan.end, whole.alerts)])
    nightly = mark(plan, crew, _nightly_looks(plan, told_alerts(database)))
    busy = busy_skippers(crew, whole.cashiers)
    days = days_to_find(plan, crew, nightly, Conduct.ONE_BIRTH_DATE)
    soon = [it <= _WEEK_DAYS for it in days]
    often = [typed >= ENOUGH_DATES for typed in chain.truth.dates_in_first_week]
    return CashierCounts(
        months=plan.days / MONTH_DAYS,
        honest=nightly.honest,
        dishonest=plan.cashiers - nightly.honest,
        at_once=_named(at_once),
        monthly=_named(mark(plan, crew, months)),
        nightly=_named(nightly),
        busy_skippers=len(busy),
        busy_skippers_found=len(busy & at_once.found.keys()),
        typed_dates=len(days),
        typed_dates_found=sum(soon),
        typed_dates_often=sum(often),
        typed_dates_often_found=sum(map(and_, soon, often)),
    )


async def judge_purchases(client: AsyncClient, chain: Chain) -> PurchaseCounts:
    """Judge what is said of the baskets, once all days have passed.

    Raises:
        RuntimeError: the report lacks something.
    """
    report = await client.age_group_report(
        start=_moment(chain.plan.first_moment), end=_moment(chain.plan.end), timeout=_SECONDS
    )
    true = chain.truth.group_shares([it.age_group.from_years for it in report.age_groups])
    corrected = [it.basket_share for it in report.age_groups if it.basket_share is not None]
    naive = [it.naive_basket_share for it in report.age_groups]
    if not 0 < len(true) == len(corrected):
        raise RuntimeError("the age-group report is not complete")
    held = [it.low <= share <= it.high for it, share in zip(corrected, true.tolist(), strict=True)]
    uplifts = _uplifts(report, chain)
    return PurchaseCounts(
        age_mix_error_pp=_worst_pp([it.value for it in corrected], true),
        age_mix_error_naive_pp=_worst_pp(naive, true),
        age_groups=len(held),
        age_groups_held=sum(held),
        offers=len(uplifts),
        offers_held=sum(uplifts),
    )


async def _report(client: AsyncClient, start: float, end: float) -> CashierReport:
    return await client.cashier_report(start=_moment(start), end=_moment(end), timeout=_SECONDS)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _months(plan: Plan) -> list[tuple[float, float]]:
    """Return one period of 30 days after the other; only the last may be shorter."""
    starts = np.arange(plan.first_moment, plan.end - 1, MONTH_DAYS * DAY_SECONDS).tolist()
    return list(zip(starts, [*starts[1:], plan.end], strict=True))


def told_alerts(database: Path) -> list[ToldAlert]:
    """Return what the nightly job found, in the order of time."""
    query = "SELECT id, cashier_id, kind, first_told_ms FROM alerts ORDER BY first_told_ms"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(query).fetchall()
    return [
        ToldAlert(name, cashier, CashierAlertKind[kind], told_ms / 1000)
        for name, cashier, kind, told_ms in rows
    ]


def _nightly_looks(plan: Plan, alerts: Sequence[ToldAlert]) -> list[Look]:
    """Return the looks that brought something new, and one at the end."""
    news = groupby(alerts, lambda it: it.told_at)
    looks = [Look(plan.first_moment, at, list(new)) for at, new in news]
    return [*looks, Look(plan.first_moment, plan.end, ())]


def _named(marks: Marks) -> Named:
    return Named(len(marks.found), len(marks.accused), marks.false_alerts.total())


def _worst_pp(shares: Sequence[float | None], true: Floats) -> float:
    return 100 * float(np.abs(np.array(shares, float) - true).max())


def _uplifts(report: AgeGroupReport, chain: Chain) -> list[bool]:
    """Return of each offer whose effect is told whether the interval holds the truth."""
    told = [(it.uplift, it.category) for it in report.offers]
    return [
        it.low <= chain.truth.uplift(category) <= it.high for it, category in told if it is not None
    ]
