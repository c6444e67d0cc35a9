"""Erase a cashier's number, and leave a chain that can be verified; see `chain`."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from sqlalchemy import Connection, Engine, bindparam, select, update

from agelane_serving.ledger.chain import ERASED, ChainBroken, erasure_mark, is_sealed
from agelane_serving.ledger.portions import PORTION, in_portions
from agelane_serving.ledger.rows import SALE
from agelane_serving.ledger.schema import alert_answers, alerts, events, sales
from agelane_serving.ledger.store import snapshot, transaction

_CASHIER = ("number", "kind", "sale_id", "store_id", "cashier_id", "cashier_salt", "cashier_seal")


@dataclass(frozen=True, slots=True)
class Erased:
    """What a cashier's number was erased from."""

    events: int
    """Events."""
    alerts: int
    """Alerts, with the words of all answers to them."""


def erase(engine: Engine, key: bytes, store_id: str, cashier_id: str) -> Erased:
    """Erase a cashier's number from all that was recorded so far; may be run while tills sell.

    Raises:
        ValueError: that is no cashier's number.
        ChainBroken: an event that bears the number was not recorded with it; it stays, for somebody
            to look at.
        LedgerError: the database can't be read or written; run it again.
    """
    if cashier_id in ("", ERASED):
        raise ValueError("a cashier's number must be given")
    with snapshot(engine) as connection:
        theirs = select(events.c.number).where(
            events.c.store_id == store_id, events.c.cashier_id == cashier_id
        )
        numbers = iter(connection.execute(theirs).scalars().all())
    return Erased(
        events=in_portions(engine, partial(_erase_events, key=key, numbers=numbers)),
        alerts=_erase_alerts(engine, store_id, cashier_id),
    )


def _erase_events(connection: Connection, key: bytes, numbers: Iterator[int]) -> int:
    portion = list(islice(numbers, PORTION))
    rows = connection.execute(
        select(*(events.c[name] for name in _CASHIER)).where(
            events.c.number.in_(portion), events.c.cashier_id != ERASED
        )
    ).mappings()
    changes, names = [], []
    for row in rows:
        if not is_sealed(key, row):
            raise ChainBroken(f"the cashier of event {row['number']} is not who was recorded")
        mark = erasure_mark(key, row["number"], bytes(row["cashier_seal"]))
        changes.append({"of": row["number"], "mark": mark})
        if row["kind"] == SALE:
            names.append(row["sale_id"])
    if changes:
        event = update(events).where(events.c.number == bindparam("of"))
        values = {"cashier_id": ERASED, "cashier_salt": bindparam("mark")}
        connection.execute(event.values(values), changes)
    # A digest of a request that is known but for the number would give it away.
    connection.execute(update(sales).where(sales.c.sale_id.in_(names)).values(digest=""))
    return len(portion)


def _erase_alerts(engine: Engine, store_id: str, cashier_id: str) -> int:
    theirs = (alerts.c.store_id == store_id) & (alerts.c.cashier_id == cashier_id)
    with transaction(engine) as connection:
        ids = connection.execute(select(alerts.c.id).where(theirs)).scalars().all()
        answered = alert_answers.c.alert_id.in_(ids)
        own = answered & (alert_answers.c.role == "cashier")
        connection.execute(update(alert_answers).where(own).values(author=ERASED))
        connection.execute(update(alert_answers).where(answered).values(text=ERASED))
        for name in ids:
            values = {"id": secrets.token_hex(8), "cashier_id": ERASED}
            connection.execute(update(alerts).where(alerts.c.id == name).values(values))
    return len(ids)
