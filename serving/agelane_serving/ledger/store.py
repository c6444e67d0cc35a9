"""The database: many sales in one transaction, durable when it returns."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from agelane_serving.ledger.chain import FIRST, link
from agelane_serving.ledger.receipt import Entry, LedgerError, Receipt, Result
from agelane_serving.ledger.rows import (
    Row,
    basket_of_sale,
    event_of_attempt,
    event_of_sale,
)
from agelane_serving.ledger.sale import Attempt, Outcome, Sale
from agelane_serving.ledger.schema import (
    basket_lines,
    baskets,
    events,
    head,
    sales,
    used_assessments,
)

_BUSY_SECONDS = 5
_HEAD_ID = 1


class Store:
    """One ledger in one database. May be used by one thread at a time."""

    def __init__(self, url: str, key: bytes) -> None:
        """Open the database; its tables must be there (see `migrate`).

        Args:
            url: as SQLAlchemy has it: `sqlite:///ledger.db`, `postgresql+psycopg://…`.
            key: of the chain, 16 to 64 bytes.

        Raises:
            LedgerError: there is no such kind of database.
        """
        self._key = key
        self._engine = engine_for(url)

    def record(self, entries: Sequence[Entry]) -> list[Receipt]:
        """Record entries in their order; what is returned is durable.

        Raises:
            LedgerError: nothing of it was recorded.
        """
        try:
            # SQLite has one writer at a time; others lock the chain's end in `_Batch`.
            with self._engine.begin() as connection:
                return _Batch(connection, self._key).record(entries)
        except DBAPIError as error:
            raise LedgerError(f"{type(error.orig).__name__}: {error.orig}") from error
        except SQLAlchemyError as error:  # as when the chain's head is not there
            raise LedgerError(type(error).__name__) from error

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def engine_for(url: str) -> Engine:
    """Return the engine for a URL, set up to lose nothing; raises LedgerError."""
    try:
        parsed = make_url(url)
        engine = create_engine(parsed, pool_pre_ping=True, **_options(parsed.get_backend_name()))
    except (ArgumentError, ImportError) as error:
        raise LedgerError(f"no database for this URL: {type(error).__name__}") from error
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _options(backend: str) -> dict[str, Any]:
    if backend == "sqlite":
        return {"connect_args": {"timeout": _BUSY_SECONDS, "check_same_thread": False}}
    return {"connect_args": {"connect_timeout": _BUSY_SECONDS}, "pool_size": 2}


def _set_up_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # transactions begin as `_begin_sqlite` says
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # At once as a writer: one that had only read before could not become one.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class _Batch:
    """One transaction: looks up what is known, then writes all that is new at once."""

    def __init__(self, connection: Connection, key: bytes) -> None:
        self._connection, self._key = connection, key
        last = connection.execute(
            select(head.c.number, head.c.hash).where(head.c.id == _HEAD_ID).with_for_update()
        ).one()
        self._number: int = last.number
        self._hash: bytes = bytes(last.hash)
        self._events: list[Row] = []
        self._new_sales: list[Row] = []
        self._new_assessments: list[Row] = []
        self._baskets: list[Row] = []
        self._lines: list[Row] = []

    def record(self, entries: Sequence[Entry]) -> list[Receipt]:
        wanted = [entry for entry in entries if isinstance(entry, Sale)]
        self._known = self._known_sales([sale.sale_id for sale in wanted])
        self._used = self._used_assessments(
            [sale.assessed.assessment_id for sale in wanted if sale.assessed is not None]
        )
        receipts = [
            self._sale(entry) if isinstance(entry, Sale) else self._attempt(entry)
            for entry in entries
        ]
        self._write()
        return receipts

    def _sale(self, sale: Sale) -> Receipt:
        known = self._known.get(sale.sale_id)
        if known is not None:
            digest, recorded_ms = known
            same = digest == sale.digest
            result = Result.ALREADY_RECORDED if same else Result.SALE_ID_REUSED
            return Receipt(result, recorded_ms / 1000 if same else 0.0)
        # A sale that was cancelled has used nothing up: it is rung up again.
        if sale.assessed is not None and sale.outcome is not Outcome.VOIDED:
            name = sale.assessed.assessment_id
            if name in self._used:
                self._attempt(_attempt_of(sale))
                return Receipt(Result.TOKEN_REUSED, 0.0)
            self._used.add(name)
            self._new_assessments.append({"assessment_id": name, "sale_id": sale.sale_id})
        recorded_ms = _now_ms()
        self._append(event_of_sale(sale, self._number + 1, recorded_ms))
        self._known[sale.sale_id] = (sale.digest, recorded_ms)
        self._new_sales.append({"sale_id": sale.sale_id, "number": self._number})
        bought = basket_of_sale(sale)
        if bought is not None:
            self._baskets.append(bought[0])
            self._lines += bought[1]
        return Receipt(Result.RECORDED, recorded_ms / 1000)

    def _attempt(self, attempt: Attempt) -> Receipt:
        recorded_ms = _now_ms()
        self._append(event_of_attempt(attempt, self._number + 1, recorded_ms))
        return Receipt(Result.RECORDED, recorded_ms / 1000)

    def _append(self, row: Row) -> None:
        self._hash = link(self._key, self._hash, row)
        self._number = row["number"]
        self._events.append(row | {"hash": self._hash})

    def _write(self) -> None:
        if not self._events:
            return
        for table, rows in (
            (events, self._events),
            (sales, self._new_sales),
            (used_assessments, self._new_assessments),
            (baskets, self._baskets),
            (basket_lines, self._lines),
        ):
            if rows:
                self._connection.execute(insert(table), rows)
        self._connection.execute(
            update(head).where(head.c.id == _HEAD_ID).values(number=self._number, hash=self._hash)
        )

    def _known_sales(self, names: Sequence[str]) -> dict[str, tuple[str, int]]:
        found = self._connection.execute(
            select(sales.c.sale_id, events.c.digest, events.c.recorded_ms)
            .join(events, events.c.number == sales.c.number)
            .where(sales.c.sale_id.in_(names))
        )
        return {row.sale_id: (row.digest, row.recorded_ms) for row in found}

    def _used_assessments(self, names: Sequence[str]) -> set[str]:
        column = used_assessments.c.assessment_id
        return set(self._connection.execute(select(column).where(column.in_(names))).scalars())


def _attempt_of(sale: Sale) -> Attempt:
    return Attempt(sale.sale_id, sale.store_id, sale.lane_id, sale.cashier_id, "TOKEN_REUSED")


def _now_ms() -> int:
    return round(1000 * time.time())


def begin_chain(connection: Connection) -> None:
    """Put the head of an empty chain into fresh tables."""
    if connection.execute(select(head.c.id)).first() is None:
        connection.execute(insert(head).values(id=_HEAD_ID, number=0, hash=FIRST))
