"""Whether documents are looked at where they must be: the funnel plot, and all cashiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agelane.v1 import report_pb2
from agelane_serving.console import markup
from agelane_serving.console.charts import Limits, Point, funnel
from agelane_serving.console.gateway import Gateway
from agelane_serving.console.page import Page
from agelane_serving.console.tables import Cell, Column, Table
from agelane_serving.console.texts import NOTHING, Texts
from agelane_serving.console.users import Role
from agelane_serving.console.visit import Visit

_ALARM_Z = 3.09  # 998 of 1,000 lie within


@dataclass(frozen=True, slots=True)
class Cashiers:
    """The cashiers of a report that somebody may see."""

    summaries: list[report_pb2.CashierSummary]
    """The most urgent first."""
    funnel: report_pb2.Funnel | None
    """What they stand in; None: no check was required."""


class CompliancePage(Page[Cashiers]):
    """ID-check compliance."""

    key = "compliance"
    roles = frozenset({Role.MANAGER})

    def __init__(self, gateway: Gateway) -> None:
        """The report is the gateway's."""
        self._gateway = gateway

    def fields(self, visit: Visit, stores: Sequence[str]) -> Sequence[str]:
        """Return the fields for a store and the days."""
        return [markup.store_field(visit, stores), *markup.period_fields(visit)]

    async def load(self, visit: Visit) -> Cashiers:
        """Ask for the report."""
        report = await self._gateway.cashiers(visit.store, "", visit.span(*visit.days()))
        return Cashiers(
            [one for one in report.cashiers if visit.user.sees_store(one.store_id)],
            report.funnel if report.HasField("funnel") else None,
        )

    def tables(self, visit: Visit, data: Cashiers) -> Sequence[Table]:
        """Return the table of all cashiers."""
        texts = visit.texts
        heads = (
            "required",
            "done",
            "rate",
            "interval",
            "shrunken",
            "refusals",
            "without",
            "despite",
        )
        columns = (
            Column(texts("compliance.cashier")),
            Column(texts("compliance.store")),
            *(Column(texts(f"compliance.{head}"), numeric=True) for head in heads),
        )
        rows = tuple(_row(visit, summary) for summary in data.summaries)
        return (Table("cashiers", texts("compliance.table"), columns, rows),)

    def show(self, visit: Visit, data: Cashiers) -> None:
        """Put figures, the funnel plot and the table."""
        texts = visit.texts
        if data.funnel is None or not data.summaries:
            markup.notice(texts("compliance.empty"), texts("compliance.empty_help"))
            return
        markup.tiles(_tiles(texts, data, data.funnel))
        legend = [
            (name, texts(f"compliance.key_{name}"))
            for name in ("point", "out", "target", "warning", "alarm")
        ]
        drawn = _funnel(visit, data.summaries, data.funnel)
        markup.chart(texts("compliance.chart"), drawn, legend, texts("compliance.chart_note"))
        for table in self.tables(visit, data):
            markup.show_table(self, visit, table, texts("app.no_rows"))


def estimate(texts: Texts, figure: report_pb2.Estimate, digits: int = 0) -> str:
    """Return the interval of a share, as `91 – 97 %`."""
    low, high = texts.number(100 * figure.low, digits), texts.percent(figure.high, digits)
    return f"{low} {NOTHING} {high}"


def _tiles(texts: Texts, data: Cashiers, plot: report_pb2.Funnel) -> list[tuple[str, str, str]]:
    required = sum(one.required_checks for one in data.summaries)
    done = sum(one.honoured_checks for one in data.summaries)
    out = sum(_stands_out(one) for one in data.summaries)
    return [
        (texts("compliance.cashiers"), texts.number(len(data.summaries)), ""),
        (texts("compliance.required"), texts.number(required), ""),
        (
            texts("compliance.rate"),
            texts.percent(done / required if required else None, 1),
            texts("compliance.target_word", rate=texts.percent(plot.target_rate, 1)),
        ),
        (texts("compliance.outside"), texts.number(out), texts("compliance.outside_word")),
    ]


def _stands_out(summary: report_pb2.CashierSummary) -> bool:
    return summary.HasField("funnel_z") and abs(summary.funnel_z) > _ALARM_Z


def _link(visit: Visit, summary: report_pb2.CashierSummary) -> str:
    return visit.link("/cashier", store=summary.store_id, cashier=summary.cashier_id)


def _funnel(
    visit: Visit, summaries: Sequence[report_pb2.CashierSummary], plot: report_pb2.Funnel
) -> str:
    texts = visit.texts
    points = [
        Point(
            checks=one.required_checks,
            rate=one.check_rate.value,
            words=texts(
                "compliance.point",
                cashier=one.cashier_id,
                store=one.store_id,
                done=texts.number(one.honoured_checks),
                required=texts.number(one.required_checks),
                rate=texts.percent(one.check_rate.value),
            ),
            href=_link(visit, one),
            stands_out=_stands_out(one),
        )
        for one in summaries
        if one.required_checks
    ]
    limits = [
        Limits(
            limit.required_checks,
            (limit.warning_low, limit.warning_high),
            (limit.alarm_low, limit.alarm_high),
        )
        for limit in plot.limits
    ]
    words = texts("compliance.chart_words", count=len(points)), texts("compliance.across")
    return funnel(points, limits, plot.target_rate, words, texts.percent, texts.number)


def _row(visit: Visit, one: report_pb2.CashierSummary) -> tuple[Cell, ...]:
    texts = visit.texts
    known = bool(one.required_checks)
    rate, shrunken = one.check_rate, one.shrunken_check_rate
    return (
        Cell(one.cashier_id, href=_link(visit, one)),
        Cell(one.store_id),
        Cell(texts.number(one.required_checks), one.required_checks),
        Cell(texts.number(one.honoured_checks), one.honoured_checks),
        Cell(texts.percent(rate.value, 1), round(rate.value, 4)) if known else Cell(NOTHING, ""),
        Cell(estimate(texts, rate)) if known else Cell(NOTHING, ""),
        Cell(texts.percent(shrunken.value, 1), round(shrunken.value, 4))
        if known
        else Cell(NOTHING, ""),
        Cell(texts.number(one.refusals), one.refusals),
        Cell(texts.number(one.unassessed_sales), one.unassessed_sales),
        Cell(texts.number(one.overrides), one.overrides),
    )
