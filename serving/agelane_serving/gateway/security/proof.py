"""What an assessment token says, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from agelane_serving.gateway.security.caller import NAME

MOST_REASON_CHARACTERS = 300
"""Size of a proof's reasons together, each counting three more than its letters; all reasons of
the contract at once have 271."""
_LONGEST_DECISION = 32
_LARGEST_VERSION = 2**63 - 1
_LATEST = 253_402_300_799  # the last second of the year 9999
_OPTIONAL = ("store_id", "lane_id", "age_group_id", "model_name")
_NAMES = (*_OPTIONAL, "assessment_id", "restricted_category", "decision", "policy_version")


@dataclass(frozen=True, slots=True)
class Proof:
    """What was decided about a customer; ValueError for what no assessment says.

    A name is 1 to 64 of A-Z a-z 0-9 . _ -
    """

    assessment_id: str
    """Assessment.id, a name."""
    store_id: str
    """The store it was made for, a name; "": not told."""
    lane_id: str
    """The lane it was made for, a name; "": not told."""
    restricted_category: str
    """The restricted category that was applied, a name."""
    decision: str
    """The decision's name, as ALLOW; at most 32 characters."""
    reasons: tuple[str, ...]
    """The reasons' names, the deciding one first; at least one, and none twice."""
    legal_age_years: int
    """The legal age that was applied, 1 … 100."""
    age_group_id: str
    """The most probable age group, a name; "": there is no estimate."""
    probability_under_legal_age: float | None
    """P(age < legal age), 0 … 1; None: there is no estimate."""
    model_name: str
    """The model, a name; "": not told."""
    model_version: int | None
    """The version that answered, 1 or greater; None: none did."""
    policy_version: str
    """Which policy decided, a name."""
    assessed_at: float
    """When it was decided, in Unix seconds, to the millisecond: a finer part is rounded away."""
    expires_at: float
    """Until when it may be acted upon, in Unix seconds, likewise; later than assessed_at."""

    def __post_init__(self) -> None:
        """Give equal values one form, and refuse what is out of range."""
        self._set("assessed_at", round(float(self.assessed_at), 3))
        self._set("expires_at", round(float(self.expires_at), 3))
        if self.probability_under_legal_age is not None:
            # An integer becomes a float, and -0.0 becomes 0.0.
            self._set("probability_under_legal_age", self.probability_under_legal_age + 0.0)
        self._check_names()
        self._check_reasons()
        self._check_numbers()

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
        proof._set("reasons", tuple(proof.reasons))
        return proof

    def _set(self, field: str, value: object) -> None:
        object.__setattr__(self, field, value)

    def _check_names(self) -> None:
        for field in _NAMES:
            value = getattr(self, field)
            if not NAME.fullmatch(value) and (value or field not in _OPTIONAL):
                raise ValueError(f"{field} must be 1 to 64 of A-Z a-z 0-9 . _ -")

    def _check_reasons(self) -> None:
        if len(self.decision) > _LONGEST_DECISION:
            raise ValueError(f"decision must be at most {_LONGEST_DECISION} characters")
        if not self.reasons or len(set(self.reasons)) != len(self.reasons):
            raise ValueError("reasons must be one or more, none of them twice")
        if not all(map(NAME.fullmatch, self.reasons)):
            raise ValueError("reasons must be 1 to 64 of A-Z a-z 0-9 . _ -")
        if sum(len(reason) + 3 for reason in self.reasons) > MOST_REASON_CHARACTERS:
            raise ValueError(f"reasons must have at most {MOST_REASON_CHARACTERS} characters")

    def _check_numbers(self) -> None:
        if not 1 <= self.legal_age_years <= 100:
            raise ValueError("legal_age_years must be 1 to 100")
        if not 0 <= (self.probability_under_legal_age or 0) <= 1:
            raise ValueError("probability_under_legal_age must be 0 to 1")
        if self.model_version is not None and not 1 <= self.model_version <= _LARGEST_VERSION:
            raise ValueError("model_version must be 1 or greater")
        if not 0 <= self.assessed_at < self.expires_at <= _LATEST:
            raise ValueError("assessed_at must be before expires_at, both in the Unix epoch")


_VALUES = attrgetter(*(field.name for field in fields(Proof)))
