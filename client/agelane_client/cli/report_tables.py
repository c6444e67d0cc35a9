"""Reports as tables for people, within 120 columns where names are short."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from agelane_client.age_group_results import (
    AgeGroupPurchases,
    AgeGroupReport,
    CategoryLift,
    OfferEffect,
)
from agelane_client.cashier_results import (
    CashierAlert,
    CashierAlertKind,
    CashierAlertState,
    CashierReport,
    CashierSummary,
)
from agelane_client.cli.output import printable
from agelane_client.results import Estimate, Period

_GOODS_OF_A_GROUP = 5
_WIDTH = 110

_WHAT_STOOD_OUT = {
    CashierAlertKind.LOW_CHECK_RATE: "fewer checks than others",
    CashierAlertKind.FALLING_CHECK_RATE: "fewer and fewer checks",
    CashierAlertKind.REPEATED_BIRTH_DATE: "one birth date again and again",
    CashierAlertKind.FAST_CHECKS: "very quick checks",
    CashierAlertKind.DOCUMENT_CONTRADICTS_FACE: "documents unlike the faces",
    CashierAlertKind.VOID_AND_REKEY: "voided, rung up without photo",
    CashierAlertKind.CHECKS_ONLY_SUPERVISED: "checks only when supervised",
    CashierAlertKind.UNASSESSED_SALES: "sold without a photo",
    CashierAlertKind.OVERRIDES: "sold against REFUSE",
    CashierAlertKind.TOKEN_MISUSE: "odd assessment tokens",
    CashierAlertKind.UNKNOWN: "newer than this program",
}
_STATES = {
    CashierAlertState.OPEN: "open, no answer yet",
    CashierAlertState.ANSWERED: "answered, not closed yet",
    CashierAlertState.CLOSED: "closed",
}
# The first character of a head is how its column is aligned.
_ALERT = ("<cashier", "<what stood out", ">cases", ">by chance", ">p", ">under age", "<from", "<to")
_CASHIER = (
    *("<cashier", ">sales", ">checks", ">honoured", ">rate", ">95 % within", ">drawn"),
    *(">z", ">p", ">refused", ">against", ">no photo"),
)
_GROUP = ("<group", ">baskets", ">95 % within", ">raw")
_GOODS = ("<group", "<goods", ">baskets", ">lift", ">95 % within")
_OFFER = ("<offer", "<goods", ">offered", ">held out", ">uplift", ">95 % within")


def cashier_lines(report: CashierReport) -> Iterator[str]:
    """Yield the lines of a cashier report, what somebody should look at first."""
    yield _title("Checks by cashiers", report.period)
    yield ""
    if report.alerts:
        yield "To look at, the gravest first. Each is a question with its evidence, not a verdict."
        yield ""
        head, *rows = _aligned(_ALERT, map(_alert_cells, report.alerts))
        yield head
        for row, alert in zip(rows, report.alerts, strict=True):
            yield row
            yield from _standing(alert)
    else:
        yield "Nothing stood out."
    yield ""
    if report.cashiers:
        yield from _aligned(_CASHIER, map(_cashier_cells, report.cashiers))
    else:
        yield "No sales of such goods."
    if report.funnel:
        yield ""
        yield (
            f"Target {_percent(report.funnel.target_rate)}; rates vary "
            f"{report.funnel.overdispersion:.1f} times as much as by chance (variance)."
        )


def age_group_lines(report: AgeGroupReport) -> Iterator[str]:
    """Yield the lines of an age-group report."""
    yield _title("Purchases by age group", report.period)
    yield ""
    if report.age_groups:
        yield from _aligned(_GROUP, map(_group_cells, report.age_groups))
    else:
        yield "No purchases."
    goods = [
        _goods_cells(group, lift)
        for group in report.age_groups
        for lift in group.categories[:_GOODS_OF_A_GROUP]
    ]
    if goods:
        yield ""
        yield from _aligned(_GOODS, goods)
    if report.offers:
        yield ""
        yield from _aligned(_OFFER, map(_offer_cells, report.offers))


def _alert_cells(alert: CashierAlert) -> Sequence[str]:
    return (
        _cashier(alert),
        _WHAT_STOOD_OUT[alert.kind],
        f"{alert.cases}",
        _number(alert.expected_cases, ".1f"),
        _p_value(alert.adjusted_p_value),
        _percent(alert.severity),
        _day(alert.first_case_at),
        _day(alert.last_case_at),
    )


def _standing(alert: CashierAlert) -> Iterator[str]:
    """Yield an alert's name, where it stands, and what was answered last."""
    text = f"alert {printable(alert.id)}: {_STATES[alert.state]}"
    if alert.answer:
        text += f'; last answer: "{printable(alert.answer)}"'
    yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _cashier_cells(cashier: CashierSummary) -> Sequence[str]:
    rate, drawn = cashier.check_rate, cashier.shrunken_check_rate
    return (
        _cashier(cashier),
        f"{cashier.restricted_sales}",
        f"{cashier.required_checks}",
        f"{cashier.honoured_checks}",
        _percent(_value(rate)),
        _interval(rate, 100),
        _percent(_value(drawn)),
        _number(cashier.funnel_z, "+.1f"),
        _p_value(cashier.adjusted_p_value),
        f"{cashier.refusals}",
        f"{cashier.overrides}",
        f"{cashier.unassessed_sales}",
    )


def _group_cells(group: AgeGroupPurchases) -> Sequence[str]:
    return (
        printable(group.age_group.label),
        _percent(_value(group.basket_share)),
        _interval(group.basket_share, 100),
        _percent(group.naive_basket_share),
    )


def _goods_cells(group: AgeGroupPurchases, it: CategoryLift) -> Sequence[str]:
    return (
        printable(group.age_group.label),
        printable(it.category),
        _number(it.baskets, ".0f"),
        _number(_value(it.lift), ".2f"),
        _interval(it.lift, form=".2f"),
    )


def _offer_cells(offer: OfferEffect) -> Sequence[str]:
    return (
        printable(offer.offer_id),
        printable(offer.category),
        f"{offer.offered}",
        f"{offer.held_out}",
        _number(_value(offer.uplift, 100), "+.1f"),
        _interval(offer.uplift, 100, "+.1f"),
    )


def _aligned(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the head of a table and its rows, each column as wide as its widest cell."""
    table = [[head[1:] for head in heads], *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    forms = [f"{head[0]}{width}" for head, width in zip(heads, widths, strict=True)]
    for cells in table:
        yield "  ".join(map(format, cells, forms)).rstrip()


def _title(what: str, period: Period) -> str:
    return f"{what}, {_minute(period.start)} to {_minute(period.end)}"


def _minute(moment: datetime | None) -> str:
    """Return a time with its zone's offset."""
    return f"{_local(moment):%Y-%m-%d %H:%M %z}" if moment else "?"


def _day(moment: datetime | None) -> str:
    return f"{_local(moment):%Y-%m-%d}" if moment else "-"


def _local(moment: datetime) -> datetime:
    """Return a time on this machine's clock; as it is at the very ends of the calendar."""
    try:
        return moment.astimezone()
    except (OverflowError, ValueError):
        return moment


def _cashier(it: CashierSummary | CashierAlert) -> str:
    return printable(f"{it.store_id}/{it.cashier_id}")


def _value(estimate: Estimate | None, factor: float = 1) -> float | None:
    return None if estimate is None else factor * estimate.value


def _interval(estimate: Estimate | None, factor: float = 1, form: str = ".1f") -> str:
    if estimate is None:
        return "-"
    return f"{factor * estimate.low:{form}} to {factor * estimate.high:{form}}"


def _p_value(value: float | None) -> str:
    return "<0.001" if value is not None and value < 0.001 else _number(value, ".3f")


def _percent(share: float | None) -> str:
    return _number(share, ".1%")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
