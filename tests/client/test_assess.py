"""What both clients send, and what they make of the answer."""

from __future__ import annotations

import asyncio
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import pytest

from agelane.v1 import assessment_pb2
from agelane_client import (
    AlcoholDecision,
    AsyncClient,
    Client,
    ClosedError,
    DecisionReason,
    Health,
    PhotoError,
)
from agelane_client.testing import NOT_SERVING, FakeGateway, answer
from tests.client.conftest import SAMPLES, Connect


def test_an_assessment_arrives_whole(connect: Connect, gateway: FakeGateway, photo: bytes) -> None:
    """Every field of the contract has its place in the result."""
    result = connect(gateway.target).assess(photo, request_id="r-1")
    assert result.to_dict() == {
        "id": "0123456789abcdef0123456789abcdef",
        "request_id": "r-1",
        "age_years": 31.4,
        "age_low_years": 24.0,
        "age_high_years": 39.5,
        "age_group": {"id": "25_34", "label": "25-34", "from_years": 25, "to_years": 34},
        "age_group_probability": 0.71,
        "alcohol_decision": "ALLOW",
        "reasons": ["CLEARLY_OVER_LEGAL_AGE"],
        "probability_under_legal_age": 0.0021,
        "legal_age_years": 18,
        "restricted_category": "alcohol",
        "photo_quality": {
            "width_pixels": 256,
            "height_pixels": 200,
            "orientation_applied": False,
            "brightness": None,
            "sharpness": None,
            "face_count": None,
            "face_score": None,
            "face_box": None,
        },
        "offers": [{"id": "o1", "category": "cheese", "text": "Old Gouda"}],
        "model": {"name": "age", "version": 7},
        "policy_version": "00112233aabbccdd",
        "assessment_token": "AHNpZ25lZA==",
        "assessed_at": "2026-03-01T12:00:00+00:00",
        "expires_at": "2026-03-01T12:05:00+00:00",
        "frames_used": 1,
        "source": "GATEWAY",
        "error": None,
    }
    assert result.alcohol_decision is AlcoholDecision.ALLOW
    assert result.reasons == (DecisionReason.CLEARLY_OVER_LEGAL_AGE,)
    assert result.assessed_at == datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
    assert result.assessment_token == b"\x00signed"
    json.dumps(result.to_dict(), allow_nan=False)


def test_the_repr_is_for_reading(connect: Connect, gateway: FakeGateway, photo: bytes) -> None:
    """It tells the age, the decision and the model, and hides the token."""
    assert repr(connect(gateway.target).assess(photo)) == (
        "<Assessment 0123456789abcdef0123456789abcdef: 31.4 years (24.0 to 39.5), "
        "ALLOW (CLEARLY_OVER_LEGAL_AGE), age/7>"
    )
    gateway.behaviour = answer(assessment_pb2.Assessment(id="x"))
    assert repr(connect(gateway.target).assess(photo)) == "<Assessment x: no age, VERIFY_ID>"


@pytest.mark.parametrize("kind", [str, Path, bytes, bytearray, memoryview])
def test_a_photo_is_a_path_or_bytes(
    connect: Connect, gateway: FakeGateway, photo: bytes, kind: type
) -> None:
    """The gateway gets the bytes of the file as they are."""
    given = kind(SAMPLES / "collins.jpg") if kind in (str, Path) else kind(photo)
    connect(gateway.target).assess(given)
    assert gateway.requests[0].photo == photo


def test_all_that_a_caller_names_is_sent(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """A call's own store and lane go before the client's."""
    client = connect(gateway.target, store_id="store-1", lane_id="lane-1")
    client.assess(photo)
    client.assess(photo, lane_id="lane-2", request_id="r", restricted_category="tobacco")
    first, second = gateway.requests
    assert (first.store_id, first.lane_id, first.restricted_category) == ("store-1", "lane-1", "")
    assert (second.store_id, second.lane_id) == ("store-1", "lane-2")
    assert (second.request_id, second.restricted_category) == ("r", "tobacco")


def test_calls_without_a_name_get_different_ones(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """A name has the form that the contract asks for."""
    client = connect(gateway.target)
    names = {client.assess(photo).request_id for _ in range(3)}
    assert len(names) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name) for name in names)


@pytest.mark.parametrize(
    ("size", "reason"), [(0, "EMPTY_PHOTO"), (1_048_577, "PHOTO_TOO_LARGE"), (1_048_576, None)]
)
@pytest.mark.parametrize("as_file", [True, False])
def test_a_photo_has_one_byte_to_one_mebibyte(
    connect: Connect,
    gateway: FakeGateway,
    tmp_path: Path,
    size: int,
    reason: str | None,
    as_file: bool,
) -> None:
    """What the gateway would refuse for its size isn't even sent; the largest allowed one is."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(bytes(size))
    client = connect(gateway.target)
    if reason is None:
        client.assess(path if as_file else bytes(size))
        assert len(gateway.requests[0].photo) == size
    else:
        with pytest.raises(PhotoError) as caught:
            client.assess(path if as_file else bytes(size))
        assert caught.value.reason == reason
        assert not gateway.requests


def test_a_file_of_two_gigabytes_is_never_read(
    connect: Connect, gateway: FakeGateway, tmp_path: Path
) -> None:
    """Its size alone refuses it."""
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)
    with pytest.raises(PhotoError) as caught:
        connect(gateway.target).assess(path)
    assert caught.value.reason == "PHOTO_TOO_LARGE"


def test_what_is_not_a_readable_file_is_a_photo_error(
    connect: Connect, gateway: FakeGateway, tmp_path: Path
) -> None:
    """A folder, a pipe without a writer, a device without an end, a missing file, a bad name."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    client = connect(gateway.target)
    for path in (tmp_path, pipe, "/dev/zero", tmp_path / "missing.jpg", "null\0character"):
        with pytest.raises(PhotoError) as caught:
            client.assess(path)
        assert caught.value.reason == "UNREADABLE_FILE"
        assert caught.value.code == ""
    assert not gateway.requests


def test_the_gateway_is_told_who_calls(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """The user agent names the SDK."""
    connect(gateway.target).assess(photo)
    assert str(gateway.metadata[0]["user-agent"]).startswith("agelane-client/")


def test_health_is_what_the_gateway_says(connect: Connect, gateway: FakeGateway) -> None:
    """Ready, not ready, or something else; tests/e2e asks the real service."""
    client = connect(gateway.target)
    assert client.health() is Health.SERVING
    gateway.set_health(NOT_SERVING)
    assert client.health() is Health.NOT_SERVING
    gateway.set_health(0)
    assert client.health() is Health.UNKNOWN


def test_a_closed_client_says_so(connect: Connect, gateway: FakeGateway, photo: bytes) -> None:
    """Whether it had been used before or not; to close it twice does no harm."""
    used, unused = connect(gateway.target), connect(gateway.target)
    used.assess(photo)
    for client in (used, unused):
        client.close()
        client.close()
        with pytest.raises(ClosedError):
            client.assess(photo)
        with pytest.raises(ClosedError):
            client.health()


def test_a_client_is_a_context_manager(gateway: FakeGateway, photo: bytes) -> None:
    """It is closed at the end of the block, and not before."""
    with Client(gateway.target, timeout=30) as client:
        assert client.assess(photo).age_years == 31.4
    with pytest.raises(ClosedError):
        client.assess(photo)


async def test_an_asynchronous_client_is_a_context_manager_too(
    gateway: FakeGateway, photo: bytes
) -> None:
    """It is closed at the end of the block, and not before."""
    async with AsyncClient(gateway.target, timeout=30) as client:
        assert (await client.assess(photo)).age_years == 31.4
    with pytest.raises(ClosedError):
        await client.assess(photo)


NAMES = [f"call-{number}" for number in range(64)]


def test_threads_that_share_a_client_get_their_own_answers(
    gateway: FakeGateway, photo: bytes
) -> None:
    """One client serves all threads of a till."""
    with Client(gateway.target, timeout=30) as client, ThreadPoolExecutor(16) as threads:
        results = threads.map(lambda name: client.assess(photo, request_id=name), NAMES)
        assert [result.request_id for result in results] == NAMES


async def test_tasks_that_share_a_client_get_their_own_answers(
    gateway: FakeGateway, photo: bytes
) -> None:
    """One client serves all lanes of an event loop."""
    async with AsyncClient(gateway.target, timeout=30) as client:
        results = await asyncio.gather(*(client.assess(photo, request_id=name) for name in NAMES))
        assert [result.request_id for result in results] == NAMES
