"""No row is altered, removed or put elsewhere unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, select, update

from agelane_serving.ledger.chain import BEGINNING, Position, link, seal
from agelane_serving.ledger.schema import events, head
from agelane_serving.ledger.store import Store
from agelane_serving.ledger.verify import verify
from tests.serving.ledger.sales import KEY, sale

VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()

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
    return verify_after(engine, change, before.last)


def verify_after(
    engine: Engine, change: Callable[[Connection], object], seen: Position = BEGINNING
) -> tuple[str, ...]:
    """Likewise, with what may be broken before."""
    with engine.begin() as connection:
        change(connection)
    return verify(engine, KEY, seen).faults


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
    assert any("event 5 " in fault or "event 6 " in fault for fault in faults)


@given(VALUES, VALUES)
def test_another_value_is_another_hash(one: object, other: object) -> None:
    """Whatever a database would take, also where it calls both equal."""
    row: dict[str, object] = {column.name: "" for column in events.columns}
    row["cashier_seal"] = bytes(32)
    same = link(KEY, BEGINNING.hash, row | {"decision": one}) == link(
        KEY, BEGINNING.hash, row | {"decision": other}
    )
    assert same is ((type(one), repr(one)) == (type(other), repr(other)))


@pytest.mark.usefixtures("chain")
def test_a_cashier_who_is_exchanged_is_found(engine: Engine) -> None:
    """With number, salt and seal of another event; or a seal made without the key."""
    columns = (events.c.cashier_id, events.c.cashier_salt, events.c.cashier_seal)

    def exchange(connection: Connection) -> None:
        found = connection.execute(select(*columns).where(events.c.number == 6)).mappings().one()
        connection.execute(update(events).where(events.c.number == 5).values(dict(found)))

    def make_up(connection: Connection) -> None:
        salt = bytes(16)
        forged = seal(b"a guess of the key", salt, "hamburg-1", "c8")
        values = {"cashier_id": "c8", "cashier_salt": salt, "cashier_seal": forged}
        connection.execute(update(events).where(events.c.number == 8).values(values))

    faults = (*tamper(engine, exchange), *verify_after(engine, make_up))
    assert "event 5 or the one before is not what was recorded" in faults
    assert "the cashier of event 8 is not who was recorded" in faults


@given(st.integers(0, 2**63), st.binary(min_size=32, max_size=32))
def test_a_position_is_read_as_it_is_written(number: int, digest: bytes) -> None:
    """As `verify` prints one and takes it back."""
    assert Position.parse(str(Position(number, digest))) == Position(number, digest)


@pytest.mark.parametrize("text", ["", "7", "7:", "x:00", "7:xyz", ":00", "7:00"])
def test_what_is_no_position_is_refused(text: str) -> None:
    """A hash has 32 bytes."""
    with pytest.raises(ValueError, match="NUMBER:HASH"):
        Position.parse(text)


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
            forged = dict(row) | {"lane_id": "4"}
            before = link(b"a guess of the key", before, forged)
            connection.execute(
                update(events)
                .where(events.c.number == row["number"])
                .values(lane_id="4", hash=before)
            )
        connection.execute(update(head).values(hash=before))

    assert len(tamper(engine, change)) >= EVENTS
