"""Bring a database to the tables of this release, with Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError

from agelane_serving.ledger.receipt import LedgerError
from agelane_serving.ledger.store import engine_for

_SCRIPTS = Path(__file__).with_name("migrations")


def migrate(url: str) -> None:
    """Create or change the tables; nothing happens to a database that is up to date.

    Raises:
        LedgerError: the database can't be reached or changed.
    """
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    engine = engine_for(url)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise LedgerError(f"{type(error.orig).__name__}: {error.orig}") from error
    finally:
        engine.dispose()
