"""A cashier's number can be erased, by whoever has the key and nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, update

from agelane_serving.ledger import alerts, portions
from agelane_serving.ledger.chain import ERASED, ChainBroken, erasure_mark
from agelane_serving.ledger.erasure import Erased, erase
from agelane_serving.ledger.receipt import Result
from agelane_serving.ledger.schema import events, metadata
from agelane_serving.ledger.store import Store
from agelane_serving.ledger.verify import verify
from tests.serving.ledger.sales import KEY, attempt, refusal, sale
from tests.serving.ledger.test_alerts import answered, observation

LEAVES = "cashier-4711"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "_PAUSE_SECONDS", 0)


@pytest.fixture
def chain(store: Store) -> None:
    """One who leaves, in the same store as others, and one of the same number elsewhere."""
    store.record([sale(), sale(cashier_id=LEAVES), sale(cashier_id="")])
    store.record([refusal(cashier_id=LEAVES), attempt(cashier_id=LEAVES), refusal()])
    store.record([sale(cashier_id=LEAVES, store_id="hamburg-2")])


def everything(engine: Engine) -> str:
    """Return the text of all rows of all tables."""
    with engine.connect() as connection:
        return repr([connection.execute(select(table)).all() for table in metadata.tables.values()])


def cashiers(engine: Engine) -> list[str]:
    """Return the cashiers in the order of the chain."""
    with engine.connect() as connection:
        return list(
            connection.execute(select(events.c.cashier_id).order_by(events.c.number)).scalars()
        )


@pytest.mark.usefixtures("chain")
def test_the_number_is_gone_and_the_chain_is_whole(engine: Engine) -> None:
    """Theirs alone, and as often as one likes; the chain ends where it did."""
    before = verify(engine, KEY)
    assert erase(engine, KEY, "hamburg-1", LEAVES) == Erased(events=3, alerts=0)
    assert cashiers(engine) == ["c7", ERASED, "", ERASED, ERASED, "c7", LEAVES]
    assert erase(engine, KEY, "hamburg-1", LEAVES) == Erased(events=0, alerts=0)
    after = verify(engine, KEY, before.last)
    assert (after, after.faults) == (before, ())
    assert erase(engine, KEY, "hamburg-2", LEAVES).events == 1
    assert LEAVES not in everything(engine)


def test_many_events_go_in_portions(
    store: Store, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not the last one is full."""
    for module in ("portions", "erasure"):
        monkeypatch.setattr(f"agelane_serving.ledger.{module}.PORTION", 3)
    store.record([sale(cashier_id=LEAVES) for _ in range(6)])
    store.record([sale(cashier_id="c8") for _ in range(4)])
    assert erase(engine, KEY, "hamburg-1", LEAVES).events == 6
    assert erase(engine, KEY, "hamburg-1", "c8").events == 4
    assert set(cashiers(engine)) == {ERASED}
    assert verify(engine, KEY).faults == ()


def test_alerts_and_answers_forget_who_it_was(engine: Engine, store: Store) -> None:
    """The name of an alert too, which could be guessed back; what others said elsewhere stays."""
    theirs = observation(id="0123456789abcdef", cashier_id=LEAVES)
    alerts.tell(engine, [theirs, observation(id="another", cashier_id="c7")], now=5.0)
    answered(engine, theirs.id, author="anna", text="I, 4711, was ill")
    answered(engine, theirs.id, author="boss", role="manager", text="Anna was", closes=True)
    answered(engine, "another", author="ben", text="It was dark")
    assert erase(engine, KEY, "hamburg-1", LEAVES) == Erased(events=0, alerts=1)
    text = everything(engine).lower()
    assert not [word for word in (LEAVES, "4711", "anna", theirs.id) if word in text]
    (erased,) = alerts.alerts(engine, cashier_id=ERASED)
    assert (erased.cases, erased.state) == (theirs.cases, "CLOSED")
    said = alerts.answers(engine, erased.id)
    assert [(each.author, each.text) for each in said] == [(ERASED, ERASED), ("boss", ERASED)]
    assert [each.text for each in alerts.answers(engine, "another")] == ["It was dark"]


def test_an_erased_sale_that_is_told_again_is_still_known(store: Store, engine: Engine) -> None:
    """A till that was cut off may not know that it was recorded."""
    told = sale(cashier_id=LEAVES)
    store.record([told])
    erase(engine, KEY, "hamburg-1", LEAVES)
    (receipt,) = store.record([told])
    assert receipt.result is Result.ALREADY_RECORDED
    assert verify(engine, KEY).events == 1


def _bare(connection: Connection, number: int, **values: Any) -> None:
    connection.execute(update(events).where(events.c.number == number).values(**values))


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_forged_erasure_is_found(engine: Engine, number: int) -> None:
    """Whether the mark is none, made without the key, or that of another event."""
    erase(engine, KEY, "hamburg-1", LEAVES)
    columns = (events.c.cashier_salt, events.c.cashier_seal)
    with engine.connect() as connection:
        mark, _ = connection.execute(select(*columns).where(events.c.number == 2)).one()
        salt, seal = connection.execute(select(*columns).where(events.c.number == number)).one()
    for forged in (salt[::-1], bytes(16), mark, erasure_mark(b"a guess of the key", number, seal)):
        with engine.begin() as connection:
            _bare(connection, number, cashier_id=ERASED, cashier_salt=forged)
        fault = f"the cashier of event {number} is not who was recorded"
        assert verify(engine, KEY).faults == (fault,)


@pytest.mark.usefixtures("chain")
def test_nobody_is_put_in_the_place_of_who_was_erased(engine: Engine) -> None:
    """The chain still knows who it was not."""
    erase(engine, KEY, "hamburg-1", LEAVES)
    with engine.begin() as connection:
        _bare(connection, 2, cashier_id="c7")
    assert verify(engine, KEY).faults == ("the cashier of event 2 is not who was recorded",)


@pytest.mark.usefixtures("chain")
def test_erasure_hides_no_change_made_before(engine: Engine) -> None:
    """An event that was moved to another cashier is not erased with them, and still found."""
    with engine.begin() as connection:
        _bare(connection, 6, cashier_id=LEAVES)
    with pytest.raises(ChainBroken, match="event 6"):
        erase(engine, KEY, "hamburg-1", LEAVES)
    assert cashiers(engine)[5] == LEAVES
    assert verify(engine, KEY).faults == ("the cashier of event 6 is not who was recorded",)


@pytest.mark.parametrize("cashier_id", ["", ERASED])
def test_nobody_can_not_be_erased(engine: Engine, cashier_id: str) -> None:
    """Self-checkouts have no number."""
    with pytest.raises(ValueError, match="number"):
        erase(engine, KEY, "hamburg-1", cashier_id)
