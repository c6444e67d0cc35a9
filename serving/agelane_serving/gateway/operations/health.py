"""grpc.health.v1: alive by the empty name, ready to assess by the service's name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol
from weakref import WeakKeyDictionary

from grpc_health.v1 import health_pb2

from agelane.v1 import checkout_pb2
from agelane_serving.gateway.errors import ModelSlow, ModelUnavailable
from agelane_serving.gateway.model.cards import CardCache
from agelane_serving.gateway.operations.health_servicer import HealthServicer

ALIVE = ""
"""SERVING from the start until the gateway is told to stop, whatever the model does."""
READY = checkout_pb2.DESCRIPTOR.services_by_name["CheckoutService"].full_name
"""SERVING while a version of the model is available."""
_POLL_SECONDS = 1.0
_LONGEST_ANSWER_SECONDS = 2.0
_MOST_SLOW_LOOKS = 3

_logger = logging.getLogger(__name__)


class StatusSource(Protocol):
    """A model server, which knows what versions of the model it has."""

    target: str
    available: frozenset[int]
    cards: CardCache

    async def available_versions(self, timeout_seconds: float) -> frozenset[int]:
        """Return the versions that answer calls, or raise ModelUnavailable."""


class Health:
    """Tells whether this gateway lives and whether its model does."""

    def __init__(self, backends: Sequence[StatusSource]) -> None:
        """Alive and not ready until `follow` runs. `backends` may change meanwhile."""
        self.servicer = HealthServicer()
        self._backends = backends
        self._slow_looks: WeakKeyDictionary[StatusSource, int] = WeakKeyDictionary()
        self._available: frozenset[int] | None = None

    async def follow(self) -> None:
        """Keep the status up to date, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_POLL_SECONDS)

    async def look(self) -> None:
        """Bring the status up to date once."""
        await asyncio.gather(*[self._look_at(backend) for backend in self._backends])
        available = frozenset().union(*[backend.available for backend in self._backends])
        if available != self._available:
            self._available = available
            self._announce(available)

    async def _look_at(self, backend: StatusSource) -> None:
        try:
            available = await backend.available_versions(_LONGEST_ANSWER_SECONDS)
            self._slow_looks[backend] = 0
        except ModelSlow:
            # A server with much to do is slow to tell, and still the same server.
            slow_looks = self._slow_looks[backend] = self._slow_looks.get(backend, 0) + 1
            if slow_looks < _MOST_SLOW_LOOKS:
                return
            available = frozenset()
        except ModelUnavailable as error:
            available = frozenset()
            _logger.debug("no status from %s: %s", backend.target, error)
        backend.available = available
        backend.cards.keep(available)
        # Read before the first customer comes.
        for version in available:
            await backend.cards.of(version, _LONGEST_ANSWER_SECONDS)

    def begin(self) -> None:
        """Be alive, and not ready yet."""
        self.servicer.set(ALIVE, health_pb2.HealthCheckResponse.SERVING)
        self.servicer.set(READY, health_pb2.HealthCheckResponse.NOT_SERVING)

    def leave(self) -> None:
        """Be not serving from now on, so that callers go elsewhere; end their watches."""
        self.servicer.leave()

    def _announce(self, available: frozenset[int]) -> None:
        if available:
            _logger.info("ready: version %s", ", ".join(map(str, sorted(available))))
            self.servicer.set(READY, health_pb2.HealthCheckResponse.SERVING)
        else:
            _logger.warning("not ready: the model server has no version available")
            self.servicer.set(READY, health_pb2.HealthCheckResponse.NOT_SERVING)
