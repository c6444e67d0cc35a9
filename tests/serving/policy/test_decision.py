"""Who is waved through, who is asked for a document, and who is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.policy import (
    AgeDistribution,
    Card,
    Certificate,
    Decision,
    Faces,
    Reason,
    Requirement,
    Rule,
    Verdict,
    audited,
    decide,
    verify_id,
)
from tests.serving.policy.distributions import certain, distributions, older_pairs
from tests.serving.policy.faces import FACE, GATES, any_faces, face_gates

CERTIFICATE = Certificate(18, 0.02, 0.01, 0.95)
CARD = Card((CERTIFICATE,), GATES)
RULE = Rule(18)
_STRICTNESS = {Decision.ALLOW: 0, Decision.VERIFY_ID: 1, Decision.REFUSE: 2}

rules = st.builds(
    Rule,
    legal_age_years=st.just(18),
    local_threshold=st.none() | st.floats(0, 1),
    allow_refuse=st.booleans(),
)
certificates = st.builds(
    Certificate,
    legal_age_years=st.sampled_from([16, 18, 21]),
    threshold=st.floats(0, 1, exclude_min=True, exclude_max=True),
    max_false_clear_rate=st.sampled_from([0.001, 0.01, 0.05]),
    confidence=st.sampled_from([0.9, 0.95, 0.99]),
)
cards = st.builds(
    Card,
    certificates=st.lists(certificates, max_size=3).map(tuple),
    face_gates=st.none() | face_gates,
)
faces_or_none = st.none() | st.just(FACE) | any_faces


def under(share: float) -> AgeDistribution:
    """Return a distribution that has this share at 10 years and the rest at 40."""
    return AgeDistribution((*[0.0] * 10, share, *[0.0] * 29, 1 - share, *[0.0] * 60))


@pytest.mark.parametrize(
    ("share", "decision", "reason"),
    [
        (0.0, Decision.ALLOW, Reason.CLEARLY_OVER_LEGAL_AGE),
        (0.02, Decision.ALLOW, Reason.CLEARLY_OVER_LEGAL_AGE),
        (0.0201, Decision.VERIFY_ID, Reason.TOO_CLOSE_TO_LEGAL_AGE),
        (0.5, Decision.VERIFY_ID, Reason.TOO_CLOSE_TO_LEGAL_AGE),
        (0.51, Decision.VERIFY_ID, Reason.LIKELY_UNDER_LEGAL_AGE),
        (0.994, Decision.VERIFY_ID, Reason.LIKELY_UNDER_LEGAL_AGE),
        (0.995, Decision.VERIFY_ID, Reason.CLEARLY_UNDER_LEGAL_AGE),
        (1.0, Decision.VERIFY_ID, Reason.CLEARLY_UNDER_LEGAL_AGE),
    ],
)
def test_the_probability_of_being_under_age_decides(
    share: float, decision: Decision, reason: Reason
) -> None:
    """Up to and including the certified threshold; never REFUSE unless the policy says so."""
    verdict = decide(RULE, CARD, under(share), FACE)
    assert (verdict.decision, verdict.reasons) == (decision, (reason,))


def test_whoever_is_clearly_under_age_is_refused_where_that_is_allowed() -> None:
    """Just short of clearly is still a matter of documents."""
    rule = replace(RULE, allow_refuse=True)
    assert decide(rule, CARD, under(0.995), FACE).decision is Decision.REFUSE
    assert decide(rule, CARD, under(0.994), FACE).decision is Decision.VERIFY_ID


def test_a_local_threshold_makes_stricter_and_says_so() -> None:
    """It never makes anything laxer than the certificate."""
    strict, lax = replace(RULE, local_threshold=0.01), replace(RULE, local_threshold=0.9)
    assert decide(strict, CARD, under(0.01), FACE).decision is Decision.ALLOW
    assert decide(strict, CARD, under(0.015), FACE).reasons == (Reason.LOCAL_THRESHOLD,)
    assert decide(lax, CARD, under(0.03), FACE).reasons == (Reason.TOO_CLOSE_TO_LEGAL_AGE,)


@pytest.mark.parametrize(
    "found",
    [
        [],
        [replace(CERTIFICATE, legal_age_years=16)],
        [replace(CERTIFICATE, legal_age_years=21)],
        [replace(CERTIFICATE, max_false_clear_rate=0.011)],
        [replace(CERTIFICATE, confidence=0.94)],
    ],
)
def test_without_a_fitting_certificate_nobody_is_waved_through(found: list[Certificate]) -> None:
    """Not even a hundred-year-old."""
    card = Card(tuple(found), GATES)
    verdict = decide(replace(RULE, allow_refuse=True), card, certain(100), FACE)
    assert verdict.decision is Decision.VERIFY_ID
    assert verdict.reasons == (Reason.MODEL_NOT_CERTIFIED,)


def test_of_several_certificates_the_strictest_counts() -> None:
    """Among those that promise enough."""
    stricter = replace(CERTIFICATE, threshold=0.001)
    too_lax = replace(CERTIFICATE, threshold=0.0001, confidence=0.5)
    card = Card((CERTIFICATE, stricter, too_lax), GATES)
    assert RULE.certified_threshold(card.certificates) == 0.001
    assert decide(RULE, card, under(0.01), FACE).decision is Decision.VERIFY_ID
    assert decide(RULE, card, under(0.001), FACE).decision is Decision.ALLOW


def test_the_policy_may_ask_for_a_better_promise() -> None:
    """A stricter requirement leaves fewer certificates."""
    rule = replace(RULE, requirement=Requirement(max_false_clear_rate=0.005))
    assert decide(rule, CARD, certain(100), FACE).decision is Decision.VERIFY_ID


@pytest.mark.parametrize("card", [Card((CERTIFICATE,), None), Card((), GATES), Card()])
def test_a_card_that_lacks_certificates_or_gates_lets_nobody_through(card: Card) -> None:
    """A certificate is worth nothing without the gates that it was made behind."""
    verdict = decide(replace(RULE, allow_refuse=True), card, certain(100), FACE)
    assert verdict == Verdict(Decision.VERIFY_ID, (Reason.MODEL_NOT_CERTIFIED,))


def test_a_model_that_does_not_look_for_faces_lets_nobody_through() -> None:
    """It can't have kept its own gates."""
    verdict = decide(RULE, CARD, certain(100), None)
    assert verdict == Verdict(Decision.VERIFY_ID, (Reason.MODEL_NOT_CERTIFIED,))


@pytest.mark.parametrize("card", [CARD, Card()])
@pytest.mark.parametrize(
    ("count", "reason"),
    [(0, Reason.NO_FACE), (2, Reason.SEVERAL_FACES), (17, Reason.SEVERAL_FACES)],
)
def test_without_exactly_one_face_it_is_nobodys_age(count: int, reason: Reason, card: Card) -> None:
    """That comes before all that might be wrong with the model, and before what it says."""
    faces = replace(FACE, count=count, score=0.0)
    for age_years in (5, 100):
        verdict = decide(replace(RULE, allow_refuse=True), card, certain(age_years), faces)
        assert verdict == Verdict(Decision.VERIFY_ID, (reason,))


@pytest.mark.parametrize("age_years", [5, 17, 19, 100])
def test_a_poor_face_means_a_document_check_whatever_its_age(age_years: int) -> None:
    """Nobody is waved through and nobody is refused by a face that can hardly be seen."""
    verdict = decide(
        replace(RULE, allow_refuse=True), CARD, certain(age_years), replace(FACE, brightness=0.01)
    )
    assert verdict == Verdict(Decision.VERIFY_ID, (Reason.POOR_FACE,))


@given(rules, cards, older_pairs(), faces_or_none)
def test_an_older_customer_is_never_treated_more_strictly(
    rule: Rule, card: Card, pair: tuple[AgeDistribution, AgeDistribution], faces: Faces | None
) -> None:
    """Moving probability to higher ages never turns ALLOW into VERIFY_ID, or that into REFUSE."""
    younger, older = (decide(rule, card, each, faces).decision for each in pair)
    assert _STRICTNESS[older] <= _STRICTNESS[younger]


@given(rules, cards, distributions(), faces_or_none)
def test_allow_needs_everything_at_once(
    rule: Rule, card: Card, distribution: AgeDistribution, faces: Faces | None
) -> None:
    """One good face, the certificate, the store's threshold, and more likely of age than not."""
    verdict = decide(rule, card, distribution, faces)
    assert len(verdict.reasons) >= 1
    if verdict.decision is Decision.ALLOW:
        assert faces is not None
        assert faces.count == 1
        assert card.face_gates is not None
        assert card.face_gates.passed_by(faces)
        score = distribution.probability_under(18)
        threshold = rule.certified_threshold(card.certificates)
        assert threshold is not None
        assert score <= min(threshold, 0.5)
        assert rule.local_threshold is None or score <= rule.local_threshold


@given(any_faces)
def test_whoever_is_old_enough_is_waved_through_by_a_good_face_and_no_other(faces: Faces) -> None:
    """With everything else in order the face alone decides."""
    allowed = decide(RULE, CARD, certain(100), faces).decision is Decision.ALLOW
    assert allowed == (faces.count == 1 and GATES.passed_by(faces))


@given(cards, distributions(), faces_or_none)
def test_refuse_needs_the_policy_and_a_clear_case(
    card: Card, distribution: AgeDistribution, faces: Faces | None
) -> None:
    """Never without permission, and never while one in two hundred would be of age."""
    assert decide(RULE, card, distribution, faces).decision is not Decision.REFUSE
    rule = replace(RULE, allow_refuse=True)
    if decide(rule, card, distribution, faces).decision is Decision.REFUSE:
        assert distribution.probability_under(18) >= 0.995


@pytest.mark.parametrize("threshold", [math.nan, math.inf, -0.01, 1.0, 2, True, "0.01", None])
def test_an_impossible_threshold_is_no_certificate(threshold: float) -> None:
    """It can't even be made."""
    with pytest.raises(ValueError, match="threshold"):
        Certificate(18, threshold, 0.01, 0.95)


@pytest.mark.parametrize("age", [0, 101, 18.0, True, None])
def test_an_impossible_legal_age_is_no_certificate(age: int) -> None:
    """Whole years from 1 to 100."""
    with pytest.raises(ValueError, match="legal_age_years"):
        Certificate(age, 0.01, 0.01, 0.95)


@given(st.floats(0, 1), st.floats(0, 1, exclude_max=True))
def test_the_audit_asks_some_who_were_waved_through_and_nobody_else(
    share: float, draw: float
) -> None:
    """And says that it was the audit; it never turns anything into ALLOW."""
    allowed = Verdict(Decision.ALLOW, (Reason.CLEARLY_OVER_LEGAL_AGE,))
    expected = verify_id(Reason.RANDOM_AUDIT) if draw < share else allowed
    assert audited(allowed, share, draw) == expected
    refused = Verdict(Decision.REFUSE, (Reason.CLEARLY_UNDER_LEGAL_AGE,))
    for verdict in (refused, verify_id(Reason.NO_FACE)):
        assert audited(verdict, share, draw) == verdict
