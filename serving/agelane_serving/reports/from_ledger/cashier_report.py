"""The cashier report over a ledger."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine

from agelane_serving.ledger.store import snapshot
from agelane_serving.reports.cashiers import CashierAlert, CashierReport, Period, cashier_report
from agelane_serving.reports.cashiers.cusum import MOST_WEEKS
from agelane_serving.reports.cashiers.tails import FALSE_DISCOVERY_RATE
from agelane_serving.reports.cashiers.weeks import WEEK_SECONDS
from agelane_serving.reports.from_ledger.sales import read_attempts, read_sales


def report_cashiers(
    engine: Engine,
    period: Period,
    restricted_category: str,
    earlier: Sequence[CashierAlert] = (),
    false_discovery_rate: float = FALSE_DISCOVERY_RATE,
) -> CashierReport:
    """Return the report on all cashiers; see `cashiers.cashier_report` for the arguments.

    Raises:
        LedgerError: the database can't be read.
    """
    history_from = period.start - MOST_WEEKS * WEEK_SECONDS
    with snapshot(engine) as connection:
        sales = read_sales(connection, period, restricted_category, history_from)
        attempts = read_attempts(connection, period)
    return cashier_report(sales, period, attempts, earlier, false_discovery_rate)
