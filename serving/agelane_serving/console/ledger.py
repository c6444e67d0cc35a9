"""What the ledger knows, read off the event loop and with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from agelane_serving.console.sources import Source, SourceError, Span
from agelane_serving.ledger import alerts, reading
from agelane_serving.ledger.alerts import Alert, Answer, NoSuchAlert, State
from agelane_serving.ledger.receipt import LedgerError
from agelane_serving.ledger.store import engine_for
from agelane_serving.ledger.views import DecisionCount, Event, LaneUse, Scope

_SECONDS = 15.0
_AT_ONCE = 4
_STORES_SECONDS = 600.0
_STORES_DAYS = 60
_MOST_EVENTS = 20_000
GOODS = "alcohol"
"""Which restricted goods the cashier report is about, unless asked for others."""
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Week:
    """One cashier's checks in seven days."""

    first: date
    """Its first day."""
    required: int
    """Sales of GOODS for which a check was required, as in the cashier report."""
    done: int
    """Those of them with a check that was done, or a refusal; at most `required`."""


class Ledger:
    """Reads one ledger; SourceError where it can't be had."""

    def __init__(self, url: str, zone: ZoneInfo) -> None:
        """`zone` is the stores' time; raises LedgerError for a URL of no database."""
        self._engine, self._zone = engine_for(url), zone
        # Of its own: a database that hangs holds up nothing else.
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ledger")
        self._stores: tuple[float, list[str]] = (-_STORES_SECONDS, [])

    def close(self) -> None:
        """Close all connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    async def decisions(self, day: date, store_id: str) -> list[DecisionCount]:
        """Return a day's sales by hour; "": of all stores."""
        scope = Scope.of_day(day, self._zone, store_id or None)
        return await self._read(lambda: reading.decisions(self._engine, scope, self._zone))

    async def refusals(self, span: Span, store_id: str, limit: int) -> list[Event]:
        """Return the refusals register, the newest first; "": of all stores."""
        scope = Scope(span.start, span.end, store_id or None)
        return await self._read(lambda: reading.refusals(self._engine, scope, limit=limit))

    async def lanes(self, span: Span, store_id: str) -> list[LaneUse]:
        """Return what came from each lane; "": of all stores."""
        scope = Scope(span.start, span.end, store_id or None)
        return await self._read(lambda: reading.lanes(self._engine, scope))

    async def stores(self) -> list[str]:
        """Return the stores that recorded something in the last weeks."""
        read_at, known = self._stores
        if time.monotonic() - read_at < _STORES_SECONDS and known:
            return known
        now = time.time()
        uses = await self.lanes(Span(now - 86_400 * _STORES_DAYS, now + 86_400), "")
        known = sorted({use.store_id for use in uses if use.store_id})
        self._stores = (time.monotonic(), known)
        return known

    async def weeks(self, store_id: str, cashier_id: str, last: date, many: int) -> list[Week]:
        """Return a cashier's last weeks, the oldest first, the last one up to a day."""
        first = last - timedelta(days=7 * many - 1)
        start, end = (
            datetime.combine(day, datetime.min.time(), self._zone).timestamp()
            for day in (first, last + timedelta(days=1))
        )
        scope = Scope(start, end, store_id)
        found = await self._read(
            lambda: reading.events(self._engine, scope, cashier_id=cashier_id, limit=_MOST_EVENTS)
        )
        return _weeks(found, first, many, self._zone)

    async def alerts(self, store_id: str, cashier_id: str, state: State | None) -> list[Alert]:
        """Return alerts, the gravest first; "": of all stores or cashiers."""
        return await self._read(
            lambda: alerts.alerts(self._engine, store_id or None, cashier_id or None, state)
        )

    async def alert(self, alert_id: str) -> Alert | None:
        """Return one alert; None: there is none of that id."""

        def find() -> Alert | None:
            try:
                return alerts.alert(self._engine, alert_id)
            except NoSuchAlert:
                return None

        return await self._read(find)

    async def answers(self, alert_id: str) -> list[Answer]:
        """Return what was said to an alert, the oldest first."""
        return await self._read(lambda: alerts.answers(self._engine, alert_id))

    async def answer(self, answer: Answer) -> None:
        """Add an answer; raises ValueError as `alerts.answer` does."""
        await self._read(lambda: alerts.answer(self._engine, answer))

    async def _read(self, read: Callable[[], _Answer]) -> _Answer:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_SECONDS):
                return await loop.run_in_executor(self._threads, read)
        except LedgerError as error:
            raise SourceError(Source.LEDGER, "UNAVAILABLE", str(error)) from error
        except TimeoutError as error:
            raise SourceError(Source.LEDGER, "DEADLINE_EXCEEDED", "no answer") from error


def _weeks(found: list[Event], first: date, many: int, zone: ZoneInfo) -> list[Week]:
    required, done = [0] * many, [0] * many
    for event in found:
        is_sale = event.kind == "SALE" and event.outcome != "VOIDED"
        if not is_sale or event.restricted_category != GOODS or event.decision == "ALLOW":
            continue
        week = (datetime.fromtimestamp(event.at, zone).date() - first).days // 7
        required[week] += 1
        done[week] += event.outcome == "REFUSED" or event.document_result == "OF_AGE"
    return [
        Week(first + timedelta(days=7 * week), required[week], done[week]) for week in range(many)
    ]
