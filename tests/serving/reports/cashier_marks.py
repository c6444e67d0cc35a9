"""Marks for the cashier report on a simulated chain."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from agelane_serving.reports.cashiers import (
    AlertKind,
    CashierAlert,
    CashierReport,
    Outcome,
    Period,
    cashier_report,
)
from tests.serving.reports.cashier_chain import Chain
from tests.serving.reports.cashier_conduct import one_bucket
from tests.serving.reports.cashier_plan import DAY_SECONDS, FIRST_MOMENT, Conduct

WINDOW_DAYS = 28
MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Marks:
    """What came of looking at a chain once, monthly, or daily."""

    false_alerts: Counter[AlertKind]
    """Alerts about honest cashiers, each id once."""
    accused: frozenset[int]
    """Honest cashiers with an alert."""
    found: dict[int, float]
    """Dishonest cashiers with an alert, and the end of the first period that had one."""
    alerts: int
    """Number of different ids."""
    looked_days: float
    """Length of the time that the alerts are about."""
    honest: int
    """Number of honest cashiers."""
    reports: list[CashierReport] = field(repr=False)
    """The reports."""

    @property
    def false_discovery_rate(self) -> float:
        """Share of honest cashiers among all who ever had an alert."""
        return len(self.accused) / max(1, len(self.accused) + len(self.found))

    @property
    def mean_false_discovery_rate(self) -> float:
        """Share of honest cashiers among those with an alert in one report, averaged over them."""
        shares = []
        for report in self.reports:
            shown = {int(alert.cashier_id) for alert in report.alerts}
            shares.append(len(shown & self.accused) / max(1, len(shown)))
        return float(np.mean(shares))

    @property
    def false_a_month(self) -> float:
        """False alerts per 100 honest cashiers and 30 days."""
        months = self.looked_days / MONTH_DAYS
        return 100 * self.false_alerts.total() / self.honest / months


def mark(
    chain: Chain,
    periods: list[Period],
    false_discovery_rate: float = 0.05,
    carry_on: bool = True,
) -> Marks:
    """Return the marks for reports over these periods; ids are carried on if asked."""
    seen: dict[str, CashierAlert] = {}
    found: dict[int, float] = {}
    reports = []
    for period in periods:
        earlier = tuple(seen.values()) if carry_on else ()
        report = cashier_report(chain.sales, period, chain.attempts, earlier, false_discovery_rate)
        reports.append(report)
        for alert in report.alerts:
            seen[alert.id] = alert
            found.setdefault(int(alert.cashier_id), period.end)
    honest = {place for place, it in enumerate(chain.conduct) if it is Conduct.HONEST}
    return Marks(
        false_alerts=Counter(it.kind for it in seen.values() if int(it.cashier_id) in honest),
        accused=frozenset(found.keys() & honest),
        found={place: at for place, at in found.items() if place not in honest},
        alerts=len(seen),
        looked_days=(periods[-1].end - periods[0].start) / DAY_SECONDS,
        honest=len(honest),
        reports=reports,
    )


def once(chain: Chain) -> list[Period]:
    """Return the whole time as one period."""
    return [Period(FIRST_MOMENT, chain.end)]


def monthly(chain: Chain) -> list[Period]:
    """Return one period of 30 days after the other."""
    starts = np.arange(FIRST_MOMENT, chain.end - 1, MONTH_DAYS * DAY_SECONDS)
    return [Period(float(it), float(it) + MONTH_DAYS * DAY_SECONDS) for it in starts]


def daily(chain: Chain) -> list[Period]:
    """Return the last 28 days at the end of each day, as the contract has it by default."""
    ends = np.arange(FIRST_MOMENT + 7 * DAY_SECONDS, chain.end + 1, DAY_SECONDS)
    return [Period(float(it) - WINDOW_DAYS * DAY_SECONDS, float(it)) for it in ends]


def busy_skippers(chain: Chain, report: CashierReport, least_checks: int = 120) -> set[int]:
    """Return those who skip at three times the base rate and had enough required checks."""
    return {
        int(it.cashier_id)
        for it in report.cashiers
        if chain.conduct[int(it.cashier_id)] is Conduct.SKIPS and it.required_checks >= least_checks
    }


def dates_typed_in_first_week(chain: Chain) -> list[int]:
    """Return how often each who types one date did so in the first seven days."""
    sales = chain.sales
    days = (sales.sold_at - chain.begins_at[sales.cashier]) / DAY_SECONDS
    typed = (days >= 0) & (days < 7) & (sales.outcome == Outcome.SOLD)
    typed &= sales.birth_date_bucket == one_bucket(sales.cashier)
    return [
        int((typed & (sales.cashier == place)).sum())
        for place, it in enumerate(chain.conduct)
        if it is Conduct.ONE_BIRTH_DATE
    ]


def days_to_find(chain: Chain, marks: Marks, conduct: Conduct) -> list[float]:
    """Return how many days after their start cashiers were found; infinite: never."""
    return [
        (marks.found.get(place, np.inf) - chain.begins_at[place]) / DAY_SECONDS
        for place, it in enumerate(chain.conduct)
        if it is conduct
    ]
