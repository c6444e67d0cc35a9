"""The database: many sales in one transaction, durable when it returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, SQLAlchemyError

from agelane_serving.ledger.batch import Batch
from agelane_serving.ledger.receipt import Entry, LedgerError, Receipt

_BUSY_SECONDS = 5
_WRITES = "agelane_writes"
_SNAPSHOT: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


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
            sqlalchemy.exc.DataError: likewise, since an entry holds what the database has no room
                for.
        """
        with transaction(self._engine) as connection:
            return Batch(connection, self._key).record(entries)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Write; all of it is durable at the end, or nothing.

    Raises:
        LedgerError: nothing was written.
    """
    with _begun(engine, {_WRITES: True}) as connection:
        yield connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Read as of one moment, however often; those who write don't wait for it.

    Raises:
        LedgerError: the database can't be read.
    """
    with _begun(engine, {} if engine.dialect.name == "sqlite" else _SNAPSHOT) as connection:
        yield connection


def engine_for(url: str) -> Engine:
    """Return the engine for a URL, set up to lose nothing; raises LedgerError."""
    try:
        parsed = make_url(url)
        engine = create_engine(
            parsed,
            pool_pre_ping=True,
            hide_parameters=True,  # no cashier in an error's text
            **_options(parsed.get_backend_name()),
        )
    except (ArgumentError, ImportError) as error:
        raise LedgerError(f"no database for this URL: {type(error).__name__}") from error
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def _begun(engine: Engine, options: dict[str, Any]) -> Iterator[Connection]:
    """Begin a transaction; what is wrong with the database comes out as a LedgerError."""
    try:
        with engine.connect() as connection, connection.execution_options(**options).begin():
            yield connection
    except DataError:
        raise  # nothing is wrong with the database, but with what should be written
    except DBAPIError as error:
        raise LedgerError(f"{type(error.orig).__name__}: {error.orig}") from error
    except SQLAlchemyError as error:  # as when the chain's head is not there
        raise LedgerError(type(error).__name__) from error


def _options(backend: str) -> dict[str, Any]:
    if backend == "sqlite":
        return {"connect_args": {"timeout": _BUSY_SECONDS, "check_same_thread": False}}
    return {"connect_args": {"connect_timeout": _BUSY_SECONDS}, "pool_size": 2}


def _set_up_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # transactions begin as `_begin_sqlite` says
    # secure_delete: what is erased is not left in pages that are free.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # Who writes says so at once: one that has only read before can't become a writer. Who reads
    # must not, since there is one writer at a time.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
