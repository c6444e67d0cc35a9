"""Answers that no gateway should give, and results that hold whatever comes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest
from hypothesis import given

from agelane.v1 import assessment_pb2
from agelane_client import AlcoholDecision, DecisionReason
from agelane_client.convert import to_assessment
from tests.client.any_message import messages


@given(messages(assessment_pb2.Assessment))
def test_any_answer_becomes_a_result(wire: assessment_pb2.Assessment) -> None:
    """It can be shown, and written as JSON without NaN; nothing but a founded ALLOW is one."""
    result = to_assessment(wire)
    assert result.id in repr(result)
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == result.to_dict()
    if result.alcohol_decision is AlcoholDecision.ALLOW:
        assert wire.alcohol_decision == assessment_pb2.ALCOHOL_DECISION_ALLOW
        assert math.isfinite(wire.age_years)
        assert math.isfinite(wire.probability_under_legal_age)


@pytest.mark.parametrize("number", [0, 2, 4, 99, -1])
def test_an_unknown_decision_reads_as_verify_id(number: int) -> None:
    """Also UNSPECIFIED and values of contracts to come."""
    wire = assessment_pb2.Assessment(
        age_years=40,
        probability_under_legal_age=0.0,
        alcohol_decision=number,  # type: ignore[arg-type]
    )
    assert to_assessment(wire).alcohol_decision is AlcoholDecision.VERIFY_ID


@pytest.mark.parametrize(
    "spoil",
    [
        lambda wire: wire.ClearField("age_years"),
        lambda wire: wire.ClearField("probability_under_legal_age"),
        lambda wire: setattr(wire, "age_years", math.nan),
        lambda wire: setattr(wire, "probability_under_legal_age", math.inf),
    ],
)
def test_an_allow_that_nothing_backs_reads_as_verify_id(
    assessment: assessment_pb2.Assessment, spoil: Callable[[assessment_pb2.Assessment], None]
) -> None:
    """Without an age or a probability somebody must look at a document."""
    assert to_assessment(assessment).alcohol_decision is AlcoholDecision.ALLOW
    spoil(assessment)
    assert to_assessment(assessment).alcohol_decision is AlcoholDecision.VERIFY_ID


def test_unknown_reasons_are_kept_as_unknown() -> None:
    """Once, in their place; those never sent are left out."""
    wire = assessment_pb2.Assessment(reasons=[77, 0, 7, 78, 7])  # type: ignore[list-item]
    assert to_assessment(wire).reasons == (DecisionReason.UNKNOWN, DecisionReason.MODEL_UNAVAILABLE)


def test_the_sdk_knows_all_decisions_and_reasons_of_the_contract() -> None:
    """A new one fails here, so that it gets its name in the SDK."""
    decisions = names(assessment_pb2.AlcoholDecision.keys(), "ALCOHOL_DECISION_")
    reasons = names(assessment_pb2.DecisionReason.keys(), "DECISION_REASON_")
    assert decisions == set(AlcoholDecision.__members__)
    assert reasons == set(DecisionReason.__members__) - {"UNKNOWN"}


def names(keys: list[str], prefix: str) -> set[str]:
    """Return the names of an enum's values without their prefix, those never sent left out."""
    return {key.removeprefix(prefix) for key in keys} - {"UNSPECIFIED"}


def test_names_print_as_names() -> None:
    """In a format string too, whatever the Python."""
    assert f"{AlcoholDecision.VERIFY_ID:>10} {DecisionReason.NO_FACE}" == " VERIFY_ID NO_FACE"


def test_a_result_is_frozen(assessment: assessment_pb2.Assessment) -> None:
    """A decision can't be changed by accident."""
    result = to_assessment(assessment)
    with pytest.raises(AttributeError):
        result.alcohol_decision = AlcoholDecision.ALLOW  # type: ignore[misc]
