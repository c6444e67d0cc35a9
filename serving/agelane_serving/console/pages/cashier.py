"""One cashier: counts and rates with their intervals, week by week, and what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape

from agelane.v1 import report_pb2
from agelane_serving.console import markup
from agelane_serving.console.alert_cards import facts
from agelane_serving.console.charts import Bar, bars
from agelane_serving.console.gateway import Gateway
from agelane_serving.console.ledger import Ledger, Week
from agelane_serving.console.page import Page
from agelane_serving.console.pages.compliance import estimate
from agelane_serving.console.sources import SourceError, tried
from agelane_serving.console.tables import Cell, Column, Table
from agelane_serving.console.texts import Texts
from agelane_serving.console.users import Role
from agelane_serving.console.visit import Visit
from agelane_serving.ledger.alerts import Alert

_WEEKS = 12


@dataclass(frozen=True, slots=True)
class OneCashier:
    """What is known of a cashier; each part may be away."""

    report: report_pb2.GetCashierReportResponse | SourceError
    """Their part of the report."""
    weeks: list[Week] | SourceError
    """Their last weeks, the oldest first."""
    alerts: list[Alert] | SourceError
    """What was asked about them."""


class CashierPage(Page[OneCashier]):
    """One cashier's figures; a cashier's own."""

    key = "cashier"
    roles = frozenset({Role.MANAGER, Role.CASHIER})
    menu_roles = frozenset({Role.CASHIER})

    def __init__(self, ledger: Ledger, gateway: Gateway) -> None:
        """Counts are the report's, weeks and alerts the ledger's."""
        self._ledger, self._gateway = ledger, gateway

    def permits(self, visit: Visit) -> bool:
        """Let managers see the cashiers of their stores, and cashiers themselves."""
        return visit.user.sees_cashier(*_who(visit))

    def fields(self, visit: Visit, stores: Sequence[str]) -> Sequence[str]:
        """Return the fields for the days; whom it is about stays."""
        store, cashier = _who(visit)
        hidden = markup.hidden_field("store", store) + markup.hidden_field("cashier", cashier)
        return [hidden, *markup.period_fields(visit)]

    async def load(self, visit: Visit) -> OneCashier:
        """Read all three."""
        store, cashier = _who(visit)
        first, last = visit.days()
        return OneCashier(
            await tried(self._gateway.cashiers(store, cashier, visit.span(first, last))),
            await tried(self._ledger.weeks(store, cashier, last, _WEEKS)),
            await tried(self._ledger.alerts(store, cashier, None)),
        )

    def tables(self, visit: Visit, data: OneCashier) -> Sequence[Table]:
        """Return the table of weeks."""
        return () if isinstance(data.weeks, SourceError) else (_weeks(visit.texts, data.weeks),)

    def show(self, visit: Visit, data: OneCashier) -> None:
        """Put figures, weeks and alerts."""
        texts = visit.texts
        store, cashier = _who(visit)
        markup.put(markup.heading(texts("cashier.name", cashier=cashier, store=store)))
        if isinstance(data.report, SourceError):
            markup.trouble(visit, data.report)
        elif not data.report.cashiers:
            markup.notice(texts("cashier.empty"), texts("cashier.empty_help"))
        else:
            markup.tiles(_tiles(texts, data.report.cashiers[0], data.report.funnel))
        self._show_weeks(visit, data)
        if isinstance(data.alerts, SourceError):
            markup.trouble(visit, data.alerts)
        else:
            _show_alerts(visit, data.alerts)

    def _show_weeks(self, visit: Visit, data: OneCashier) -> None:
        texts = visit.texts
        if isinstance(data.weeks, SourceError):
            return  # the alerts, of the same database, say so
        if any(week.required for week in data.weeks):
            title = texts("cashier.chart")
            drawn = bars(_week_bars(texts, data.weeks), title, texts.percent, top=1)
            markup.chart(title, drawn, [], texts("cashier.chart_note"))
        for table in self.tables(visit, data):
            markup.show_table(self, visit, table, texts("app.no_rows"))


def _who(visit: Visit) -> tuple[str, str]:
    return visit.store, visit.query.get("cashier", "") or visit.user.cashier_id


def _tiles(
    texts: Texts, one: report_pb2.CashierSummary, plot: report_pb2.Funnel
) -> list[tuple[str, str, str]]:
    figures = [
        (
            texts("compliance.required"),
            texts.number(one.required_checks),
            texts("cashier.of_sales", sales=texts.number(one.restricted_sales)),
        ),
        (texts("compliance.done"), texts.number(one.honoured_checks), texts("cashier.done_word")),
    ]
    if one.required_checks:
        interval = estimate(texts, one.check_rate, 1)
        shrunken = estimate(texts, one.shrunken_check_rate, 1)
        figures += [
            (
                texts("compliance.rate"),
                texts.percent(one.check_rate.value, 1),
                texts("cashier.interval", interval=interval),
            ),
            (
                texts("compliance.shrunken"),
                texts.percent(one.shrunken_check_rate.value, 1),
                texts("cashier.interval", interval=shrunken),
            ),
            (
                texts("cashier.target"),
                texts.percent(plot.target_rate, 1),
                texts("cashier.target_word"),
            ),
        ]
    figures += [
        (texts("compliance.refusals"), texts.number(one.refusals), ""),
        (texts("compliance.without"), texts.number(one.unassessed_sales), ""),
        (texts("compliance.despite"), texts.number(one.overrides), ""),
    ]
    return figures


def _week_bars(texts: Texts, weeks: Sequence[Week]) -> list[Bar]:
    return [
        Bar(
            label=texts.short_day(week.first),
            parts=(("rate", week.done / week.required if week.required else 0),),
            words=texts(
                "cashier.week_words",
                first=texts.day(week.first),
                done=texts.number(week.done),
                required=texts.number(week.required),
            ),
        )
        for week in weeks
    ]


def _weeks(texts: Texts, weeks: Sequence[Week]) -> Table:
    columns = (
        Column(texts("cashier.week")),
        Column(texts("compliance.required"), numeric=True),
        Column(texts("compliance.done"), numeric=True),
        Column(texts("compliance.rate"), numeric=True),
    )
    rows = []
    for week in weeks:
        last = week.first + timedelta(days=6)
        rate = week.done / week.required if week.required else None
        rows.append(
            (
                Cell(f"{texts.day(week.first)} – {texts.day(last)}", str(week.first)),
                Cell(texts.number(week.required), week.required),
                Cell(texts.number(week.done), week.done),
                Cell(texts.percent(rate), "" if rate is None else round(rate, 4)),
            )
        )
    return Table("weeks", texts("cashier.weeks"), columns, tuple(rows))


def _show_alerts(visit: Visit, alerts: Sequence[Alert]) -> None:
    texts = visit.texts
    link = visit.link("/alerts", store=visit.store)
    content = "".join(
        f'<div class="alert">{facts(visit, alert, visit.link("/alerts", alert=alert.id))}</div>'
        for alert in alerts
    )
    empty = f'<p class="empty">{escape(texts("cashier.no_alerts"))}</p>'
    words = escape(texts("cashier.all_alerts"))
    more = f'<p class="note"><a href="{escape(link)}">{words}</a></p>'
    markup.put(
        f'<section class="card"><h2>{escape(texts("cashier.alerts"))}</h2>'
        f"{content or empty}{more}</section>"
    )
