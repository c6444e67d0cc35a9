"""Read the whole chain and find what was altered, removed or put elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, select

from agelane_serving.ledger.chain import BEGINNING, Position, Walk
from agelane_serving.ledger.ends import read_head, read_start
from agelane_serving.ledger.schema import events
from agelane_serving.ledger.store import snapshot

_AT_A_TIME = 10_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of reading a chain."""

    events: int
    """How many were read."""
    last: Position
    """The last one: keep it somewhere else, and compare next time."""
    faults: tuple[str, ...]
    """What is wrong, in words; empty: nothing."""


def verify(engine: Engine, key: bytes, seen_before: Position = BEGINNING) -> Verdict:
    """Recompute the chain from its beginning, in one snapshot of the database.

    Args:
        engine: as `store.engine_for` makes it.
        key: of the chain.
        seen_before: the last event of an earlier verification; it must still be in the chain,
            unless retention has removed it, or else the end was cut off since then.

    Raises:
        LedgerError: the database can't be read.
    """
    count, faults = 0, []
    with snapshot(engine) as connection:
        head = read_head(connection)
        start = read_start(connection, key)
        if start is None:
            faults.append("where the chain begins was not written by retention")
            start = BEGINNING
        walk = Walk(key, start)
        found_again = seen_before.number <= start.number
        rows = connection.execution_options(yield_per=_AT_A_TIME).execute(
            select(events).order_by(events.c.number)
        )
        for row in rows.mappings():
            walk.step(row)
            count += 1
            found_again = found_again or walk.last == seen_before
    faults += walk.faults
    if head != walk.last:
        faults.append("the end of the chain is not where it was")
    if not found_again:
        faults.append("the event that was the last one then is not there any more")
    return Verdict(count, walk.last, tuple(faults))
