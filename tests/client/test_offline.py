"""A till that asks for a decision whatever happens gets VERIFY_ID, and is told why."""

from __future__ import annotations

import json
import pickle
from typing import Any

import grpc
import pytest

from agelane_client import (
    AlcoholDecision,
    ClosedError,
    ConfigurationError,
    DeadlineError,
    DecisionReason,
    DecisionSource,
    PhotoError,
    RequestError,
    Sale,
    SaleOutcome,
    UnavailableError,
)
from agelane_client.testing import FakeGateway, refuse
from tests.client.conftest import Connect


def test_a_dead_gateway_is_a_decision(connect: Connect, dead_target: str, photo: bytes) -> None:
    """VERIFY_ID, with the error that would have been raised and the name of the call."""
    client = connect(dead_target, offline=True)
    result = client.assess(photo, request_id="r-1", restricted_category="tobacco")
    assert result.alcohol_decision is AlcoholDecision.VERIFY_ID
    assert result.source is DecisionSource.OFFLINE
    assert result.reasons == (DecisionReason.GATEWAY_UNAVAILABLE,)
    assert isinstance(result.error, UnavailableError)
    assert (result.request_id, result.restricted_category) == ("r-1", "tobacco")
    assert (result.age_years, result.model, result.assessment_token) == (None, None, b"")


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code.name != "OK"])
def test_whatever_a_gateway_refuses_is_never_an_allow(
    connect: Connect, gateway: FakeGateway, photo: bytes, code: grpc.StatusCode
) -> None:
    """By any code, known or not."""
    gateway.behaviour = refuse(code, "A_REASON_OF_TOMORROW")
    result = connect(gateway.target, offline=True).assess(photo)
    assert result.alcohol_decision is AlcoholDecision.VERIFY_ID
    assert result.source is DecisionSource.OFFLINE


def test_a_gateway_that_hangs_is_a_decision_at_the_deadline(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """With the error of a deadline."""
    gateway.behaviour = gateway.hang
    result = connect(gateway.target, offline=True).assess(photo, timeout=0.2)
    assert isinstance(result.error, DeadlineError)


def test_a_bad_photo_is_a_decision_with_another_reason(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """Whether the SDK or the gateway found out; the gateway was there."""
    client = connect(gateway.target, offline=True)
    gateway.behaviour = refuse(grpc.StatusCode.INVALID_ARGUMENT, "TRUNCATED_PHOTO")
    for result, reason in (
        (client.assess(b""), "EMPTY_PHOTO"),
        (client.assess(photo), "TRUNCATED_PHOTO"),
    ):
        assert result.reasons == (DecisionReason.PHOTO_UNUSABLE,)
        assert isinstance(result.error, PhotoError)
        assert result.error.reason == reason


def test_a_call_may_ask_otherwise_than_its_client(
    connect: Connect, dead_target: str, photo: bytes
) -> None:
    """Either way; and nobody gets it unasked."""
    assert connect(dead_target).assess(photo, offline=True).source is DecisionSource.OFFLINE
    with pytest.raises(UnavailableError):
        connect(dead_target, offline=True).assess(photo, offline=False)
    with pytest.raises(UnavailableError):
        connect(dead_target).assess(photo)


def test_the_tills_own_mistakes_are_still_raised(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """A timeout that can't be, and a client that was closed."""
    client = connect(gateway.target, offline=True)
    with pytest.raises(ConfigurationError):
        client.assess(photo, timeout=0)
    client.close()
    with pytest.raises(ClosedError):
        client.assess(photo)


def test_it_can_be_written_down(connect: Connect, dead_target: str, photo: bytes) -> None:
    """As JSON, as a line, and pickled."""
    result = connect(dead_target, offline=True).assess(photo)
    document: dict[str, Any] = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert (document["source"], document["error"]["reason"]) == ("OFFLINE", "UNAVAILABLE")
    start = "<Assessment OFFLINE: no age, VERIFY_ID (GATEWAY_UNAVAILABLE), UnavailableError("
    assert repr(result).startswith(start)
    assert repr(pickle.loads(pickle.dumps(result))) == repr(result)


def test_a_sale_after_it_says_so(
    connect: Connect, gateway: FakeGateway, dead_target: str, photo: bytes
) -> None:
    """That explains the missing token; a bad photo does not."""
    away = connect(dead_target, offline=True).assess(photo)
    client = connect(gateway.target, offline=True)
    for assessment in (away, client.assess(b""), client.assess(photo), None):
        client.record_sale(Sale(outcome=SaleOutcome.SOLD, assessment=assessment))
    client.record_sale(Sale(outcome=SaleOutcome.SOLD, decided_offline=True))
    told = [sale.decided_offline for sale in gateway.sales]
    assert told == [True, False, False, False, True]
    assert gateway.sales[0].assessment_token == b""


@pytest.mark.parametrize("argument", ["store_id", "lane_id", "request_id", "restricted_category"])
def test_an_argument_that_cannot_be_sent_is_a_decision_too(
    connect: Connect, gateway: FakeGateway, photo: bytes, argument: str
) -> None:
    """A text that is none in UTF-8, or a number."""
    client = connect(gateway.target, offline=True)
    for value in ("\ud800", 7):
        arguments: dict[str, Any] = {argument: value}
        for result in (
            client.assess(photo, **arguments),
            client.assess_frames([photo], **arguments),
        ):
            assert result.alcohol_decision is AlcoholDecision.VERIFY_ID
            assert isinstance(result.error, RequestError)
    assert gateway.requests == []
