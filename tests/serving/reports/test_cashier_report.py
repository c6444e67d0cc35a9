"""The cashier report as a whole."""

from __future__ import annotations

import random
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane.v1 import report_pb2, sale_pb2
from agelane_serving.reports.cashiers import (
    AlertKind,
    Cashier,
    CashierAlert,
    CashierSummary,
    DocumentReading,
    DocumentResult,
    Funnel,
    FunnelLimit,
    Outcome,
    Period,
    SaleColumns,
    number_cashiers,
)
from agelane_serving.reports.cashiers.alerts import alert_id, alerts_of, continued
from agelane_serving.reports.cashiers.findings import Cases, Finding
from tests.serving.reports.cashier_sales import (
    CHECKED,
    DAY,
    FOUR_WEEKS,
    MISSED,
    MONDAY,
    UNASSESSED,
    honest,
    report_on,
    sales_lists,
    spread_out,
)

ALERT = CashierAlert(
    "an-id", "store-1", "1", AlertKind.FAST_CHECKS, 0.1, 5, 0.5, 0.01, MONDAY, MONDAY + 10 * DAY
)
BAD = [
    *honest(),
    *spread_out((MISSED if n % 2 else CHECKED for n in range(280)), "bad"),
]


@pytest.mark.parametrize(
    ("mirror", "message", "kept_elsewhere"),
    [
        (CashierSummary, report_pb2.CashierSummary, set()),
        (Funnel, report_pb2.Funnel, set()),
        (FunnelLimit, report_pb2.FunnelLimit, set()),
        (CashierAlert, report_pb2.CashierAlert, {"state", "answer"}),
    ],
)
def test_results_mirror_the_contract(mirror: type, message: type, kept_elsewhere: set[str]) -> None:
    """Field by field, but for what is kept with an alert's answer."""
    names = {field.name for field in message.DESCRIPTOR.fields}  # type: ignore[attr-defined]
    assert {field.name for field in fields(mirror)} == names - kept_elsewhere


@pytest.mark.parametrize(
    ("mirror", "enum", "prefix"),
    [
        (AlertKind, report_pb2.CashierAlertKind, "CASHIER_ALERT_KIND_"),
        (Outcome, sale_pb2.SaleOutcome, "SALE_OUTCOME_"),
        (DocumentResult, sale_pb2.DocumentResult, "DOCUMENT_RESULT_"),
        (DocumentReading, sale_pb2.DocumentReading, "DOCUMENT_READING_"),
    ],
)
def test_enums_are_numbered_as_in_the_contract(
    mirror: type[AlertKind], enum: type, prefix: str
) -> None:
    """All but the unspecified one."""
    numbers = {prefix + member.name: member.value for member in mirror}
    assert numbers == {name: number for name, number in enum.items() if number}  # type: ignore[attr-defined]


def test_counts_are_what_the_contract_says() -> None:
    """Cancelled baskets are no sales, and a document that is not shown honours no check."""
    refused = replace(MISSED, outcome=Outcome.REFUSED)
    sales = [CHECKED, MISSED, refused, UNASSESSED, replace(MISSED, outcome=Outcome.VOIDED)]
    (summary,) = report_on(spread_out(sales, "1")).cashiers
    assert (summary.restricted_sales, summary.required_checks) == (4, 4)
    assert (summary.honoured_checks, summary.refusals) == (2, 1)
    assert (summary.overrides, summary.unassessed_sales) == (0, 1)
    assert summary.check_rate is not None
    assert summary.check_rate.value == 0.5


@given(sales_lists, st.randoms())
def test_no_sales_break_the_report(sales: list, shuffler: random.Random) -> None:  # type: ignore[type-arg]
    """Nor does their order matter; counts and rates stay within their bounds."""
    report = report_on(sales)
    for it in report.cashiers:
        assert it.overrides <= it.restricted_sales
        assert it.honoured_checks <= it.required_checks <= it.restricted_sales
        assert (it.check_rate is None) == (it.required_checks == 0) == (it.funnel_z is None)
        for estimate in (it.check_rate, it.shrunken_check_rate):
            assert estimate is None or 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        assert it.adjusted_p_value is None or 0 <= it.adjusted_p_value <= 1
    shuffled = sales.copy()
    shuffler.shuffle(shuffled)
    assert sorted(it.cashier_id for it in report_on(shuffled).cashiers) == sorted(
        it.cashier_id for it in report.cashiers
    )


def test_the_order_of_sales_does_not_matter() -> None:
    """Columns may come as the database likes."""
    shuffled = BAD.copy()
    random.Random(0).shuffle(shuffled)
    report, other = report_on(BAD), report_on(shuffled)
    assert [it.id for it in report.alerts] == [it.id for it in other.alerts]
    assert report.cashiers[0].cashier_id == other.cashiers[0].cashier_id == "bad"


def test_nothing_sold_is_an_empty_report() -> None:
    """Nor do self-checkouts have a cashier to report on."""
    for sales in ([], [replace(CHECKED, cashier_id=None)]):
        report = report_on(sales)
        assert (report.cashiers, report.funnel, report.alerts) == ((), None, ())


def test_only_the_period_is_reported() -> None:
    """The start is inside, the end is not, and the past is not counted."""
    moments = [FOUR_WEEKS.start - 1, FOUR_WEEKS.start, FOUR_WEEKS.end - 1, FOUR_WEEKS.end]
    report = report_on([replace(CHECKED, sold_at=moment) for moment in moments])
    assert report.cashiers[0].restricted_sales == 2


def test_severity_is_the_expected_share_of_minors() -> None:
    """By the photo's probability; without a photo by the store's mean."""
    (alert,) = [it for it in report_on(BAD).alerts if it.kind is AlertKind.LOW_CHECK_RATE]
    assert alert.severity == pytest.approx(0.1)
    unassessed = [*honest(), *spread_out([UNASSESSED] * 50, "bad")]
    severities = [it.severity for it in report_on(unassessed).alerts]
    assert severities
    assert severities == pytest.approx([0.1] * len(severities))


def test_the_same_week_gives_the_same_id() -> None:
    """Whatever cashier, kind or week differs gives another."""
    first = alert_id(AlertKind.FAST_CHECKS, ("a", "1"), MONDAY)
    assert alert_id(AlertKind.FAST_CHECKS, ("a", "1"), MONDAY + 7 * DAY - 1) == first
    others = {
        alert_id(AlertKind.FAST_CHECKS, ("a", "1"), MONDAY + 7 * DAY),
        alert_id(AlertKind.FAST_CHECKS, ("a", "2"), MONDAY),
        alert_id(AlertKind.FAST_CHECKS, ("b", "1"), MONDAY),
        alert_id(AlertKind.OVERRIDES, ("a", "1"), MONDAY),
    }
    assert len(others | {first}) == 5


def test_kinds_share_the_errors() -> None:
    """What stands out just enough by few checks does not by another of the nine kinds."""
    counts, cases = np.array([3]), Cases(np.zeros(3, int), np.full(3, MONDAY), np.zeros(3))

    def told(kind: AlertKind, p_value: float) -> int:
        finding = Finding(kind, counts, np.ones(1), np.array([p_value]), cases)
        return len(alerts_of(finding, (("store-1", "1"),), 0.045))

    assert [told(AlertKind.LOW_CHECK_RATE, it) for it in (0.044, 0.046)] == [1, 0]
    assert [told(AlertKind.OVERRIDES, it) for it in (0.0049, 0.0051, 0.044)] == [1, 0, 0]


def test_an_alert_that_goes_on_keeps_its_id() -> None:
    """Its oldest cases leave the window; a new story gets a new name."""
    later = replace(ALERT, id="new", first_case_at=MONDAY + 8 * DAY, last_case_at=MONDAY + 20 * DAY)
    new = replace(ALERT, id="new", first_case_at=MONDAY + 11 * DAY, last_case_at=MONDAY + 20 * DAY)
    other = replace(later, kind=AlertKind.OVERRIDES)
    assert [it.id for it in continued([later, new, other], [ALERT])] == ["an-id", "new", "new"]


def test_looking_every_day_gives_one_alert() -> None:
    """For one cashier who misses checks all the time."""
    seen: dict[str, CashierAlert] = {}
    for day in range(20, 28):
        end = MONDAY + day * DAY
        for alert in report_on(BAD, Period(end - 14 * DAY, end), earlier=seen.values()).alerts:
            seen[alert.id] = alert
    assert len(seen) == 1


def test_a_period_must_end_after_it_starts() -> None:
    """An empty one is a mistake."""
    with pytest.raises(ValueError, match="ends after"):
        Period(MONDAY, MONDAY)


def test_columns_must_have_one_length() -> None:
    """One that lacks a row is refused."""
    columns = SaleColumns.from_sales([CHECKED, MISSED])
    with pytest.raises(ValueError, match="length"):
        replace(columns, sold_at=columns.sold_at[:1])


def test_cashiers_are_numbered_by_store() -> None:
    """Number 1 of one store is not number 1 of another."""
    places: dict[Cashier, int] = {}
    codes = number_cashiers(["a", "b", "a", "a"], ["1", "1", None, "1"], places)
    cashiers = tuple(places)
    assert cashiers == (("a", "1"), ("b", "1"))
    assert codes.tolist() == [0, 1, -1, 0]
