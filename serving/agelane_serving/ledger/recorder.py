"""Record without holding up the event loop: what comes together is written together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from agelane_serving.ledger.receipt import Entry, LedgerError, Receipt

_MOST_WAITING = 2_000
_MOST_AT_ONCE = 200
_Waiting = tuple[Entry, asyncio.Future[Receipt]]
_logger = logging.getLogger(__name__)


class Store(Protocol):
    """What writes: `store.Store`, or a test's."""

    def record(self, entries: Sequence[Entry]) -> list[Receipt]:
        """Record entries in one transaction; raises LedgerError."""

    def close(self) -> None:
        """Close all connections."""


class Recorder:
    """One writer to a store; for one event loop.

    While one batch is made durable, the next gathers (group commit, Gray and Reuter, "Transaction
    Processing", 1993): so that thousands of sales a second need no more than a few syncs of a disk.
    """

    def __init__(self, store: Store) -> None:
        """The store is the recorder's alone from now on."""
        self._store = store
        # One: transactions are one after the other anyway.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def record(self, entry: Entry) -> Receipt:
        """Return the receipt of an entry once it is durable.

        A caller who leaves meanwhile changes nothing: it is recorded all the same.

        Raises:
            LedgerError: it was not recorded, or nobody knows whether it was; try again.
            Exception: whatever else the store has raised over this very entry, which was not
                recorded.
        """
        if len(self._waiting) >= _MOST_WAITING:
            raise LedgerError("too much waits to be recorded")
        receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, receipt))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await receipt

    async def close(self) -> None:
        """Write what waits, and close the store."""
        if self._writing is not None:
            await self._writing
        self._thread.shutdown()
        self._store.close()

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[:_MOST_AT_ONCE]
                del self._waiting[:_MOST_AT_ONCE]
                await self._write_batch(batch)
        finally:
            self._writing = None

    async def _write_batch(self, batch: Sequence[_Waiting]) -> None:
        entries = [entry for entry, _ in batch]
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._thread, self._store.record, entries)
        await asyncio.wait([work])
        error = work.exception()
        if error is None:
            _tell(batch, work.result())
        elif isinstance(error, LedgerError):
            _logger.error("nothing could be recorded: %s", error)
            _tell(batch, [LedgerError(str(error)) for _ in batch])
        elif len(batch) > 1:
            # One entry is at fault, and the others must not suffer from it.
            for each in batch:
                await self._write_batch([each])
        else:
            _logger.error("an entry can't be recorded", exc_info=error)
            _tell(batch, [error])


def _tell(batch: Sequence[_Waiting], outcomes: Sequence[Receipt | BaseException]) -> None:
    for (_, waiting), outcome in zip(batch, outcomes, strict=True):
        if waiting.done():
            continue  # the caller has left
        if isinstance(outcome, Receipt):
            waiting.set_result(outcome)
        else:
            waiting.set_exception(outcome)
