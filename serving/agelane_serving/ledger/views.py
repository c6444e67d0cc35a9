"""What the ledger shows of its events to people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement

from agelane_serving.ledger.schema import events


@dataclass(frozen=True, slots=True)
class Scope:
    """Which events, by when and where they happened."""

    start: float
    """First moment, in Unix seconds, inclusive."""
    end: float
    """First moment after it, in Unix seconds."""
    store_id: str | None = None
    """One store; None: all."""

    @classmethod
    def of_day(cls, day: date, zone: ZoneInfo, store_id: str | None = None) -> Scope:
        """Return a day by the clock of a time zone; it has 23 to 25 hours."""
        first, last = (
            datetime.combine(each, time(), zone).timestamp() for each in (day, day + timedelta(1))
        )
        return cls(first, last, store_id)

    @property
    def condition(self) -> ColumnElement[bool]:
        """As a condition on `events`."""
        within = events.c.sold_ms.between(round(1000 * self.start), round(1000 * self.end) - 1)
        return within if self.store_id is None else within & (events.c.store_id == self.store_id)


@dataclass(frozen=True, slots=True)
class DecisionCount:
    """How many sales were alike in an hour of the day."""

    hour: int
    """0 … 23, by the store's clock."""
    decision: str
    """ALLOW, VERIFY_ID or REFUSE; empty: not assessed."""
    outcome: str
    """SOLD, REFUSED or VOIDED."""
    restricted: bool
    """Whether goods with a legal age were in it, or were refused."""
    checked: bool
    """Whether a document was asked for."""
    sales: int
    """How many, 1 or more."""


@dataclass(frozen=True, slots=True)
class Event:
    """A sale, a refusal, a cancellation, or an attempt with a token that does not count."""

    number: int
    """Its place in the chain."""
    kind: str
    """SALE or ATTEMPT."""
    at: float
    """When it happened, in Unix seconds."""
    recorded_at: float
    """When it was recorded, in Unix seconds."""
    sale_id: str
    """Name that the client made."""
    store_id: str
    """The store; empty: not told."""
    lane_id: str
    """The lane; empty: not told."""
    cashier_id: str
    """The cashier's number; empty: a self-checkout; `chain.ERASED`: erased."""
    outcome: str
    """SOLD, REFUSED or VOIDED; empty for an attempt."""
    voids_sale_id: str
    """The sale that was cancelled; empty: none, or before payment."""
    refusal_reason: str
    """As DOCUMENT_UNDER_AGE; empty unless refused."""
    restricted_category: str
    """What it needed an age for; empty: nothing."""
    decision: str
    """ALLOW, VERIFY_ID or REFUSE; empty: not assessed."""
    reasons: tuple[str, ...]
    """Why, the deciding one first."""
    probability_under_legal_age: float | None
    """0 … 1; None: nobody could tell."""
    age_interval_years: tuple[float, float] | None
    """Central 90 % interval of the age; None: nobody could tell."""
    model_version: int | None
    """The version that answered; None: none did."""
    document_result: str
    """As OF_AGE; empty: no document was asked for."""
    document_reading: str
    """As TYPED; empty: not told."""
    check_seconds: float | None
    """How long the check took; None: not measured."""
    document_age_years: int | None
    """Age by the document, in completed years; None: not read."""
    supervisor_on_shift: bool | None
    """None: not known."""
    decided_offline: bool
    """Whether the till got no answer and decided itself."""
    fault: str
    """Of an attempt: TOKEN_FORGED, TOKEN_EXPIRED or TOKEN_REUSED."""


@dataclass(frozen=True, slots=True)
class LaneUse:
    """What came from one lane."""

    store_id: str
    """The store."""
    lane_id: str
    """The lane."""
    last_sale_at: float
    """The latest sale, in Unix seconds."""
    sales: int
    """All of them, 1 or more, with what was refused and cancelled."""
    restricted_sales: int
    """Those with goods that need an age."""
    unassessed_sales: int
    """Those of them that had no assessment."""
    last_model_version: int | None
    """The version that answered last; None: none did."""

    @property
    def unassessed_share(self) -> float | None:
        """unassessed_sales / restricted_sales, 0 … 1; None: no sale needed an age."""
        return self.unassessed_sales / self.restricted_sales if self.restricted_sales else None
