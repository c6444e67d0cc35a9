"""What stood out about cashiers, and what people said to it. Answers are added, never changed.

An alert is known by its id: told again, its figures are replaced and its answers stay. One that was
closed stays closed while any of its cases is older than the closing, and is open again once all of
them are newer: what a manager has judged is not asked again, and what came after is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, insert, select, update

from agelane_serving.ledger import schema
from agelane_serving.ledger.store import snapshot, transaction

State = Literal["OPEN", "ANSWERED", "CLOSED"]
"""Nobody has answered; the cashier has; a manager has decided."""
Role = Literal["cashier", "manager"]
"""As what somebody answers."""
LONGEST_TEXT = 2_000
"""Characters of an answer."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Something about a cashier that chance hardly explains, as a report found it."""

    id: str
    """The same from day to day, 1 to 64 characters."""
    store_id: str
    """The store."""
    cashier_id: str
    """The cashier's number."""
    kind: str
    """What stood out, as LOW_CHECK_RATE: a name of the contract's CashierAlertKind."""
    severity: float
    """Expected share of these sales that went to people under age, 0 … 1."""
    cases: int
    """How many cases there were."""
    expected_cases: float
    """How many chance would have brought, 0 or greater."""
    adjusted_p_value: float | None
    """0 … 1; None: the kind is a plain fact, not a test."""
    first_case_at: float
    """The first case, in Unix seconds."""
    last_case_at: float
    """The latest case, in Unix seconds."""


@dataclass(frozen=True, slots=True)
class Alert(Observation):
    """An observation that was told, as it stands now."""

    state: State
    """Where it stands."""
    first_told_at: float
    """When it was told first, in Unix seconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said to an alert."""

    alert_id: str
    """The alert."""
    at: float
    """When, in Unix seconds."""
    author: str
    """Login name, 1 to 128 characters."""
    role: Role
    """As what they said it."""
    text: str
    """In their own words, 1 to LONGEST_TEXT characters."""
    closes: bool
    """Whether the alert is closed by it; only a manager's may."""


class NoSuchAlert(LookupError):
    """There is no alert of this id."""


def tell(engine: Engine, observations: Iterable[Observation], now: float) -> int:
    """Keep what was found; return how many alerts are new.

    Raises:
        LedgerError: nothing was written.
    """
    table = schema.alerts
    new = 0
    with transaction(engine) as connection:
        for observation in observations:
            figures = _figures(observation)
            found = connection.execute(
                select(table.c.closed_ms).where(table.c.id == observation.id).with_for_update()
            ).one_or_none()
            if found is None:
                figures |= {"state": "OPEN", "first_told_ms": _ms(now)}
                connection.execute(insert(table).values(figures))
                new += 1
                continue
            if found.closed_ms is not None and found.closed_ms < figures["first_case_ms"]:
                figures |= {"state": "OPEN", "closed_ms": None}
            connection.execute(update(table).where(table.c.id == observation.id).values(figures))
    return new


def alerts(
    engine: Engine,
    store_id: str | None = None,
    cashier_id: str | None = None,
    state: State | None = None,
    limit: int | None = None,
) -> list[Alert]:
    """Return alerts, the gravest first.

    Args:
        engine: of the ledger.
        store_id: of one store; None: of all.
        cashier_id: of one cashier's number; None: of all.
        state: that stand there; None: anywhere.
        limit: so many at most; None: all.

    Raises:
        LedgerError: the database can't be read.
    """
    table = schema.alerts
    wanted = {table.c.store_id: store_id, table.c.cashier_id: cashier_id, table.c.state: state}
    query = (
        select(table)
        .where(*(column == value for column, value in wanted.items() if value is not None))
        .order_by(table.c.severity.desc(), table.c.last_case_ms.desc(), table.c.id)
        .limit(limit)
    )
    with snapshot(engine) as connection:
        return [_alert(row) for row in connection.execute(query)]


def alert(engine: Engine, alert_id: str) -> Alert:
    """Return one alert; raises NoSuchAlert, LedgerError."""
    with snapshot(engine) as connection:
        return _alert(_found(connection, alert_id))


def answers(engine: Engine, alert_id: str) -> list[Answer]:
    """Return what was said to an alert, the oldest first; raises LedgerError."""
    table = schema.alert_answers
    query = select(table).where(table.c.alert_id == alert_id).order_by(table.c.number)
    with snapshot(engine) as connection:
        return [
            Answer(row.alert_id, row.at_ms / 1000, row.author, row.role, row.text, row.closes)
            for row in connection.execute(query)
        ]


def last_answers(engine: Engine) -> dict[str, str]:
    """Return what was said last to each alert that was answered, by id; raises LedgerError."""
    table = schema.alert_answers
    with snapshot(engine) as connection:
        found = connection.execute(select(table.c.alert_id, table.c.text).order_by(table.c.number))
        return {row.alert_id: row.text for row in found}


def answer(engine: Engine, new: Answer) -> Alert:
    """Add an answer; return the alert as it stands then.

    A cashier's answer makes an open alert an answered one. What is said to a closed one is kept,
    and it stays closed.

    Raises:
        ValueError: the answer is none, too long, or closes what its author may not close.
        NoSuchAlert: it answers nothing.
        LedgerError: nothing was written.
    """
    if not 1 <= len(new.text.strip()) <= len(new.text) <= LONGEST_TEXT:
        raise ValueError(f"an answer has 1 to {LONGEST_TEXT} characters")
    if new.closes and new.role != "manager":
        raise ValueError("only a manager closes an alert")
    table = schema.alerts
    this = table.c.id == new.alert_id
    row = {"alert_id": new.alert_id, "at_ms": _ms(new.at), "author": new.author}
    row |= {"role": new.role, "text": new.text, "closes": new.closes}
    with transaction(engine) as connection:
        _found(connection, new.alert_id)
        connection.execute(insert(schema.alert_answers).values(row))
        if new.closes:
            change = update(table).where(this).values(state="CLOSED", closed_ms=_ms(new.at))
            connection.execute(change)
        elif new.role == "cashier":
            opened = table.c.state == "OPEN"
            connection.execute(update(table).where(this, opened).values(state="ANSWERED"))
        return _alert(_found(connection, new.alert_id))


def _found(connection: Connection, alert_id: str) -> Row[Any]:
    table = schema.alerts
    row = connection.execute(select(table).where(table.c.id == alert_id)).one_or_none()
    if row is None:
        raise NoSuchAlert(f"there is no alert {alert_id}")
    return row


def _figures(observation: Observation) -> dict[str, Any]:
    """Return what is replaced each time that an alert is told."""
    return {
        "id": observation.id,
        "store_id": observation.store_id,
        "cashier_id": observation.cashier_id,
        "kind": observation.kind,
        "severity": observation.severity,
        "cases": observation.cases,
        "expected_cases": observation.expected_cases,
        "adjusted_p_value": observation.adjusted_p_value,
        "first_case_ms": _ms(observation.first_case_at),
        "last_case_ms": _ms(observation.last_case_at),
    }


def _alert(row: Row[Any]) -> Alert:
    return Alert(
        id=row.id,
        store_id=row.store_id,
        cashier_id=row.cashier_id,
        kind=row.kind,
        severity=row.severity,
        cases=row.cases,
        expected_cases=row.expected_cases,
        adjusted_p_value=row.adjusted_p_value,
        first_case_at=row.first_case_ms / 1000,
        last_case_at=row.last_case_ms / 1000,
        state=row.state,
        first_told_at=row.first_told_ms / 1000,
    )


def _ms(moment: float) -> int:
    return round(1000 * moment)
