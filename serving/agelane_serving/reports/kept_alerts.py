"""Alerts as the ledger keeps them, so that somebody can answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from agelane_serving.ledger import alerts as ledger
from agelane_serving.reports.cashiers import AlertKind, CashierAlert
from agelane_serving.reports.messages import Standing


@dataclass(frozen=True, slots=True)
class KeptAlerts:
    """What was told on other days."""

    alerts: tuple[CashierAlert, ...]
    """As they were told last."""
    standings: Mapping[str, Standing]
    """Where each stands, by its id."""


def read_kept(engine: Engine) -> KeptAlerts:
    """Return all alerts that the ledger keeps; raises LedgerError."""
    said = ledger.last_answers(engine)
    kept = ledger.alerts(engine)
    standings = {alert.id: Standing(alert.state, said.get(alert.id, "")) for alert in kept}
    return KeptAlerts(tuple(map(_from_ledger, kept)), standings)


def to_ledger(alert: CashierAlert) -> ledger.Observation:
    """Return what the ledger keeps of an alert."""
    return ledger.Observation(
        id=alert.id,
        store_id=alert.store_id,
        cashier_id=alert.cashier_id,
        kind=alert.kind.name,
        severity=alert.severity,
        cases=alert.cases,
        expected_cases=alert.expected_cases,
        adjusted_p_value=alert.adjusted_p_value,
        first_case_at=alert.first_case_at,
        last_case_at=alert.last_case_at,
    )


def _from_ledger(alert: ledger.Alert) -> CashierAlert:
    return CashierAlert(
        id=alert.id,
        store_id=alert.store_id,
        cashier_id=alert.cashier_id,
        kind=AlertKind[alert.kind],
        severity=alert.severity,
        cases=alert.cases,
        expected_cases=alert.expected_cases,
        adjusted_p_value=1.0 if alert.adjusted_p_value is None else alert.adjusted_p_value,
        first_case_at=alert.first_case_at,
        last_case_at=alert.last_case_at,
    )
