"""What a till tells of a sale, checked; and what the gateway knows of the assessment before it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Outcome(Enum):
    """How a sale ended; the contract describes each under the same name."""

    SOLD = auto()
    REFUSED = auto()
    VOIDED = auto()


@dataclass(frozen=True, slots=True)
class BasketLine:
    """Goods of one category."""

    category: str
    """In the store's own words."""
    restricted_category: str
    """Under which age restriction they fall; empty: none."""
    quantity: int
    """Pieces, 1 or more."""
    amount_minor: int
    """What they cost together, in the smallest unit of the currency; negative for returns."""


@dataclass(frozen=True, slots=True)
class DocumentCheck:
    """The cashier's look at a document. No name, no number, no date of birth."""

    result: str
    """Name of the contract's DocumentResult, as OF_AGE."""
    reading: str
    """Name of its DocumentReading; empty: not told."""
    milliseconds: int | None
    """How long it took; None: not measured."""
    age_years: int | None
    """Age by the document, in completed years; None: not read."""
    birth_date_bucket: int | None
    """Which of 64 buckets the date of birth falls into; None: not read."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """What the assessment said that the sale was made under, from its signed token."""

    assessment_id: str
    """Its unique name."""
    decision: str
    """ALLOW, VERIFY_ID or REFUSE."""
    reasons: tuple[str, ...]
    """Why, the deciding one first."""
    restricted_category: str
    """What it was about."""
    legal_age_years: int
    """The legal age that applied."""
    probability_under_legal_age: float | None
    """P(age < legal age), 0 … 1; None: nobody could tell."""
    age_interval_years: tuple[float, float] | None
    """Central 90 % interval of the age; None: nobody could tell."""
    age_group_shares: tuple[float, ...]
    """P(age group) of the policy's groups, the youngest first; empty: nobody could tell."""
    model_version: int | None
    """The version that answered; None: none did."""
    policy_version: str
    """Which policy decided."""


@dataclass(frozen=True, slots=True)
class MadeOffer:
    """An offer that was chosen for the customer."""

    id: str
    """Its name in the offers file."""
    category: str
    """The category of goods it is about, as in a basket."""


@dataclass(frozen=True, slots=True)
class Sale:
    """One request to record something, with what its token proves."""

    sale_id: str
    """Name that the client made; the same name is recorded once."""
    store_id: str
    """The store; empty: not told."""
    lane_id: str
    """The lane; empty: not told."""
    cashier_id: str
    """The cashier's number; empty: a self-checkout."""
    sold_at: float
    """When, in Unix seconds."""
    outcome: Outcome
    """How it ended."""
    voids_sale_id: str
    """The sale that was cancelled; empty: none, or before payment."""
    refusal_reason: str
    """Name of the contract's RefusalReason; empty unless refused."""
    basket: tuple[BasketLine, ...]
    """What was bought."""
    currency_code: str
    """ISO 4217; empty: the store's."""
    document: DocumentCheck | None
    """None: none was asked for."""
    supervisor_on_shift: bool | None
    """None: not known."""
    decided_offline: bool
    """Whether the till acted on the SDK's own VERIFY_ID."""
    assessed: Assessed | None
    """None: the customer was not assessed."""
    digest: str
    """Of the whole request: two requests of one name must be the same."""
    offers: tuple[MadeOffer, ...] = ()
    """What the assessment offered, the best first; for a customer of the hold-out, what it would
    have offered. Empty: nothing."""
    offers_held_out: bool = False
    """Whether the customer was in the hold-out, and saw none of them."""

    @property
    def restricted_category(self) -> str:
        """What the sale needed an age for; empty: nothing."""
        for line in self.basket:
            if line.restricted_category:
                return line.restricted_category
        # A basket that was not told, or goods that were refused and so are not in it.
        asked = self.assessed is not None and (not self.basket or self.outcome is Outcome.REFUSED)
        return self.assessed.restricted_category if asked and self.assessed else ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sale that came with a token which does not count; kept, since it may be a trick."""

    sale_id: str
    """Name that the client made."""
    store_id: str
    """The store, as the caller may name it."""
    lane_id: str
    """The lane."""
    cashier_id: str
    """The cashier's number; empty: a self-checkout."""
    fault: str
    """TOKEN_FORGED, TOKEN_EXPIRED or TOKEN_REUSED."""
