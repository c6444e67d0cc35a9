"""A call that is late is sent once more, as long as the budget lasts; the first answer counts."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane.v1 import assessment_pb2
from agelane_client import (
    AsyncClient,
    Client,
    ClosedError,
    ConfigurationError,
    DeadlineError,
    ServerError,
)
from agelane_client.hedging import Hedging
from agelane_client.testing import Behaviour, FakeGateway, refuse
from tests.client.conftest import Connect

CALLS_TO_KNOW = 50


def by_attempt(first: Behaviour, second: Behaviour) -> Behaviour:
    """Behave like `first` when a call comes for the first time, like `second` when once more."""
    seen: set[str] = set()
    lock = threading.Lock()

    def behave(request: Any, context: Any) -> assessment_pb2.Assessment:
        with lock:
            behaviour = second if request.request_id in seen else first
            seen.add(request.request_id)
        return behaviour(request, context)

    return behave


def know_its_pace(client: Client, photo: bytes) -> None:
    """Let `client` learn what late is."""
    for _ in range(CALLS_TO_KNOW):
        client.assess(photo)


def sent(gateway: FakeGateway, name: str) -> int:
    """Return how many times the call `name` came."""
    return [request.request_id for request in gateway.requests].count(name)


def test_a_late_call_is_sent_once_more(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """Or twice more, under its own name; the attempt that lost is called off."""
    quick, called_off = gateway.behaviour, threading.Event()
    client = connect(gateway.target, hedging=1.0)
    know_its_pace(client, photo)

    def hang(request: Any, context: Any) -> assessment_pb2.Assessment:
        context.add_callback(called_off.set)
        return gateway.hang(request, context)

    gateway.behaviour = by_attempt(hang, quick)
    assert client.assess(photo, request_id="late").request_id == "late"
    assert sent(gateway, "late") in (2, 3)
    assert called_off.wait(30)


def test_one_gateway_that_hangs_keeps_nobody_waiting(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """The other attempt goes to another one."""
    others = [FakeGateway(gateway.behaviour) for _ in range(2)]
    hosts = ",".join(it.target for it in (gateway, *others))
    client = connect(f"ipv4:{hosts}", hedging=1.0)
    know_its_pace(client, photo)
    gateway.behaviour = gateway.hang
    before = len(gateway.requests)
    while len(gateway.requests) < before + 5:
        assert client.assess(photo).age_years == 31.4
    for other in others:
        other.stop()


def test_without_being_asked_nothing_is_sent_twice(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """Nor before enough calls have told what late is."""
    plain, new = connect(gateway.target), connect(gateway.target, hedging=1.0)
    know_its_pace(plain, photo)
    quick = gateway.behaviour
    gateway.behaviour = by_attempt(gateway.hang, quick)
    for name, client in (("plain", plain), ("new", new)):
        with pytest.raises(DeadlineError):
            client.assess(photo, request_id=name, timeout=0.2)
        assert sent(gateway, name) <= 1


def test_an_empty_budget_waits_for_the_first(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """A hundredth of fifty calls is not yet one."""
    client = connect(gateway.target, hedging=0.01)
    know_its_pace(client, photo)
    gateway.behaviour = by_attempt(gateway.hang, gateway.behaviour)
    with pytest.raises(DeadlineError):
        client.assess(photo, request_id="late", timeout=0.2)
    assert sent(gateway, "late") <= 1


@pytest.mark.parametrize("failing", ["first", "second"])
def test_an_attempt_that_fails_leaves_it_to_the_other(
    connect: Connect, gateway: FakeGateway, photo: bytes, failing: str
) -> None:
    """Whichever it is."""
    quick, both, over = gateway.behaviour, threading.Event(), threading.Event()
    client = connect(gateway.target, hedging=1.0)
    know_its_pace(client, photo)

    def fail(request: Any, context: Any) -> assessment_pb2.Assessment:
        both.wait()
        context.add_callback(over.set)
        return refuse(grpc.StatusCode.INTERNAL, "INTERNAL")(request, context)

    def answer(request: Any, context: Any) -> assessment_pb2.Assessment:
        over.wait()
        return quick(request, context)

    def arrive(request: Any, context: Any) -> assessment_pb2.Assessment:
        both.set()
        return (answer if failing == "first" else fail)(request, context)

    gateway.behaviour = by_attempt(fail if failing == "first" else answer, arrive)
    assert client.assess(photo, request_id="late").age_years == 31.4
    assert sent(gateway, "late") in (2, 3)


def test_if_both_fail_the_error_is_typed(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """As if there had been one."""
    both = threading.Event()
    client = connect(gateway.target, hedging=1.0)
    know_its_pace(client, photo)
    broken = refuse(grpc.StatusCode.INTERNAL, "INTERNAL")

    def first(request: Any, context: Any) -> assessment_pb2.Assessment:
        both.wait()
        return broken(request, context)

    def second(request: Any, context: Any) -> assessment_pb2.Assessment:
        both.set()
        return broken(request, context)

    gateway.behaviour = by_attempt(first, second)
    with pytest.raises(ServerError) as caught:
        client.assess(photo, request_id="late")
    assert (caught.value.reason, caught.value.request_id) == ("INTERNAL", "late")


def test_both_attempts_end_at_the_deadline(
    connect: Connect, gateway: FakeGateway, photo: bytes
) -> None:
    """The second has what is left of it."""
    client = connect(gateway.target, hedging=1.0)
    know_its_pace(client, photo)
    gateway.behaviour = gateway.hang
    with pytest.raises(DeadlineError):
        client.assess(photo, timeout=0.5)


def test_closing_ends_both_attempts(gateway: FakeGateway, photo: bytes) -> None:
    """With the same error as one."""
    both = threading.Event()
    with Client(gateway.target, timeout=30, hedging=1.0) as client:
        know_its_pace(client, photo)
        gateway.behaviour = by_attempt(gateway.hang, hang_after(gateway, both))

        def close() -> None:
            both.wait()
            client.close()

        closer = threading.Thread(target=close)
        closer.start()
        with pytest.raises(ClosedError):
            client.assess(photo)
        closer.join()


async def test_closing_ends_both_asynchronous_attempts(gateway: FakeGateway, photo: bytes) -> None:
    """With the same error as one."""
    both = threading.Event()
    client = AsyncClient(gateway.target, timeout=30, hedging=1.0)
    for _ in range(CALLS_TO_KNOW):
        await client.assess(photo)
    gateway.behaviour = by_attempt(gateway.hang, hang_after(gateway, both))
    call = asyncio.create_task(client.assess(photo))
    await asyncio.to_thread(both.wait)
    await client.close()
    with pytest.raises(ClosedError):
        await call


async def test_a_cancelled_task_calls_off_both_attempts(gateway: FakeGateway, photo: bytes) -> None:
    """And stays cancelled."""
    both, called_off = threading.Event(), threading.Semaphore(0)

    def hang(request: Any, context: Any) -> assessment_pb2.Assessment:
        context.add_callback(called_off.release)
        return gateway.hang(request, context)

    async with AsyncClient(gateway.target, timeout=30, hedging=1.0) as client:
        for _ in range(CALLS_TO_KNOW):
            await client.assess(photo)

        def hang_second(request: Any, context: Any) -> assessment_pb2.Assessment:
            both.set()
            return hang(request, context)

        gateway.behaviour = by_attempt(hang, hang_second)
        call = asyncio.create_task(client.assess(photo))
        await asyncio.to_thread(both.wait)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        for _ in range(2):
            assert await asyncio.to_thread(called_off.acquire, timeout=30)


def hang_after(gateway: FakeGateway, came: threading.Event) -> Behaviour:
    """Say that the call came, and never answer it."""

    def behave(request: Any, context: Any) -> assessment_pb2.Assessment:
        came.set()
        return gateway.hang(request, context)

    return behave


def test_late_is_what_takes_longer_than_most() -> None:
    """Of a hundred calls two are; of forty-nine nobody knows."""
    hedging = Hedging(0.05)
    for seconds in range(49):
        hedging.answered(seconds)
        assert hedging.begin() is None
    for seconds in range(49, 100):
        hedging.answered(seconds)
    assert hedging.begin() == 98
    for _ in range(1_000):
        hedging.answered(7)
    assert hedging.begin() == 7


@given(st.floats(0.001, 1), st.lists(st.booleans(), max_size=500))
def test_there_are_never_more_calls_than_the_share_allows(share: float, lates: list[bool]) -> None:
    """Whenever the late ones come; after a calm time there are at most 25 more in a row."""
    hedging, more, at_once = Hedging(share), 0, 0.0
    for calls, late in enumerate(lates, start=1):
        hedging.begin()
        taken = hedging.take() if late else 0
        more += taken
        at_once = at_once + taken - share if taken else 0.0
        assert more <= share * calls + 1e-9
        assert at_once <= 25


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(
    connect: Connect, gateway: FakeGateway, share: float
) -> None:
    """When the client is made."""
    with pytest.raises(ConfigurationError):
        connect(gateway.target, hedging=share)
