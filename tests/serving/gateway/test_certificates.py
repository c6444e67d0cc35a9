"""Only the certificate of the very version that answered lets anybody through."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest

from agelane.v1 import assessment_pb2 as v1
from tests.serving.gateway.conftest import Lane, assert_document_check, until
from tests.serving.gateway.fake_model_server import FACE_GATES, FakeModelServer, card

_NAN_GATE = {"min_sharpness": math.nan}
BAD_CARDS: dict[str, Any] = {
    "not JSON": b"{",
    "not UTF-8": b"\xff\xfe\xff",
    "deeply nested": b"[" * 100_000,
    "a list": [],
    "unknown schema": card() | {"schema": 2},
    "no certificates": card() | {"certificates": []},
    "certificates are a number": card() | {"certificates": 3},
    "threshold is NaN": json.dumps(card(math.nan)).encode(),
    "threshold is infinite": json.dumps(card(math.inf)).encode(),
    "threshold is above 1": card(1.5),
    "threshold is negative": card(-0.1),
    "threshold is missing": card(None),
    "threshold is text": card("0.5"),
    "threshold is true": card(True),
    "another score": card(score="age"),
    "another legal age": card(legal_age_years=16),
    "promises too little": card(max_false_clear_rate=0.05),
    "is not sure enough": card(confidence=0.5),
    "no promise": card(max_false_clear_rate=None),
    "no gates for faces": {name: value for name, value in card().items() if name != "face_gates"},
    "gates are a list": card() | {"face_gates": [FACE_GATES]},
    "a gate is missing": card() | {"face_gates": {"min_score": 0.75}},
    "a gate is NaN": json.dumps(card() | {"face_gates": FACE_GATES | _NAN_GATE}).encode(),
    "a gate is not known": card() | {"face_gates": FACE_GATES | {"max_yaw_degrees": 30}},
}


@pytest.mark.parametrize("bad", BAD_CARDS.values(), ids=BAD_CARDS.keys())
async def test_without_a_valid_certificate_and_valid_gates_nobody_is_waved_through(
    lane: Lane, model: FakeModelServer, bad: Any
) -> None:
    """The age is told all the same."""
    model.cards[7] = bad
    model.version = 7
    model.states[7] = model.states[3]
    assessment = await lane.assess()
    assert_document_check(assessment, v1.DECISION_REASON_MODEL_NOT_CERTIFIED)
    assert assessment.age_years == pytest.approx(60, abs=0.01)
    assert assessment.model.version == 7


async def test_a_version_that_was_never_announced_is_asked_for_its_card(
    lane: Lane, model: FakeModelServer
) -> None:
    """Its certificate counts as soon as it has been read from that very version."""
    await lane.assess()
    model.version = 4
    model.cards[4] = card()
    assessment = await lane.assess()
    assert assessment.model.version == 4
    assert assessment.alcohol_decision == v1.ALCOHOL_DECISION_ALLOW


async def test_a_version_without_a_card_is_not_certified_by_its_predecessor(
    lane: Lane, model: FakeModelServer
) -> None:
    """A rollout must not inherit a promise; a card that turns up later counts."""
    assert (await lane.assess()).alcohol_decision == v1.ALCOHOL_DECISION_ALLOW
    model.version = 4
    assert_document_check(await lane.assess(), v1.DECISION_REASON_MODEL_NOT_CERTIFIED)
    model.cards[4] = card()
    await until(lane.waves_through)


async def test_a_card_is_read_once_for_many_calls(lane: Lane, model: FakeModelServer) -> None:
    """Not once a customer."""
    await lane.until_health("agelane.v1.CheckoutService", "SERVING")
    await asyncio.gather(*(lane.assess() for _ in range(20)))
    assert model.card_reads == 1


async def test_a_version_that_went_away_is_read_anew_when_it_comes_back(
    lane: Lane, model: FakeModelServer
) -> None:
    """Another model may have been put under its number meanwhile."""
    await lane.until_health("agelane.v1.CheckoutService", "SERVING")
    assert (await lane.assess()).alcohol_decision == v1.ALCOHOL_DECISION_ALLOW
    model.states = {}
    await lane.until_health("agelane.v1.CheckoutService", "NOT_SERVING")
    model.cards = {3: card() | {"certificates": []}}
    assert_document_check(await lane.assess(), v1.DECISION_REASON_MODEL_NOT_CERTIFIED)
