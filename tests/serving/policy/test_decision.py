"""Who is waved through, who is asked for a document, and who is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.policy import (
    AgeDistribution,
    Certificate,
    Decision,
    Reason,
    Requirement,
    Rule,
    decide,
)
from tests.serving.policy.distributions import certain, distributions, older_pairs

CERTIFICATE = Certificate(18, 0.02, 0.01, 0.95)
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
    verdict = decide(RULE, under(share), [CERTIFICATE])
    assert (verdict.decision, verdict.reasons) == (decision, (reason,))


def test_whoever_is_clearly_under_age_is_refused_where_that_is_allowed() -> None:
    """Just short of clearly is still a matter of documents."""
    rule = replace(RULE, allow_refuse=True)
    assert decide(rule, under(0.995), [CERTIFICATE]).decision is Decision.REFUSE
    assert decide(rule, under(0.994), [CERTIFICATE]).decision is Decision.VERIFY_ID


def test_a_local_threshold_makes_stricter_and_says_so() -> None:
    """It never makes anything laxer than the certificate."""
    strict, lax = replace(RULE, local_threshold=0.01), replace(RULE, local_threshold=0.9)
    assert decide(strict, under(0.01), [CERTIFICATE]).decision is Decision.ALLOW
    assert decide(strict, under(0.015), [CERTIFICATE]).reasons == (Reason.LOCAL_THRESHOLD,)
    assert decide(lax, under(0.03), [CERTIFICATE]).reasons == (Reason.TOO_CLOSE_TO_LEGAL_AGE,)


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
    verdict = decide(replace(RULE, allow_refuse=True), certain(100), found)
    assert verdict.decision is Decision.VERIFY_ID
    assert verdict.reasons == (Reason.MODEL_NOT_CERTIFIED,)


def test_of_several_certificates_the_strictest_counts() -> None:
    """Among those that promise enough."""
    stricter = replace(CERTIFICATE, threshold=0.001)
    too_lax = replace(CERTIFICATE, threshold=0.0001, confidence=0.5)
    found = [CERTIFICATE, stricter, too_lax]
    assert RULE.certified_threshold(found) == 0.001
    assert decide(RULE, under(0.01), found).decision is Decision.VERIFY_ID
    assert decide(RULE, under(0.001), found).decision is Decision.ALLOW


def test_the_policy_may_ask_for_a_better_promise() -> None:
    """A stricter requirement leaves fewer certificates."""
    rule = replace(RULE, requirement=Requirement(max_false_clear_rate=0.005))
    assert decide(rule, certain(100), [CERTIFICATE]).decision is Decision.VERIFY_ID


@given(rules, st.lists(certificates, max_size=3), older_pairs())
def test_an_older_customer_is_never_treated_more_strictly(
    rule: Rule, found: list[Certificate], pair: tuple[AgeDistribution, AgeDistribution]
) -> None:
    """Moving probability to higher ages never turns ALLOW into VERIFY_ID, or that into REFUSE."""
    younger, older = (decide(rule, distribution, found).decision for distribution in pair)
    assert _STRICTNESS[older] <= _STRICTNESS[younger]


@given(rules, st.lists(certificates, max_size=3), distributions())
def test_allow_needs_everything_at_once(
    rule: Rule, found: list[Certificate], distribution: AgeDistribution
) -> None:
    """The certificate, the store's threshold, and more likely of age than not."""
    verdict = decide(rule, distribution, found)
    assert len(verdict.reasons) >= 1
    if verdict.decision is Decision.ALLOW:
        score = distribution.probability_under(18)
        threshold = rule.certified_threshold(found)
        assert threshold is not None
        assert score <= min(threshold, 0.5)
        assert rule.local_threshold is None or score <= rule.local_threshold


@given(st.lists(certificates, max_size=3), distributions())
def test_refuse_needs_the_policy_and_a_clear_case(
    found: list[Certificate], distribution: AgeDistribution
) -> None:
    """Never without permission, and never while one in two hundred would be of age."""
    assert decide(RULE, distribution, found).decision is not Decision.REFUSE
    rule = replace(RULE, allow_refuse=True)
    if decide(rule, distribution, found).decision is Decision.REFUSE:
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
