"""From what came over the wire to results, whatever came."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import TypeVar

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from agelane.v1 import assessment_pb2
from agelane_client.results import (
    AgeGroup,
    AlcoholDecision,
    Assessment,
    BoundingBox,
    DecisionReason,
    Model,
    Offer,
    PhotoQuality,
    _Name,
)

_AnyName = TypeVar("_AnyName", bound=_Name)

_DECISIONS: dict[int, AlcoholDecision] = {
    assessment_pb2.ALCOHOL_DECISION_ALLOW: AlcoholDecision.ALLOW,
    assessment_pb2.ALCOHOL_DECISION_REFUSE: AlcoholDecision.REFUSE,
}


def to_assessment(wire: assessment_pb2.Assessment) -> Assessment:
    """Return `wire` as a result. Never fails; numbers that are none (NaN, infinite) are unset."""
    age = to_number(wire, "age_years")
    probability = to_number(wire, "probability_under_legal_age")
    return Assessment(
        id=wire.id,
        request_id=wire.request_id,
        age_years=age,
        age_low_years=to_number(wire, "age_low_years"),
        age_high_years=to_number(wire, "age_high_years"),
        age_group=to_age_group(wire.age_group) if wire.HasField("age_group") else None,
        age_group_probability=to_number(wire, "age_group_probability"),
        alcohol_decision=_decision(wire, has_estimate=None not in (age, probability)),
        reasons=_reasons(wire.reasons),
        probability_under_legal_age=probability,
        legal_age_years=wire.legal_age_years,
        restricted_category=wire.restricted_category,
        photo_quality=_quality(wire.photo_quality) if wire.HasField("photo_quality") else None,
        offers=tuple(Offer(id=it.id, category=it.category, text=it.text) for it in wire.offers),
        model=_model(wire.model) if wire.HasField("model") else None,
        policy_version=wire.policy_version,
        assessment_token=wire.assessment_token,
        assessed_at=to_time(wire.assessed_at) if wire.HasField("assessed_at") else None,
        expires_at=to_time(wire.expires_at) if wire.HasField("expires_at") else None,
        frames_used=wire.frames_used,
    )


def _decision(wire: assessment_pb2.Assessment, *, has_estimate: bool) -> AlcoholDecision:
    """Return the decision; VERIFY_ID for an unknown one and for an ALLOW that nothing backs."""
    decision = _DECISIONS.get(wire.alcohol_decision, AlcoholDecision.VERIFY_ID)
    if decision is AlcoholDecision.ALLOW and not has_estimate:
        return AlcoholDecision.VERIFY_ID
    return decision


def _reasons(numbers: Iterable[int]) -> tuple[DecisionReason, ...]:
    """Return the reasons in their order, each once."""
    return tuple(dict.fromkeys(map(_reason, filter(None, numbers))))


def _reason(number: int) -> DecisionReason:
    contract = assessment_pb2.DecisionReason.DESCRIPTOR
    return to_name(number, contract, "DECISION_REASON_", DecisionReason.UNKNOWN)


def _model(wire: assessment_pb2.Model) -> Model:
    return Model(name=wire.name, version=wire.version)


def _quality(wire: assessment_pb2.PhotoQuality) -> PhotoQuality:
    return PhotoQuality(
        width_pixels=wire.width_pixels,
        height_pixels=wire.height_pixels,
        orientation_applied=wire.orientation_applied,
        brightness=to_number(wire, "brightness"),
        sharpness=to_number(wire, "sharpness"),
        face_count=wire.face_count if wire.HasField("face_count") else None,
        face_score=to_number(wire, "face_score"),
        face_box=_box(wire.face_box) if wire.HasField("face_box") else None,
    )


def _box(wire: assessment_pb2.BoundingBox) -> BoundingBox | None:
    """Return the box; None if an edge is not a number."""
    edges = (wire.left, wire.top, wire.right, wire.bottom)
    if not all(map(math.isfinite, edges)):
        return None
    return BoundingBox(left=wire.left, top=wire.top, right=wire.right, bottom=wire.bottom)


def to_age_group(wire: assessment_pb2.AgeGroup) -> AgeGroup:
    """Return the age group that came over the wire."""
    return AgeGroup(
        id=wire.id,
        label=wire.label,
        from_years=wire.from_years,
        to_years=wire.to_years if wire.HasField("to_years") else None,
    )


def to_name(number: int, contract: EnumDescriptor, prefix: str, unknown: _AnyName) -> _AnyName:
    """Return the name of a value of `contract`; `unknown` if it is newer than SDK or stubs."""
    known = contract.values_by_number.get(number)
    name = known.name.removeprefix(prefix) if known else ""
    return type(unknown).__members__.get(name, unknown)


def to_number(wire: Message, field: str) -> float | None:
    """Return an optional field of `wire`; None if it is unset or not a finite number."""
    return finite(getattr(wire, field)) if wire.HasField(field) else None


def finite(value: float) -> float | None:
    """Return `value`; None if it is not a finite number."""
    return value if math.isfinite(value) else None


def to_time(wire: Timestamp) -> datetime | None:
    """Return `wire` in UTC; None if it lies outside the years 1 to 9999."""
    try:
        return wire.ToDatetime(tzinfo=timezone.utc)
    except (OverflowError, ValueError):
        return None
