"""Several model servers as one: whose turn it is, and who takes over from one that is away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc

from agelane_serving.gateway.assessment import ModelAnswer
from agelane_serving.gateway.deadline import Deadline
from agelane_serving.gateway.errors import ModelUnavailable, ModelUnreachable
from agelane_serving.gateway.model.backend import Backend
from agelane_serving.gateway.model.retry_budget import RetryBudget
from agelane_serving.gateway.photo.upright import UprightPhoto
from agelane_serving.policy import Card


class ModelServers:
    """One model on one or more servers, all of which have the same versions."""

    def __init__(
        self,
        targets: Sequence[str],
        model_name: str,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        """Connect to each when needed; at least one target. Without credentials in plaintext."""
        self.model_name = model_name
        self.backends = [Backend(target, model_name, credentials) for target in targets]
        self._turn = 0
        self._budget = RetryBudget()

    async def predict(self, photo: UprightPhoto, label: str, deadline: Deadline) -> ModelAnswer:
        """Ask the next server in turn; where it can't be reached, one other, within a budget.

        Raises:
            ModelUnavailable: no answer that makes sense before the deadline.
        """
        tried: list[Backend] = []
        while True:
            backend = self._next(tried)
            try:
                with backend.breaker.watches(deadline.remaining_seconds()):
                    answer = await backend.predict(photo, label, deadline)
            except ModelUnreachable:
                tried.append(backend)
                if len(tried) > 1 or not self._others(tried) or not self._budget.spend():
                    raise
                continue
            self._budget.earn()
            return answer

    async def predict_once(
        self, photo: UprightPhoto, label: str, deadline: Deadline
    ) -> ModelAnswer:
        """Ask for a trial: no second attempt, and no server is blamed for what goes wrong.

        Raises:
            ModelUnavailable: no answer that makes sense before the deadline.
        """
        return await self._next([]).predict(photo, label, deadline)

    def cards(self) -> list[Card]:
        """Return the cards of all versions that answer calls."""
        return [
            backend.cards.known(version)
            for backend in self.backends
            for version in backend.available
        ]

    async def close(self) -> None:
        """End what is in progress and disconnect."""
        await asyncio.gather(*[backend.close() for backend in self.backends])

    def _next(self, tried: Sequence[Backend]) -> Backend:
        """Return whose turn it is, of those that are ready if any is (round robin)."""
        candidates = self._others(tried)
        if not candidates:
            raise ModelUnavailable("no model server answers; the next attempts follow shortly")
        ready = [backend for backend in candidates if backend.available] or candidates
        self._turn += 1
        return ready[self._turn % len(ready)]

    def _others(self, tried: Sequence[Backend]) -> list[Backend]:
        return [b for b in self.backends if b.breaker.allows() and b not in tried]
