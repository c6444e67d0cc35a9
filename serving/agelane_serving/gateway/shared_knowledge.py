"""What the gateway tells reports through the ledger, and what they tell it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from agelane_serving.ledger.receipt import LedgerError

if TYPE_CHECKING:
    from sqlalchemy import Engine

_LOOK_SECONDS = 10.0
_logger = logging.getLogger(__name__)


class SharedKnowledge:
    """Reads and writes beside the sales, never in their way."""

    def __init__(self, engine: Engine, confusions: Callable[[], dict[int, str]]) -> None:
        """`confusions` gives, by the versions that answer, how each confuses age groups (JSON)."""
        # As in `server`: whoever has no ledger needs no SQLAlchemy.
        from agelane_serving.ledger import learnt

        self._engine, self._confusions, self._learnt = engine, confusions, learnt

    async def lifts(self) -> str | None:
        """Return what offers are ranked by (JSON); None: reports have learnt nothing yet.

        Raises:
            LedgerError: the database can't be used.
        """
        return await asyncio.to_thread(self._learnt.read_lifts, self._engine)

    async def follow(self) -> None:
        """Tell of each version of the model that begins to answer, until cancelled."""
        told: dict[int, str] = {}
        while True:
            known = self._confusions()
            if not known.items() <= told.items():
                try:
                    await asyncio.to_thread(self._learnt.keep_confusions, self._engine, known)
                    told |= known
                except LedgerError as error:
                    _logger.warning("the ledger could not be told of the model: %s", error)
            await asyncio.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """Disconnect."""
        self._engine.dispose()
