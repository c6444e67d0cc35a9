"""Age groups and their goods: shares of baskets beside the uncorrected ones, and lifts."""

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

_MOST_DRAWN = 12


@dataclass(frozen=True, slots=True)
class Groups:
    """The age-group report."""

    groups: list[report_pb2.AgeGroupPurchases]
    """The youngest first."""


class AgeGroupsPage(Page[Groups]):
    """Age groups and their goods."""

    key = "age_groups"
    roles = frozenset({Role.MANAGER})

    def __init__(self, gateway: Gateway) -> None:
        """The report is the gateway's."""
        self._gateway = gateway

    def fields(self, visit: Visit, stores: Sequence[str]) -> Sequence[str]:
        """Return the fields for a store and the days."""
        return [markup.store_field(visit, stores), *markup.period_fields(visit)]

    async def load(self, visit: Visit) -> Groups:
        """Ask for the report."""
        report = await self._gateway.age_groups(visit.store, visit.span(*visit.days()))
        return Groups(list(report.age_groups))

    def tables(self, visit: Visit, data: Groups) -> Sequence[Table]:
        """Return the shares and the lifts of all groups."""
        return _shares(visit.texts, data.groups), _lifts(visit.texts, data.groups)

    def show(self, visit: Visit, data: Groups) -> None:
        """Put the shares, and the goods of one group."""
        texts = visit.texts
        if not data.groups:
            markup.notice(texts("age_groups.empty"), texts("age_groups.empty_help"))
            return
        corrected = [group for group in data.groups if group.HasField("basket_share")]
        if corrected:
            _draw_shares(texts, corrected)
        else:
            markup.notice(texts("age_groups.naive_only"), texts("age_groups.naive_only_help"))
        none = texts("app.no_rows")
        markup.show_table(self, visit, _shares(texts, data.groups), none)
        if any(group.categories for group in data.groups):
            _draw_lifts(visit, data.groups)
        goods = _lifts(texts, [_chosen(visit, data.groups)])
        markup.show_table(self, visit, goods, texts("age_groups.no_goods"))


def _draw_shares(texts: Texts, groups: Sequence[report_pb2.AgeGroupPurchases]) -> None:
    rows = [
        Whisker(
            label=group.age_group.label,
            value=group.basket_share.value,
            low=group.basket_share.low,
            high=group.basket_share.high,
            words=texts(
                "age_groups.share_words",
                group=group.age_group.label,
                share=texts.percent(group.basket_share.value, 1),
                interval=estimate(texts, group.basket_share, 1),
                naive=texts.percent(group.naive_basket_share, 1),
            ),
            beside=group.naive_basket_share,
        )
        for group in groups
    ]
    legend = [(name, texts(f"age_groups.key_{name}")) for name in ("mark", "beside")]
    title = texts("age_groups.chart")
    drawn = whiskers(rows, title, texts.percent)
    markup.chart(title, drawn, legend, texts("age_groups.chart_note"))


def _draw_lifts(visit: Visit, groups: Sequence[report_pb2.AgeGroupPurchases]) -> None:
    texts = visit.texts
    chosen = _chosen(visit, groups)
    tabs = {
        visit.link(visit.path, group=group.age_group.id): group.age_group.label
        for group in groups
        if group.categories
    }
    here = visit.link(visit.path, group=chosen.age_group.id)
    markup.tabs(tabs, here, texts("age_groups.choose"))
    rows = [
        Whisker(
            label=one.category,
            value=one.lift.value,
            low=one.lift.low,
            high=one.lift.high,
            words=texts(
                "age_groups.lift_words",
                category=one.category,
                lift=texts.number(one.lift.value, 2),
                low=texts.number(one.lift.low, 2),
                high=texts.number(one.lift.high, 2),
                baskets=texts.number(one.baskets),
            ),
        )
        for one in chosen.categories[:_MOST_DRAWN]
    ]
    title = texts("age_groups.lift_chart", group=chosen.age_group.label)
    drawn = whiskers(rows, title, lambda lift: texts.number(lift, 2), reference=1)
    markup.chart(title, drawn, [], texts("age_groups.lift_note"))


def _chosen(
    visit: Visit, groups: Sequence[report_pb2.AgeGroupPurchases]
) -> report_pb2.AgeGroupPurchases:
    """Return the group whose goods somebody wants to see; by default the largest with any."""
    largest = max(groups, key=lambda one: (bool(one.categories), one.naive_basket_share))
    asked = visit.query.get("group", "")
    return next((one for one in groups if one.age_group.id == asked), largest)


def _shares(texts: Texts, groups: Sequence[report_pb2.AgeGroupPurchases]) -> Table:
    heads = ("share", "interval", "naive", "difference")
    columns = (
        Column(texts("age_groups.group")),
        *(Column(texts(f"age_groups.{head}"), numeric=True) for head in heads),
    )
    rows = []
    for group in groups:
        naive = group.naive_basket_share
        cells = [Cell(group.age_group.label, group.age_group.label)]
        if group.HasField("basket_share"):
            share = group.basket_share
            points = texts.number(100 * (share.value - naive), 1)
            cells += [
                Cell(texts.percent(share.value, 1), round(share.value, 4)),
                Cell(estimate(texts, share, 1)),
                Cell(texts.percent(naive, 1), round(naive, 4)),
                Cell(points, round(share.value - naive, 4)),
            ]
        else:
            naive_cell = Cell(texts.percent(naive, 1), round(naive, 4))
            cells += [Cell(NOTHING, ""), Cell(NOTHING, ""), naive_cell, Cell(NOTHING, "")]
        rows.append(tuple(cells))
    return Table("shares", texts("age_groups.table"), columns, tuple(rows))


def _lifts(texts: Texts, groups: Sequence[report_pb2.AgeGroupPurchases]) -> Table:
    columns = (
        Column(texts("age_groups.group")),
        Column(texts("age_groups.category")),
        *(
            Column(texts(f"age_groups.{head}"), numeric=True)
            for head in ("baskets", "lift", "low", "high")
        ),
    )
    rows = tuple(
        (
            Cell(group.age_group.label),
            Cell(one.category),
            Cell(texts.number(one.baskets), round(one.baskets, 1)),
            *(
                Cell(texts.number(figure, 2), round(figure, 4))
                for figure in (one.lift.value, one.lift.low, one.lift.high)
            ),
        )
        for group in groups
        for one in group.categories
    )
    return Table("goods", texts("age_groups.goods"), columns, rows)
