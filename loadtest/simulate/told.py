"""From columns of sales to what a till tells of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from agelane.v1 import assessment_pb2, sale_pb2
from agelane_client import (
    Assessment,
    BasketLine,
    DocumentCheck,
    DocumentReading,
    DocumentResult,
    RefusalReason,
    Sale,
    SaleOutcome,
)
from loadtest.simulate.plan import Columns, Plan, lane_of
from loadtest.simulate.tastes import Goods

DECISIONS = {
    name.removeprefix("ALCOHOL_DECISION_"): number
    for name, number in assessment_pb2.AlcoholDecision.items()
}
"""The contract's number of each decision, by the SDK's name."""
_OUTCOMES = {
    number: SaleOutcome(name.removeprefix("SALE_OUTCOME_"))
    for name, number in sale_pb2.SaleOutcome.items()
    if number
}
_RESULTS = {
    number: DocumentResult(name.removeprefix("DOCUMENT_RESULT_"))
    for name, number in sale_pb2.DocumentResult.items()
    if number
}
_READINGS = {
    number: DocumentReading(name.removeprefix("DOCUMENT_READING_"))
    for name, number in sale_pb2.DocumentReading.items()
    if number
}
_REFUSALS = {
    DocumentResult.NOT_SHOWN: RefusalReason.NO_DOCUMENT,
    DocumentResult.UNDER_AGE: RefusalReason.DOCUMENT_UNDER_AGE,
}


def sales_of(
    plan: Plan,
    columns: Columns,
    answers: Sequence[Assessment | None],
    baskets: Sequence[tuple[Goods, ...]],
) -> list[Sale]:
    """Return what tills tell of the sales that `behave` returned.

    Args:
        plan: names the cashiers.
        columns: the sales; `row` is the place of their customer in what follows.
        answers: what the gateway said about each customer; None: they were not photographed.
        baskets: what each customer wants.
    """
    names = plan.names
    return [_sale(row, names[row["cashier"]], answers, baskets) for row in _rows(columns)]


def _rows(columns: Columns) -> Iterator[dict[str, Any]]:
    for values in zip(*(column.tolist() for column in columns.values()), strict=True):
        yield dict(zip(columns, values, strict=True))


def _sale(
    row: dict[str, Any],
    cashier: tuple[str, str],
    answers: Sequence[Assessment | None],
    baskets: Sequence[tuple[Goods, ...]],
) -> Sale:
    check = _check(row)
    return Sale(
        outcome=_OUTCOMES[row["outcome"]],
        assessment=answers[row["row"]] if row["assessed"] else None,
        sale_id=f"sale-{row['customer']}{'-again' * row['rung_up_again']}",
        sold_at=datetime.fromtimestamp(row["sold_at"], UTC),
        store_id=cashier[0],
        lane_id=lane_of(row["cashier"]),
        cashier_id=cashier[1],
        basket=tuple(map(_line, baskets[row["row"]])),
        currency_code="EUR",
        document_check=check,
        refusal_reason=_refusal_reason(row, check),
        supervisor_on_shift=row["supervisor_on_shift"] == 1,
        decided_offline=row["decided_offline"],
    )


def _line(goods: Goods) -> BasketLine:
    return BasketLine(
        category=goods.name,
        restricted_category=goods.restricted_category,
        amount_minor=goods.price_minor,
    )


def _check(row: dict[str, Any]) -> DocumentCheck | None:
    if not row["document_result"]:
        return None
    age, bucket = row["document_age_years"], row["birth_date_bucket"]
    return DocumentCheck(
        result=_RESULTS[row["document_result"]],
        reading=_READINGS.get(row["reading"]),
        duration=timedelta(seconds=row["check_seconds"]),
        document_age_years=None if age < 0 else age,
        birth_date_bucket=None if bucket < 0 else bucket,
    )


def _refusal_reason(row: dict[str, Any], check: DocumentCheck | None) -> RefusalReason | None:
    """Return why a sale was refused; simulated cashiers refuse because of documents alone."""
    refused = row["outcome"] == sale_pb2.SALE_OUTCOME_REFUSED
    return _REFUSALS[check.result] if refused and check is not None else None
