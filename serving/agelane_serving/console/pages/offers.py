"""Whether offers sell: customers who got one against those of the hold-out group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agelane.v1 import report_pb2
from agelane_serving.console import markup
from agelane_serving.console.charts import Whisker, whiskers
from agelane_serving.console.gateway import Gateway
from agelane_serving.console.page import Page
from agelane_serving.console.pages.compliance import estimate
from agelane_serving.console.tables import Cell, Column, Table
from agelane_serving.console.texts import NOTHING, Texts
from agelane_serving.console.users import Role
from agelane_serving.console.visit import Visit


@dataclass(frozen=True, slots=True)
class Offers:
    """What the offers of some days brought."""

    effects: list[report_pb2.OfferEffect]
    """One an offer."""


class OffersPage(Page[Offers]):
    """Offer uplift."""

    key = "offers"
    roles = frozenset({Role.MANAGER})

    def __init__(self, gateway: Gateway) -> None:
        """The report is the gateway's."""
        self._gateway = gateway

    def fields(self, visit: Visit, stores: Sequence[str]) -> Sequence[str]:
        """Return the fields for a store and the days."""
        return [markup.store_field(visit, stores), *markup.period_fields(visit)]

    async def load(self, visit: Visit) -> Offers:
        """Ask for the report."""
        report = await self._gateway.age_groups(visit.store, visit.span(*visit.days()))
        return Offers(list(report.offers))

    def tables(self, visit: Visit, data: Offers) -> Sequence[Table]:
        """Return all offers."""
        return (_table(visit.texts, data.effects),)

    def show(self, visit: Visit, data: Offers) -> None:
        """Put a chart and the table."""
        texts = visit.texts
        if not data.effects:
            markup.notice(texts("offers.empty"), texts("offers.empty_help"))
            return
        known = [effect for effect in data.effects if effect.HasField("uplift")]
        if known:
            title = texts("offers.chart")
            drawn = whiskers(
                [_whisker(texts, effect) for effect in known],
                title,
                lambda share: texts.number(100 * share, 1),
                reference=0,
            )
            markup.chart(title, drawn, [], texts("offers.chart_note"))
        markup.show_table(self, visit, _table(texts, data.effects), texts("app.no_rows"))


def _whisker(texts: Texts, effect: report_pb2.OfferEffect) -> Whisker:
    words = texts(
        "offers.words",
        offer=effect.offer_id,
        uplift=texts.number(100 * effect.uplift.value, 1),
        interval=estimate(texts, effect.uplift, 1),
    )
    uplift = effect.uplift
    return Whisker(effect.offer_id, uplift.value, uplift.low, uplift.high, words)


def _table(texts: Texts, effects: Sequence[report_pb2.OfferEffect]) -> Table:
    columns = (
        Column(texts("offers.offer")),
        Column(texts("offers.category")),
        *(
            Column(texts(f"offers.{head}"), numeric=True)
            for head in ("offered", "held_out", "uplift", "low", "high")
        ),
    )
    rows = []
    for effect in effects:
        uplift = effect.uplift if effect.HasField("uplift") else None
        figures = (uplift.value, uplift.low, uplift.high) if uplift else (None, None, None)
        rows.append(
            (
                Cell(effect.offer_id),
                Cell(effect.category),
                Cell(texts.number(effect.offered), effect.offered),
                Cell(texts.number(effect.held_out), effect.held_out),
                *(_points(texts, figure) for figure in figures),
            )
        )
    return Table("offers", texts("offers.table"), columns, tuple(rows))


def _points(texts: Texts, share: float | None) -> Cell:
    if share is None:
        return Cell(NOTHING, "")
    return Cell(texts.number(100 * share, 1), round(share, 4))
