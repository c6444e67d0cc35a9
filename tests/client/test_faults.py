"""Gateways that refuse, hang, die or talk nonsense: a typed error each time, and never a hang."""

from __future__ import annotations

import asyncio
import socketserver
import threading
import time
from contextlib import suppress
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2

from agelane.v1 import assessment_pb2
from agelane_client import (
    AgelaneError,
    AsyncClient,
    Client,
    ClosedError,
    ConfigurationError,
    CredentialsError,
    DeadlineError,
    OverloadedError,
    PermissionDeniedError,
    PhotoError,
    RequestError,
    ServerError,
    UnavailableError,
)
from agelane_client.testing import FakeGateway, fail, in_turn, refuse
from tests.client.conftest import Connect

BRIEF = 0.2
Code = grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (Code.INVALID_ARGUMENT, "TRUNCATED_PHOTO", PhotoError),
        (Code.INVALID_ARGUMENT, "A_REASON_OF_TOMORROW", PhotoError),
        (Code.INVALID_ARGUMENT, "INVALID_FIELD", RequestError),
        (Code.INVALID_ARGUMENT, "UNKNOWN_RESTRICTED_CATEGORY", RequestError),
        (Code.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT", DeadlineError),
        (Code.RESOURCE_EXHAUSTED, "OVERLOADED", OverloadedError),
        (Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", OverloadedError),
        (Code.UNAUTHENTICATED, "CREDENTIALS_MISSING", CredentialsError),
        (Code.PERMISSION_DENIED, "STORE_NOT_PERMITTED", PermissionDeniedError),
        (Code.UNIMPLEMENTED, "NOT_IMPLEMENTED", ServerError),
        (Code.INTERNAL, "INTERNAL", ServerError),
    ],
)
def test_a_refusal_is_typed_and_keeps_its_reason(
    connect: Connect,
    gateway: FakeGateway,
    photo: bytes,
    code: grpc.StatusCode,
    reason: str,
    kind: type[AgelaneError],
) -> None:
    """It is not tried again, and tells the name under which the gateway logged it."""
    gateway.behaviour = refuse(code, reason)
    with pytest.raises(AgelaneError) as caught:
        connect(gateway.target).assess(photo, request_id="r-9")
    error = caught.value
    assert type(error) is kind
    assert (error.reason, error.code, error.request_id) == (reason, code.name, "r-9")
    assert str(error) == f"{reason}: {reason} happened"
    assert error.retry_after is None
    assert len(gateway.requests) == 1


def test_the_wrong_field_is_named(connect: Connect, gateway: FakeGateway, photo: bytes) -> None:
    """BadRequest carries it."""
    wrong = error_details_pb2.BadRequest()
    wrong.field_violations.add(field="store_id", description="too long")
    gateway.behaviour = refuse(Code.INVALID_ARGUMENT, "INVALID_FIELD", wrong)
    with pytest.raises(RequestError) as caught:
        connect(gateway.target).assess(photo)
    assert caught.value.field == "store_id"


def test_an_overloaded_gateway_says_when_to_come_back(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """RetryInfo carries it, in seconds."""
    retry = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000))
    gateway.behaviour = refuse(Code.RESOURCE_EXHAUSTED, "OVERLOADED", retry)
    with pytest.raises(OverloadedError) as caught:
        connect(gateway.target).assess(photo)
    assert caught.value.retry_after == 1.5


def test_unavailable_is_tried_three_times(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """A gateway that is just being replaced costs no customer anything."""
    away = refuse(Code.UNAVAILABLE, "SHUTTING_DOWN")
    gateway.behaviour = in_turn(away, away, gateway.behaviour)
    assert connect(gateway.target).assess(photo).age_years == 31.4
    assert len({request.request_id for request in gateway.requests}) == 1
    gateway.behaviour = away
    with pytest.raises(UnavailableError):
        connect(gateway.target).assess(photo)
    assert len(gateway.requests) == 6


def test_details_of_other_makers_are_no_reasons(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """A proxy's ErrorInfo isn't taken for agelane's."""
    foreign = error_details_pb2.ErrorInfo(reason="EMPTY_PHOTO", domain="proxy.example")
    gateway.behaviour = fail(Code.INTERNAL, "proxy broke", foreign)
    with pytest.raises(ServerError) as caught:
        connect(gateway.target).assess(photo)
    assert (caught.value.reason, str(caught.value)) == ("", "INTERNAL: proxy broke")


@pytest.mark.parametrize("details", [b"\xff\xff\xff", b"\x08\x0d", b""])
def test_broken_details_leave_the_code(
    connect: Connect, gateway: FakeGateway, photo: bytes, details: bytes
) -> None:
    """Neither bytes that don't parse nor those of another status hide the error."""

    def behave(_: Any, context: Any) -> assessment_pb2.Assessment:
        context.set_trailing_metadata((("grpc-status-details-bin", details),))
        context.abort(Code.PERMISSION_DENIED, "no")
        raise AssertionError("abort returned")

    gateway.behaviour = behave
    with pytest.raises(PermissionDeniedError) as caught:
        connect(gateway.target).assess(photo)
    assert caught.value.reason == ""


def test_a_crash_in_the_gateway_is_a_server_error(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """Whatever was raised there."""

    def behave(_: Any, context: Any) -> assessment_pb2.Assessment:
        raise RuntimeError("a fault")

    gateway.behaviour = behave
    with pytest.raises(ServerError):
        connect(gateway.target).assess(photo)


def test_a_gateway_that_hangs_is_a_deadline_error(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """By the client's deadline, or by the call's own."""
    gateway.behaviour = gateway.hang
    with pytest.raises(DeadlineError):
        connect(gateway.target, timeout=BRIEF).assess(photo)
    with pytest.raises(DeadlineError):
        connect(gateway.target).assess(photo, timeout=BRIEF)


def test_a_slow_answer_is_no_answer(connect: Connect, gateway: FakeGateway, photo: bytes) -> None:
    """The next call gets its own answer, not the late one."""
    quick = gateway.behaviour

    def slow(request: Any, context: Any) -> assessment_pb2.Assessment:
        time.sleep(2 * BRIEF)
        return quick(request, context)

    gateway.behaviour = in_turn(slow, quick)
    client = connect(gateway.target)
    with pytest.raises(DeadlineError):
        client.assess(photo, timeout=BRIEF)
    assert client.assess(photo, request_id="the-next").request_id == "the-next"


def test_a_dead_gateway_is_unavailable(connect: Connect, dead_target: str, photo: bytes) -> None:
    """Health too; nobody is asked to guess."""
    client = connect(dead_target)
    with pytest.raises(UnavailableError):
        client.assess(photo)
    with pytest.raises(UnavailableError):
        client.health()


def test_a_gateway_that_never_speaks_is_a_deadline_error(
    connect: Connect, silent_target: str, photo: bytes
) -> None:
    """It takes the connection, and that is all."""
    client = connect(silent_target, timeout=BRIEF)
    with pytest.raises(DeadlineError):
        client.assess(photo)
    with pytest.raises(DeadlineError):
        client.health()


def test_a_server_of_another_kind_is_a_typed_error(connect: Connect, photo: bytes) -> None:
    """For example a web server on that port."""

    class Web(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            """Answer as a web server of old."""
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Web) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        with pytest.raises((UnavailableError, DeadlineError)):
            connect(f"127.0.0.1:{port}", timeout=BRIEF).assess(photo)
        server.shutdown()


def test_an_unknown_name_is_unavailable(connect: Connect, photo: bytes) -> None:
    """A host that no name server knows."""
    with pytest.raises((UnavailableError, DeadlineError)):
        connect("no-such-host.invalid:50051", timeout=1).assess(photo)


def test_a_gateway_that_dies_during_the_call_is_unavailable(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """The call ends with the connection."""
    gateway.behaviour = gateway.hang

    def kill() -> None:
        gateway.called.wait()
        gateway.stop()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(UnavailableError):
        connect(gateway.target).assess(photo)
    killer.join()


def test_a_gateway_that_comes_back_is_found_again(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """By the same client, without being told."""
    client = connect(gateway.target)
    client.assess(photo)
    gateway.stop()
    with pytest.raises(UnavailableError):
        client.assess(photo)
    successor = FakeGateway(gateway.behaviour, port=int(gateway.target.rpartition(":")[2]))
    while not successor.requests:
        with suppress(UnavailableError):
            assert client.assess(photo).age_years == 31.4
    successor.stop()


def test_closing_ends_a_call_in_progress(gateway: FakeGateway, photo: bytes) -> None:
    """A till that shuts down waits for nothing."""
    gateway.behaviour = gateway.hang
    client = Client(gateway.target, timeout=30)

    def close() -> None:
        gateway.called.wait()
        client.close()

    closer = threading.Thread(target=close)
    closer.start()
    with pytest.raises(ClosedError):
        client.assess(photo)
    closer.join()


def test_closing_ends_an_asynchronous_call_in_progress(gateway: FakeGateway, photo: bytes) -> None:
    """With the same error; nobody mistakes it for a cancelled task."""
    gateway.behaviour = gateway.hang

    async def run() -> None:
        client = AsyncClient(gateway.target, timeout=30)
        call = asyncio.create_task(client.assess(photo))
        await asyncio.to_thread(gateway.called.wait)
        await client.close()
        with pytest.raises(ClosedError):
            await call

    asyncio.run(run())


def test_a_cancelled_task_stays_cancelled(gateway: FakeGateway, photo: bytes) -> None:
    """Even if the client is closed at the same time."""
    gateway.behaviour = gateway.hang

    async def run() -> None:
        client = AsyncClient(gateway.target, timeout=30)
        call = asyncio.create_task(client.assess(photo))
        await asyncio.to_thread(gateway.called.wait)
        call.cancel()
        await client.close()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(run())


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_without_an_end_is_refused(
    connect: Connect, gateway: FakeGateway, photo: bytes, timeout: float
) -> None:
    """For the client and for a call."""
    with pytest.raises(ConfigurationError):
        connect(gateway.target, timeout=timeout)
    with pytest.raises(ConfigurationError):
        connect(gateway.target).assess(photo, timeout=timeout)
