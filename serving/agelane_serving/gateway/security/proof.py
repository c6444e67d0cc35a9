"""What an assessment token says."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any


@dataclass(frozen=True, slots=True)
class Proof:
    """What was decided about a customer.

    Only a gateway makes one, of what it has checked: names are 1 to 64 of A-Z a-z 0-9 . _ -
    """

    assessment_id: str
    """Assessment.id, 32 hexadecimal digits."""
    store_id: str
    """The store it was made for, a name; "": not told."""
    lane_id: str
    """The lane it was made for, a name; "": not told."""
    restricted_category: str
    """The restricted category that was applied, a name."""
    decision: str
    """The decision's name, as ALLOW."""
    reasons: tuple[str, ...]
    """The reasons' names, the deciding one first; at least one, and none twice."""
    legal_age_years: int
    """The legal age that was applied, 1 … 100."""
    probability_under_legal_age: float | None
    """P(age < legal age), 0 … 1; None: there is no estimate."""
    age_interval_years: tuple[float, float] | None
    """Central 90 % interval of the age, to a tenth of a year; None: there is no estimate."""
    age_group_shares: tuple[float, ...]
    """P(age group) of the policy's groups, the youngest first, to two digits; empty: there is no
    estimate."""
    model_version: int | None
    """The version that answered, 1 or greater; None: none did."""
    policy_version: str
    """Which policy decided, 16 hexadecimal digits."""
    assessed_at: float
    """When it was decided, in Unix seconds, to the millisecond: a finer part is rounded away."""
    expires_at: float
    """Until when it may be acted upon, in Unix seconds, likewise; later than assessed_at."""
    offer_ids: tuple[str, ...]
    """What the customer was offered, the best first; for one in the hold-out, what they missed."""
    offers_held_out: bool
    """Whether the customer was in the hold-out, and saw none of them."""

    def __post_init__(self) -> None:
        """Give equal moments one form."""
        object.__setattr__(self, "assessed_at", round(self.assessed_at, 3))
        object.__setattr__(self, "expires_at", round(self.expires_at, 3))

    def values(self) -> tuple[object, ...]:
        """Return the values of the fields in their order, for JSON."""
        return _VALUES(self)

    @classmethod
    def of_values(cls, values: list[Any]) -> Proof:
        """Return the proof with these values, as `values` gave them and JSON gave them back.

        Raises:
            ValueError, TypeError: they are none.
        """
        proof = cls(*values)
        object.__setattr__(proof, "reasons", tuple(proof.reasons))
        object.__setattr__(proof, "age_group_shares", tuple(proof.age_group_shares))
        object.__setattr__(proof, "offer_ids", tuple(proof.offer_ids))
        if proof.age_interval_years is not None:
            low, high = proof.age_interval_years
            object.__setattr__(proof, "age_interval_years", (low, high))
        return proof


_VALUES = attrgetter(*(field.name for field in fields(Proof)))
