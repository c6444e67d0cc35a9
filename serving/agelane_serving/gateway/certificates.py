"""Remember which certificates the versions of a model carry."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection

from agelane_serving.policy import Certificate

_RETRY_SECONDS = 1.0
_logger = logging.getLogger(__name__)
_Certificates = tuple[Certificate, ...]


class CardUnavailable(Exception):
    """The card of a version could not be read, or made no sense."""


class CertificateCache:
    """Reads the card of a version once, whoever asks first, and remembers its certificates.

    While there is no card there are no certificates, so nobody is waved through. A card that could
    not be read is tried again a second later.
    """

    def __init__(self, read: Callable[[int], Awaitable[_Certificates]]) -> None:
        """`read` gives the certificates of a version, or raises CardUnavailable."""
        self._read = read
        self._known: dict[int, _Certificates] = {}
        self._reading: dict[int, asyncio.Task[None]] = {}
        self._not_before: dict[int, float] = {}

    async def of(self, version: int, timeout_seconds: float) -> _Certificates:
        """Return the certificates of a version; none if its card isn't there in time."""
        if version not in self._known and time.monotonic() >= self._not_before.get(version, 0.0):
            # A task of its own: the first to ask may leave, and others wait for the same answer.
            if version not in self._reading:
                self._reading[version] = asyncio.create_task(self._learn(version))
            await asyncio.wait({self._reading[version]}, timeout=timeout_seconds)
        return self._known.get(version, ())

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
            self._known[version] = await self._read(version)
            _logger.info("version %d: %d certificates", version, len(self._known[version]))
        except CardUnavailable as error:
            self._not_before[version] = time.monotonic() + _RETRY_SECONDS
            _logger.warning("version %d is not certified: %s", version, error)
        finally:
            if self._reading.get(version) is asyncio.current_task():
                del self._reading[version]
