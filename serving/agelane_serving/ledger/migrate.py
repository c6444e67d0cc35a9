"""Bring a database to the tables of this release, with Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, func, select

from agelane_serving.ledger.store import engine_for, transaction

_SCRIPTS = Path(__file__).with_name("migrations")
_GRANTS = Path(__file__).with_name("grants.sql")
_LOCK = 0x6167656C616E65  # any number, as long as nobody else locks it


def migrate(url: str, *, grant: bool = False) -> None:
    """Create or change the tables; nothing happens to a database that is up to date.

    Args:
        url: as SQLAlchemy has it; of the tables' owner, unless they are up to date.
        grant: let the roles agelane_gateway and agelane_console do what each has to; PostgreSQL.

    Raises:
        LedgerError: the database can't be reached or changed.
    """
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    engine = engine_for(url)
    try:
        with transaction(engine) as connection:
            _wait_for_others(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if grant:
                connection.exec_driver_sql(_GRANTS.read_text("utf-8"))
    finally:
        engine.dispose()


def _wait_for_others(connection: Connection) -> None:
    """Let gateways that start at once do this one after the other."""
    if connection.dialect.name == "postgresql":  # in SQLite, whoever writes is alone
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
