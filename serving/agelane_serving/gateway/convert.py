"""Between the messages of the contract and the types of the use case."""

from __future__ import annotations

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from agelane.v1 import assessment_pb2, checkout_pb2
from agelane_serving.gateway import unforeseeable
from agelane_serving.gateway.assessment import Assessment, Customer, Estimate
from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.security.caller import NAME
from agelane_serving.gateway.security.proof import Proof
from agelane_serving.policy import AgeGroup, Decision, Faces, Reason

_DEFAULT_CATEGORY = "alcohol"
_LONGEST_CATEGORY = 64
_DECISIONS = {
    Decision.ALLOW: assessment_pb2.ALCOHOL_DECISION_ALLOW,
    Decision.VERIFY_ID: assessment_pb2.ALCOHOL_DECISION_VERIFY_ID,
    Decision.REFUSE: assessment_pb2.ALCOHOL_DECISION_REFUSE,
}
_REASONS = {
    reason: assessment_pb2.DecisionReason.Value(f"DECISION_REASON_{reason.name}")
    for reason in Reason
}


def to_customer(
    request: checkout_pb2.AssessCustomerRequest | checkout_pb2.CustomerStart,
) -> Customer:
    """Return who a request is about, with its defaults filled in.

    Raises:
        CallError: a field other than the photo is out of its range.
    """
    for field in ("store_id", "lane_id", "request_id"):
        checked_id(request, field)
    return Customer(
        store_id=request.store_id,
        lane_id=request.lane_id,
        request_id=request.request_id or unforeseeable.name(),
        restricted_category=checked_category(request.restricted_category),
    )


def checked_category(restricted_category: str) -> str:
    """Return the category, or the usual one where it is empty; raises CallError."""
    if len(restricted_category) > _LONGEST_CATEGORY:
        raise CallError(
            Fault.INVALID_FIELD,
            "restricted_category must be at most 64 characters",
            field="restricted_category",
            limit=_LONGEST_CATEGORY,
            actual=len(restricted_category),
        )
    return restricted_category or _DEFAULT_CATEGORY


def checked_id(request: Message, field: str, *, required: bool = False) -> None:
    """Let pass a name of the right characters, or none where it is not required.

    Raises:
        CallError: INVALID_FIELD.
    """
    value: str = getattr(request, field)
    if not NAME.fullmatch(value) and (required or value):
        raise CallError(
            Fault.INVALID_FIELD, f"{field} must be 1 to 64 of A-Z a-z 0-9 . _ -", field=field
        )


def to_message(assessment: Assessment) -> assessment_pb2.Assessment:
    """Return the assessment as the contract describes it."""
    message = assessment_pb2.Assessment(
        id=assessment.id,
        request_id=assessment.customer.request_id,
        alcohol_decision=_DECISIONS[assessment.verdict.decision],
        reasons=[_REASONS[reason] for reason in assessment.verdict.reasons],
        legal_age_years=assessment.legal_age_years,
        restricted_category=assessment.customer.restricted_category,
        policy_version=assessment.policy_version,
        frames_used=assessment.frames_used,
        offers=[
            assessment_pb2.Offer(id=offer.id, category=offer.category, text=offer.text)
            for offer in assessment.selection.shown
        ],
    )
    set_timestamp(message.assessed_at, assessment.assessed_at)
    set_timestamp(message.expires_at, assessment.expires_at)
    if assessment.photo is not None:
        width, height = assessment.photo.upright_size
        message.photo_quality.width_pixels = width
        message.photo_quality.height_pixels = height
    if assessment.model_version is not None:
        message.model.name = assessment.model_name
        message.model.version = assessment.model_version
        # The model only answers about photos that could be turned.
        turned = assessment.photo is not None and assessment.photo.orientation != 1
        message.photo_quality.orientation_applied = turned
    if assessment.faces is not None:
        _set_faces(message.photo_quality, assessment.faces)
    if assessment.estimate is not None:
        _set_estimate(message, assessment.estimate)
    return message


def _set_faces(quality: assessment_pb2.PhotoQuality, faces: Faces) -> None:
    quality.face_count = faces.count
    if faces.count == 0:
        return
    quality.brightness = faces.brightness
    quality.sharpness = faces.sharpness
    quality.face_score = faces.score
    quality.face_box.left = faces.box.left
    quality.face_box.top = faces.box.top
    quality.face_box.right = faces.box.right
    quality.face_box.bottom = faces.box.bottom


def _set_estimate(message: assessment_pb2.Assessment, estimate: Estimate) -> None:
    message.age_years = estimate.age_years
    message.age_low_years = estimate.low_years
    message.age_high_years = estimate.high_years
    _set_age_group(message.age_group, estimate.age_group)
    message.age_group_probability = estimate.age_group_probability
    message.probability_under_legal_age = estimate.probability_under_legal_age


def to_proof(assessment: Assessment) -> Proof:
    """Return what the assessment's token proves."""
    customer, estimate, selection = assessment.customer, assessment.estimate, assessment.selection
    return Proof(
        assessment_id=assessment.id,
        store_id=customer.store_id,
        lane_id=customer.lane_id,
        restricted_category=customer.restricted_category,
        decision=assessment.verdict.decision.name,
        reasons=tuple(reason.name for reason in assessment.verdict.reasons),
        legal_age_years=assessment.legal_age_years,
        probability_under_legal_age=(
            None if estimate is None else estimate.probability_under_legal_age
        ),
        age_interval_years=(
            None
            if estimate is None
            else (round(estimate.low_years, 1), round(estimate.high_years, 1))
        ),
        age_group_shares=(
            ()
            if estimate is None
            else tuple(round(share, 2) for share in estimate.age_group_shares)
        ),
        model_version=assessment.model_version,
        policy_version=assessment.policy_version,
        assessed_at=assessment.assessed_at,
        expires_at=assessment.expires_at,
        offer_ids=tuple(offer.id for offer in selection.offers),
        offers_held_out=selection.held_out,
    )


def _set_age_group(message: assessment_pb2.AgeGroup, group: AgeGroup) -> None:
    message.id, message.label = group.id, group.label
    message.from_years = group.from_years
    if group.to_years is not None:
        message.to_years = group.to_years


def set_timestamp(message: Timestamp, seconds: float) -> None:
    """Set a moment in Unix seconds."""
    message.seconds, message.nanos = int(seconds), int(seconds % 1 * 1_000_000_000)
