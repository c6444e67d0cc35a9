"""Pages show what was recorded, by the store's clock and no further than asked."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from agelane_serving.ledger.migrate import migrate
from agelane_serving.ledger.reading import decisions, events, lanes, refusals
from agelane_serving.ledger.sale import BasketLine, Outcome
from agelane_serving.ledger.store import Store, engine_for
from agelane_serving.ledger.views import DecisionCount, LaneUse, Scope
from tests.serving.ledger.sales import KEY, NOON, assessed, attempt, refusal, sale

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3_600.0, 86_400.0
TODAY = Scope(NOON - DAY / 2, NOON + DAY / 2)
BREAD = (BasketLine("bread", "", 1, 219),)


def test_decisions_are_counted_by_hour_and_sort(store: Store, engine: Engine) -> None:
    """Attempts are none, and what lies outside is not counted."""
    store.record([sale(), sale(sold_at=NOON + 59 * 60), attempt()])
    store.record([sale(document=None), refusal(sold_at=NOON - HOUR), sale(store_id="hamburg-2")])
    store.record([sale(assessed=None, basket=BREAD, document=None), sale(sold_at=NOON + DAY)])
    scope = Scope(TODAY.start, TODAY.end, "hamburg-1")
    assert decisions(engine, scope, BERLIN) == [
        DecisionCount(12, "VERIFY_ID", "REFUSED", restricted=True, checked=False, sales=1),
        DecisionCount(13, "", "SOLD", restricted=False, checked=False, sales=1),
        DecisionCount(13, "VERIFY_ID", "SOLD", restricted=True, checked=False, sales=1),
        DecisionCount(13, "VERIFY_ID", "SOLD", restricted=True, checked=True, sales=2),
    ]
    assert sum(each.sales for each in decisions(engine, TODAY, BERLIN)) == 6


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A year with a sale every 37 minutes."""
    url = f"sqlite:///{tmp_path_factory.mktemp('busy') / 'ledger.db'}"
    migrate(url)
    store = Store(url, KEY)
    store.record([sale(sold_at=at, assessed=None) for at in moments()])
    store.close()
    return engine_for(url)


def moments() -> list[float]:
    """Return when the sales of that year were."""
    return [NOON + 2_220.0 * number for number in range(int(366 * DAY / 2_220))]


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(sorted(available_timezones())), st.dates(date(2026, 11, 3), date(2027, 10, 25))
)
def test_a_day_is_one_of_the_stores_clock(busy: Engine, name: str, day: date) -> None:
    """In every time zone, also when the clocks change."""
    zone = ZoneInfo(name)
    local = [datetime.fromtimestamp(at, UTC).astimezone(zone) for at in moments()]
    expected = Counter(at.hour for at in local if at.date() == day)
    counted = decisions(busy, Scope.of_day(day, zone), zone)
    assert {each.hour: each.sales for each in counted} == expected


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 1), 24)]
)
def test_a_day_has_as_many_hours_as_the_clock_says(day: date, hours: int) -> None:
    """And the next one begins where it ends."""
    scope = Scope.of_day(day, BERLIN)
    assert (scope.end - scope.start) / HOUR == hours
    assert Scope.of_day(day + timedelta(1), BERLIN).start == scope.end


def test_the_refusals_register_has_all_refusals(store: Store, engine: Engine) -> None:
    """The newest first, page by page, and nothing else."""
    told = [refusal(sold_at=NOON + number) for number in range(5)]
    store.record([*told, sale(), attempt(), refusal(store_id="hamburg-2")])
    scope = Scope(TODAY.start, TODAY.end, "hamburg-1")
    pages = [refusals(engine, scope, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    found = [each.sale_id for page in pages for each in page]
    assert found == [each.sale_id for each in reversed(told)]
    first = pages[0][0]
    assert (first.at, first.lane_id, first.cashier_id) == (NOON + 4, "3", "c7")
    assert (first.refusal_reason, first.decision) == ("NO_DOCUMENT", "VERIFY_ID")
    assert first.restricted_category == "alcohol"


def test_an_event_tells_all_that_was_recorded(store: Store, engine: Engine) -> None:
    """Also that nothing was."""
    told = sale(supervisor_on_shift=True)
    store.record([told, refusal(sold_at=NOON - 1, assessed=None)])
    known, unknown = events(engine, TODAY)
    assert (known.sale_id, known.kind, known.at, known.number) == (told.sale_id, "SALE", NOON, 1)
    assert (known.reasons, known.age_interval_years) == (("TOO_CLOSE_TO_LEGAL_AGE",), (18.4, 41.7))
    assert (known.document_result, known.document_reading) == ("OF_AGE", "TYPED")
    assert (known.check_seconds, known.document_age_years) == (4.2, 31)
    assert known.recorded_at > NOON
    assert (known.supervisor_on_shift, known.model_version) == (True, 7)
    assert (unknown.reasons, unknown.decision) == ((), "")
    assert (unknown.age_interval_years, unknown.check_seconds) == (None, None)
    assert (unknown.supervisor_on_shift, unknown.model_version) == (None, None)


def test_events_are_found_by_lane_and_cashier(store: Store, engine: Engine) -> None:
    """Those of self-checkouts too."""
    store.record([sale(), sale(lane_id="4"), sale(cashier_id="c8"), sale(cashier_id="")])

    def found(**which: str) -> set[int]:
        return {each.number for each in events(engine, TODAY, **which)}  # type: ignore[arg-type]

    assert found() == {1, 2, 3, 4}
    assert found(lane_id="4") == {2}
    assert found(cashier_id="c7") == {1, 2}
    assert found(lane_id="3", cashier_id="c8") == {3}
    assert found(cashier_id="") == {4}


def test_lanes_tell_what_came_from_them(store: Store, engine: Engine) -> None:
    """The version is that of the last one with an answer."""
    store.record([sale(), sale(assessed=assessed(model_version=8)), sale(assessed=None)])
    store.record([sale(assessed=None, basket=BREAD, sold_at=NOON + 1), attempt()])
    store.record([sale(lane_id="4", assessed=None, basket=BREAD, outcome=Outcome.VOIDED)])
    busy, idle = lanes(engine, TODAY)
    assert busy == LaneUse("hamburg-1", "3", NOON + 1, 4, 3, 1, 8)
    assert idle == LaneUse("hamburg-1", "4", NOON, 1, 0, 0, None)
    assert busy.unassessed_share == pytest.approx(1 / 3)
    assert idle.unassessed_share is None


def test_where_nothing_was_sold_there_is_nothing(engine: Engine) -> None:
    """And no error."""
    assert decisions(engine, TODAY, BERLIN) == []
    assert events(engine, TODAY) == refusals(engine, TODAY) == []
    assert lanes(engine, TODAY) == []


@pytest.mark.parametrize(("store_id", "index"), [(None, "time"), ("hamburg-1", "store")])
def test_pages_read_no_more_than_they_show(
    tmp_path: Path, store_id: str | None, index: str
) -> None:
    """Each by an index, with nothing to sort."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    migrate(url)
    engine = engine_for(url)
    plans: list[str] = []

    def explain(_: object, cursor: Any, statement: str, values: Any, *more: object) -> None:
        if statement.startswith("SELECT"):
            rows = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.append("; ".join(row[3] for row in rows))

    event.listen(engine, "before_cursor_execute", explain)
    scope = Scope(TODAY.start, TODAY.end, store_id)
    events(engine, scope)
    refusals(engine, scope)
    decisions(engine, scope, BERLIN)
    assert f"events_by_{index} (" in plans[0]
    assert f"refusals_by_{index} (" in plans[1]
    assert f"events_by_{index} (" in plans[2]
    assert not any("B-TREE FOR ORDER BY" in plan for plan in plans[:2])
