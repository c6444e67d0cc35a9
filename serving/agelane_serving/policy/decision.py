"""From an age distribution to what the cashier may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from agelane_serving.policy.card import Card
from agelane_serving.policy.distribution import AgeDistribution
from agelane_serving.policy.face import Faces
from agelane_serving.policy.rules import Rule

_CLEARLY_UNDER = 0.995
"""P(age < legal age) from which even the upper end of the central 99 % interval, in completed
years, is under the legal age."""


class Decision(Enum):
    """What the cashier may do with the goods."""

    ALLOW = auto()
    VERIFY_ID = auto()
    REFUSE = auto()


class Reason(Enum):
    """Why. The contract describes each under the same name."""

    CLEARLY_OVER_LEGAL_AGE = auto()
    TOO_CLOSE_TO_LEGAL_AGE = auto()
    LIKELY_UNDER_LEGAL_AGE = auto()
    CLEARLY_UNDER_LEGAL_AGE = auto()
    LOCAL_THRESHOLD = auto()
    RANDOM_AUDIT = auto()
    MODEL_UNAVAILABLE = auto()
    MODEL_NOT_CERTIFIED = auto()
    PHOTO_UNUSABLE = auto()
    NO_FACE = auto()
    SEVERAL_FACES = auto()
    POOR_FACE = auto()
    FRAMES_DISAGREE = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with its reasons."""

    decision: Decision
    """What the cashier may do."""
    reasons: tuple[Reason, ...]
    """Why, the deciding one first; at least one."""


def verify_id(reason: Reason) -> Verdict:
    """Return the answer to everything that is not certain: look at a document."""
    return Verdict(Decision.VERIFY_ID, (reason,))


def decide(rule: Rule, card: Card, distribution: AgeDistribution, faces: Faces | None) -> Verdict:
    """Decide about one customer from a fresh answer of a model.

    First whose age it is, then whether the model's word counts, then whether it counts for a face
    like this, and only then what it says. The first of these that stands in the way is the reason.

    Args:
        rule: for the goods about to be sold.
        card: of the very version that answered.
        distribution: the age that it answered.
        faces: what it found; None: it does not look for faces.
    """
    if faces is not None and faces.count != 1:
        return verify_id(Reason.SEVERAL_FACES if faces.count > 1 else Reason.NO_FACE)
    certified = rule.certified_threshold(card.certificates)
    if certified is None or card.face_gates is None or faces is None:
        return verify_id(Reason.MODEL_NOT_CERTIFIED)
    if not card.face_gates.passed_by(faces):
        return verify_id(Reason.POOR_FACE)
    return _decide_by_age(rule, certified, distribution)


def audited(verdict: Verdict, share: float, draw: float) -> Verdict:
    """Return the verdict after the random audit: of the ALLOWs, `share` become VERIFY_ID.

    What the cashier then reads on those documents estimates the false-clear rate in the field.

    Args:
        verdict: what was decided.
        share: of ALLOWs to audit, 0 … 1.
        draw: a random number, uniform in [0, 1), that nobody at the lane can foresee.
    """
    if verdict.decision is Decision.ALLOW and draw < share:
        return verify_id(Reason.RANDOM_AUDIT)
    return verdict


def _decide_by_age(rule: Rule, certified: float, distribution: AgeDistribution) -> Verdict:
    """Decide about a good face by a model with a certified threshold."""
    score = distribution.probability_under(rule.legal_age_years)
    if score >= _CLEARLY_UNDER:
        decision = Decision.REFUSE if rule.allow_refuse else Decision.VERIFY_ID
        return Verdict(decision, (Reason.CLEARLY_UNDER_LEGAL_AGE,))
    # Before any threshold: none may wave through whoever is more likely under age than not.
    if score > 0.5:
        return verify_id(Reason.LIKELY_UNDER_LEGAL_AGE)
    if score > certified:
        return verify_id(Reason.TOO_CLOSE_TO_LEGAL_AGE)
    if rule.local_threshold is not None and score > rule.local_threshold:
        return verify_id(Reason.LOCAL_THRESHOLD)
    return Verdict(Decision.ALLOW, (Reason.CLEARLY_OVER_LEGAL_AGE,))
