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
from agelane_client.errors import AgelaneError, RequestError, SaleError, ServerError
from agelane_client.options import Options
from agelane_client.results import _Result
from agelane_client.sales import Sale, sale_request
from agelane_client.spool_file import RefusedSale, SpoolFile, Waiting

MOST_SALES = 50_000

_SEND_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE, _LONGEST_ASKED = 0.5, 10.0, 60.0
_MOST_FAULTS = 50
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
        self._options, self._pause, self._faults = options, _FIRST_PAUSE, 0

    def keep(self, sale: Sale) -> None:
        self.file.keep(sale_request(sale, self._options))

    def told(self, sale: Waiting) -> None:
        self.file.told(sale)
        self._go_on()

    def failed(self, sale: Waiting | None, error: Exception) -> float:
        """Take note of an error; return the seconds to wait, 0 if the next sale may go."""
        if not isinstance(error, AgelaneError):
            _logger.error("a fault of the spool", exc_info=error)
            error = ServerError(f"a fault of the spool: {error!r}")
        self._faults = self._faults + 1 if error.code == "INTERNAL" else 0
        if sale is not None and (_is_for_good(error) or self._faults >= _MOST_FAULTS):
            try:
                self.file.refuse(sale, error)
            except AgelaneError as problem:
                error = problem
            else:
                _logger.error("sale %s is put aside: %s", sale.request.sale_id, error)
                self._go_on()
                return 0.0
        if type(error) is not type(self.error):
            _logger.warning("sales wait: %s", error)
        self.error = error
        asked = min(error.retry_after or 0.0, _LONGEST_ASKED)
        # Lanes that all come back at once would keep down a gateway that is just starting.
        pause = max(asked, self._pause * random.uniform(0.5, 1.0))
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return pause

    def _go_on(self) -> None:
        if self.error is not None:
            _logger.info("sales are told again")
        self.error, self._pause, self._faults = None, _FIRST_PAUSE, 0

    def status(self) -> SpoolStatus:
        waiting, oldest_at, refused = self.file.state()
        return SpoolStatus(
            waiting=waiting, oldest_at=oldest_at, refused=refused, last_error=self.error
        )


def _is_for_good(error: AgelaneError) -> bool:
    """Say whether this very sale, and no other, will fail whenever it is told."""
    return (
        isinstance(error, (RequestError, SaleError))
        or error.code == "INVALID_ARGUMENT"
        or error.reason == "STORE_NOT_PERMITTED"
        # gRPC itself says that it is too large; a gateway that is busy gives a reason.
        or (error.code == "RESOURCE_EXHAUSTED" and not error.reason)
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
            SaleError: another one waits under its name.
            RequestError: it can't be told to any gateway.
            ClosedError: the spool is closed, or was opened by a process that then forked this one.
        """
        self._replay.file.check()
        try:
            with self._turn:
                self._empty.clear()
                self._replay.keep(sale)
        finally:
            self._came.set()

    def status(self) -> SpoolStatus:
        """Return how many sales wait, and why. Raises SpoolError."""
        return self._replay.status()

    def refused(self) -> tuple[RefusedSale, ...]:
        """Return the sales that a gateway refused for good. Raises SpoolError."""
        return self._replay.file.refused()

    def forget(self, sale_id: str) -> None:
        """Forget a sale that was refused for good. Raises SpoolError."""
        self._replay.file.forget(sale_id)

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
        except Exception as error:  # noqa: BLE001 - whatever it is, the next try may go well
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
        # A disk is not stopped when the caller is cancelled: what it writes must be told.
        await asyncio.shield(self._keep(sale))

    async def _keep(self, sale: Sale) -> None:
        try:
            async with self._turn:
                self._empty.clear()
                await asyncio.to_thread(self._replay.keep, sale)
        finally:
            self._came.set()

    async def status(self) -> SpoolStatus:
        """Return how many sales wait, and why. Raises SpoolError."""
        self._begin()
        return await asyncio.to_thread(self._replay.status)

    async def refused(self) -> tuple[RefusedSale, ...]:
        """Return the sales that a gateway refused for good. Raises SpoolError."""
        self._begin()
        return await asyncio.to_thread(self._replay.file.refused)

    async def forget(self, sale_id: str) -> None:
        """Forget a sale that was refused for good. Raises SpoolError."""
        self._begin()
        await asyncio.to_thread(self._replay.file.forget, sale_id)

    async def drain(self, timeout: float) -> bool:
        """Wait until no sale waits, for at most so many seconds; say whether that is so."""
        self._begin()
        return await _happens(self._empty, timeout)

    async def close(self) -> None:
        """Stop telling; what waits is told when the file is opened again."""
        self._closing.set()
        self._came.set()
        try:
            if self._task is not None:
                await self._task
        finally:
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
        except Exception as error:  # noqa: BLE001 - whatever it is, the next try may go well
            return await asyncio.to_thread(self._replay.failed, sale, error)
        return 0.0


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, for at most so many seconds; say whether it happened."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return False
    return True
