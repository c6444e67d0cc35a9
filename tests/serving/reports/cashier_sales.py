"""Small worlds of restricted sales."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count

from hypothesis import strategies as st

from agelane_serving.policy import Decision
from agelane_serving.reports.cashiers import (
    AlertKind,
    CashierAlert,
    CashierReport,
    DocumentReading,
    DocumentResult,
    Outcome,
    Period,
    RestrictedSale,
    SaleColumns,
    TokenMisuse,
    cashier_report,
)

DAY = 86_400.0
MONDAY = 1_767_571_200.0
"""5 January 2026."""
FOUR_WEEKS = Period(MONDAY, MONDAY + 28 * DAY)
CHECKED = RestrictedSale(
    sale_id="sale",
    store_id="store-1",
    cashier_id="1",
    sold_at=MONDAY,
    outcome=Outcome.SOLD,
    decision=Decision.VERIFY_ID,
    probability_under_legal_age=0.1,
    age_low_years=15,
    age_high_years=33,
    document_result=DocumentResult.OF_AGE,
    reading=DocumentReading.TYPED,
    check_seconds=6.0,
    document_age_years=25,
    birth_date_bucket=None,
    supervisor_on_shift=False,
)
"""Done as it should be."""
MISSED = replace(
    CHECKED, document_result=None, reading=None, check_seconds=None, document_age_years=None
)
"""Sold without a look at a document."""
UNASSESSED = replace(
    MISSED, decision=None, probability_under_legal_age=None, age_low_years=None, age_high_years=None
)
"""Sold without a photo."""


def spread_out(
    sales: Iterable[RestrictedSale], cashier_id: str, every_seconds: float = DAY / 10
) -> Iterator[RestrictedSale]:
    """Yield the sales as this cashier's, one after the other from Monday on, named anew."""
    for number, sale in zip(count(), sales, strict=False):
        yield replace(
            sale,
            sale_id=f"{cashier_id}-{number}",
            cashier_id=cashier_id,
            sold_at=MONDAY + number * every_seconds,
        )


def honest(cashiers: int = 20, sales: int = 100) -> list[RestrictedSale]:
    """Return what good cashiers do: nine of ten are checked, watched or not; dates differ."""
    return [
        sale
        for cashier in range(cashiers)
        for sale in spread_out(
            (
                replace(
                    CHECKED if number % 10 else MISSED,
                    birth_date_bucket=(7 * number + cashier) % 64 if number % 10 else None,
                    supervisor_on_shift=number // 10 % 2 == 1,
                )
                for number in range(sales)
            ),
            f"honest-{cashier}",
        )
    ]


def report_on(
    sales: Iterable[RestrictedSale],
    period: Period = FOUR_WEEKS,
    attempts: Iterable[TokenMisuse] = (),
    earlier: Iterable[CashierAlert] = (),
) -> CashierReport:
    """Return the report over these sales."""
    return cashier_report(SaleColumns.from_sales(sales), period, attempts, earlier)


def kinds(report: CashierReport, cashier_id: str = "bad") -> set[AlertKind]:
    """Return what the alerts about a cashier are about; nobody else may have one."""
    assert {alert.cashier_id for alert in report.alerts} <= {cashier_id}
    return {alert.kind for alert in report.alerts}


def _optional(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


sales_lists = st.lists(
    st.builds(
        RestrictedSale,
        sale_id=st.uuids().map(str),
        store_id=st.sampled_from(["a", "b"]),
        cashier_id=st.sampled_from(["1", "2", "3", None]),
        sold_at=st.floats(MONDAY - 30 * DAY, MONDAY + 40 * DAY),
        outcome=st.sampled_from(Outcome),
        voids_sale_id=_optional(st.sampled_from(["x", "y"])),
        decision=_optional(st.sampled_from(Decision)),
        probability_under_legal_age=_optional(st.floats(0, 1)),
        age_low_years=_optional(st.floats(0, 40)),
        age_high_years=_optional(st.floats(40, 100)),
        document_result=_optional(st.sampled_from(DocumentResult)),
        reading=_optional(st.sampled_from(DocumentReading)),
        check_seconds=_optional(st.floats(0, 600)),
        document_age_years=_optional(st.integers(0, 130)),
        birth_date_bucket=_optional(st.integers(0, 63)),
        supervisor_on_shift=_optional(st.booleans()),
        decided_offline=st.booleans(),
    ),
    max_size=30,
)
"""Anything that can be recorded."""
