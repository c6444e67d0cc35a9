"""Keep the gauges up to date that nobody sets as things happen."""

from __future__ import annotations

import asyncio
import math
import warnings

from agelane_serving.gateway.admission.queue import AdmissionQueue
from agelane_serving.gateway.model.breaker import BreakerState
from agelane_serving.gateway.model.rollout import Rollout
from agelane_serving.gateway.model.servers import ModelServers
from agelane_serving.gateway.operations import metrics
from agelane_serving.gateway.operations.drift import AgeDrift

_SECONDS = 1.0


class Gauges:
    """Reads, each second, how the parts of a gateway are."""

    def __init__(
        self, servers: ModelServers, queue: AdmissionQueue, rollout: Rollout, drift: AgeDrift
    ) -> None:
        """All four are used as long as the gauges are."""
        self._servers, self._queue, self._rollout, self._drift = servers, queue, rollout, drift
        self._targets: set[str] = set()

    async def follow(self) -> None:
        """Set the gauges each second, until cancelled."""
        while True:
            self.set()
            metrics.TASKS.set(len(asyncio.all_tasks()))
            await asyncio.sleep(_SECONDS)

    def set(self) -> None:
        """Set the gauges to what is so now."""
        metrics.IN_FLIGHT.set(self._queue.in_flight)
        metrics.WAITING.set(self._queue.waiting)
        metrics.ROLLED_BACK.set(self._rollout.rolled_back)
        self._forget_gone()
        for backend in self._servers.backends:
            metrics.BREAKER.labels(backend.target).set(backend.breaker.state.value)
            metrics.VERSIONS.labels(backend.target).set(len(backend.available))
        cards = self._servers.cards()
        certified = all(card.certificates and card.face_gates is not None for card in cards)
        metrics.CERTIFIED.set(bool(cards) and certified)
        for card in cards:
            drift = self._drift.index(card.estimated_age_shares)
            if drift is not None:
                metrics.AGE_DRIFT.set(drift)

    def _forget_gone(self) -> None:
        """Leave no gauge of a model server that is no more: it would look like a dead one."""
        targets = {backend.target for backend in self._servers.backends}
        for target in self._targets - targets:
            # With several processes nothing can be removed: then this is what stays.
            metrics.BREAKER.labels(target).set(BreakerState.CLOSED.value)
            metrics.VERSIONS.labels(target).set(math.nan)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                metrics.BREAKER.remove(target)
                metrics.VERSIONS.remove(target)
        self._targets = targets
