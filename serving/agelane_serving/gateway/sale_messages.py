"""From the message of a sale to what the ledger records; its fields are checked here."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from agelane.v1 import sale_pb2
from agelane_serving.gateway.assessment import Customer
from agelane_serving.gateway.convert import checked_id
from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.security.proof import Proof
from agelane_serving.ledger.sale import (
    Assessed,
    BasketLine,
    DocumentCheck,
    MadeOffer,
    Outcome,
    Sale,
)

_MOST_LINES = 500
_LONGEST_CATEGORY = 64
_MOST_PIECES = 100_000
_MOST_MINOR = 10**12
_LONGEST_CHECK_SECONDS = 600.0
_OLDEST_YEARS = 130
_BUCKETS = 64
_OLDEST_SALE_SECONDS = 366 * 86_400.0
_CLOCK_SECONDS = 600.0
_CURRENCY = re.compile(r"([A-Z]{3})?")


def to_sale(
    request: sale_pb2.RecordSaleRequest,
    at: Customer,
    proof: Proof | None,
    offers: tuple[MadeOffer, ...],
    now: float,
) -> Sale:
    """Return what is to be recorded.

    Args:
        request: of the till; its own, its store's, lane's and cashier's names have been checked.
        at: whose it is, as the caller may name it.
        proof: what its token proves; None: it has none.
        offers: what it proves to have been offered.
        now: the gateway's clock, in Unix seconds.

    Raises:
        CallError: INVALID_FIELD, by the field's name.
    """
    outcome = _outcome(request)
    return Sale(
        sale_id=request.sale_id,
        store_id=at.store_id,
        lane_id=at.lane_id,
        cashier_id=request.cashier_id,
        sold_at=sold_at(request, now),
        outcome=outcome,
        voids_sale_id=_voided(request, outcome),
        refusal_reason=_refusal_reason(request, outcome),
        basket=_basket(request),
        currency_code=_currency(request),
        document=_document(request),
        supervisor_on_shift=(
            request.supervisor_on_shift if request.HasField("supervisor_on_shift") else None
        ),
        decided_offline=request.decided_offline,
        assessed=None if proof is None else assessed_of(proof),
        digest=hashlib.blake2b(
            request.SerializeToString(deterministic=True), digest_size=32
        ).hexdigest(),
        offers=offers,
        offers_held_out=proof is not None and proof.offers_held_out,
    )


def sold_at(request: sale_pb2.RecordSaleRequest, now: float) -> float:
    """Return when it happened, in Unix seconds; a till's clock that is a little ahead is now."""
    if not request.HasField("sold_at"):
        return now
    seconds = request.sold_at.seconds + request.sold_at.nanos / 1e9
    if not now - _OLDEST_SALE_SECONDS <= seconds <= now + _CLOCK_SECONDS:
        raise _invalid("sold_at", "sold_at must be within the last year, by a clock that is right")
    return min(seconds, now)


def assessed_of(proof: Proof) -> Assessed:
    """Return what the ledger keeps of an assessment."""
    return Assessed(
        assessment_id=proof.assessment_id,
        decision=proof.decision,
        reasons=proof.reasons,
        restricted_category=proof.restricted_category,
        legal_age_years=proof.legal_age_years,
        probability_under_legal_age=proof.probability_under_legal_age,
        age_interval_years=proof.age_interval_years,
        age_group_shares=proof.age_group_shares,
        model_version=proof.model_version,
        policy_version=proof.policy_version,
    )


def _outcome(request: sale_pb2.RecordSaleRequest) -> Outcome:
    try:
        return Outcome[sale_pb2.SaleOutcome.Name(request.outcome).removeprefix("SALE_OUTCOME_")]
    except (KeyError, ValueError) as error:
        raise _invalid("outcome", "outcome must be SOLD, REFUSED or VOIDED") from error


def _voided(request: sale_pb2.RecordSaleRequest, outcome: Outcome) -> str:
    if request.voids_sale_id and outcome is not Outcome.VOIDED:
        raise _invalid("voids_sale_id", "only a voided sale voids another")
    checked_id(request, "voids_sale_id")
    return request.voids_sale_id


def _refusal_reason(request: sale_pb2.RecordSaleRequest, outcome: Outcome) -> str:
    refused = outcome is Outcome.REFUSED
    if bool(request.refusal_reason) is not refused:
        raise _invalid("refusal_reason", "a refusal, and nothing else, has a reason")
    return _enum(sale_pb2.RefusalReason, request.refusal_reason, "refusal_reason")


def _basket(request: sale_pb2.RecordSaleRequest) -> tuple[BasketLine, ...]:
    if len(request.basket) > _MOST_LINES:
        raise _invalid("basket", f"a basket has at most {_MOST_LINES} lines")
    return tuple(map(_line, request.basket))


def _line(line: sale_pb2.BasketLine) -> BasketLine:
    for field, least in (("category", 1), ("restricted_category", 0)):
        text: str = getattr(line, field)
        # PostgreSQL, for one, has no place for a NUL.
        if not least <= len(text) <= _LONGEST_CATEGORY or not text.isprintable():
            raise _invalid(f"basket.{field}", f"{field} must be {least} to 64 printable characters")
    if line.quantity > _MOST_PIECES or abs(line.amount_minor) > _MOST_MINOR:
        raise _invalid("basket", "nobody buys so much")
    return BasketLine(
        line.category, line.restricted_category, max(line.quantity, 1), line.amount_minor
    )


def _currency(request: sale_pb2.RecordSaleRequest) -> str:
    if not _CURRENCY.fullmatch(request.currency_code):
        raise _invalid("currency_code", "currency_code must be three letters of ISO 4217")
    return request.currency_code


def _document(request: sale_pb2.RecordSaleRequest) -> DocumentCheck | None:
    if not request.HasField("document_check"):
        return None
    check = request.document_check
    if not check.result:
        raise _invalid("document_check.result", "a check has a result")
    seconds = check.duration.seconds + check.duration.nanos / 1e9
    if not 0 <= seconds <= _LONGEST_CHECK_SECONDS:
        raise _invalid("document_check.duration", "a check takes 0 to 10 minutes")
    return DocumentCheck(
        result=_enum(sale_pb2.DocumentResult, check.result, "document_check.result"),
        reading=_enum(sale_pb2.DocumentReading, check.reading, "document_check.reading"),
        milliseconds=round(1000 * seconds) if check.HasField("duration") else None,
        age_years=_within(check, "document_age_years", _OLDEST_YEARS),
        birth_date_bucket=_within(check, "birth_date_bucket", _BUCKETS - 1),
    )


def _within(check: sale_pb2.DocumentCheck, field: str, most: int) -> int | None:
    if not check.HasField(field):  # type: ignore[arg-type]  # a literal in the stubs
        return None
    value: int = getattr(check, field)
    if value > most:
        raise _invalid(f"document_check.{field}", f"{field} must be 0 to {most}")
    return value


def _enum(kind: Any, value: int, field: str) -> str:
    """Return the short name of an enum's value, "" for the one that says nothing."""
    if value == 0:
        return ""
    try:
        name: str = kind.Name(value)
    except ValueError as error:
        raise _invalid(field, f"{field} is not known here") from error
    prefix = re.sub(r"(?<!^)([A-Z])", r"_\1", kind.DESCRIPTOR.name).upper() + "_"
    return name.removeprefix(prefix)


def _invalid(field: str, message: str) -> CallError:
    return CallError(Fault.INVALID_FIELD, message, field=field)
