"""Answers that no gateway should give, and results that hold whatever comes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from agelane.v1 import assessment_pb2
from agelane_client import AlcoholDecision, DecisionReason
from agelane_client.convert import to_assessment

VALUES: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=20),
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_ENUM: st.integers(0, 20) | st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_STRING: st.text(max_size=20),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
}


def messages(kind: type[Message]) -> st.SearchStrategy[Any]:
    """Return a strategy for any message of a `kind`, each field set or not."""
    fields = {name: values(field) for name, field in kind.DESCRIPTOR.fields_by_name.items()}
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: kind(**given))


def values(field: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for what `field` may hold."""
    one = messages(class_of(field.message_type)) if field.message_type else VALUES[field.type]
    return st.lists(one, max_size=3) if field.is_repeated else one


def class_of(descriptor: Descriptor) -> type[Message]:
    """Return the class of the messages that `descriptor` describes."""
    kind = getattr(assessment_pb2, descriptor.name, Timestamp)
    assert isinstance(kind, type)
    return kind


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
