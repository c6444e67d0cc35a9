"""The rpcs of grpc.health.v1.

Not those of grpcio-health-checking: there a watcher who does not read what it is told holds up all
others, and the end of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_MOST_WATCHES = 1_000  # nobody is asked for a token here
_Context = grpc.aio.ServicerContext[Any, Any]
_Status = health_pb2.HealthCheckResponse.ServingStatus


class HealthServicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # has no types
    """Tells the status of services, now or whenever it changes."""

    def __init__(self) -> None:
        """No service is known."""
        self._statuses: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._left = False
        self._watches = 0

    def set(self, service: str, status: int) -> None:
        """Set the status of a service; after `leave` nothing changes any more."""
        if not self._left:
            self._statuses[service] = status
            self._notify()

    def leave(self) -> None:
        """Be not serving for good, and end all watches once they have told so."""
        for service in self._statuses:
            self._statuses[service] = health_pb2.HealthCheckResponse.NOT_SERVING
        self._left = True
        self._notify()

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> health_pb2.HealthCheckResponse:
        """Tell the status."""
        status = self._statuses.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Tell the status, and again whenever it has changed."""
        if self._watches >= _MOST_WATCHES:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many watches")
        self._watches += 1
        try:
            async for status in self._statuses_of(request.service):
                yield health_pb2.HealthCheckResponse(status=status)
        finally:
            self._watches -= 1

    async def _statuses_of(self, service: str) -> AsyncIterator[int]:
        told = None
        while True:
            changed = self._changed
            status = self._statuses.get(service, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
            if status != told:
                yield status
                told = status
            if self._left and changed is self._changed:
                return
            await changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        if not self._left:
            self._changed = asyncio.Event()
