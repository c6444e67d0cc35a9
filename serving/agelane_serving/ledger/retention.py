"""Remove what is old, and leave a chain that can be verified.

Events go from the beginning of the chain on, up to the first one that is not old yet. The last that
went is kept in `chain_start`, sealed with the key. What goes is verified first, so that nobody gets
rid of the traces of a change by waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, delete, select

from agelane_serving.ledger.chain import ChainBroken, Walk
from agelane_serving.ledger.ends import move_start, read_start
from agelane_serving.ledger.portions import PORTION, in_portions
from agelane_serving.ledger.rows import SALE
from agelane_serving.ledger.schema import (
    alerts,
    basket_lines,
    basket_offers,
    baskets,
    events,
    sales,
    used_assessments,
)

LEAST_DAYS = 30
"""A sale that is told again after its event was removed counts as a new one, and cashier reports
look back for 28 days."""
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Removed:
    """What went."""

    events: int
    """Events, with the names of their sales."""
    baskets: int
    """Baskets, with their lines and offers."""
    alerts: int
    """Closed alerts, with their answers."""


def retain(engine: Engine, key: bytes, now: float, days: int, basket_days: int) -> Removed:
    """Keep what was recorded in the last days, and remove the rest; may be run while tills sell.

    Args:
        engine: of the ledger.
        key: of the chain.
        now: in Unix seconds.
        days: keep events since they were recorded, and closed alerts since their last case and
            since they were closed; LEAST_DAYS or more.
        basket_days: keep baskets since they were sold; 1 or more.

    Raises:
        ValueError: so few days can't be.
        ChainBroken: what should go is not what was recorded; it stays, for somebody to look at.
        LedgerError: the database can't be written; some of it may have gone.
    """
    if days < LEAST_DAYS or basket_days < 1:
        raise ValueError(f"events are kept for at least {LEAST_DAYS} days, and baskets for one")
    before_ms = round(1000 * now) - days * _DAY_MS
    first_day = datetime.fromtimestamp(now, UTC).date() - timedelta(basket_days)
    return Removed(
        events=in_portions(engine, partial(_remove_events, key=key, before_ms=before_ms)),
        baskets=in_portions(engine, partial(_remove_baskets, first_day=first_day)),
        alerts=in_portions(engine, partial(_remove_alerts, before_ms=before_ms)),
    )


def _remove_events(connection: Connection, key: bytes, before_ms: int) -> int:
    start = read_start(connection, key)
    if start is None:
        raise ChainBroken("where the chain begins was not written by retention")
    rows = connection.execute(
        select(events)
        .where(events.c.number > start.number)
        .order_by(events.c.number)
        .limit(PORTION)
    ).mappings()
    old = list(takewhile(lambda row: row["recorded_ms"] < before_ms, rows.all()))
    if not old:
        return 0
    walk = Walk(key, start)
    for row in old:
        walk.step(row)
    if walk.faults:
        raise ChainBroken(walk.faults[0])
    connection.execute(delete(events).where(events.c.number <= walk.last.number))
    _forget_names(connection, old)
    move_start(connection, key, walk.last)
    return len(old)


def _forget_names(connection: Connection, old: Sequence[RowMapping]) -> None:
    """Remove what was kept so that neither a sale nor an assessment counts twice."""
    names = [row["sale_id"] for row in old if row["kind"] == SALE]
    used = [row["assessment_id"] for row in old if row["kind"] == SALE]
    connection.execute(delete(sales).where(sales.c.sale_id.in_(names)))
    # By both: a voided sale bears the name of an assessment that a later sale has used.
    connection.execute(
        delete(used_assessments).where(
            used_assessments.c.assessment_id.in_(used), used_assessments.c.sale_id.in_(names)
        )
    )


def _remove_baskets(connection: Connection, first_day: date) -> int:
    old = _ids(connection, baskets.c.id, baskets.c.day < first_day)
    for column in (basket_lines.c.basket_id, basket_offers.c.basket_id, baskets.c.id):
        connection.execute(delete(column.table).where(column.in_(old)))
    return len(old)


def _remove_alerts(connection: Connection, before_ms: int) -> int:
    old = _ids(
        connection,
        alerts.c.id,
        alerts.c.state == "CLOSED",
        alerts.c.closed_ms < before_ms,
        alerts.c.last_case_ms < before_ms,
    )
    connection.execute(delete(alerts).where(alerts.c.id.in_(old)))
    return len(old)


def _ids(connection: Connection, column: Any, *conditions: Any) -> Sequence[str]:
    return connection.execute(select(column).where(*conditions).limit(PORTION)).scalars().all()
