"""A fake gateway, and both clients behind one face."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from agelane.v1 import assessment_pb2
from agelane_client import AsyncClient, AsyncSaleSpool, Client
from agelane_client.testing import FakeGateway, answer

Connect = Callable[..., Client]
SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "samples"


class Blocking:
    """An AsyncClient that looks like a Client, so that one test can hold both to the same.

    Or an AsyncSaleSpool that looks like a SaleSpool.
    """

    def __init__(self, runner: asyncio.Runner, client: AsyncClient | AsyncSaleSpool) -> None:
        """`runner` runs what `client` returns."""
        self._runner = runner
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method `name`, made to wait for its result."""
        method: Callable[..., Any] = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            returned = method(*args, **kwargs)
            if isinstance(returned, AsyncSaleSpool):
                return Blocking(self._runner, returned)
            return self._runner.run(returned)

        return call


@pytest.fixture(scope="session", name="runner")
def runner_fixture() -> Iterator[asyncio.Runner]:
    """The one event loop of all asynchronous clients."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(params=["sync", "async"], name="connect")
def connect_fixture(
    request: pytest.FixtureRequest, runner: asyncio.Runner
) -> Iterator[Callable[..., Client]]:
    """Makes a client of either kind; it is closed after the test."""
    with ExitStack() as clients:

        def connect(target: str, **options: Any) -> Client:
            options.setdefault("timeout", 30)  # a busy machine is no reason to fail
            client = Client(target, **options)
            if request.param == "async":
                client = cast("Client", Blocking(runner, AsyncClient(target, **options)))
            clients.callback(client.close)
            return client

        yield connect


@pytest.fixture(name="gateway")
def gateway_fixture(assessment: assessment_pb2.Assessment) -> Iterator[FakeGateway]:
    """A gateway that answers every call with `assessment`, until it is told otherwise."""
    gateway = FakeGateway(answer(assessment))
    yield gateway
    gateway.stop()


@pytest.fixture(name="assessment")
def assessment_fixture() -> assessment_pb2.Assessment:
    """Somebody of about thirty-one, as the gateway would tell it."""
    message = assessment_pb2.Assessment(
        id="0123456789abcdef0123456789abcdef",
        age_years=31.4,
        age_low_years=24.0,
        age_high_years=39.5,
        age_group=assessment_pb2.AgeGroup(id="25_34", label="25-34", from_years=25, to_years=34),
        age_group_probability=0.71,
        alcohol_decision=assessment_pb2.ALCOHOL_DECISION_ALLOW,
        reasons=[assessment_pb2.DECISION_REASON_CLEARLY_OVER_LEGAL_AGE],
        probability_under_legal_age=0.0021,
        legal_age_years=18,
        restricted_category="alcohol",
        photo_quality=assessment_pb2.PhotoQuality(width_pixels=256, height_pixels=200),
        offers=[assessment_pb2.Offer(id="o1", category="cheese", text="Old Gouda")],
        model=assessment_pb2.Model(name="age", version=7),
        policy_version="00112233aabbccdd",
        assessment_token=b"\x00signed",
        frames_used=1,
    )
    message.assessed_at.FromJsonString("2026-03-01T12:00:00Z")
    message.expires_at.FromJsonString("2026-03-01T12:05:00Z")
    return message


@pytest.fixture(name="photo")
def photo_fixture() -> bytes:
    """A real photo."""
    return (SAMPLES / "collins.jpg").read_bytes()


@pytest.fixture(name="dead_target")
def dead_target_fixture() -> Iterator[str]:
    """An address where nobody listens, kept from being taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(name="silent_target")
def silent_target_fixture() -> Iterator[str]:
    """An address that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
