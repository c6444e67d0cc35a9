"""A spool: sales are safe on the till's own disk at once, and told to the gateway in their order.

    with Client("gateway.example:50051", tls=True) as client:
        with client.sale_spool("/var/lib/till/sales.spool") as spool:
            spool.record(Sale(outcome=SaleOutcome.SOLD, assessment=assessment))

Whatever goes wrong on the way, a dead gateway, a power cut, a kill, the sale waits and is told
again under its name, so that it is recorded once. The next one is told after it: a sale may cancel
the one before.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

from agelane.v1.sale_pb2 import RecordSaleRequest
from agelane_client.errors import AgelaneError, RequestError, SaleError
from agelane_client.options import Options
from agelane_client.results import _Result
from agelane_client.sales import Sale, sale_request
from agelane_client.spool_file import RefusedSale, SpoolFile, Waiting

MOST_SALES = 50_000

_SEND_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_FOR_GOOD = (RequestError, SaleError)
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SpoolStatus(_Result):
    """How a spool is."""

    waiting: int
    """Sales that no gateway has recorded yet."""
    oldest_at: datetime | None
    """Since when the first of them waits. None: none does."""
    refused: int
    """Sales that a gateway refused for good; see `refused`."""
    last_error: AgelaneError | None
    """Why the first one is not told yet. None: nothing went wrong with it."""


class _Replay:
    """What to do next about the first sale: the same with threads and with asyncio."""

    def __init__(self, path: str | os.PathLike[str], options: Options, most_sales: int) -> None:
        """Raises SpoolError."""
        self.file = SpoolFile(path, most_sales)
        self.error: AgelaneError | None = None
        self._options, self._pause = options, _FIRST_PAUSE

    def keep(self, sale: Sale) -> None:
        self.file.keep(sale_request(sale, self._options))

    def told(self, sale: Waiting) -> None:
        self.file.told(sale)
        self.error, self._pause = None, _FIRST_PAUSE

    def failed(self, sale: Waiting | None, error: AgelaneError) -> float:
        """Take note of an error; return the seconds to wait, 0 if the next sale may go."""
        if sale is not None and isinstance(error, _FOR_GOOD):
            _logger.error("sale %s is refused for good: %s", sale.request.sale_id, error)
            self.file.refuse(sale, error)
            self.error = None
            return 0.0
        if type(error) is not type(self.error):
            _logger.warning("sales wait: %s", error)
        self.error = error
        # Lanes that all come back at once would keep down a gateway that is just starting.
        pause = max(error.retry_after or 0, self._pause * random.uniform(0.5, 1.0))
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return pause

    def status(self) -> SpoolStatus:
        waiting, oldest_at, refused = self.file.state()
        return SpoolStatus(
            waiting=waiting, oldest_at=oldest_at, refused=refused, last_error=self.error
        )


class SaleSpool:
    """See the module; made by `Client.sale_spool`, and used by as many threads as you like."""

    def __init__(
        self,
        send: Callable[[RecordSaleRequest, float], object],
        path: str | os.PathLike[str],
        options: Options,
        most_sales: int,
    ) -> None:
        """`send` tells a gateway, with a deadline in seconds. Raises SpoolError."""
        self._send = send
        self._replay = _Replay(path, options, most_sales)
        self._turn = threading.Lock()
        self._came, self._empty, self._closing = (threading.Event() for _ in range(3))
        self._thread = threading.Thread(target=self._run, name="agelane-spool", daemon=True)
        self._thread.start()

    def record(self, sale: Sale) -> None:
        """Keep a sale; when this returns, it is on the disk, and is told as soon as possible.

        Raises:
            SpoolError: it is not kept: too many wait, or the disk is full or broken.
            RequestError: it can't be told to any gateway.
            ClosedError: the spool is closed.
        """
        with self._turn:
            self._replay.keep(sale)
            self._empty.clear()
        self._came.set()

    def status(self) -> SpoolStatus:
        """Return how many sales wait, and why. Raises SpoolError."""
        return self._replay.status()

    def refused(self) -> tuple[RefusedSale, ...]:
        """Return the sales that a gateway refused for good. Raises SpoolError."""
        return self._replay.file.refused()

    def drain(self, timeout: float) -> bool:
        """Wait until no sale waits, for at most so many seconds; say whether that is so."""
        return self._empty.wait(timeout)

    def close(self) -> None:
        """Stop telling; what waits is told when the file is opened again."""
        self._closing.set()
        self._came.set()
        self._thread.join()
        self._replay.file.close()

    def __enter__(self) -> SaleSpool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._came.clear()
            pause = self._tell_first()
            if pause is None:
                self._came.wait()
            elif pause:
                self._closing.wait(pause)

    def _tell_first(self) -> float | None:
        """Tell the first sale; return the seconds to wait then. None: there is no sale."""
        sale = None
        try:
            with self._turn:
                sale = self._replay.file.first()
                if sale is None:
                    self._empty.set()
                    return None
            self._send(sale.request, _SEND_SECONDS)
            self._replay.told(sale)
        except AgelaneError as error:
            return self._replay.failed(sale, error)
        return 0.0


class AsyncSaleSpool:
    """`SaleSpool` for asyncio: the same methods, to be awaited. It tells from its first use on."""

    def __init__(
        self,
        send: Callable[[RecordSaleRequest, float], Awaitable[object]],
        path: str | os.PathLike[str],
        options: Options,
        most_sales: int,
    ) -> None:
        """See `SaleSpool`."""
        self._send = send
        self._replay = _Replay(path, options, most_sales)
        self._turn = asyncio.Lock()
        self._came, self._empty, self._closing = (asyncio.Event() for _ in range(3))
        self._task: asyncio.Task[None] | None = None

    async def record(self, sale: Sale) -> None:
        """Keep a sale as `SaleSpool.record` does, with the same errors."""
        self._begin()
        async with self._turn:
            await asyncio.to_thread(self._replay.keep, sale)
            self._empty.clear()
        self._came.set()

    async def status(self) -> SpoolStatus:
        """Return how many sales wait, and why. Raises SpoolError."""
        self._begin()
        return await asyncio.to_thread(self._replay.status)

    async def refused(self) -> tuple[RefusedSale, ...]:
        """Return the sales that a gateway refused for good. Raises SpoolError."""
        self._begin()
        return await asyncio.to_thread(self._replay.file.refused)

    async def drain(self, timeout: float) -> bool:
        """Wait until no sale waits, for at most so many seconds; say whether that is so."""
        self._begin()
        return await _happens(self._empty, timeout)

    async def close(self) -> None:
        """Stop telling; what waits is told when the file is opened again."""
        self._closing.set()
        self._came.set()
        if self._task is not None:
            await self._task
        self._replay.file.close()

    async def __aenter__(self) -> AsyncSaleSpool:
        self._begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _begin(self) -> None:
        if self._task is None:
            self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while not self._closing.is_set():
            self._came.clear()
            pause = await self._tell_first()
            if pause is None:
                await self._came.wait()
            elif pause:
                await _happens(self._closing, pause)

    async def _tell_first(self) -> float | None:
        """Tell the first sale; return the seconds to wait then. None: there is no sale."""
        sale = None
        try:
            async with self._turn:
                sale = await asyncio.to_thread(self._replay.file.first)
                if sale is None:
                    self._empty.set()
                    return None
            await self._send(sale.request, _SEND_SECONDS)
            await asyncio.to_thread(self._replay.told, sale)
        except AgelaneError as error:
            return self._replay.failed(sale, error)
        return 0.0


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, for at most so many seconds; say whether it happened."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return False
    return True
