"""From findings to alerts, with names that stay the same from day to day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from agelane_serving.reports.cashiers.columns import Cashier
from agelane_serving.reports.cashiers.findings import Finding
from agelane_serving.reports.cashiers.results import AlertKind, CashierAlert
from agelane_serving.reports.cashiers.tails import benjamini_hochberg
from agelane_serving.reports.cashiers.weeks import week_of

LEAST_CASES = 3
"""Once or twice is an anecdote, whatever its probability."""


def alerts_of(
    finding: Finding, cashiers: tuple[Cashier, ...], false_discovery_rate: float
) -> list[CashierAlert]:
    """Return an alert for each cashier whose cases chance hardly explains.

    `false_discovery_rate` is that of LOW_CHECK_RATE. All other kinds together have as much again,
    each the same part: the rates of kinds add up, and at most twice the rate of all alerts is
    expected to be false. Few checks are a matter of degree; other cheats are seldom in doubt.
    """
    adjusted = benjamini_hochberg(finding.p_values)
    others = 1 if finding.kind is AlertKind.LOW_CHECK_RATE else len(AlertKind) - 1
    # NaN compares false: who was not tested is not reported.
    stand_out = (adjusted <= false_discovery_rate / others) & (finding.counts >= LEAST_CASES)
    return [
        _alert(finding, cashiers[place], int(place), float(adjusted[place]))
        for place in np.flatnonzero(stand_out)
    ]


def _alert(finding: Finding, cashier: Cashier, place: int, adjusted: float) -> CashierAlert:
    cases = finding.cases
    first, last = np.searchsorted(cases.cashier, [place, place + 1])
    first_at, last_at = float(cases.at[first]), float(cases.at[last - 1])
    return CashierAlert(
        id=alert_id(finding.kind, cashier, first_at),
        store_id=cashier[0],
        cashier_id=cashier[1],
        kind=finding.kind,
        severity=float(cases.went_under_age[first:last].mean()),
        cases=int(finding.counts[place]),
        expected_cases=float(finding.expected[place]),
        adjusted_p_value=adjusted,
        first_case_at=first_at,
        last_case_at=last_at,
    )


def alert_id(kind: AlertKind, cashier: Cashier, first_case_at: float) -> str:
    """Return the name of an alert: a hash of its kind, cashier and the week of its first case."""
    text = "\n".join([kind.name, *cashier, str(week_of(first_case_at))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def continued(
    alerts: Iterable[CashierAlert], earlier: Iterable[CashierAlert]
) -> list[CashierAlert]:
    """Return the alerts, with the id of an earlier one where they tell the same story on.

    A report over the last four weeks loses its oldest cases from day to day, and with them the
    week that names an alert. It is the same alert while the cases of both overlap in time; if they
    overlap with several, the oldest of those.
    """
    known: dict[tuple[AlertKind, str, str], list[CashierAlert]] = {}
    for alert in sorted(earlier, key=lambda it: it.first_case_at):
        known.setdefault((alert.kind, alert.store_id, alert.cashier_id), []).append(alert)

    def continues(alert: CashierAlert) -> CashierAlert:
        for old in known.get((alert.kind, alert.store_id, alert.cashier_id), []):
            if old.first_case_at <= alert.last_case_at and alert.first_case_at <= old.last_case_at:
                return replace(alert, id=old.id)
        return alert

    return [continues(alert) for alert in alerts]
