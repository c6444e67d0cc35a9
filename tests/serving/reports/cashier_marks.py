"""Marks for the cashier report on a simulated chain."""

from __future__ import annotations

import numpy as np

from agelane_serving.reports.cashiers import CashierAlert, CashierReport, Period, cashier_report
from loadtest.simulate.marks import MONTH_DAYS, Look, Marks, mark
from loadtest.simulate.plan import DAY_SECONDS
from tests.serving.reports.cashier_chain import Chain

WINDOW_DAYS = 28


def reports_on(
    chain: Chain, periods: list[Period], false_discovery_rate: float = 0.05
) -> list[CashierReport]:
    """Return the reports over these periods; ids of alerts are carried on."""
    seen: dict[str, CashierAlert] = {}
    reports = []
    for period in periods:
        earlier = tuple(seen.values())
        report = cashier_report(chain.sales, period, chain.attempts, earlier, false_discovery_rate)
        seen |= {alert.id: alert for alert in report.alerts}
        reports.append(report)
    return reports


def marks_of(chain: Chain, reports: list[CashierReport]) -> Marks:
    """Return the marks for these reports."""
    looks = [Look(it.period.start, it.period.end, it.alerts) for it in reports]
    return mark(chain.plan, chain.crew, looks)


def once(chain: Chain) -> list[Period]:
    """Return the whole time as one period."""
    return [Period(chain.plan.first_moment, chain.plan.end)]


def monthly(chain: Chain) -> list[Period]:
    """Return one period of 30 days after the other."""
    month = MONTH_DAYS * DAY_SECONDS
    starts = np.arange(chain.plan.first_moment, chain.plan.end - 1, month)
    return [Period(float(it), float(it) + month) for it in starts]


def daily(chain: Chain) -> list[Period]:
    """Return the last 28 days at the end of each day, as the contract has it by default."""
    ends = [chain.plan.day_end(day) for day in range(6, chain.plan.days)]
    return [Period(it - WINDOW_DAYS * DAY_SECONDS, it) for it in ends]
