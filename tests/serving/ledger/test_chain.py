"""No row is altered, removed or put elsewhere unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, select, update

from agelane_serving.ledger.chain import link
from agelane_serving.ledger.schema import events, head
from agelane_serving.ledger.store import Store
from agelane_serving.ledger.verify import verify
from tests.serving.ledger.sales import KEY, sale

EVENTS = 12


@pytest.fixture
def chain(store: Store) -> None:
    """A dozen sales."""
    for _ in range(EVENTS // 3):
        store.record([sale() for _ in range(3)])


def tamper(engine: Engine, change: Callable[[Connection], object]) -> tuple[str, ...]:
    """Do something to the database; return what a verification then finds."""
    before = verify(engine, KEY)
    assert before.faults == ()
    with engine.begin() as connection:
        change(connection)
    return verify(engine, KEY, before.last_hash).faults


def other(column: Any, value: Any) -> Any:
    """Return another value of a column."""
    if isinstance(value, bytes):
        return bytes(32)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return "x" if value != "x" else "y"
    return True if column.type.python_type is bool else 1


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("name", [c.name for c in events.columns if c.name != "number"])
def test_a_changed_value_is_found(engine: Engine, name: str) -> None:
    """Of any column, even if nothing stood there."""

    def change(connection: Connection) -> None:
        (value,) = connection.execute(select(events.c[name]).where(events.c.number == 5)).one()
        changed = other(events.c[name], value)
        connection.execute(update(events).where(events.c.number == 5).values({name: changed}))

    faults = tamper(engine, change)
    assert any("event 5 or the one before" in fault or "event 6" in fault for fault in faults)


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("number", [1, 5, EVENTS])
def test_a_removed_row_is_found(engine: Engine, number: int) -> None:
    """The first, one in the middle, the last."""
    assert tamper(engine, lambda c: c.execute(delete(events).where(events.c.number == number)))


@pytest.mark.usefixtures("chain")
def test_rows_that_changed_places_are_found(engine: Engine) -> None:
    """Two neighbours."""

    def change(connection: Connection) -> None:
        for old, new in ((5, 99), (6, 5), (99, 6)):
            connection.execute(update(events).where(events.c.number == old).values(number=new))

    assert tamper(engine, change)


@pytest.mark.usefixtures("chain")
def test_an_end_that_was_cut_off_is_found_by_the_hash_that_was_seen(engine: Engine) -> None:
    """Even where the head was moved back with it, to what it once was."""

    def change(connection: Connection) -> None:
        connection.execute(delete(events).where(events.c.number > 9))
        last = connection.execute(select(events.c.hash).where(events.c.number == 9)).scalar_one()
        connection.execute(update(head).values(number=9, hash=last))

    assert tamper(engine, change) == ("the event that was the last one then is not there any more",)


@pytest.mark.usefixtures("chain")
def test_without_the_key_nobody_makes_up_a_chain(engine: Engine) -> None:
    """Whoever rewrites all that follows needs it for each row."""

    def change(connection: Connection) -> None:
        rows = connection.execute(select(events).order_by(events.c.number)).mappings().all()
        before = bytes(32)
        for row in rows:
            forged = dict(row) | {"cashier_id": "c8"}
            before = link(b"a guess of the key", before, forged)
            connection.execute(
                update(events)
                .where(events.c.number == row["number"])
                .values(cashier_id="c8", hash=before)
            )
        connection.execute(update(head).values(hash=before))

    assert len(tamper(engine, change)) >= EVENTS
