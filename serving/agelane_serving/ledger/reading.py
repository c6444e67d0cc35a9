"""Read what pages show: decisions by hour, single events, the refusals register, lanes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Engine, Row, case, func, literal_column, select

from agelane_serving.ledger.rows import SALE
from agelane_serving.ledger.schema import events as table
from agelane_serving.ledger.store import snapshot
from agelane_serving.ledger.views import DecisionCount, Event, LaneUse, Scope

_QUARTER_MS = 900_000  # the clocks of no two time zones differ by less


def decisions(engine: Engine, scope: Scope, zone: ZoneInfo) -> list[DecisionCount]:
    """Return how many sales there were of each sort, by the hours of that zone's clock.

    Raises:
        LedgerError: the database can't be read.
    """
    sorts = (table.c.decision, table.c.outcome, table.c.restricted_category)
    quarter = (table.c.sold_ms // _QUARTER_MS).label("quarter")
    query = (
        select(quarter, *sorts, table.c.document_result, func.count())
        .where(scope.condition, table.c.kind == SALE)
        .group_by("quarter", *sorts, table.c.document_result)
    )
    counts: Counter[tuple[int, str, str, bool, bool]] = Counter()
    with snapshot(engine) as connection:
        for began, decision, outcome, category, document, count in connection.execute(query):
            hour = datetime.fromtimestamp(began * _QUARTER_MS / 1000, UTC).astimezone(zone).hour
            counts[hour, decision, outcome, category != "", document != ""] += count
    return [DecisionCount(*key, count) for key, count in sorted(counts.items())]


def events(
    engine: Engine,
    scope: Scope,
    *,
    lane_id: str | None = None,
    cashier_id: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Event]:
    """Return single events, the newest first.

    Args:
        engine: of the ledger.
        scope: when and where.
        lane_id: of one lane; None: of all.
        cashier_id: of one cashier's number, "" for self-checkouts; None: of all.
        limit: so many at most.
        offset: leave out so many of the newest.

    Raises:
        LedgerError: the database can't be read.
    """
    wanted = {table.c.lane_id: lane_id, table.c.cashier_id: cashier_id}
    narrowed = [column == value for column, value in wanted.items() if value is not None]
    return _read(engine, [scope.condition, *narrowed], limit, offset)


def refusals(engine: Engine, scope: Scope, *, limit: int = 100, offset: int = 0) -> list[Event]:
    """Return the refusals register, the newest first; arguments and errors as of `events`."""
    # In so many words, so that SQLite sees that it has an index of just these.
    refused = table.c.outcome == literal_column("'REFUSED'")
    return _read(engine, [scope.condition, refused], limit, offset)


def lanes(engine: Engine, scope: Scope) -> list[LaneUse]:
    """Return what came from each lane, by store and lane.

    Raises:
        LedgerError: the database can't be read.
    """
    restricted = table.c.restricted_category != ""
    unassessed = restricted & (table.c.assessment_id == "")
    lane = (
        select(
            table.c.store_id,
            table.c.lane_id,
            func.max(table.c.sold_ms).label("last_ms"),
            func.count().label("sales"),
            func.sum(case((restricted, 1), else_=0)).label("restricted"),
            func.sum(case((unassessed, 1), else_=0)).label("unassessed"),
            func.max(case((table.c.model_version.is_not(None), table.c.number))).label("assessed"),
        )
        .where(scope.condition, table.c.kind == SALE)
        .group_by(table.c.store_id, table.c.lane_id)
        .subquery()
    )
    query = (
        select(lane, table.c.model_version)
        .outerjoin(table, table.c.number == lane.c.assessed)
        .order_by(lane.c.store_id, lane.c.lane_id)
    )
    with snapshot(engine) as connection:
        return [
            LaneUse(
                row.store_id,
                row.lane_id,
                row.last_ms / 1000,
                row.sales,
                row.restricted,
                row.unassessed,
                row.model_version,
            )
            for row in connection.execute(query)
        ]


def _read(
    engine: Engine, conditions: list[ColumnElement[bool]], limit: int, offset: int
) -> list[Event]:
    query = (
        select(table)
        .where(*conditions)
        .order_by(table.c.sold_ms.desc(), table.c.number.desc())
        .limit(limit)
        .offset(offset)
    )
    with snapshot(engine) as connection:
        return [_event(row) for row in connection.execute(query)]


def _event(row: Row[Any]) -> Event:
    ages = (row.age_low_years, row.age_high_years)
    return Event(
        number=row.number,
        kind=row.kind,
        at=row.sold_ms / 1000,
        recorded_at=row.recorded_ms / 1000,
        sale_id=row.sale_id,
        store_id=row.store_id,
        lane_id=row.lane_id,
        cashier_id=row.cashier_id,
        outcome=row.outcome,
        voids_sale_id=row.voids_sale_id,
        refusal_reason=row.refusal_reason,
        restricted_category=row.restricted_category,
        decision=row.decision,
        reasons=tuple(row.reasons.split(",")) if row.reasons else (),
        probability_under_legal_age=row.probability_under_legal_age,
        age_interval_years=None if ages[0] is None else ages,
        model_version=row.model_version,
        document_result=row.document_result,
        document_reading=row.document_reading,
        check_seconds=None if row.check_ms is None else row.check_ms / 1000,
        document_age_years=row.document_age_years,
        supervisor_on_shift=row.supervisor_on_shift,
        decided_offline=row.decided_offline,
        fault=row.fault,
    )
