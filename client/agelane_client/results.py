"""What a call answers: frozen, typed, and free of gRPC."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from agelane_client.errors import AgelaneError


class _Name(str, Enum):
    """A name that programs compare and people read."""

    def __str__(self) -> str:
        return str(self.value)


class AlcoholDecision(_Name):
    """What the cashier may do with age-restricted goods."""

    ALLOW = "ALLOW"
    """They may be sold without a look at a document."""
    VERIFY_ID = "VERIFY_ID"
    """The cashier must look at a document first. Also what a decision newer than this SDK means."""
    REFUSE = "REFUSE"
    """They must not be sold: clearly under age."""


class DecisionReason(_Name):
    """Why a decision was taken; the contract (agelane.v1.DecisionReason) says each at length."""

    CLEARLY_OVER_LEGAL_AGE = "CLEARLY_OVER_LEGAL_AGE"
    TOO_CLOSE_TO_LEGAL_AGE = "TOO_CLOSE_TO_LEGAL_AGE"
    LIKELY_UNDER_LEGAL_AGE = "LIKELY_UNDER_LEGAL_AGE"
    CLEARLY_UNDER_LEGAL_AGE = "CLEARLY_UNDER_LEGAL_AGE"
    LOCAL_THRESHOLD = "LOCAL_THRESHOLD"
    RANDOM_AUDIT = "RANDOM_AUDIT"
    MODEL_UNAVAILABLE = "MODEL_UNAVAILABLE"
    MODEL_NOT_CERTIFIED = "MODEL_NOT_CERTIFIED"
    PHOTO_UNUSABLE = "PHOTO_UNUSABLE"
    NO_FACE = "NO_FACE"
    SEVERAL_FACES = "SEVERAL_FACES"
    POOR_FACE = "POOR_FACE"
    FRAMES_DISAGREE = "FRAMES_DISAGREE"
    GATEWAY_UNAVAILABLE = "GATEWAY_UNAVAILABLE"
    UNKNOWN = "UNKNOWN"
    """A reason newer than this SDK."""


class DecisionSource(_Name):
    """Who took a decision."""

    GATEWAY = "GATEWAY"
    """A gateway."""
    OFFLINE = "OFFLINE"
    """The SDK, for want of a gateway's answer; always VERIFY_ID."""


class Health(_Name):
    """Whether the gateway takes calls."""

    SERVING = "SERVING"
    """It does."""
    NOT_SERVING = "NOT_SERVING"
    """It runs, but does not; for example because it is shutting down."""
    UNKNOWN = "UNKNOWN"
    """It does not tell."""


class _Result:
    """What all results can do."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON has it: times in ISO 8601, bytes in Base64, None for unset."""
        plain: dict[str, Any] = _plain(self)
        return plain


@dataclass(frozen=True, kw_only=True)
class Period(_Result):
    """A span of time. None: the gateway did not tell."""

    start: datetime | None
    """First moment, in UTC."""
    end: datetime | None
    """First moment after it, in UTC."""

    def __str__(self) -> str:
        start, end = (f"{it:%Y-%m-%d %H:%M}" if it else "?" for it in (self.start, self.end))
        return f"{start} to {end} UTC"


@dataclass(frozen=True, kw_only=True)
class Estimate(_Result):
    """A figure with its uncertainty; the field that holds it says which interval."""

    value: float
    """The figure."""
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end of the interval."""


@dataclass(frozen=True, kw_only=True)
class AgeGroup(_Result):
    """One of the age groups of the gateway's policy."""

    id: str
    """Name for programs, for example "25_34"."""
    label: str
    """Name for people, for example "25-34"."""
    from_years: int
    """Youngest age of the group in completed years."""
    to_years: int | None
    """Oldest age of the group in completed years. None: open-ended."""


@dataclass(frozen=True, kw_only=True)
class BoundingBox(_Result):
    """A rectangle on an upright photo, in fractions (0 to 1) of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, kw_only=True)
class PhotoQuality(_Result):
    """What was measured on the photo. None: not measured."""

    width_pixels: int
    """Width as a viewer sees it."""
    height_pixels: int
    """Height as a viewer sees it."""
    orientation_applied: bool
    """Whether the gateway had to turn or mirror the photo as its EXIF data asked."""
    brightness: float | None
    """Mean brightness of the face, 0 black to 1 white."""
    sharpness: float | None
    """Sharpness of the face, 0 wholly blurred; only comparable within one model version."""
    face_count: int | None
    """How many faces were found."""
    face_score: float | None
    """How sure the finder is of the face that was used, 0 to 1."""
    face_box: BoundingBox | None
    """Where that face is."""


@dataclass(frozen=True, kw_only=True)
class Offer(_Result):
    """Something to offer to the customer."""

    id: str
    """Name for programs."""
    category: str
    """Category of goods, as in the store's baskets."""
    text: str
    """What to show. Empty: the till words it from the category."""


@dataclass(frozen=True, kw_only=True)
class Model(_Result):
    """The model that made an estimate."""

    name: str
    """Its name, for example "age"."""
    version: int
    """The version that answered this very call."""


@dataclass(frozen=True, kw_only=True)
class Assessment(_Result):
    """What agelane says about one customer.

    Without an estimate all ages and probabilities are None, and `reasons` says why.
    """

    id: str
    """Unique name of the assessment."""
    request_id: str
    """Name of the call, as in the gateway's log."""
    age_years: float | None
    """Estimated age in years, 0 to 100."""
    age_low_years: float | None
    """Lower end of the central 90 % interval of the age."""
    age_high_years: float | None
    """Upper end of the central 90 % interval of the age."""
    age_group: AgeGroup | None
    """The most probable age group."""
    age_group_probability: float | None
    """Probability of belonging to it, 0 to 1."""
    alcohol_decision: AlcoholDecision
    """What the cashier may do."""
    reasons: tuple[DecisionReason, ...]
    """Why, the deciding reason first."""
    probability_under_legal_age: float | None
    """Calibrated probability of being younger than `legal_age_years`, 0 to 1."""
    legal_age_years: int
    """The legal age that was applied, in years. 0: none, since no gateway answered."""
    restricted_category: str
    """The goods that were asked about, for example "alcohol"."""
    photo_quality: PhotoQuality | None
    """What was measured on the photo. None: it could not be read."""
    offers: tuple[Offer, ...]
    """Goods to offer, best first."""
    model: Model | None
    """The model that made the estimate. None: no model answered."""
    policy_version: str
    """Which policy decided: 16 hexadecimal digits."""
    assessment_token: bytes = field(repr=False)
    """Signed proof of the assessment, for recording the sale. Empty: the gateway issues none."""
    assessed_at: datetime | None
    """When it was decided, in UTC, by the gateway's clock."""
    expires_at: datetime | None
    """Until when the decision may be acted upon, in UTC."""
    frames_used: int
    """How many photos went into the estimate."""
    source: DecisionSource = DecisionSource.GATEWAY
    """Who decided."""
    error: AgelaneError | None = None
    """Why the gateway did not. None: it did."""

    def __repr__(self) -> str:
        age = "no age" if self.age_years is None else f"{self.age_years:.1f} years"
        if self.age_low_years is not None and self.age_high_years is not None:
            age += f" ({self.age_low_years:.1f} to {self.age_high_years:.1f})"
        parts = [age, str(self.alcohol_decision)]
        if self.reasons:
            parts[-1] += f" ({', '.join(self.reasons)})"
        if self.model:
            parts.append(f"{self.model.name}/{self.model.version}")
        if self.error:
            parts.append(repr(self.error))
        return f"<Assessment {self.id or self.source}: {', '.join(parts)}>"


def _plain(value: Any) -> Any:
    """Return `value` as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, AgelaneError):
        return {"reason": value.reason or value.code, "message": value.message}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    return value
