"""Clients without the contract can ask for it."""

from __future__ import annotations

import asyncio

import grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from agelane_serving.gateway.server import Gateway


async def test_the_gateway_describes_its_services(gateway: Gateway) -> None:
    """As `buf curl` and `grpcurl` ask."""

    def services() -> set[str]:
        with grpc.insecure_channel(gateway.address) as channel:
            return set(ProtoReflectionDescriptorDatabase(channel).get_services())

    assert await asyncio.to_thread(services) == {
        "agelane.v1.CheckoutService",
        "agelane.v1.ReportService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
