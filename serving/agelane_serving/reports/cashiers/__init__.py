"""Whether cashiers check documents where they must: statistics, and no verdicts.

Pure functions over records: no database, no transport, no clock. See `cashier_report`.
"""

from __future__ import annotations

from agelane_serving.reports.cashiers.columns import Cashier, SaleColumns, number_cashiers
from agelane_serving.reports.cashiers.records import (
    DocumentReading,
    DocumentResult,
    Outcome,
    RestrictedSale,
    TokenMisuse,
)
from agelane_serving.reports.cashiers.report import DAILY, cashier_report
from agelane_serving.reports.cashiers.results import (
    AlertKind,
    CashierAlert,
    CashierReport,
    CashierSummary,
    Funnel,
    FunnelLimit,
    Period,
)
from agelane_serving.reports.estimate import Estimate

__all__ = [
    "DAILY",
    "AlertKind",
    "Cashier",
    "CashierAlert",
    "CashierReport",
    "CashierSummary",
    "DocumentReading",
    "DocumentResult",
    "Estimate",
    "Funnel",
    "FunnelLimit",
    "Outcome",
    "Period",
    "RestrictedSale",
    "SaleColumns",
    "TokenMisuse",
    "cashier_report",
    "number_cashiers",
]
