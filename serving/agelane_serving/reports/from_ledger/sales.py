"""Read sales as columns: a million of them in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Executable, case, func, literal, select

from agelane_serving.ledger.chain import ERASED
from agelane_serving.ledger.rows import ATTEMPT, SALE
from agelane_serving.ledger.schema import events, sales
from agelane_serving.policy import Decision
from agelane_serving.reports.cashiers import (
    Cashier,
    DocumentReading,
    DocumentResult,
    Outcome,
    Period,
    SaleColumns,
    TokenMisuse,
    number_cashiers,
)
from agelane_serving.reports.cashiers.arrays import Floats, Ints
from agelane_serving.reports.cashiers.columns import NONE, UNKNOWN

_AT_A_TIME = 50_000
_NOBODY = ("", ERASED)  # a self-checkout, and who was erased: no cashier to answer for it


def read_sales(
    connection: Connection,
    period: Period,
    restricted_category: str,
    history_from: float | None = None,
) -> SaleColumns:
    """Return all sales of these goods within a period.

    From the moment `history_from` until the period begins only those that required a check, and no
    more of each than what tells whether it was missed: that takes a fifth of the time to read.
    """
    places: dict[Cashier, int] = {}
    parts = [_read(connection, _Part(period, _PLAIN, _DIGITS), restricted_category, places)]
    if history_from is not None and history_from < period.start:
        before = _Part(Period(history_from, period.start), (), _BRIEF_DIGITS, _CHECK_REQUIRED)
        parts.append(_read(connection, before, restricted_category, places))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    number, voids = columns.pop("number"), columns.pop("voids")
    return SaleColumns(tuple(places), voids_row=_rows_of(voids, number), **columns)


def read_attempts(connection: Connection, period: Period) -> tuple[TokenMisuse, ...]:
    """Return the cashiers' attempts with tokens that did not count, within a period."""
    found = connection.execute(
        select(events.c.store_id, events.c.cashier_id, events.c.sold_ms).where(
            _within(period), events.c.kind == ATTEMPT, events.c.cashier_id.not_in(_NOBODY)
        )
    )
    times: dict[tuple[str, str], list[float]] = {}
    for store_id, cashier_id, sold_ms in found:
        times.setdefault((store_id, cashier_id), []).append(sold_ms / 1000)
    return tuple(TokenMisuse(*cashier, tuple(when)) for cashier, when in times.items())


def _code(column: ColumnElement[str], kind: type[IntEnum | Decision]) -> ColumnElement[int]:
    """Return the number of an enum's member by its name."""
    return case({member.name: member.value for member in kind}, value=column, else_=NONE)


def _truth(column: ColumnElement[bool]) -> ColumnElement[int]:
    """Return 0 or 1, or nothing where it is not known."""
    return case((column, 1), (~column, 0))


def _known(column: ColumnElement[int]) -> ColumnElement[int]:
    """Return a number plus one; 0: not known."""
    return func.coalesce(column - UNKNOWN, 0)


_PLAIN = (
    events.c.check_ms,
    events.c.probability_under_legal_age,
    events.c.age_low_years,
    events.c.age_high_years,
)
# What has few values travels as the digits of one number: fetching takes most of the time, and the
# more the more columns there are.
_DIGITS: dict[str, tuple[ColumnElement[int], int]] = {
    "outcome": (_code(events.c.outcome, Outcome), 4),
    "decision": (_code(events.c.decision, Decision), 4),
    "document_result": (_code(events.c.document_result, DocumentResult), 8),
    "reading": (_code(events.c.document_reading, DocumentReading), 4),
    "birth_date_bucket": (_known(events.c.birth_date_bucket), 128),
    "supervisor_on_shift": (_known(_truth(events.c.supervisor_on_shift)), 4),
    "document_age_years": (_known(events.c.document_age_years), 256),
    "decided_offline": (func.coalesce(_truth(events.c.decided_offline), 0), 2),
}


_BRIEF_DIGITS = {
    name: _DIGITS[name] for name in ("outcome", "decision", "document_result", "decided_offline")
}
_CHECK_REQUIRED = (events.c.decision != Decision.ALLOW.name,)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Which sales to read, and what of them."""

    period: Period
    plain: tuple[ColumnElement[Any], ...]
    digits: Mapping[str, tuple[ColumnElement[int], int]]
    only: tuple[ColumnElement[bool], ...] = ()


def _read(
    connection: Connection, part: _Part, restricted_category: str, places: dict[Cashier, int]
) -> dict[str, Any]:
    """Return columns by name; cashiers get the next number in `places` as they appear."""
    # The driver's own cursor: a row of SQLAlchemy's takes longer than all the rest.
    cursor: Any = connection.execute(_query(part, restricted_category)).cursor
    cashier = [np.empty(0, np.int64)]
    tables = [np.empty((len(part.plain) + 4, 0))]
    while rows := cursor.fetchmany(_AT_A_TIME):
        stores, cashiers, *numbers = zip(*rows, strict=True)
        cashier.append(number_cashiers(stores, cashiers, places))
        tables.append(np.array(numbers, float))  # None becomes NaN
    table = np.concatenate(tables, axis=1)
    return {"cashier": np.concatenate(cashier), **_columns(table, part)}


def _query(part: _Part, restricted_category: str) -> Executable:
    voided = sales.alias("voided")
    packed: ColumnElement[int] = literal(0)
    for digit, values in reversed(tuple(part.digits.values())):
        packed = packed * values + digit
    return (
        select(
            events.c.store_id,
            case((events.c.cashier_id == ERASED, ""), else_=events.c.cashier_id),
            *(events.c.number, events.c.sold_ms, func.coalesce(voided.c.number, UNKNOWN), packed),
            *part.plain,
        )
        .outerjoin(voided, voided.c.sale_id == func.nullif(events.c.voids_sale_id, ""))
        .where(
            _within(part.period),
            events.c.kind == SALE,
            events.c.restricted_category == restricted_category,
            *part.only,
        )
        .order_by(events.c.number)
    )


def _within(period: Period) -> ColumnElement[bool]:
    return events.c.sold_ms.between(round(1000 * period.start), round(1000 * period.end) - 1)


def _columns(table: Floats, part: _Part) -> dict[str, Any]:
    """Return columns by name; `table` has a row for each that was fetched, others are not known."""
    number, sold_ms, voids, packed, *plain = table
    nothing = np.full(len(number), np.nan)
    check_ms, probability, low, high = plain or [nothing] * len(_PLAIN)
    rest = packed.astype(np.int64)
    digits: dict[str, Any] = {name: np.zeros(len(rest), np.int16) for name in _DIGITS}
    for name, (_, values) in part.digits.items():
        rest, digit = np.divmod(rest, values)
        digits[name] = digit.astype(np.int16)
    for name in ("birth_date_bucket", "supervisor_on_shift", "document_age_years"):
        digits[name] += np.int16(UNKNOWN)
    age = digits["document_age_years"]
    return digits | {
        "number": number.astype(np.int64),
        "voids": voids.astype(np.int64),
        "sold_at": sold_ms / 1000,
        "check_seconds": check_ms / 1000,
        "probability_under_legal_age": probability,
        "age_low_years": low,
        "age_high_years": high,
        "document_age_years": np.where(age == UNKNOWN, np.nan, age.astype(float)),
        "decided_offline": digits["decided_offline"] == 1,
    }


def _rows_of(wanted: Ints, numbers: Ints) -> Ints:
    """Return at which place of `numbers` each wanted one stands; UNKNOWN: at none."""
    if not len(numbers):
        return wanted
    order = np.argsort(numbers)
    places = order[np.minimum(np.searchsorted(numbers, wanted, sorter=order), len(numbers) - 1)]
    rows: Ints = np.where(numbers[places] == wanted, places, UNKNOWN)
    return rows
