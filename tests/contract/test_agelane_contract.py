"""What a reader of agelane.v1 relies on beyond the types."""

from __future__ import annotations

import re
from pathlib import Path

import grpc

from agelane.v1 import assessment_pb2, checkout_pb2, error_pb2, report_pb2

PROTO = Path(__file__).resolve().parents[2] / "proto" / "agelane" / "v1"


def test_no_estimate_differs_from_an_age_of_zero() -> None:
    """A newborn's age is set; an assessment without a model has none."""
    newborn = assessment_pb2.Assessment(age_years=0.0, probability_under_legal_age=0.0)
    again = assessment_pb2.Assessment.FromString(newborn.SerializeToString())
    assert again.HasField("age_years")
    assert again.HasField("probability_under_legal_age")
    nobody = assessment_pb2.Assessment.FromString(assessment_pb2.Assessment().SerializeToString())
    assert not nobody.HasField("age_years")
    assert not nobody.HasField("age_group")


def test_the_zero_of_a_decision_is_not_a_decision() -> None:
    """An assessment that lost its decision on the way does not read as ALLOW."""
    assert assessment_pb2.Assessment().alcohol_decision == (
        assessment_pb2.ALCOHOL_DECISION_UNSPECIFIED
    )


def test_values_of_a_newer_gateway_reach_an_older_client() -> None:
    """An unknown reason is kept as a number and harms no other field."""
    newer = assessment_pb2.Assessment(age_years=30)
    newer.reasons.extend([99, assessment_pb2.DECISION_REASON_NO_FACE])  # type: ignore[list-item]
    older = assessment_pb2.Assessment.FromString(newer.SerializeToString())
    assert list(older.reasons) == [99, assessment_pb2.DECISION_REASON_NO_FACE]
    assert older.age_years == 30


def test_every_error_reason_tells_its_canonical_code() -> None:
    """The comment of each value in error.proto begins with the gRPC code it comes with."""
    text = (PROTO / "error.proto").read_text("utf-8")
    comments = re.findall(r"  // (.+)\n(?:  //.*\n)*  (ERROR_REASON_\w+) = \d+;", text)
    codes = {code.name for code in grpc.StatusCode}
    assert {name for _, name in comments} == set(error_pb2.ErrorReason.keys())
    for comment, name in comments:
        if name != "ERROR_REASON_UNSPECIFIED":
            assert re.split(r"\W", comment)[0] in codes, name


def test_the_services_are_complete() -> None:
    """All rpcs of the design are there, those that a gateway may not yet answer included."""
    checkout = checkout_pb2.DESCRIPTOR.services_by_name["CheckoutService"]
    report = report_pb2.DESCRIPTOR.services_by_name["ReportService"]
    assert set(checkout.methods_by_name) == {"AssessCustomer", "AssessCustomerStream", "RecordSale"}
    assert set(report.methods_by_name) == {"GetCashierReport", "GetAgeGroupReport"}
