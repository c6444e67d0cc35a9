"""A gateway in front of a scripted model server, both real gRPC servers on ports of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from agelane.v1 import assessment_pb2, checkout_pb2, checkout_pb2_grpc
from agelane_serving.gateway.server import Gateway
from agelane_serving.gateway.settings import Settings
from tests.serving.gateway import photos
from tests.serving.gateway.fake_model_server import FakeModelServer

LONG_SECONDS = 4.5


@dataclass
class Lane:
    """A till's connection to a gateway."""

    channel: grpc.aio.Channel

    def __post_init__(self) -> None:
        self.checkout: checkout_pb2_grpc.CheckoutServiceAsyncStub = (
            checkout_pb2_grpc.CheckoutServiceStub(self.channel)
        )
        self.health: Any = health_pb2_grpc.HealthStub(self.channel)

    async def assess(
        self, photo: bytes | None = None, timeout: float = LONG_SECONDS, **fields: Any
    ) -> assessment_pb2.Assessment:
        """Assess one photo, a good one if none is given."""
        request = checkout_pb2.AssessCustomerRequest(
            photo=photos.jpeg() if photo is None else photo, **fields
        )
        return (await self.checkout.AssessCustomer(request, timeout=timeout)).assessment

    async def waves_through(self) -> bool:
        """Tell whether the decision about a good photo is ALLOW."""
        return (await self.assess()).alcohol_decision == assessment_pb2.ALCOHOL_DECISION_ALLOW

    async def refused(self, photo: bytes | None = None, **fields: str) -> Refused:
        """Assess one photo and return how that failed."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.assess(photo, LONG_SECONDS, **fields)
        return Refused(caught.value)

    async def health_of(self, service: str) -> str:
        """Return the health status of a service by its name."""
        answer = await self.health.Check(health_pb2.HealthCheckRequest(service=service))
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    async def until_health(self, service: str, wanted: str) -> None:
        """Wait until a service has a health status, for at most half a minute."""
        async with asyncio.timeout(30):
            async for answer in self.health.Watch(health_pb2.HealthCheckRequest(service=service)):
                if answer.status == health_pb2.HealthCheckResponse.ServingStatus.Value(wanted):
                    return


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so, for at most half a minute."""
    async with asyncio.timeout(30):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


class Refused:
    """A failed call, its details unpacked."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code = error.code()
        self.message = error.details() or ""
        self.info = error_details_pb2.ErrorInfo()
        self.fields: list[str] = []
        status = rpc_status.from_call(error)  # type: ignore[arg-type]
        for detail in status.details if status else ():
            if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
                detail.Unpack(self.info)
            else:
                bad = error_details_pb2.BadRequest()
                detail.Unpack(bad)
                self.fields = [violation.field for violation in bad.field_violations]


def assert_document_check(
    assessment: assessment_pb2.Assessment, reason: assessment_pb2.DecisionReason.ValueType
) -> None:
    """Check an assessment that was made without a usable answer."""
    assert assessment.alcohol_decision == assessment_pb2.ALCOHOL_DECISION_VERIFY_ID
    assert list(assessment.reasons) == [reason]
    assert assessment.legal_age_years == 18
    assert assessment.policy_version


@pytest.fixture
async def model() -> AsyncIterator[FakeModelServer]:
    """A scripted model server."""
    server = FakeModelServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def settings(model: FakeModelServer) -> Settings:
    """Settings of a gateway in front of it."""
    return Settings(listen="127.0.0.1:0", model_server=model.address, drain_seconds=5)


@pytest.fixture
def policy_text(policy_without_audit: Path) -> str:
    """The text of the policy file. Tests override it."""
    return policy_without_audit.read_text()


@pytest.fixture
async def gateway(settings: Settings, policy_text: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway that takes calls and follows its model server."""
    (tmp_path / "policy.toml").write_text(policy_text)
    gateway = Gateway(replace(settings, policy=tmp_path / "policy.toml", notice_seconds=0))
    await gateway.start()
    running = asyncio.create_task(gateway.run())
    yield gateway
    running.cancel()
    await gateway.stop()


@pytest.fixture
async def lane(gateway: Gateway) -> AsyncIterator[Lane]:
    """A till's connection to it."""
    async with grpc.aio.insecure_channel(gateway.address) as channel:
        yield Lane(channel)
