"""One day: decisions by the hour, how sales ended, and which checks were done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agelane_serving.console import markup
from agelane_serving.console.charts import Bar, bars
from agelane_serving.console.ledger import Ledger
from agelane_serving.console.page import Page
from agelane_serving.console.tables import Cell, Column, Table
from agelane_serving.console.texts import Texts
from agelane_serving.console.users import Role
from agelane_serving.console.visit import Visit
from agelane_serving.ledger.views import DecisionCount

_DECISIONS = {"ALLOW": "allow", "VERIFY_ID": "verify", "REFUSE": "refuse", "": "none"}
"""Decisions by their names, and the classes of their colours."""
_OUTCOMES = ("SOLD", "REFUSED", "VOIDED")


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on a day."""

    counts: list[DecisionCount]
    """Sales of restricted goods, counted."""

    def many(self, wanted: Callable[[DecisionCount], bool]) -> int:
        """Return how many sales are wanted."""
        return sum(count.sales for count in self.counts if wanted(count))


class TodayPage(Page[Day]):
    """Today, or another day."""

    key = "today"
    roles = frozenset({Role.MANAGER})
    refresh_seconds = 60.0

    def __init__(self, ledger: Ledger) -> None:
        """It reads from the ledger alone."""
        self._ledger = ledger

    def fields(self, visit: Visit, stores: Sequence[str]) -> Sequence[str]:
        """Return the fields for a store and a day."""
        day = markup.date_field(visit, "day", str(visit.day()))
        return [markup.store_field(visit, stores), day]

    async def load(self, visit: Visit) -> Day:
        """Read the day's counts."""
        counts = await self._ledger.decisions(visit.day(), visit.store)
        return Day([count for count in counts if count.restricted])

    def tables(self, visit: Visit, data: Day) -> Sequence[Table]:
        """Return one by the hour, and one of how sales ended."""
        return _by_hour(visit.texts, data), _by_outcome(visit.texts, data)

    def show(self, visit: Visit, data: Day) -> None:
        """Put figures, a chart and the tables."""
        texts = visit.texts
        day = visit.day()
        if not data.counts:
            markup.notice(texts("today.empty"), texts("today.empty_help"))
            return
        markup.tiles(_tiles(texts, data))
        legend = [(style, _name(texts, decision)) for decision, style in _DECISIONS.items()]
        title = texts("today.chart", day=texts.day(day))
        drawn = bars(_hour_bars(texts, data), title, texts.number)
        markup.chart(title, drawn, legend, texts("today.chart_note", zone=visit.zone.key))
        for table in self.tables(visit, data):
            markup.show_table(self, visit, table, texts("app.no_rows"))


def _is_required(count: DecisionCount) -> bool:
    return count.decision != "ALLOW" and count.outcome != "VOIDED"


def _is_done(count: DecisionCount) -> bool:
    return _is_required(count) and (count.checked or count.outcome == "REFUSED")


def _tiles(texts: Texts, day: Day) -> list[tuple[str, str, str]]:
    sales = day.many(lambda count: count.outcome != "VOIDED")
    required, done = day.many(_is_required), day.many(_is_done)
    refused = day.many(lambda count: count.outcome == "REFUSED")
    without = day.many(lambda count: not count.decision and count.outcome != "VOIDED")
    share = texts.percent(done / required) if required else texts.percent(None)
    return [
        (texts("today.sales"), texts.number(sales), texts("today.sales_word")),
        (texts("today.required"), texts.number(required), texts("today.required_word")),
        (texts("today.done"), texts.number(done), texts("today.done_word", share=share)),
        (texts("today.refused"), texts.number(refused), texts("today.refused_word")),
        (texts("today.without"), texts.number(without), texts("today.without_word")),
    ]


def _name(texts: Texts, decision: str) -> str:
    return texts.name("decision", decision or "NONE")


def _hours(day: Day) -> list[int]:
    """Return the hours of the day, from the first with a sale to the last."""
    hours = [count.hour for count in day.counts]
    return list(range(min(hours), max(hours) + 1))


def _hour_bars(texts: Texts, day: Day) -> list[Bar]:
    sizes = Counter[tuple[int, str]]()
    for count in day.counts:
        sizes[count.hour, count.decision] += count.sales
    return [
        Bar(
            label=f"{hour:02}",
            parts=tuple((style, sizes[hour, name]) for name, style in _DECISIONS.items()),
            words=f"{hour:02}:00 · "
            + ", ".join(
                f"{_name(texts, name)}: {texts.number(sizes[hour, name])}" for name in _DECISIONS
            ),
        )
        for hour in _hours(day)
    ]


def _number(texts: Texts, count: int) -> Cell:
    return Cell(texts.number(count), count)


def _by_hour(texts: Texts, day: Day) -> Table:
    rows = []
    for hour in _hours(day) if day.counts else []:
        now = Day([count for count in day.counts if count.hour == hour])
        by_decision = [
            _number(texts, now.many(lambda count, name=name: count.decision == name))  # type: ignore[misc]
            for name in _DECISIONS
        ]
        checks = [_number(texts, now.many(_is_required)), _number(texts, now.many(_is_done))]
        rows.append((Cell(f"{hour:02}:00"), *by_decision, *checks))
    heads = [_name(texts, name) for name in _DECISIONS]
    heads += [texts("today.required"), texts("today.done")]
    columns = (Column(texts("today.hour")), *(Column(head, numeric=True) for head in heads))
    return Table("hours", texts("today.by_hour"), columns, tuple(rows))


def _by_outcome(texts: Texts, day: Day) -> Table:
    found = Counter[tuple[str, str, bool]]()
    for count in day.counts:
        found[count.decision, count.outcome, count.checked] += count.sales
    rows = [
        (
            Cell(_name(texts, decision)),
            Cell(texts.name("outcome", outcome)),
            Cell(texts("today.asked" if checked else "today.not_asked")),
            _number(texts, found[decision, outcome, checked]),
        )
        for decision in _DECISIONS
        for outcome in _OUTCOMES
        for checked in (True, False)
        if found[decision, outcome, checked]
    ]
    columns = (
        Column(texts("today.decision")),
        Column(texts("today.outcome")),
        Column(texts("today.document")),
        Column(texts("today.sales"), numeric=True),
    )
    return Table("outcomes", texts("today.by_outcome"), columns, tuple(rows))
