"""What is old goes, from the beginning of the chain on, and the rest can be verified."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import Connection, Engine, Table, delete, func, select, update

from agelane_serving.ledger import alerts, portions
from agelane_serving.ledger.chain import ChainBroken, Position, start_seal
from agelane_serving.ledger.receipt import Entry, Result
from agelane_serving.ledger.retention import LEAST_DAYS, Removed, retain
from agelane_serving.ledger.sale import MadeOffer, Outcome
from agelane_serving.ledger.schema import (
    alert_answers,
    basket_lines,
    basket_offers,
    baskets,
    chain_start,
    events,
    head,
    sales,
    used_assessments,
)
from agelane_serving.ledger.store import Store
from agelane_serving.ledger.verify import verify
from tests.serving.ledger.sales import KEY, NOON, assessed, attempt, refusal, sale
from tests.serving.ledger.test_alerts import answered, closed, observation

DAY = 86_400.0
NOW = NOON + 100 * DAY
OLD, NEW = NOW - 91 * DAY, NOW - 89 * DAY
BEGINS = "where the chain begins was not written by retention"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "_PAUSE_SECONDS", 0)


@pytest.fixture
def at(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Result]]:
    """Record at a moment; return what became of it."""

    def record(moment: float, *entries: Entry) -> list[Result]:
        with monkeypatch.context() as patch:
            patch.setattr("agelane_serving.ledger.batch._now_ms", lambda: round(1000 * moment))
            return [receipt.result for receipt in store.record(entries)]

    return record


def cleared(engine: Engine, days: int = 90, basket_days: int = 90) -> Removed:
    """Keep the last days."""
    return retain(engine, KEY, NOW, days, basket_days)


def rows(engine: Engine, table: Table) -> int:
    """Return how many a table has."""
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three be many."""
    for module in ("portions", "retention"):
        monkeypatch.setattr(f"agelane_serving.ledger.{module}.PORTION", 3)


@pytest.mark.parametrize("old", [0, 1, 5, 6, 7])
def test_what_is_old_goes_and_the_chain_is_whole(
    at: Callable[..., list[Result]], engine: Engine, monkeypatch: pytest.MonkeyPatch, old: int
) -> None:
    """In portions, full ones or not; whoever saw the end before or after finds it again."""
    small_portions(monkeypatch)
    at(OLD, *[sale() for _ in range(old)])
    early = verify(engine, KEY).last
    at(NEW, sale(), attempt(), refusal())
    late = verify(engine, KEY).last
    assert cleared(engine).events == old
    for seen in (early, late):
        verdict = verify(engine, KEY, seen)
        assert (verdict.events, verdict.last, verdict.faults) == (3, late, ())
    assert rows(engine, sales) == 2
    assert rows(engine, used_assessments) == 2
    assert cleared(engine).events == 0


def test_tills_go_on_selling_meanwhile(
    at: Callable[..., list[Result]], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two portions, whoever waits to record takes a turn."""
    small_portions(monkeypatch)
    at(OLD, *[sale() for _ in range(7)])
    sold: list[Result] = []

    def sell(_: float) -> None:
        sold.extend(at(NEW, sale(sold_at=NEW)))

    monkeypatch.setattr("agelane_serving.ledger.portions.time.sleep", sell)
    assert cleared(engine).events == 7
    assert set(sold) == {Result.RECORDED}
    verdict = verify(engine, KEY)
    assert (verdict.events, verdict.faults) == (len(sold), ())


def test_a_chain_that_is_all_old_goes_on_where_it_ended(
    at: Callable[..., list[Result]], engine: Engine
) -> None:
    """With the next number."""
    at(OLD, sale(), sale())
    seen = verify(engine, KEY).last
    assert cleared(engine).events == 2
    assert verify(engine, KEY, seen).faults == ()
    at(NEW, sale())
    verdict = verify(engine, KEY, seen)
    assert (verdict.events, verdict.last.number, verdict.faults) == (1, 3, ())


def test_nothing_goes_that_follows_something_new(
    at: Callable[..., list[Result]], engine: Engine
) -> None:
    """A gateway whose clock was behind, or one that was ahead, makes no hole."""
    at(OLD, sale())
    at(NEW, sale())
    at(OLD, sale())
    assert cleared(engine).events == 1
    assert verify(engine, KEY).events == 2


def test_names_are_forgotten_with_their_events_alone(
    at: Callable[..., list[Result]], engine: Engine
) -> None:
    """Not what a later sale bears or has used, whatever an old cancellation or trick had named."""
    once, stays = assessed(), sale(sale_id="stays")
    at(OLD, sale(assessed=once, outcome=Outcome.VOIDED), attempt(sale_id="stays"))
    at(NEW, sale(assessed=once), stays)
    assert cleared(engine).events == 2
    assert at(NOW, sale(assessed=once), stays) == [Result.TOKEN_REUSED, Result.ALREADY_RECORDED]


def test_old_baskets_go_with_what_was_in_them(
    store: Store, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the day they were sold, in portions; events stay longer if they should."""
    small_portions(monkeypatch)
    offers = (MadeOffer("olives", "deli"),)
    store.record([sale(sold_at=OLD, offers=offers) for _ in range(4)])
    store.record([sale(sold_at=NEW, offers=offers)])
    assert cleared(engine, days=1_000) == Removed(events=0, baskets=4, alerts=0)
    counts = [rows(engine, table) for table in (baskets, basket_lines, basket_offers, events)]
    assert counts == [1, 2, 1, 5]


def test_closed_alerts_go_once_they_are_old(engine: Engine) -> None:
    """Neither those that nobody has closed, nor those whose closing or cases are new."""
    names = ("old", "open", "closed-late", "goes-on")
    told = [observation(id=name, first_case_at=OLD, last_case_at=OLD) for name in names[:3]]
    told.append(observation(id="goes-on", first_case_at=OLD, last_case_at=NEW))
    alerts.tell(engine, told, OLD)
    answered(engine, "open")
    for name, when in (("old", OLD), ("closed-late", NEW), ("goes-on", OLD)):
        closed(engine, name, when)
    assert cleared(engine).alerts == 1
    assert {each.id for each in alerts.alerts(engine)} == {"open", "closed-late", "goes-on"}
    assert rows(engine, alert_answers) == 3


def _without(connection: Connection) -> None:
    connection.execute(delete(chain_start))


def _sealed_by_another_key(connection: Connection) -> None:
    start = Position(4, bytes(32))
    seal = start_seal(b"a guess of the key", start)
    connection.execute(update(chain_start).values(number=4, hash=start.hash, seal=seal))


def _moved(connection: Connection) -> None:
    connection.execute(delete(events).where(events.c.number == 4))
    connection.execute(update(chain_start).values(number=4))


def _cut(connection: Connection) -> None:
    connection.execute(delete(events).where(events.c.number <= 4))


def _nothing_left(connection: Connection) -> None:
    _without(connection)
    connection.execute(delete(events))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_without, ["events 1 to 3 are missing"]),
        (_sealed_by_another_key, [BEGINS]),
        (_moved, [BEGINS]),
        (_cut, ["events 4 to 4 are missing"]),
        (_nothing_left, ["the end of the chain is not where it was"]),
    ],
)
def test_a_beginning_that_retention_did_not_write_is_found(
    at: Callable[..., list[Result]],
    engine: Engine,
    change: Callable[[Connection], None],
    expected: Sequence[str],
) -> None:
    """Whoever has no key can't shorten the chain and call it retention."""
    at(OLD, sale(), sale(), sale())
    at(NEW, sale(), sale())
    assert cleared(engine).events == 3
    with engine.begin() as connection:
        change(connection)
    faults = verify(engine, KEY).faults
    assert set(expected) <= set(faults)


def test_an_old_beginning_does_not_come_back(
    at: Callable[..., list[Result]], engine: Engine
) -> None:
    """Though it was sealed with the key once."""
    at(OLD - 10 * DAY, sale())
    at(OLD, sale())
    at(NEW, sale())
    assert cleared(engine, days=95).events == 1
    with engine.connect() as connection:
        earlier = connection.execute(select(chain_start)).mappings().one()
    assert cleared(engine).events == 1
    with engine.begin() as connection:
        connection.execute(update(chain_start).values(dict(earlier)))
    assert "events 2 to 2 are missing" in verify(engine, KEY).faults


@pytest.mark.parametrize("name", ["lane_id", "cashier_id"])
def test_waiting_gets_rid_of_no_traces(
    at: Callable[..., list[Result]], engine: Engine, name: str
) -> None:
    """What was changed stays, and so does all that follows, until somebody has looked."""
    at(OLD, sale(), sale())
    with engine.begin() as connection:
        connection.execute(update(events).where(events.c.number == 2).values({name: "x"}))
    with pytest.raises(ChainBroken, match="event 2"):
        cleared(engine)
    assert rows(engine, events) == 2


def test_a_forged_beginning_is_not_gone_on_from(
    at: Callable[..., list[Result]], engine: Engine
) -> None:
    """Nothing is sealed on top of it."""
    at(OLD, sale())
    cleared(engine)
    at(OLD, sale())
    with engine.begin() as connection:
        connection.execute(update(chain_start).values(seal=bytes(32)))
    with pytest.raises(ChainBroken, match="begins"):
        cleared(engine)


def test_a_head_that_went_back_is_found_after_retention(
    at: Callable[..., list[Result]], engine: Engine
) -> None:
    """The end is looked at as before."""
    at(OLD, sale())
    at(NEW, sale(), sale())
    cleared(engine)
    seen = verify(engine, KEY).last
    with engine.begin() as connection:
        last = connection.execute(select(events.c.hash).where(events.c.number == 2)).scalar_one()
        connection.execute(delete(events).where(events.c.number == 3))
        connection.execute(update(head).values(number=2, hash=last))
    faults = verify(engine, KEY, seen).faults
    assert faults == ("the event that was the last one then is not there any more",)


@pytest.mark.parametrize(("days", "basket_days"), [(LEAST_DAYS - 1, 1), (LEAST_DAYS, 0), (-1, 1)])
def test_too_few_days_are_refused(engine: Engine, days: int, basket_days: int) -> None:
    """A sale that a till still keeps would be recorded twice."""
    with pytest.raises(ValueError, match="at least 30 days"):
        cleared(engine, days, basket_days)
