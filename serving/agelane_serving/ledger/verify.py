"""Read the whole chain and find what was altered, removed or put elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, select

from agelane_serving.ledger.chain import FIRST, link
from agelane_serving.ledger.schema import events, head

_AT_A_TIME = 10_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of reading a chain."""

    events: int
    """How many were read."""
    last_hash: bytes
    """The hash of the last one: keep it somewhere else, and compare next time."""
    faults: tuple[str, ...]
    """What is wrong, in words; empty: nothing."""


def verify(engine: Engine, key: bytes, seen_before: bytes | None = None) -> Verdict:
    """Recompute the chain from its beginning, in one snapshot of the database.

    Args:
        engine: as `store.engine_for` makes it.
        key: of the chain.
        seen_before: the last hash of an earlier verification; it must still be in the chain, or
            else the end was cut off since then.
    """
    before, number, faults = FIRST, 0, []
    found_again = seen_before in (None, FIRST)
    with engine.begin() as connection:
        last = connection.execute(select(head.c.number, head.c.hash)).one_or_none()
        rows = connection.execution_options(yield_per=_AT_A_TIME).execute(
            select(events).order_by(events.c.number)
        )
        for row in rows.mappings():
            if row["number"] != number + 1:
                faults.append(f"events {number + 1} to {row['number'] - 1} are missing")
            number = row["number"]
            stored = bytes(row["hash"])
            if link(key, before, row) != stored:
                faults.append(f"event {number} or the one before is not what was recorded")
            # Go on from what stands there, so that each change is told once.
            before = stored
            found_again = found_again or stored == seen_before
    if last is None or (last.number, bytes(last.hash)) != (number, before):
        faults.append("the end of the chain is not where it was")
    if not found_again:
        faults.append("the event that was the last one then is not there any more")
    return Verdict(number, before, tuple(faults))
