"""Remember the cards of a model's versions."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection

from agelane_serving.policy import Card

_RETRY_SECONDS = 1.0
_logger = logging.getLogger(__name__)
_NO_CARD = Card()


class CardUnavailable(Exception):
    """The card of a version could not be read, or made no sense."""


class CardCache:
    """Reads the card of a version once, whoever asks first, and remembers it.

    While there is none an empty one stands in, so nobody is waved through. A card that could not be
    read is tried again a second later.
    """

    def __init__(self, read: Callable[[int], Awaitable[Card]]) -> None:
        """`read` gives the card of a version, or raises CardUnavailable."""
        self._read = read
        self._known: dict[int, Card] = {}
        self._reading: dict[int, asyncio.Task[None]] = {}
        self._not_before: dict[int, float] = {}

    async def of(self, version: int, timeout_seconds: float) -> Card:
        """Return the card of a version; an empty one if it isn't there in time."""
        if version not in self._known and time.monotonic() >= self._not_before.get(version, 0.0):
            # A task of its own: the first to ask may leave, and others wait for the same answer.
            if version not in self._reading:
                self._reading[version] = asyncio.create_task(self._learn(version))
            await asyncio.wait({self._reading[version]}, timeout=timeout_seconds)
        return self.known(version)

    def known(self, version: int) -> Card:
        """Return the card of a version; an empty one if it has not been read."""
        return self._known.get(version, _NO_CARD)

    def keep(self, versions: Collection[int]) -> None:
        """Forget all other versions: whatever serves under such a number later may be another."""
        self._known = {v: known for v, known in self._known.items() if v in versions}
        self._not_before = {v: at for v, at in self._not_before.items() if v in versions}
        for version in self._reading.keys() - versions:
            self._reading.pop(version).cancel()

    async def close(self) -> None:
        """Stop reading."""
        self.keep(())

    async def _learn(self, version: int) -> None:
        try:
            card = self._known[version] = await self._read(version)
            gates = "and" if card.face_gates else "but no valid"
            certificates = len(card.certificates)
            _logger.info("version %d: %d certificates %s face gates", version, certificates, gates)
        except CardUnavailable as error:
            self._not_before[version] = time.monotonic() + _RETRY_SECONDS
            _logger.warning("version %d is not certified: %s", version, error)
        finally:
            if self._reading.get(version) is asyncio.current_task():
                del self._reading[version]
