"""Readiness follows the model server; being alive does not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import grpc
from grpc_health.v1 import health_pb2

from agelane_serving.gateway.errors import ModelSlow
from agelane_serving.gateway.model.cards import CardCache
from agelane_serving.gateway.operations.health import Health
from agelane_serving.gateway.server import Gateway
from agelane_serving.gateway.settings import Settings
from agelane_serving.policy import Card, Certificate
from tests.serving.gateway.conftest import Lane
from tests.serving.gateway.fake_model_server import AVAILABLE, LOADING, FakeModelServer

READY = "agelane.v1.CheckoutService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def test_ready_while_a_version_is_available(lane: Lane, model: FakeModelServer) -> None:
    """Loading is not available; a server that fails to tell is not, either."""
    await lane.until_health(READY, "SERVING")
    model.states = {3: LOADING}
    await lane.until_health(READY, "NOT_SERVING")
    model.states = {3: LOADING, 2: AVAILABLE}
    await lane.until_health(READY, "SERVING")
    model.status_failure = grpc.StatusCode.NOT_FOUND
    await lane.until_health(READY, "NOT_SERVING")
    assert await lane.health_of("") == "SERVING"


async def test_a_model_server_that_dies_and_returns_is_noticed(
    lane: Lane, model: FakeModelServer
) -> None:
    """Both ways, without a restart of the gateway."""
    await lane.until_health(READY, "SERVING")
    await model.stop()
    await lane.until_health(READY, "NOT_SERVING")
    await model.start(model.port)
    await lane.until_health(READY, "SERVING")


class ScriptedSource:
    """Gives one scripted status after the other."""

    def __init__(self, *statuses: frozenset[int] | Exception) -> None:
        self.target, self.available = "scripted", frozenset[int]()
        self.cards = CardCache(self._read)
        self.reads = 0
        self._statuses = iter(statuses)

    async def available_versions(self, timeout_seconds: float) -> frozenset[int]:
        """Return or raise what comes next."""
        status = next(self._statuses)
        if isinstance(status, Exception):
            raise status
        return status

    async def _read(self, version: int) -> Card:
        self.reads += 1
        return Card((Certificate(18, 0.01, 0.01, 0.95),))


async def test_a_model_server_too_busy_to_tell_is_given_some_time() -> None:
    """Meanwhile its certificate counts; only when it stays silent it is given up."""
    available, slow = frozenset({3}), ModelSlow("DEADLINE_EXCEEDED")
    source = ScriptedSource(available, slow, slow, available, slow, slow, slow, available)
    health, context = Health([source]), cast(grpc.aio.ServicerContext[Any, Any], None)
    seen = []
    for _ in range(8):
        await health.look()
        answer = await health.servicer.Check(health_pb2.HealthCheckRequest(service=READY), context)
        seen.append(answer.status == SERVING)
    assert seen == [True, True, True, True, True, True, False, True]
    assert source.reads == 2


async def test_the_certificate_is_there_before_the_first_customer(
    lane: Lane, model: FakeModelServer
) -> None:
    """A gateway that is ready has read the card."""
    await lane.until_health(READY, "SERVING")
    assert model.card_reads == 1


async def test_a_gateway_that_leaves_tells_its_watchers_and_lets_them_go(
    settings: Settings, model: FakeModelServer
) -> None:
    """A watch that stayed open would hold up the drain, here for ten minutes."""
    gateway = Gateway(replace(settings, drain_seconds=600))
    await gateway.start()
    async with grpc.aio.insecure_channel(gateway.address) as channel:
        watch = Lane(channel).health.Watch(health_pb2.HealthCheckRequest(service=""))
        assert (await watch.read()).status == SERVING
        stopping = asyncio.create_task(gateway.stop())
        assert (await watch.read()).status == NOT_SERVING
        assert await watch.read() is grpc.aio.EOF
        await asyncio.wait_for(stopping, 60)


async def test_a_watcher_who_does_not_read_holds_up_nobody(
    gateway: Gateway, lane: Lane, model: FakeModelServer
) -> None:
    """Neither the other watchers nor the end."""
    await lane.until_health(READY, "SERVING")
    deaf = [lane.health.Watch(health_pb2.HealthCheckRequest(service=READY)) for _ in range(20)]
    for watch in deaf:
        await watch.read()
    for states in ({}, {3: AVAILABLE}) * 5:
        model.states = states
        await lane.until_health(READY, "SERVING" if states else "NOT_SERVING")
    await asyncio.wait_for(gateway.stop(), 10)
