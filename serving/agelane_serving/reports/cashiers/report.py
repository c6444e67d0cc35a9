"""The cashier report: counts, the funnel, and what somebody should look at."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from agelane_serving.reports.cashiers.alerts import alerts_of, continued
from agelane_serving.reports.cashiers.arrays import Floats
from agelane_serving.reports.cashiers.check_rates import CheckRates, check_rates
from agelane_serving.reports.cashiers.columns import Cashier, SaleColumns
from agelane_serving.reports.cashiers.cusum import falling
from agelane_serving.reports.cashiers.detectors import shares
from agelane_serving.reports.cashiers.detectors.birth_dates import repeated_birth_date
from agelane_serving.reports.cashiers.detectors.rekeying import void_and_rekey
from agelane_serving.reports.cashiers.detectors.supervision import checks_only_supervised
from agelane_serving.reports.cashiers.findings import Finding
from agelane_serving.reports.cashiers.records import TokenMisuse
from agelane_serving.reports.cashiers.results import (
    CashierAlert,
    CashierReport,
    CashierSummary,
    Period,
)
from agelane_serving.reports.cashiers.sorted_sales import SortedSales, sort_sales
from agelane_serving.reports.cashiers.tails import FALSE_DISCOVERY_RATE, benjamini_hochberg
from agelane_serving.reports.estimate import Estimate

DAILY = 0.01
"""False-discovery rate for a report a day over the last four weeks: a fifth of the usual one, since
each look finds other honest cashiers by chance, but the same dishonest ones."""


def cashier_report(
    sales: SaleColumns,
    period: Period,
    attempts: Iterable[TokenMisuse] = (),
    earlier: Iterable[CashierAlert] = (),
    false_discovery_rate: float = FALSE_DISCOVERY_RATE,
) -> CashierReport:
    """Return the report over a period.

    Cashiers are compared with each other: hand over everybody, and show whom you like afterwards.

    Args:
        sales: of one restricted category. They may reach back before the period, up to 26 weeks;
            that history is used to see whether somebody checks less than before, and else not.
        period: what to report on. What happened from its end on is left out.
        attempts: with bad tokens.
        earlier: alerts of earlier reports; one that goes on keeps its id.
        false_discovery_rate: expected share of honest cashiers among those who stand out by few
            checks; all other kinds of alerts together have as much. The default is for periods that
            do not overlap. Who looks at the last four weeks every day gives the same sales many
            chances, and takes `DAILY`.
    """
    history = sort_sales(sales)
    history = history.where(history.columns.sold_at < period.end)
    now = history.between(period.start, period.end)
    rates = check_rates(now.count(now.required & ~now.missed), now.count(now.required))
    findings = _findings(history, now, period, rates, attempts)
    alerts = [
        alert
        for finding in findings
        for alert in alerts_of(finding, now.cashiers, false_discovery_rate)
    ]
    alerts = continued(alerts, earlier)
    alerts.sort(key=lambda it: (-it.severity, it.adjusted_p_value, it.id))
    summaries = _summaries(now, rates)
    return CashierReport(period, _by_urgency(summaries, alerts), rates.funnel, tuple(alerts))


def _findings(
    history: SortedSales,
    now: SortedSales,
    period: Period,
    rates: CheckRates,
    attempts: Iterable[TokenMisuse],
) -> list[Finding]:
    if not now.cashiers:
        return []
    return [
        shares.low_check_rate(now, rates),
        falling(history, period),
        repeated_birth_date(now, period),
        shares.fast_checks(now),
        shares.document_contradicts_face(now),
        void_and_rekey(now),
        checks_only_supervised(now),
        shares.unassessed_sales(now),
        shares.overrides(now),
        shares.token_misuse(now, attempts, period),
    ]


def _summaries(sales: SortedSales, rates: CheckRates) -> list[CashierSummary]:
    restricted, refusals = sales.count(sales.restricted), sales.count(sales.refused)
    required, honoured = sales.count(sales.required), sales.count(sales.required & ~sales.missed)
    overrides, unassessed = sales.count(sales.overrides), sales.count(sales.unassessed)
    adjusted = benjamini_hochberg(rates.p_values)
    return [
        CashierSummary(
            store_id=cashier[0],
            cashier_id=cashier[1],
            restricted_sales=int(restricted[place]),
            required_checks=int(required[place]),
            honoured_checks=int(honoured[place]),
            refusals=int(refusals[place]),
            overrides=int(overrides[place]),
            unassessed_sales=int(unassessed[place]),
            check_rate=_estimate(rates.rate, rates.exact, place),
            shrunken_check_rate=_estimate(rates.shrunken, rates.credible, place),
            funnel_z=_known(rates.z[place]),
            adjusted_p_value=_known(adjusted[place]),
        )
        for place, cashier in enumerate(sales.cashiers)
        if restricted[place]
    ]


def _estimate(values: Floats, ends: tuple[Floats, Floats], place: int) -> Estimate | None:
    value = _known(values[place])
    return None if value is None else Estimate(value, float(ends[0][place]), float(ends[1][place]))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _by_urgency(
    summaries: Iterable[CashierSummary], alerts: Iterable[CashierAlert]
) -> tuple[CashierSummary, ...]:
    """Sort by the gravest alert; those without one by how far they lie below the target."""
    gravest: dict[Cashier, float] = {}
    for alert in alerts:
        gravest.setdefault((alert.store_id, alert.cashier_id), alert.severity)

    def urgency(summary: CashierSummary) -> tuple[float, float, Cashier]:
        who = (summary.store_id, summary.cashier_id)
        z = np.inf if summary.funnel_z is None else summary.funnel_z
        return -gravest.get(who, -1.0), z, who

    return tuple(sorted(summaries, key=urgency))
