"""Photos that can't be used, through the whole gateway."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from agelane.v1 import assessment_pb2 as v1
from tests.serving.gateway import photos
from tests.serving.gateway.conftest import Lane, assert_document_check
from tests.serving.gateway.fake_model_server import FakeModelServer


async def test_bad_photos_do_not_touch_good_ones(lane: Lane, model: FakeModelServer) -> None:
    """Twelve broken ones among 96 calls at once: each gets its own answer."""
    bad = [b"", b"GIF89a", photos.jpeg()[:200], photos.png_of_announced_size(10_000, 5_000)]
    good = photos.jpeg()

    async def call(number: int) -> object:
        if number % 8 == 0:
            return (await lane.refused(bad[number // 8 % 4])).code
        return (await lane.assess(good)).alcohol_decision

    answers = await asyncio.gather(*map(call, range(96)))
    assert [a for n, a in enumerate(answers) if n % 8 == 0] == [
        grpc.StatusCode.INVALID_ARGUMENT
    ] * 12
    assert {a for n, a in enumerate(answers) if n % 8} == {v1.ALCOHOL_DECISION_ALLOW}
    assert set(model.photos) == {good}


@pytest.mark.parametrize(
    ("photo", "reason", "metadata"),
    [
        (b"", "EMPTY_PHOTO", {}),
        (b"no photo at all", "UNSUPPORTED_FORMAT", {}),
        (photos.animated_gif(), "UNSUPPORTED_FORMAT", {}),
        (photos.animated_png(), "ANIMATED_PHOTO", {}),
        (photos.jpeg()[:-2], "TRUNCATED_PHOTO", {}),
        (b"\xff\xd8\xff\xd9", "CORRUPT_PHOTO", {}),
        (photos.jpeg()[:-2] + b"\xff\xda" * 60 + b"\xff\xd9", "CORRUPT_PHOTO", {}),
        (
            photos.jpeg_of_announced_size(8000, 6250),
            "TOO_MANY_PIXELS",
            {"limit": "12000000", "actual": "50000000"},
        ),
        (photos.png((31, 64)), "TOO_FEW_PIXELS", {"limit": "32", "actual": "31"}),
        (
            photos.jpeg() + b"\0" * 2_000_000,
            "PHOTO_TOO_LARGE",
            {"limit": "1048576", "actual": str(len(photos.jpeg()) + 2_000_000)},
        ),
    ],
)
async def test_a_bad_photo_is_refused_with_its_reason(
    lane: Lane, model: FakeModelServer, photo: bytes, reason: str, metadata: dict[str, str]
) -> None:
    """INVALID_ARGUMENT with machine-readable details; the model is not bothered."""
    refused = await lane.refused(photo)
    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT
    assert (refused.info.reason, refused.info.domain) == (reason, "agelane.v1")
    assert dict(refused.info.metadata) == metadata
    assert refused.fields == ["photo"]
    assert model.photos == []


async def test_a_message_far_too_large_does_not_reach_the_gateway(lane: Lane) -> None:
    """GRPC itself refuses it, and the connection goes on."""
    refused = await lane.refused(b"\0" * 8_000_000)
    assert refused.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await lane.assess()).HasField("age_years")


async def test_a_photo_that_can_not_be_turned_is_unusable(
    lane: Lane, model: FakeModelServer
) -> None:
    """Its header is fine, its pixels are not: VERIFY_ID, and the model is not asked."""
    chunk = photos.png_chunk(b"eXIf", b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0")
    photo = photos.png_of_announced_size(100, 80)
    assessment = await lane.assess(photo[:33] + chunk + photo[33:])
    assert_document_check(assessment, v1.DECISION_REASON_PHOTO_UNUSABLE)
    assert not assessment.photo_quality.orientation_applied
    assert model.photos == []
