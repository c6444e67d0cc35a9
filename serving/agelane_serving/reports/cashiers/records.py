"""One sale as the cashier report sees it; sale.proto describes each field under its own name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from agelane_serving.policy import Decision


class Outcome(IntEnum):
    """How a sale ended; numbered as `SaleOutcome`."""

    SOLD = 1
    REFUSED = 2
    VOIDED = 3


class DocumentResult(IntEnum):
    """What a document showed; numbered as in the contract."""

    OF_AGE = 1
    UNDER_AGE = 2
    NOT_SHOWN = 3
    NOT_ACCEPTED = 4


class DocumentReading(IntEnum):
    """How a document was read; numbered as in the contract."""

    LOOKED_AT = 1
    TYPED = 2
    SCANNED = 3


@dataclass(frozen=True, slots=True)
class RestrictedSale:
    """A sale with age-restricted goods, a refusal of one, or a cancellation."""

    sale_id: str
    """Name of the sale."""
    store_id: str
    """The store."""
    cashier_id: str | None
    """The cashier's number; None: a self-checkout, which no cashier answers for."""
    sold_at: float
    """When it happened, in Unix seconds."""
    outcome: Outcome
    """How it ended."""
    voids_sale_id: str | None = None
    """With VOIDED: the sale that was cancelled after payment; None: it was cancelled before."""
    decision: Decision | None = None
    """What the gateway had said; None: the customer was not assessed."""
    probability_under_legal_age: float | None = None
    """P(under the legal age) by the photo, 0 … 1."""
    age_low_years: float | None = None
    """Lower end of the face's central 90 % interval; None: not told."""
    age_high_years: float | None = None
    """Upper end of it; None: not told."""
    document_result: DocumentResult | None = None
    """What the document showed; None: none was asked for."""
    reading: DocumentReading | None = None
    """How the document was read; None: not told."""
    check_seconds: float | None = None
    """How long the check took, 0 … 600; None: not measured."""
    document_age_years: int | None = None
    """Age by the document, in completed years, 0 … 130; None: not read."""
    birth_date_bucket: int | None = None
    """Which of 64 buckets the date of birth falls into, 0 … 63; None: not read."""
    supervisor_on_shift: bool | None = None
    """Whether a supervisor was on shift; None: not known."""
    decided_offline: bool = False
    """True: the till got no answer, which explains a missing assessment."""


@dataclass(frozen=True, slots=True)
class TokenMisuse:
    """A cashier's attempts with tokens that were forged, expired or used twice."""

    store_id: str
    """The store."""
    cashier_id: str
    """The cashier's number."""
    times: tuple[float, ...]
    """When, in Unix seconds, in any order."""
