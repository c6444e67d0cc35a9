"""What was acknowledged is there, once."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DataError, OperationalError

from agelane_serving.ledger import store as store_module
from agelane_serving.ledger.migrate import migrate
from agelane_serving.ledger.receipt import LedgerError, Result
from agelane_serving.ledger.sale import BasketLine, MadeOffer, Outcome
from agelane_serving.ledger.schema import basket_lines, basket_offers, baskets, events
from agelane_serving.ledger.store import Store, snapshot
from agelane_serving.ledger.verify import verify
from tests.serving.ledger.sales import KEY, assessed, attempt, sale

LINE = ("category", "restricted_category", "quantity", "amount_minor")


def results(store: Store, *entries: object) -> list[Result]:
    """Record entries together; return what became of each."""
    return [receipt.result for receipt in store.record(entries)]  # type: ignore[arg-type]


def test_a_sale_is_there_with_all_that_was_told(store: Store, engine: Engine) -> None:
    """And its time is that of the first recording, ever after."""
    told = sale()
    (first,) = store.record([told])
    (second,) = store.record([told])
    assert (first.result, second.result) == (Result.RECORDED, Result.ALREADY_RECORDED)
    assert first.recorded_at == second.recorded_at > 0
    with engine.connect() as connection:
        (row,) = connection.execute(select(events)).mappings()
    assert (row["sale_id"], row["outcome"], row["decision"]) == (told.sale_id, "SOLD", "VERIFY_ID")
    assert (row["document_result"], row["check_ms"], row["birth_date_bucket"]) == (
        "OF_AGE", 4200, 17,
    )  # fmt: skip
    assert (row["restricted_category"], row["probability_under_legal_age"]) == ("alcohol", 0.03)


def test_one_name_is_one_sale(store: Store) -> None:
    """Whether the second one comes in the same batch or later."""
    told = sale()
    other = replace(told, digest="another")
    assert results(store, told, told, other) == [
        Result.RECORDED, Result.ALREADY_RECORDED, Result.SALE_ID_REUSED,
    ]  # fmt: skip
    assert results(store, other, told) == [Result.SALE_ID_REUSED, Result.ALREADY_RECORDED]


def test_one_assessment_is_one_sale(store: Store, engine: Engine) -> None:
    """The attempt with it is kept; a sale that was cancelled has used nothing up."""
    once = assessed()
    voided = sale(assessed=once, outcome=Outcome.VOIDED)
    first, second, third = (sale(assessed=once) for _ in range(3))
    assert results(store, voided, first, second) == [
        Result.RECORDED, Result.RECORDED, Result.TOKEN_REUSED,
    ]  # fmt: skip
    assert results(store, third, sale()) == [Result.TOKEN_REUSED, Result.RECORDED]
    with engine.connect() as connection:
        kept = connection.execute(
            select(events).where(events.c.kind == "ATTEMPT").order_by(events.c.number)
        ).mappings()
        assert [(row["sale_id"], row["fault"]) for row in kept] == [
            (second.sale_id, "TOKEN_REUSED"), (third.sale_id, "TOKEN_REUSED"),
        ]  # fmt: skip
    assert verify(engine, KEY).faults == ()


def test_marketing_learns_what_was_bought_and_not_by_whom(store: Store, engine: Engine) -> None:
    """Of what was sold to somebody with an age; nothing there leads back to the sale."""
    told = sale()
    store.record([told, sale(assessed=None), sale(outcome=Outcome.VOIDED)])
    with engine.connect() as connection:
        (basket,) = connection.execute(select(baskets)).mappings()
        lines = connection.execute(
            select(basket_lines).order_by(basket_lines.c.position)
        ).mappings()
        bought = [tuple(line[name] for name in LINE) for line in lines]
        event = connection.execute(select(events).order_by(events.c.number)).mappings().first()
    assert basket["age_group_shares"] == "0.02,0.28,0.50,0.20"
    assert bought == [("beer", "alcohol", 6, 594), ("bread", "", 1, 219)]
    assert event is not None
    shared = set(map(str, basket.values())) & set(map(str, event.values()))
    # The store, the model and the policy.
    assert shared == {told.store_id, "7", "0123456789abcdef"}


@pytest.mark.parametrize("held_out", [False, True])
def test_offers_lie_beside_what_was_bought(store: Store, engine: Engine, held_out: bool) -> None:
    """In their order; and nowhere else."""
    made = (MadeOffer("cheese-week", "cheese"), MadeOffer("olives", "deli"))
    store.record([sale(offers=made, offers_held_out=held_out), sale()])
    store.record([sale(offers=made, assessed=None)])
    with engine.connect() as connection:
        rows = connection.execute(
            select(basket_offers).order_by(basket_offers.c.position)
        ).mappings()
        told = [(row["offer_id"], row["category"], row["held_out"]) for row in rows]
    assert told == [("cheese-week", "cheese", held_out), ("olives", "deli", held_out)]


def test_the_order_of_baskets_tells_nothing(store: Store, engine: Engine) -> None:
    """They lie in that of their random names, and have no number beside."""
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL keeps rows where there is room")
    store.record([sale() for _ in range(20)])
    with engine.connect() as connection:
        names = list(connection.exec_driver_sql("SELECT id FROM baskets").scalars())
        assert names == sorted(names)
        with pytest.raises(OperationalError, match="no such column"):
            connection.exec_driver_sql("SELECT rowid FROM baskets")


def test_gateways_that_share_a_ledger_make_one_chain(url: str, engine: Engine) -> None:
    """Each with its own connection, all at the same time."""

    def work() -> None:
        store = Store(url, KEY)
        for _ in range(10):
            assert results(store, *[sale() for _ in range(5)]) == [Result.RECORDED] * 5
        store.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = verify(engine, KEY)
    assert (verdict.events, verdict.faults) == (200, ())


def test_a_full_disk_is_an_error_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was acknowledged stays; what was not is not there."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    migrate(url)
    set_up = store_module._set_up_sqlite

    def small(connection: object, record: object) -> None:
        set_up(connection, record)
        connection.execute("PRAGMA max_page_count=60")  # type: ignore[attr-defined]

    monkeypatch.setattr(store_module, "_set_up_sqlite", small)
    store = Store(url, KEY)
    acknowledged = 0
    error = ""
    while not error:
        try:
            acknowledged += len(store.record([sale() for _ in range(10)]))
        except LedgerError as full:
            error = str(full)
    assert "full" in error
    store.close()
    assert acknowledged > 0
    verdict = verify(store_module.engine_for(url), KEY)
    assert (verdict.events, verdict.faults) == (acknowledged, ())


def test_a_database_that_is_away_is_an_error(tmp_path: Path) -> None:
    """Not another exception, and without the URL's password."""
    for url in (
        f"sqlite:///{tmp_path}/no/such/folder/l.db",
        "postgresql+psycopg://a:secret@127.0.0.1:1/b",
    ):
        with pytest.raises(LedgerError) as caught:
            migrate(url)
        assert "secret" not in str(caught.value)
    with pytest.raises(LedgerError):
        Store("oracle+nothing://", KEY)


def test_an_attempt_is_kept(store: Store, engine: Engine) -> None:
    """With what is known of it."""
    again = attempt()
    assert results(store, again, again) == [Result.RECORDED] * 2
    assert verify(engine, KEY).events == 2


def test_those_who_read_hold_up_nobody(store: Store, engine: Engine) -> None:
    """And see one moment, whatever is recorded meanwhile."""
    store.record([sale()])
    with snapshot(engine) as connection:
        before = connection.execute(select(func.count()).select_from(events)).scalar_one()
        assert results(store, sale()) == [Result.RECORDED]
        after = connection.execute(select(func.count()).select_from(events)).scalar_one()
    assert (before, after) == (1, 1)


def test_what_the_database_has_no_room_for_is_no_fault_of_the_database(
    store: Store, engine: Engine
) -> None:
    """It is told as what it is, without the values, and nothing of it is there."""
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite takes any text")
    with pytest.raises(DataError) as caught:
        store.record([sale(), sale(basket=(BasketLine("be\0er", "", 1, 1),))])
    assert "c7" not in str(caught.value)
    assert verify(engine, KEY).events == 0
