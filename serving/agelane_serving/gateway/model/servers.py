"""Several model servers as one: whose turn it is, and who takes over from one that is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import grpc

from agelane_serving.gateway.assessment import ModelAnswer
from agelane_serving.gateway.deadline import LONGEST_SECONDS, Deadline
from agelane_serving.gateway.errors import ModelUnavailable, ModelUnreachable
from agelane_serving.gateway.model.backend import Backend
from agelane_serving.gateway.model.discovery import NAME_SCHEME, Place, Resolve, resolve
from agelane_serving.gateway.model.retry_budget import RetryBudget
from agelane_serving.gateway.photo.upright import UprightPhoto
from agelane_serving.policy import Card

_RESOLVE_SECONDS = 5.0
_LAST_CALLS_SECONDS = LONGEST_SECONDS + 1
_logger = logging.getLogger(__name__)


class ModelServers:
    """One model on one or more servers, all of which have the same versions."""

    def __init__(
        self,
        targets: Sequence[str],
        model_name: str,
        credentials: grpc.ChannelCredentials | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        """Connect to each when needed; at least one target. Without credentials in plaintext.

        Targets that begin with `dns:///` stand for all the servers of that name, which `resolve`
        tells; `follow` notices when they come and go.
        """
        self.model_name, self._credentials, self._resolve = model_name, credentials, resolve
        self._places = {
            target: [] if target.startswith(NAME_SCHEME) else [Place(target)] for target in targets
        }
        self.backends: list[Backend] = []
        """Those that are there now; always the same list."""
        self._leaving: set[asyncio.Task[None]] = set()
        self._turn = 0
        self._budget = RetryBudget()
        self._keep_to_places()

    async def follow(self) -> None:
        """Look for servers that have come or gone, until cancelled."""
        names = [target for target in self._places if target.startswith(NAME_SCHEME)]
        while names:
            for name in names:
                try:
                    self._places[name] = await self._resolve(name)
                except OSError as error:
                    # Those that were there serve on: a name server may be away for a while.
                    _logger.warning("%s can't be resolved: %s", name, error)
            self._keep_to_places()
            await asyncio.sleep(_RESOLVE_SECONDS)

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

    def confusions(self) -> dict[int, str]:
        """Return, by the versions that answer calls, how each confuses age groups (JSON)."""
        return {
            version: card.confusion
            for backend in self.backends
            for version in backend.available
            if (card := backend.cards.known(version)).confusion
        }

    async def close(self) -> None:
        """End what is in progress and disconnect."""
        for leaving in self._leaving:
            leaving.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await asyncio.gather(*[backend.close() for backend in self.backends])

    def _keep_to_places(self) -> None:
        """Add backends for places that are new, and let go of those whose place is no more."""
        places = {place.target: place for found in self._places.values() for place in found}
        for backend in [b for b in self.backends if b.target not in places]:
            _logger.info("model server %s has gone", backend.target)
            self.backends.remove(backend)
            task = asyncio.create_task(_close_later(backend))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
        there = {backend.target for backend in self.backends}
        for target, place in places.items():
            if target not in there:
                self.backends.append(Backend(place, self.model_name, self._credentials))

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


async def _close_later(backend: Backend) -> None:
    """Close what gets no new calls, once the last of the old ones has ended."""
    try:
        await asyncio.sleep(_LAST_CALLS_SECONDS)
    finally:
        await backend.close()
