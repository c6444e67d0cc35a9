"""What is done once a day: somebody looks at the cashiers, and offers learn what sells."""

from __future__ import annotations

from sqlalchemy import Engine

from agelane_serving.ledger.alerts import tell
from agelane_serving.ledger.learnt import keep_lifts
from agelane_serving.reports.cashiers import DAILY, Period
from agelane_serving.reports.from_ledger.cashier_report import report_cashiers
from agelane_serving.reports.from_ledger.purchase_report import learn_lifts
from agelane_serving.reports.kept_alerts import read_kept, to_ledger

_DAY_SECONDS = 86_400
_LOOK_BACK_SECONDS = 28 * _DAY_SECONDS
_LEARN_FROM_SECONDS = 91 * _DAY_SECONDS


def do_nightly_work(engine: Engine, now: float, restricted_category: str) -> str:
    """Do all of it as of a moment in Unix seconds; return in words what came of it.

    Raises:
        LedgerError: the database can't be used; once it can, do it again.
    """
    period = Period(now - _LOOK_BACK_SECONDS, now)
    known = read_kept(engine).alerts
    report = report_cashiers(engine, period, restricted_category, known, DAILY)
    tell(engine, [to_ledger(alert) for alert in report.alerts], now)
    new = {alert.id for alert in report.alerts} - {alert.id for alert in known}
    lifts = learn_lifts(engine, Period(now - _LEARN_FROM_SECONDS, now))
    if lifts is not None:
        keep_lifts(engine, lifts, now)
    learnt = "offers learnt" if lifts else "nothing for offers to learn from"
    return f"{len(new)} new alerts, {len(report.alerts) - len(new)} that go on; {learnt}"
