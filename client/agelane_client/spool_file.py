"""The file that sales wait in until a gateway has them: one SQLite database for each lane."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from google.protobuf.message import DecodeError

from agelane.v1.sale_pb2 import RecordSaleRequest
from agelane_client.errors import AgelaneError, ClosedError, SaleError, SpoolError
from agelane_client.results import _Result

_IS_A_SPOOL = 0x41474C53  # "AGLS", what SQLite calls an application id
_TABLES = """
CREATE TABLE waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sale_id TEXT NOT NULL UNIQUE,
    request BLOB NOT NULL,
    kept_at REAL NOT NULL
);
CREATE TABLE refused (
    sale_id TEXT NOT NULL PRIMARY KEY,
    request BLOB NOT NULL,
    refused_at REAL NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL
);
"""


@dataclass(frozen=True, kw_only=True)
class RefusedSale(_Result):
    """A sale that no gateway will ever take; it is kept, for somebody to look at."""

    sale_id: str
    """Its name."""
    refused_at: datetime
    """When, by this machine's clock."""
    reason: str
    """Why, for programs; as `AgelaneError.reason`."""
    message: str
    """Why, for people."""
    request: bytes
    """What was to be told, an agelane.v1.RecordSaleRequest."""


_open_files: weakref.WeakSet[SpoolFile] = weakref.WeakSet()


@dataclass(frozen=True)
class Waiting:
    """The sale that is next."""

    number: int
    """Its place in the order of all sales ever kept here."""
    request: RecordSaleRequest
    """What is to be told."""


class SpoolFile:
    """Sales on this machine's disk, in the order in which they came; threads may share it.

    What `keep` has returned from is there after a power cut. One process uses a file at a time.
    """

    def __init__(self, path: str | os.PathLike[str], most_sales: int) -> None:
        """Open or make the file. Raises SpoolError."""
        self._path, self._most_sales = Path(path), most_sales
        self._lock = threading.Lock()
        self._is_forked = False
        with self._errors():
            # It holds tokens and cashiers' numbers, which are nobody else's business. One that is
            # there must not be opened here: to close it would end SQLite's locks (POSIX).
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            self._database = sqlite3.connect(
                self._path, timeout=1, isolation_level=None, check_same_thread=False
            )
            try:
                self._set_up()
                for name in (self._path.name, f"{self._path.name}-wal"):
                    # It may be somebody else's, who lets us write.
                    with suppress(PermissionError, FileNotFoundError):
                        self._path.with_name(name).chmod(0o600)
            except BaseException:
                self._database.close()
                raise
        _open_files.add(self)

    def check(self) -> None:
        """Raise ClosedError in a process that was forked from the one that opened the file."""
        if self._is_forked:
            raise ClosedError("the spool belongs to the process that this one was forked from")

    def keep(self, request: RecordSaleRequest) -> None:
        """Keep a sale; one that waits already is kept once.

        Raises:
            SpoolError: it is not kept.
            SaleError: another one waits under its name.
        """
        content = request.SerializeToString()
        with self._errors():
            known = self._database.execute(
                "SELECT request FROM waiting WHERE sale_id = ?", (request.sale_id,)
            ).fetchone()
            if known is not None:
                if known[0] != content:
                    message = "another sale waits under this sale_id"
                    raise SaleError(message, reason="SALE_ID_REUSED", field="sale_id")
                return
            if self._counts()[0] >= self._most_sales:
                raise SpoolError(f"{self._path}: {self._most_sales:,} sales wait here already")
            self._database.execute(
                "INSERT INTO waiting (sale_id, request, kept_at) VALUES (?, ?, ?)",
                (request.sale_id, content, time.time()),
            )

    def first(self) -> Waiting | None:
        """Return the sale that has waited longest. Raises SpoolError."""
        with self._errors():
            row = self._database.execute(
                "SELECT number, request FROM waiting ORDER BY number LIMIT 1"
            ).fetchone()
            return row and Waiting(row[0], RecordSaleRequest.FromString(row[1]))

    def told(self, sale: Waiting) -> None:
        """Forget a sale that a gateway has recorded. Raises SpoolError."""
        with self._errors(), self._transaction():
            self._database.execute("DELETE FROM waiting WHERE number = ?", (sale.number,))
            self._database.execute("DELETE FROM refused WHERE sale_id = ?", (sale.request.sale_id,))

    def refuse(self, sale: Waiting, error: AgelaneError) -> None:
        """Put a sale aside, in the place of the oldest one if there are many. Raises SpoolError."""
        request = sale.request
        refused = (request.sale_id, request.SerializeToString(), time.time())
        with self._errors(), self._transaction():
            self._database.execute("DELETE FROM waiting WHERE number = ?", (sale.number,))
            self._database.execute(
                "INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?, ?)",
                (*refused, error.reason or error.code, error.message),
            )
            self._database.execute(
                "DELETE FROM refused WHERE sale_id NOT IN"
                " (SELECT sale_id FROM refused ORDER BY refused_at DESC LIMIT ?)",
                (self._most_sales,),
            )

    def forget(self, sale_id: str) -> None:
        """Forget a sale that was put aside. Raises SpoolError."""
        with self._errors():
            self._database.execute("DELETE FROM refused WHERE sale_id = ?", (sale_id,))

    def refused(self) -> tuple[RefusedSale, ...]:
        """Return what was put aside, in that order. Raises SpoolError."""
        with self._errors():
            rows = self._database.execute(
                "SELECT sale_id, refused_at, reason, message, request FROM refused"
                " ORDER BY refused_at"
            ).fetchall()
        return tuple(
            RefusedSale(
                sale_id=sale_id, refused_at=_utc(at), reason=reason, message=text, request=request
            )
            for sale_id, at, reason, text, request in rows
        )

    def state(self) -> tuple[int, datetime | None, int]:
        """Return how many wait, since when, and how many were refused. Raises SpoolError."""
        with self._errors():
            (since,) = self._database.execute("SELECT min(kept_at) FROM waiting").fetchone()
            waiting, refused = self._counts()
        return waiting, None if since is None else _utc(since), refused

    def close(self) -> None:
        """Let another process use the file."""
        with self._lock:
            self._database.close()

    def _set_up(self) -> None:
        for pragma in (
            "locking_mode = EXCLUSIVE",  # a second process would tell the same sales
            "journal_mode = WAL",
            "synchronous = FULL",
            "fullfsync = ON",  # without it a Mac's disk keeps writes to itself
        ):
            self._database.execute(f"PRAGMA {pragma}")
        (kind,) = self._database.execute("PRAGMA application_id").fetchone()
        (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and kind != _IS_A_SPOOL:
            raise SpoolError(f"{self._path}: a database of something else")
        if not tables:
            self._database.executescript(
                f"BEGIN IMMEDIATE; PRAGMA application_id = {_IS_A_SPOOL}; {_TABLES} COMMIT;"
            )
            _sync_folder(self._path.parent)

    def _counts(self) -> tuple[int, int]:
        """Return how many wait, and how many were refused."""
        counts: tuple[int, int] = self._database.execute(
            "SELECT (SELECT count(*) FROM waiting), (SELECT count(*) FROM refused)"
        ).fetchone()
        return counts

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Use the database alone, and say what is wrong with it."""
        with self._lock:
            try:
                yield
            except sqlite3.OperationalError as error:
                locked = "locked" in str(error)
                said = "another process uses it" if locked else str(error)
                raise SpoolError(f"{self._path}: {said}") from error
            except sqlite3.ProgrammingError as error:
                raise ClosedError("the spool is closed") from error
            except (sqlite3.Error, DecodeError) as error:
                raise SpoolError(f"{self._path}: {error}") from error
            except OSError as error:
                raise SpoolError(f"{self._path}: {error.strerror}") from error
            except ValueError as error:  # a path with a null character
                raise SpoolError(f"{self._path}: {error}") from error


def _leave_to_parent() -> None:
    """Let a forked child use no spool of its parent's, nor close it when it ends.

    SQLite would take the parent's journal away, and with it sales that were kept.
    """
    import ctypes

    for file in list(_open_files):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(file._database))
        file._database = sqlite3.connect(":memory:")
        file._database.close()
        file._lock, file._is_forked = threading.Lock(), True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def _sync_folder(folder: Path) -> None:
    """Make sure that a new file's name is on the disk too."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
