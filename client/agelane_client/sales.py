"""What a till tells after an assessment: a `Sale`, which `Client.record_sale` takes."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from agelane.v1 import sale_pb2
from agelane_client.options import Options
from agelane_client.requests import to_timestamp, told_as_request_error
from agelane_client.results import Assessment, DecisionReason, _Name, _Result

_BUCKETS = 64


class SaleOutcome(_Name):
    """How a sale ended."""

    SOLD = "SOLD"
    """Paid for; the age-restricted goods went out."""
    REFUSED = "REFUSED"
    """The cashier refused to sell the age-restricted goods."""
    VOIDED = "VOIDED"
    """Cancelled, before or after payment."""


class RefusalReason(_Name):
    """Why a cashier refused."""

    ASSESSMENT = "ASSESSMENT"
    NO_DOCUMENT = "NO_DOCUMENT"
    DOCUMENT_UNDER_AGE = "DOCUMENT_UNDER_AGE"
    DOCUMENT_NOT_ACCEPTED = "DOCUMENT_NOT_ACCEPTED"
    INTOXICATED = "INTOXICATED"
    PROXY_PURCHASE = "PROXY_PURCHASE"
    OUTSIDE_HOURS = "OUTSIDE_HOURS"
    OTHER = "OTHER"


class DocumentResult(_Name):
    """What a document showed."""

    OF_AGE = "OF_AGE"
    UNDER_AGE = "UNDER_AGE"
    NOT_SHOWN = "NOT_SHOWN"
    NOT_ACCEPTED = "NOT_ACCEPTED"


class DocumentReading(_Name):
    """How a document was read."""

    LOOKED_AT = "LOOKED_AT"
    TYPED = "TYPED"
    SCANNED = "SCANNED"


@dataclass(frozen=True, kw_only=True)
class BasketLine:
    """Goods of one category."""

    category: str
    """In the store's own words, 1 to 64 characters."""
    restricted_category: str = ""
    """Under which age restriction they fall ("alcohol", …); empty: none."""
    quantity: int = 1
    """Pieces, 1 or more."""
    amount_minor: int = 0
    """What they cost together, in cents or the like; negative for returns."""


@dataclass(frozen=True, kw_only=True)
class DocumentCheck:
    """The cashier's look at a document. A date of birth stays at the till: see `of`."""

    result: DocumentResult
    """What it showed."""
    reading: DocumentReading | None = None
    """How it was read."""
    duration: timedelta | None = None
    """From asking for it to the result, 0 to 10 minutes."""
    document_age_years: int | None = None
    """The customer's age by the document, in completed years."""
    birth_date_bucket: int | None = None
    """Which of 64 buckets the date of birth falls into."""

    @classmethod
    def of(
        cls,
        birth_date: date,
        store_id: str,
        result: DocumentResult,
        *,
        reading: DocumentReading | None = None,
        duration: timedelta | None = None,
        today: date | None = None,
    ) -> DocumentCheck:
        """Return the check of a document with a date of birth, of which only two things leave.

        They are the age, and a bucket of 64 that the gateway notices one typed again and again by.
        """
        day = today or datetime.now(timezone.utc).date()
        before_birthday = (day.month, day.day) < (birth_date.month, birth_date.day)
        text = f"{store_id}:{birth_date.isoformat()}".encode()
        return cls(
            result=result,
            reading=reading,
            duration=duration,
            document_age_years=max(0, day.year - birth_date.year - before_birthday),
            birth_date_bucket=hashlib.sha256(text).digest()[0] % _BUCKETS,
        )


@dataclass(frozen=True, kw_only=True)
class Sale:
    """What happened after an assessment, or without one.

    Make one for each sale, and record it as often as need be: its name and its time stay, so that
    it is recorded once.
    """

    outcome: SaleOutcome
    """How it ended."""
    assessment: Assessment | bytes | None = None
    """What `assess` answered about the customer, or its token; None: nobody was assessed."""
    sale_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Its name, 1 to 64 of A-Z a-z 0-9 . _ - ; made up if not given."""
    sold_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    """When it happened, with a time zone; now if not given."""
    store_id: str | None = None
    """The store; None: the client's."""
    lane_id: str | None = None
    """The lane; None: the client's."""
    cashier_id: str = ""
    """The cashier's number; empty: a self-checkout."""
    basket: tuple[BasketLine, ...] = ()
    """What was bought, at most 500 lines."""
    currency_code: str = ""
    """Of all amounts, three letters of ISO 4217; empty: the store's."""
    document_check: DocumentCheck | None = None
    """The cashier's look at a document; None: none was asked for."""
    refusal_reason: RefusalReason | None = None
    """Why it was refused; only with REFUSED, and required there."""
    voids_sale_id: str = ""
    """The recorded sale that was cancelled; only with VOIDED."""
    supervisor_on_shift: bool | None = None
    """None: not known."""
    decided_offline: bool = False
    """Whether the till acted without an answer of a gateway; known where `assessment` says so."""


@dataclass(frozen=True, kw_only=True)
class SaleReceipt(_Result):
    """A sale that is recorded for good."""

    sale_id: str
    """Its name: with the same one it is never recorded twice."""
    recorded_at: datetime
    """When it was first recorded, by the gateway's clock."""
    already_recorded: bool
    """Whether that was before this call."""


def sale_request(sale: Sale, options: Options) -> sale_pb2.RecordSaleRequest:
    """Return the request for a sale; raises RequestError for what can't be sent."""
    with told_as_request_error():
        return _request(sale, options)


def _request(sale: Sale, options: Options) -> sale_pb2.RecordSaleRequest:
    assessment = sale.assessment
    request = sale_pb2.RecordSaleRequest(
        sale_id=sale.sale_id,
        assessment_token=(
            assessment.assessment_token if isinstance(assessment, Assessment) else assessment
        )
        or b"",
        store_id=options.store_id if sale.store_id is None else sale.store_id,
        lane_id=options.lane_id if sale.lane_id is None else sale.lane_id,
        sold_at=to_timestamp(sale.sold_at, "sold_at"),
        cashier_id=sale.cashier_id,
        basket=map(_line, sale.basket),
        currency_code=sale.currency_code,
        outcome=sale_pb2.SaleOutcome.Value(f"SALE_OUTCOME_{sale.outcome.value}"),
        voids_sale_id=sale.voids_sale_id,
        supervisor_on_shift=sale.supervisor_on_shift,
        decided_offline=sale.decided_offline or _is_without_gateway(assessment),
    )
    if sale.refusal_reason is not None:
        name = f"REFUSAL_REASON_{sale.refusal_reason.value}"
        request.refusal_reason = sale_pb2.RefusalReason.Value(name)
    if sale.document_check is not None:
        request.document_check.CopyFrom(_document(sale.document_check))
    return request


def to_receipt(wire: sale_pb2.RecordSaleResponse) -> SaleReceipt:
    """Return the receipt that came over the wire."""
    return SaleReceipt(
        sale_id=wire.sale_id,
        recorded_at=wire.recorded_at.ToDatetime(timezone.utc),
        already_recorded=wire.already_recorded,
    )


def _is_without_gateway(assessment: Assessment | bytes | None) -> bool:
    """Say whether `assessment` was made without a gateway, a bad photo aside."""
    return (
        isinstance(assessment, Assessment)
        and DecisionReason.GATEWAY_UNAVAILABLE in assessment.reasons
    )


def _line(line: BasketLine) -> sale_pb2.BasketLine:
    return sale_pb2.BasketLine(
        category=line.category,
        restricted_category=line.restricted_category,
        quantity=line.quantity,
        amount_minor=line.amount_minor,
    )


def _document(check: DocumentCheck) -> sale_pb2.DocumentCheck:
    message = sale_pb2.DocumentCheck(
        result=sale_pb2.DocumentResult.Value(f"DOCUMENT_RESULT_{check.result.value}"),
        document_age_years=check.document_age_years,
        birth_date_bucket=check.birth_date_bucket,
    )
    if check.reading is not None:
        message.reading = sale_pb2.DocumentReading.Value(f"DOCUMENT_READING_{check.reading.value}")
    if check.duration is not None:
        message.duration.FromTimedelta(check.duration)
    return message
