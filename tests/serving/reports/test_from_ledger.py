"""What reports read from a ledger is what tills told it."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from random import Random

import numpy as np
import pytest
from sqlalchemy import Engine

from agelane_serving.ledger import sale as ledger
from agelane_serving.ledger.erasure import erase
from agelane_serving.ledger.sale import Attempt, BasketLine, MadeOffer
from agelane_serving.ledger.store import Store
from agelane_serving.policy import Decision
from agelane_serving.reports.cashiers import (
    DocumentReading,
    DocumentResult,
    Outcome,
    Period,
    RestrictedSale,
    SaleColumns,
    TokenMisuse,
)
from agelane_serving.reports.from_ledger.baskets import (
    Which,
    model_versions,
    read_baskets,
    read_offer_effects,
    restricted_categories,
)
from agelane_serving.reports.from_ledger.sales import read_attempts, read_sales
from tests.serving.ledger.sales import KEY, NOON, assessed, sale

DAY = Period(NOON - 43_200, NOON + 43_200)


def any_sale(random: Random, number: int, earlier: list[str]) -> RestrictedSale:
    """Return a sale of any kind, perhaps one that cancels an earlier one."""
    outcome = random.choice(list(Outcome))
    decision = random.choice([None, *Decision])
    checked = random.random() < 0.7
    return RestrictedSale(
        sale_id=f"sale-{number}",
        store_id=f"store-{random.randrange(3)}",
        cashier_id=random.choice([None, "1", "2", "3"]),
        sold_at=NOON + random.randrange(-10_000_000, 10_000_000) / 1000,
        outcome=outcome,
        voids_sale_id=(
            random.choice([None, "elsewhere", *earlier]) if outcome is Outcome.VOIDED else None
        ),
        decision=decision,
        probability_under_legal_age=None if decision is None else random.random(),
        age_low_years=None if decision is None else 20.5,
        age_high_years=None if decision is None else 31.25,
        document_result=random.choice(list(DocumentResult)) if checked else None,
        reading=random.choice([None, *DocumentReading]) if checked else None,
        check_seconds=random.choice([None, 0.0, 4.25]) if checked else None,
        document_age_years=random.choice([None, 0, 17, 130]) if checked else None,
        birth_date_bucket=random.choice([None, 0, 63]) if checked else None,
        supervisor_on_shift=random.choice([None, False, True]),
        decided_offline=random.random() < 0.2,
    )


def as_told(told: RestrictedSale) -> ledger.Sale:
    """Return the sale as the gateway hands it to the ledger."""
    face = None
    if told.decision is not None:
        assert told.age_low_years is not None
        assert told.age_high_years is not None
        face = assessed(
            decision=told.decision.name,
            probability_under_legal_age=told.probability_under_legal_age,
            age_interval_years=(told.age_low_years, told.age_high_years),
        )
    document = None
    if told.document_result is not None:
        seconds = told.check_seconds
        document = ledger.DocumentCheck(
            told.document_result.name,
            told.reading.name if told.reading else "",
            None if seconds is None else round(1000 * seconds),
            told.document_age_years,
            told.birth_date_bucket,
        )
    return sale(
        sale_id=told.sale_id,
        store_id=told.store_id,
        cashier_id=told.cashier_id or "",
        sold_at=told.sold_at,
        outcome=ledger.Outcome[told.outcome.name],
        voids_sale_id=told.voids_sale_id or "",
        document=document,
        supervisor_on_shift=told.supervisor_on_shift,
        decided_offline=told.decided_offline,
        assessed=face,
        digest=told.sale_id,
    )


def test_sales_are_read_as_they_were_told(engine: Engine, store: Store) -> None:
    """All columns, also of sales of which little is known, and what cancels what."""
    random = Random(1)
    sales: list[RestrictedSale] = []
    for number in range(400):
        sales.append(any_sale(random, number, [sale.sale_id for sale in sales[-20:]]))
    store.record([as_told(each) for each in sales])
    with engine.connect() as connection:
        read = read_sales(connection, DAY, "alcohol")
    wanted = SaleColumns.from_sales(sales)
    assert read.cashiers == wanted.cashiers
    assert len(read.sold_at) == 400
    for field in fields(SaleColumns)[1:]:
        got, expected = getattr(read, field.name), getattr(wanted, field.name)
        np.testing.assert_allclose(got, expected, atol=1e-6, err_msg=field.name)


def test_other_goods_and_other_times_are_left_out(engine: Engine, store: Store) -> None:
    """A report is about one restricted category and one period."""
    tobacco = (BasketLine("cigars", "tobacco", 1, 900),)
    store.record(
        [
            sale(),
            sale(basket=tobacco, assessed=assessed(restricted_category="tobacco")),
            sale(sold_at=DAY.end),
            sale(sold_at=DAY.start),
            sale(basket=(BasketLine("bread", "", 1, 219),)),
        ]
    )
    with engine.connect() as connection:
        assert len(read_sales(connection, DAY, "alcohol").sold_at) == 2
        assert len(read_sales(connection, DAY, "tobacco").sold_at) == 1
        nothing = read_sales(connection, Period(0, 1), "alcohol")
    assert len(nothing.sold_at) == 0
    assert nothing.cashiers == ()


def test_history_tells_who_missed_a_check_and_no_more(engine: Engine, store: Store) -> None:
    """And what was sold then may be cancelled in the period."""
    random = Random(2)
    sales: list[RestrictedSale] = []
    for number in range(300):
        sales.append(any_sale(random, number, [sale.sale_id for sale in sales]))
    store.record([as_told(each) for each in sales])
    now = Period(NOON, DAY.end)
    with engine.connect() as connection:
        read = read_sales(connection, now, "alcohol", DAY.start)
    known = [each for each in sales if each.sold_at >= NOON or each.decision is not Decision.ALLOW]
    ordered = sorted(known, key=lambda each: (each.sold_at < NOON, int(each.sale_id[5:])))
    wanted = SaleColumns.from_sales(ordered)
    history = wanted.sold_at < NOON
    assert 80 < history.sum() < 130
    for name in ("sold_at", "outcome", "decision", "document_result", "decided_offline"):
        np.testing.assert_allclose(getattr(read, name), getattr(wanted, name), err_msg=name)
    np.testing.assert_array_equal(read.voids_row, wanted.voids_row)
    assert np.isnan(read.check_seconds[history]).all()
    np.testing.assert_allclose(read.check_seconds[~history], wanted.check_seconds[~history])


def test_who_was_erased_is_no_cashier(engine: Engine, store: Store) -> None:
    """The sales count for a chain as a self-checkout's do, and stand in nobody's report."""
    store.record([sale(), Attempt("a", "hamburg-1", "1", "c7", "TOKEN_FORGED")])
    erase(engine, KEY, "hamburg-1", "c7")
    with engine.connect() as connection:
        assert read_sales(connection, DAY, "alcohol").cashiers == ()
        assert read_attempts(connection, Period(0, 4e9)) == ()


def test_attempts_are_read_by_cashier(engine: Engine, store: Store) -> None:
    """Those of a self-checkout are nobody's."""
    store.record(
        [
            Attempt("a", "s", "1", "c7", "TOKEN_FORGED"),
            Attempt("b", "s", "1", "c7", "TOKEN_EXPIRED"),
            Attempt("c", "s", "1", "", "TOKEN_FORGED"),
        ]
    )
    with engine.connect() as connection:
        (attempts,) = read_attempts(connection, Period(0, 4e9))
    assert (attempts.store_id, attempts.cashier_id, len(attempts.times)) == ("s", "c7", 2)
    assert isinstance(attempts, TokenMisuse)


def test_baskets_are_read_by_model_version(engine: Engine, store: Store) -> None:
    """Each errs in its own way. Baskets under a policy with other age groups are left out."""
    store.record(
        [
            sale(),
            sale(basket=(BasketLine("bread", "", 1, -219),)),
            sale(assessed=assessed(model_version=8)),
            sale(assessed=assessed(age_group_shares=(0.5, 0.5))),
            sale(sold_at=NOON + 86_400),
            sale(store_id="hamburg-2"),
        ]
    )
    with engine.connect() as connection:
        here = Which.within(DAY, "hamburg-1")
        assert model_versions(connection, here) == {7: 3, 8: 1}
        read = sorted(read_baskets(connection, here, 7, 4), key=lambda each: len(each.lines))
        assert model_versions(connection, Which.within(DAY, "")) == {7: 4, 8: 1}
        assert restricted_categories(connection, here) == {"beer": "alcohol"}
    assert [each.shares for each in read] == [(0.02, 0.28, 0.5, 0.2)] * 2
    assert [[line.category for line in each.lines] for each in read] == [
        ["bread"],
        ["beer", "bread"],
    ]


def test_days_are_whole_days() -> None:
    """A period that ends at midnight does not touch the day that begins then."""
    midnight = datetime(2026, 11, 2, tzinfo=UTC).timestamp()
    which = Which.within(Period(midnight - 1, midnight), "")
    assert which.first_day == which.last_day == datetime(2026, 11, 1, tzinfo=UTC).date()


@pytest.mark.parametrize("bought", [True, False])
def test_offers_are_marked_by_what_was_bought(engine: Engine, store: Store, bought: bool) -> None:
    """The hold-out beside those who were offered it; what came back was not bought."""
    beer = BasketLine("beer", "alcohol", 6, 594 if bought else -594)
    told = sale(basket=(beer,), offers=(MadeOffer("six-pack", "beer"), MadeOffer("rolls", "bread")))
    store.record([replace(told, sale_id=f"offered-{n}", assessed=assessed()) for n in range(20)])
    held = replace(told, offers_held_out=True)
    store.record([replace(held, sale_id=f"held-{n}", assessed=assessed()) for n in range(20)])
    with engine.connect() as connection:
        rolls, six_pack = read_offer_effects(connection, Which.within(DAY, ""))
    assert (six_pack.offer_id, six_pack.offered, six_pack.held_out) == ("six-pack", 20, 20)
    assert (rolls.offer_id, rolls.offered, rolls.held_out) == ("rolls", 20, 20)
    assert six_pack.uplift is not None
    assert six_pack.uplift.value == 0
