"""What both clients tell of a sale, and what they make of the receipt."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from agelane.v1 import sale_pb2
from agelane_client import (
    BasketLine,
    DocumentCheck,
    DocumentReading,
    DocumentResult,
    RefusalReason,
    RequestError,
    Sale,
    SaleOutcome,
    UnavailableError,
)
from agelane_client.testing import FakeGateway
from tests.client.conftest import Connect

NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)


def test_a_sale_is_told_whole(connect: Connect, gateway: FakeGateway, photo: bytes) -> None:
    """With the token of the assessment that it was made under."""
    client = connect(gateway.target, store_id="s", lane_id="3")
    assessment = client.assess(photo)
    check = DocumentCheck.of(
        date(2000, 11, 26),
        "s",
        DocumentResult.OF_AGE,
        reading=DocumentReading.TYPED,
        duration=timedelta(seconds=2.5),
        today=date(2026, 11, 25),
    )
    beer = BasketLine(category="beer", restricted_category="alcohol", amount_minor=599)
    sale = Sale(
        outcome=SaleOutcome.SOLD,
        assessment=assessment,
        sale_id="sale-1",
        cashier_id="c7",
        basket=(beer,),
        currency_code="EUR",
        document_check=check,
        sold_at=NOON,
        supervisor_on_shift=False,
    )
    receipt = client.record_sale(sale)
    assert (receipt.sale_id, receipt.already_recorded) == ("sale-1", False)
    assert receipt.recorded_at == datetime.fromtimestamp(1_793_448_000, timezone.utc)
    (told,) = gateway.sales
    assert (told.assessment_token, told.store_id, told.lane_id) == (b"\0signed", "s", "3")
    assert told.sold_at.ToDatetime(timezone.utc) == NOON
    assert told.document_check.document_age_years == 25
    assert told.document_check.birth_date_bucket < 64
    assert told.document_check.duration.ToTimedelta() == timedelta(seconds=2.5)
    assert told.HasField("supervisor_on_shift")
    assert "2000" not in str(told)


def test_a_sale_has_a_name_and_a_time_and_keeps_them(
    connect: Connect, gateway: FakeGateway
) -> None:
    """Each its own; recorded again it is the same request, and so the same sale."""
    client = connect(gateway.target)
    first, second = Sale(outcome=SaleOutcome.VOIDED), Sale(outcome=SaleOutcome.VOIDED)
    receipts = [client.record_sale(sale) for sale in (first, second, first)]
    assert [receipt.already_recorded for receipt in receipts] == [False, False, True]
    assert first.sale_id != second.sale_id
    assert gateway.sales[2] == gateway.sales[0]
    assert not gateway.sales[0].HasField("supervisor_on_shift")


def test_a_refusal_has_its_reason(connect: Connect, gateway: FakeGateway) -> None:
    """By the contract's name."""
    refused = Sale(outcome=SaleOutcome.REFUSED, refusal_reason=RefusalReason.NO_DOCUMENT)
    connect(gateway.target).record_sale(refused)
    assert gateway.sales[0].refusal_reason == sale_pb2.REFUSAL_REASON_NO_DOCUMENT


def test_a_time_without_a_zone_is_refused(connect: Connect, gateway: FakeGateway) -> None:
    """Nobody knows which noon is meant."""
    noon = datetime(2026, 11, 25, 12)  # noqa: DTZ001  # that is the point
    with pytest.raises(RequestError):
        connect(gateway.target).record_sale(Sale(outcome=SaleOutcome.SOLD, sold_at=noon))
    assert gateway.sales == []


def test_a_gateway_that_is_away_names_the_sale(connect: Connect, dead_target: str) -> None:
    """So that it can be told again."""
    sale = Sale(outcome=SaleOutcome.SOLD, sale_id="sale-1")
    with pytest.raises(UnavailableError) as caught:
        connect(dead_target, timeout=1).record_sale(sale)
    assert caught.value.request_id == "sale-1"


def test_the_names_are_those_of_the_contract() -> None:
    """All of them, but for the unset ones."""
    for enum, prefix, kind in (
        (sale_pb2.SaleOutcome, "SALE_OUTCOME_", SaleOutcome),
        (sale_pb2.RefusalReason, "REFUSAL_REASON_", RefusalReason),
        (sale_pb2.DocumentResult, "DOCUMENT_RESULT_", DocumentResult),
        (sale_pb2.DocumentReading, "DOCUMENT_READING_", DocumentReading),
    ):
        assert [f"{prefix}{name}" for name in kind.__members__] == enum.keys()[1:]


@pytest.mark.parametrize(
    "fields",
    [
        {"basket": (BasketLine(category="beer", quantity=2**40),)},
        {"cashier_id": "\ud800"},
        {"cashier_id": 7},
    ],
)
def test_what_cannot_be_sent_is_a_request_error(
    connect: Connect, gateway: FakeGateway, fields: Any
) -> None:
    """Before anything is sent."""
    with pytest.raises(RequestError, match="INVALID_FIELD"):
        connect(gateway.target).record_sale(Sale(outcome=SaleOutcome.SOLD, **fields))
    assert gateway.sales == []
