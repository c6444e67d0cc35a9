"""Errors on the wire are those of the contract."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2

from agelane.v1 import error_pb2
from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.status import to_status

PROTO = Path(__file__).parents[3] / "proto" / "agelane" / "v1" / "error.proto"


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_has_the_code_and_the_reason_of_the_contract(fault: Fault) -> None:
    """The comment at each ErrorReason begins with its code."""
    assert f"ERROR_REASON_{fault.name}" in error_pb2.ErrorReason.keys()  # noqa: SIM118
    said = re.search(
        rf"// ([A-Z_]+)(?: with RetryInfo)?:[^=]*\n  ERROR_REASON_{fault.name} =", PROTO.read_text()
    )
    assert said is not None
    status = to_status(CallError(fault, "a sentence"))
    assert grpc.StatusCode[said[1]].value[0] == status.code
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == (fault.name, "agelane.v1")


def test_a_broken_limit_and_its_field_are_told() -> None:
    """In ErrorInfo.metadata and in BadRequest."""
    error = CallError(Fault.TOO_FEW_PIXELS, "too small", field="photo", limit=32, actual=5)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    details = to_status(error).details
    assert details[0].Unpack(info)
    assert details[1].Unpack(bad)
    assert dict(info.metadata) == {"limit": "32", "actual": "5"}
    [violation] = bad.field_violations
    assert (violation.field, violation.description) == ("photo", "too small")
