"""A small chain of shops in a ledger: two stores, cashiers who check more and less, questions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from agelane_serving.ledger.alerts import Answer, Observation, answer, tell
from agelane_serving.ledger.receipt import Entry
from agelane_serving.ledger.sale import BasketLine, DocumentCheck, MadeOffer, Sale
from agelane_serving.ledger.store import Store, engine_for
from tests.serving.ledger.sales import assessed, refusal, sale

STORES = ("hamburg-1", "kiel-2")
CASHIERS = 24
DAYS = 28
LAX, FORMULA = "c03", "=HYPERLINK(1)"
_SALES_A_DAY = 9
_BATCH = 500
_GOODS = ("bread", "dairy", "coffee", "sweets", "vegetables", "cheese")


def fill(url: str, key: bytes, now: float) -> None:
    """Record four weeks of sales up to a moment, and tell two questions about the lax cashier."""
    store = Store(url, key)
    entries: list[Entry] = list(sales(now))
    for start in range(0, len(entries), _BATCH):
        store.record(entries[start : start + _BATCH])
    store.close()
    engine = engine_for(url)
    tell(engine, _observations(now), now)
    answer(engine, Answer("alert-2", now, "omar", "cashier", "The scanner was broken.", False))
    engine.dispose()


def sales(now: float) -> Iterator[Sale]:
    """Yield the sales, by time; each day's within its past hours."""
    luck = random.Random(7)
    midnight = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0).timestamp()
    for day in range(DAYS - 1, -1, -1):
        begins = midnight - day * 86_400
        ends = now if day == 0 else begins + 86_400
        for cashier in range(CASHIERS):
            for _ in range(_SALES_A_DAY):
                at = begins + (ends - begins) * (0.33 + 0.6 * luck.random())
                yield _sale(luck, cashier, at)


def _sale(luck: random.Random, cashier: int, at: float) -> Sale:
    store, name = STORES[cashier % 2], f"c{cashier:02}"
    number = f"{luck.getrandbits(64):x}"
    place: dict[str, Any] = {"store_id": store, "lane_id": str(1 + cashier % 4), "cashier_id": name}
    place |= {"sold_at": at, "sale_id": number, "digest": number}
    said = luck.choices(("ALLOW", "VERIFY_ID", "REFUSE", ""), (50, 42, 4, 4))[0]
    made = None if not said else assessed(decision=said, **_age(luck))
    if said == "REFUSE" or luck.random() < 0.02:
        who = FORMULA if cashier == 4 else name
        return refusal(assessed=made, **{**place, "cashier_id": who}, refusal_reason="ASSESSMENT")
    checks = luck.random() < (0.55 if name == LAX else 0.93) and said != "ALLOW"
    document = DocumentCheck("OF_AGE", "TYPED", 4200, 31, luck.randrange(64)) if checks else None
    basket = (BasketLine("beer", "alcohol", 6, 594), *_lines(luck))
    offers = (MadeOffer("fresh-milk", "dairy"), MadeOffer("rye-bread", "bread"))
    return sale(
        assessed=made,
        document=document,
        basket=basket,
        offers=offers if made else (),
        offers_held_out=luck.random() < 0.25,
        **place,
    )


def _age(luck: random.Random) -> dict[str, object]:
    group = luck.choices(range(1, 8), (1, 6, 8, 6, 4, 3, 2))[0]
    shares = [0.02] * 8
    shares[group] += 0.6
    shares[max(1, group - 1)] += 0.24
    return {"age_group_shares": tuple(shares), "age_interval_years": (18.0, 44.0)}


def _lines(luck: random.Random) -> list[BasketLine]:
    return [BasketLine(goods, "", 1, 219) for goods in luck.sample(_GOODS, luck.randint(1, 3))]


def _observations(now: float) -> list[Observation]:
    day = 86_400
    common: dict[str, Any] = {
        "store_id": "kiel-2",
        "cashier_id": LAX,
        "first_case_at": now - 20 * day,
    }
    return [
        Observation(
            id="alert-1",
            kind="LOW_CHECK_RATE",
            severity=0.043,
            cases=47,
            expected_cases=8.2,
            adjusted_p_value=0.00002,
            last_case_at=now - 3_600,
            **common,
        ),
        Observation(
            id="alert-2",
            kind="UNASSESSED_SALES",
            severity=0.011,
            cases=9,
            expected_cases=3.1,
            adjusted_p_value=0.0182,
            last_case_at=now - 2 * day,
            **common,
        ),
        Observation(
            id="alert-3",
            store_id="hamburg-1",
            cashier_id="c06",
            kind="REPEATED_BIRTH_DATE",
            severity=0.02,
            cases=14,
            expected_cases=1.4,
            adjusted_p_value=0.0031,
            first_case_at=now - 6 * day,
            last_case_at=now - day,
        ),
    ]
