"""The refusals register: what was not sold, when, where, by whom and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agelane_serving.console import markup
from agelane_serving.console.ledger import Ledger
from agelane_serving.console.page import Page
from agelane_serving.console.tables import Cell, Column, Table
from agelane_serving.console.texts import NOTHING
from agelane_serving.console.users import Role
from agelane_serving.console.visit import Visit
from agelane_serving.ledger.views import Event

_MOST = 5_000
_MOST_SHOWN = 200
_HEADS = ("when", "store", "lane", "cashier", "reason", "decision", "goods", "document")


@dataclass(frozen=True, slots=True)
class Refusals:
    """The register of some days."""

    events: list[Event]
    """The newest first, at most _MOST."""


class RefusalsPage(Page[Refusals]):
    """The refusals register."""

    key = "refusals"
    roles = frozenset({Role.MANAGER})

    def __init__(self, ledger: Ledger) -> None:
        """It reads from the ledger alone."""
        self._ledger = ledger

    def fields(self, visit: Visit, stores: Sequence[str]) -> Sequence[str]:
        """Return the fields for a store and the days."""
        return [markup.store_field(visit, stores), *markup.period_fields(visit)]

    async def load(self, visit: Visit) -> Refusals:
        """Read the register."""
        span = visit.span(*visit.days())
        return Refusals(await self._ledger.refusals(span, visit.store, _MOST))

    def tables(self, visit: Visit, data: Refusals) -> Sequence[Table]:
        """Return the register."""
        return (_table(visit, data.events),)

    def show(self, visit: Visit, data: Refusals) -> None:
        """Put the register, the newest first."""
        texts = visit.texts
        if not data.events:
            markup.notice(texts("refusals.empty"), texts("refusals.empty_help"))
            return
        markup.show_table(
            self, visit, _table(visit, data.events[:_MOST_SHOWN]), texts("app.no_rows")
        )
        if len(data.events) > _MOST_SHOWN:
            words = texts("refusals.more_help", shown=_MOST_SHOWN, most=texts.number(_MOST))
            markup.notice(texts("refusals.more"), words)


def _table(visit: Visit, events: Sequence[Event]) -> Table:
    columns = tuple(Column(visit.texts(f"refusals.{head}")) for head in _HEADS)
    rows = tuple(_row(visit, event) for event in events)
    return Table("register", visit.texts("refusals.table"), columns, rows)


def _row(visit: Visit, event: Event) -> tuple[Cell, ...]:
    texts = visit.texts
    link = visit.link("/cashier", store=event.store_id, cashier=event.cashier_id)
    return (
        markup.moment_cell(visit, event.at),
        Cell(event.store_id or NOTHING),
        Cell(event.lane_id or NOTHING),
        Cell(event.cashier_id, href=link) if event.cashier_id else Cell(texts("refusals.self")),
        Cell(texts.name("refusal", event.refusal_reason)),
        Cell(texts.name("decision", event.decision or "NONE")),
        Cell(event.restricted_category or NOTHING),
        Cell(texts.name("document", event.document_result)),
    )
