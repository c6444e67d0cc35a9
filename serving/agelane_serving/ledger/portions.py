"""Change much without holding up tills: bit by bit, each bit in a short transaction of its own."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine

from agelane_serving.ledger.store import transaction

PORTION = 500
"""Rows that are changed in one transaction: some 20 ms."""
_PAUSE_SECONDS = 0.1  # in which those who wait to write take their turn


def in_portions(engine: Engine, portion: Callable[[Connection], int]) -> int:
    """Do the next portion, until one has done less than PORTION; return how much was done.

    Raises:
        LedgerError: the database can't be written; the portions before are done.
    """
    total = 0
    while True:
        with transaction(engine) as connection:
            done = portion(connection)
        total += done
        if done < PORTION:
            return total
        time.sleep(_PAUSE_SECONDS)
