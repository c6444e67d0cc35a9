"""buf curl knows nothing of the contract but what the gateway tells it by reflection."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2

from tests.serving.foreign.processes import BUF, DEADLINE_SECONDS, Outcome, needs_buf, run

pytestmark = [needs_buf, pytest.mark.asyncio(loop_scope="module")]
ASSESS = "agelane.v1.CheckoutService/AssessCustomer"


async def curl(url: str, *flags: str) -> Outcome:
    """Call a gateway over plaintext HTTP/2."""
    protocol = ("--http2-prior-knowledge", "--protocol=grpc", f"--timeout={DEADLINE_SECONDS}s")
    return await run(str(BUF), "curl", *protocol, *flags, url)


async def assess(address: str, photo: Path) -> Outcome:
    """Send a photo."""
    request = json.dumps({"photo": base64.b64encode(photo.read_bytes()).decode()})
    return await curl(f"http://{address}/{ASSESS}", "--data", request)


async def test_it_finds_out_what_the_gateway_offers(address: str) -> None:
    """Services and methods, without a .proto file."""
    services = await curl(f"http://{address}", "--list-services")
    assert "agelane.v1.CheckoutService" in services.output.split(), services.errors
    assert "grpc.health.v1.Health" in services.output.split()
    methods = await curl(f"http://{address}", "--list-methods")
    assert ASSESS in methods.output.split(), methods.errors


async def test_it_gets_a_decision(address: str, photo: Path) -> None:
    """JSON in, JSON out."""
    outcome = await assess(address, photo)
    assert outcome.code == 0, outcome.errors
    assessment = json.loads(outcome.output)["assessment"]
    assert assessment["alcoholDecision"] == "ALCOHOL_DECISION_ALLOW"
    assert assessment["ageYears"] == pytest.approx(60, abs=0.1)
    assert assessment["model"] == {"name": "age", "version": "3"}


async def test_it_is_told_what_is_wrong_with_a_bad_photo(address: str, no_photo: Path) -> None:
    """Code, message and details; its exit code is eight times gRPC's."""
    outcome = await assess(address, no_photo)
    assert outcome.code == 8 * grpc.StatusCode.INVALID_ARGUMENT.value[0]
    error = json.loads(outcome.errors)
    assert error["code"] == "invalid_argument"
    details = {detail["type"]: unpadded(detail["value"]) for detail in error["details"]}
    info = error_details_pb2.ErrorInfo.FromString(details["google.rpc.ErrorInfo"])
    assert (info.domain, info.reason) == ("agelane.v1", "UNSUPPORTED_FORMAT")
    bad = error_details_pb2.BadRequest.FromString(details["google.rpc.BadRequest"])
    assert [violation.field for violation in bad.field_violations] == ["photo"]


def unpadded(text: str) -> bytes:
    """Decode base64 that was written without its padding."""
    return base64.b64decode(text + "=" * (-len(text) % 4))
