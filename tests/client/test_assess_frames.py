"""Several photos of one customer are fused, on both clients."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

import grpc
import pytest

from agelane.v1 import assessment_pb2
from agelane_client import (
    AlcoholDecision,
    AsyncClient,
    Client,
    ClosedError,
    DeadlineError,
    DecisionSource,
    PhotoError,
    RequestError,
    UnavailableError,
)
from agelane_client.testing import FakeGateway, answer, fail, in_turn, refuse

Connect = Callable[..., Client]


def kinds(gateway: FakeGateway) -> list[str | None]:
    """Return the kinds of events that a gateway got."""
    return [event.WhichOneof("event") for event in gateway.events]


def test_all_photos_make_one_assessment(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """Their customer is announced and ended, and the last answer counts."""
    client = connect(gateway.target, store_id="kiel-2", lane_id="3", token="t0ken")
    fused = client.assess_frames([photo] * 3, request_id="r-1", restricted_category="tobacco")
    assert kinds(gateway) == ["customer_start", "frame", "frame", "frame", "customer_end"]
    start = gateway.events[0].customer_start
    assert (start.store_id, start.lane_id) == ("kiel-2", "3")
    assert (start.request_id, start.restricted_category) == ("r-1", "tobacco")
    assert [event.frame.frame_number for event in gateway.events[1:4]] == [1, 2, 3]
    assert (fused.frames_used, fused.request_id) == (3, "r-1")
    assert fused.alcohol_decision is AlcoholDecision.ALLOW
    assert gateway.metadata[0]["authorization"] == "Bearer t0ken"


def test_no_photo_is_taken_once_the_decision_is_settled(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """Each is taken when the one before is answered, so that a camera gives fresh ones."""
    taken: list[int] = []

    def camera() -> Iterator[bytes]:
        for number in range(100):
            taken.append(number)
            assert len(gateway.events) <= 1 + number
            yield photo

    gateway.settled_after = 2
    assert connect(gateway.target).assess_frames(camera()).frames_used == 2
    assert taken == [0, 1]


def test_photos_that_cannot_be_used_are_left_out(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """An empty one does not end the customer."""
    fused = connect(gateway.target).assess_frames([b"", photo, "no-such-file.jpg"])
    assert fused.frames_used == 1
    assert kinds(gateway) == ["customer_start", "frame", "customer_end"]


def test_without_a_usable_photo_there_is_no_decision(
    connect: Connect, gateway: FakeGateway
) -> None:
    """The error says of the last one why; offline it is VERIFY_ID."""
    client = connect(gateway.target)
    with pytest.raises(PhotoError, match="UNREADABLE_FILE"):
        client.assess_frames([b"", "no-such-file.jpg"])
    with pytest.raises(PhotoError, match="EMPTY_PHOTO: there is no photo"):
        client.assess_frames([])
    offline = client.assess_frames([], offline=True)
    assert offline.alcohol_decision is AlcoholDecision.VERIFY_ID
    assert offline.source is DecisionSource.OFFLINE


def test_what_the_camera_raises_reaches_the_caller(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """As it is: the till knows its camera."""

    def camera() -> Iterator[bytes]:
        yield photo
        raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        connect(gateway.target).assess_frames(camera(), offline=True)


def test_a_camera_that_hangs_leaves_what_was_seen(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """When the time is over, the last answer counts; without one there is none."""
    unplugged = threading.Event()

    def camera(photos: int) -> Iterator[bytes]:
        yield from [photo] * photos
        unplugged.wait(30)

    client = connect(gateway.target)
    try:
        client.assess(photo)  # so that the connection takes no time below
        started = time.monotonic()
        assert client.assess_frames(camera(2), timeout=1).frames_used == 2
        with pytest.raises(DeadlineError):
            client.assess_frames(camera(0), timeout=0.5)
        assert time.monotonic() - started < 10
    finally:
        unplugged.set()


def test_nobody_reads_the_camera_when_the_time_is_over(
    connect: Connect, gateway: FakeGateway
) -> None:
    """Also where none of its photos can be used, and so none is ever answered."""
    taken: list[float] = []

    def camera() -> Iterator[bytes]:
        while True:
            taken.append(time.monotonic())
            time.sleep(0.005)
            yield b""

    client = connect(gateway.target)
    with pytest.raises(DeadlineError):
        client.assess_frames(camera(), timeout=0.3)
    time.sleep(0.3)
    until = len(taken)
    time.sleep(0.3)
    assert len(taken) <= until + 1


def test_cameras_that_hang_do_not_hold_up_others(
    runner: asyncio.Runner, gateway: FakeGateway, photo: bytes
) -> None:
    """Each has a thread of its own, and a photo that must be read has the deadline too."""
    unplugged = threading.Event()

    def camera() -> Iterator[bytes]:
        unplugged.wait(60)
        yield photo

    async def serve() -> float:
        async with AsyncClient(gateway.target, timeout=30) as client:
            hanging = [client.assess_frames(camera(), timeout=0.2) for _ in range(40)]
            ended = await asyncio.gather(*hanging, return_exceptions=True)
            assert {type(it) for it in ended} == {DeadlineError}
            began = time.monotonic()
            await client.assess(bytearray(photo))
            return time.monotonic() - began

    try:
        assert runner.run(serve()) < 20
    finally:
        unplugged.set()


def test_an_answer_is_kept_when_the_gateway_goes_away(
    connect: Connect,
    gateway: FakeGateway,
    photo: bytes,
    assessment: assessment_pb2.Assessment,
) -> None:
    """It is signed, and as good as if the customer had been seen once."""
    gateway.behaviour = in_turn(answer(assessment), fail(grpc.StatusCode.UNAVAILABLE))
    assert connect(gateway.target).assess_frames([photo] * 2).frames_used == 1


def test_without_an_answer_the_error_is_that_of_a_call(
    connect: Connect, gateway: FakeGateway, photo: bytes, dead_target: str
) -> None:
    """Refused, or nobody there."""
    gateway.behaviour = refuse(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    with pytest.raises(RequestError, match="INVALID_FIELD"):
        connect(gateway.target).assess_frames([photo])
    with pytest.raises(UnavailableError):
        connect(dead_target).assess_frames([photo])


def test_a_closed_client_says_so(connect: Connect, gateway: FakeGateway, photo: bytes) -> None:
    """Offline or not: it is the till's own doing."""
    client = connect(gateway.target)
    client.assess_frames([photo])
    client.close()
    with pytest.raises(ClosedError):
        client.assess_frames([photo], offline=True)


def test_asyncio_reads_an_asynchronous_camera(
    runner: asyncio.Runner, gateway: FakeGateway, photo: bytes
) -> None:
    """And a call that is cancelled is cancelled."""

    async def camera() -> AsyncIterator[bytes]:
        for _ in range(2):
            await asyncio.sleep(0)
            yield photo

    async def ask() -> int:
        async with AsyncClient(gateway.target, timeout=30) as client:
            fused = await client.assess_frames(camera())
            gateway.behaviour = gateway.hang
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.assess_frames(camera()), 0.3)
            return fused.frames_used

    assert runner.run(ask()) == 2
