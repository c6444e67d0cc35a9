"""What both clients ask about reports, and what they make of the answer."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import grpc
import pytest
from hypothesis import given

from agelane.v1 import report_pb2
from agelane_client import (
    CashierAlertKind,
    CashierAlertState,
    ConfigurationError,
    DeadlineError,
    Estimate,
    PermissionDeniedError,
    RequestError,
    ServerError,
)
from agelane_client.reports import to_age_group_report, to_cashier_report
from agelane_client.testing import FakeGateway, refuse
from tests.client import sample_reports
from tests.client.any_message import messages
from tests.client.conftest import Connect

MINSK = timezone(timedelta(hours=3))
START = datetime(2026, 11, 1, tzinfo=MINSK)
END = datetime(2026, 12, 1, tzinfo=MINSK)
NOVEMBER = {"start": "2026-11-02T00:00:00+00:00", "end": "2026-11-30T00:00:00+00:00"}


@pytest.fixture(autouse=True)
def _reports(gateway: FakeGateway) -> None:
    """Let the gateway have reports."""

    def report(request: object, _: Any) -> Any:
        if isinstance(request, report_pb2.GetCashierReportRequest):
            return sample_reports.cashier_report()
        return sample_reports.age_group_report()

    gateway.report = report


def test_a_cashier_report_arrives_whole(connect: Connect, gateway: FakeGateway) -> None:
    """Every field of the contract has its place in the result."""
    report = connect(gateway.target).cashier_report()
    document = report.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["period"] == NOVEMBER
    assert document["cashiers"][0] == {
        "store_id": "store-7",
        "cashier_id": "c41",
        "restricted_sales": 120,
        "required_checks": 50,
        "honoured_checks": 30,
        "refusals": 2,
        "overrides": 1,
        "unassessed_sales": 4,
        "check_rate": {"value": 0.6, "low": 0.452, "high": 0.736},
        "shrunken_check_rate": {"value": 0.65, "low": 0.53, "high": 0.77},
        "funnel_z": -3.25,
        "adjusted_p_value": 0.0004,
    }
    assert document["funnel"] == {
        "target_rate": 0.91,
        "overdispersion": 1.8,
        "limits": [
            {
                "required_checks": 50,
                "warning_low": 0.8,
                "warning_high": 0.98,
                "alarm_low": 0.72,
                "alarm_high": 1.0,
            }
        ],
    }
    assert document["alerts"][0] == {
        "id": "0123456789abcdef",
        "store_id": "store-7",
        "cashier_id": "c41",
        "kind": "LOW_CHECK_RATE",
        "severity": 0.12,
        "cases": 20,
        "expected_cases": 4.5,
        "adjusted_p_value": 0.0004,
        "first_case_at": "2026-11-03T09:30:00+00:00",
        "last_case_at": "2026-11-28T19:00:00+00:00",
        "state": "ANSWERED",
        "answer": "The scanner was broken.",
    }
    assert report.alerts[0].kind is CashierAlertKind.LOW_CHECK_RATE
    assert report.alerts[0].state is CashierAlertState.ANSWERED


def test_a_cashier_without_checks_has_no_rate(connect: Connect, gateway: FakeGateway) -> None:
    """None of 0 is not 0 %; a plain fact has no p-value."""
    report = connect(gateway.target).cashier_report()
    idle = report.cashiers[1]
    assert (idle.restricted_sales, idle.required_checks) == (3, 0)
    assert (idle.check_rate, idle.shrunken_check_rate) == (None, None)
    assert (idle.funnel_z, idle.adjusted_p_value) == (None, None)
    assert report.alerts[1].adjusted_p_value is None


def test_an_age_group_report_arrives_whole(connect: Connect, gateway: FakeGateway) -> None:
    """Every field of the contract has its place in the result."""
    report = connect(gateway.target).age_group_report()
    document = report.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["period"] == NOVEMBER
    young, old = document["age_groups"]
    assert young["categories"][0] == {
        "category": "energy-drinks",
        "baskets": 340.5,
        "lift": {"value": 2.1, "low": 1.6, "high": 2.7},
    }
    assert young["basket_share"] == {"value": 0.121, "low": 0.102, "high": 0.14}
    assert old == {
        "age_group": {"id": "65_plus", "label": "65+", "from_years": 65, "to_years": None},
        "basket_share": None,
        "naive_basket_share": 0.2,
        "categories": [],
    }
    assert report.offers[0].uplift == Estimate(value=0.042, low=-0.01, high=0.094)
    assert document["offers"][1] == {
        "offer_id": "rye",
        "category": "bread",
        "offered": 9,
        "held_out": 1,
        "uplift": None,
    }


def test_all_that_a_caller_names_is_asked(connect: Connect, gateway: FakeGateway) -> None:
    """The times are the same moments, whatever their zone."""
    client = connect(gateway.target, store_id="s1")
    client.cashier_report(
        store_id="s2", cashier_id="c", start=START, end=END, restricted_category="tobacco"
    )
    client.age_group_report(store_id="s2", start=START, end=END)
    cashiers, age_groups = gateway.asked
    assert (cashiers.store_id, cashiers.cashier_id) == ("s2", "c")
    assert cashiers.restricted_category == "tobacco"
    assert age_groups.store_id == "s2"
    for asked in gateway.asked:
        assert asked.period.start.ToJsonString() == "2026-10-31T21:00:00Z"
        assert asked.period.end.ToJsonString() == "2026-11-30T21:00:00Z"


def test_what_a_caller_does_not_name_is_the_gateways_to_choose(
    connect: Connect, gateway: FakeGateway
) -> None:
    """But for the store, which is the client's; "" asks for every one."""
    client = connect(gateway.target, store_id="s1")
    client.cashier_report()
    client.cashier_report(store_id="")
    client.age_group_report(end=END)
    own, every, until = gateway.asked
    assert own == report_pb2.GetCashierReportRequest(store_id="s1", period=report_pb2.Period())
    assert every.store_id == ""
    assert not until.period.HasField("start")


@pytest.mark.parametrize(
    ("times", "field"),
    [
        ({"start": datetime(2026, 11, 1)}, "period.start"),  # noqa: DTZ001  # that is the point
        ({"end": datetime(2026, 11, 1)}, "period.end"),  # noqa: DTZ001  # that is the point
        ({"start": datetime.min.replace(tzinfo=MINSK)}, "period.start"),
    ],
)
def test_a_time_that_is_none_everywhere_is_refused(
    connect: Connect, gateway: FakeGateway, times: dict[str, Any], field: str
) -> None:
    """One without a zone, or before the year 1 in UTC; nothing is sent."""
    client = connect(gateway.target)
    for ask in (client.cashier_report, client.age_group_report):
        with pytest.raises(RequestError) as caught:
            ask(**times)
        assert (caught.value.reason, caught.value.field) == ("INVALID_FIELD", field)
    assert gateway.asked == []


def test_a_report_has_a_deadline_of_its_own(connect: Connect, gateway: FakeGateway) -> None:
    """A manager's minute, where a till would have given up; and a shorter one if told."""
    gateway.report = gateway.hang
    for client, timeout in (
        (connect(gateway.target, report_timeout=0.2), None),
        (connect(gateway.target), 0.2),
    ):
        for ask in (client.cashier_report, client.age_group_report):
            with pytest.raises(DeadlineError):
                ask(timeout=timeout)
    left: list[float] = []

    def measure(_: object, context: Any) -> Any:
        left.append(context.time_remaining())
        return sample_reports.cashier_report()

    gateway.report = measure
    connect(gateway.target, timeout=1).cashier_report()
    assert 1 < left[0] < 90  # and not for ever


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_report_timeout_without_an_end_is_refused(
    connect: Connect, gateway: FakeGateway, timeout: float
) -> None:
    """For the client and for a call."""
    with pytest.raises(ConfigurationError):
        connect(gateway.target, report_timeout=timeout)
    with pytest.raises(ConfigurationError):
        connect(gateway.target).cashier_report(timeout=timeout)


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "ROLE_NOT_PERMITTED", PermissionDeniedError),
        (grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_RESTRICTED_CATEGORY", RequestError),
        (grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED", ServerError),
    ],
)
def test_a_refusal_is_typed(
    connect: Connect,
    gateway: FakeGateway,
    code: grpc.StatusCode,
    reason: str,
    kind: type[Exception],
) -> None:
    """As with every other call."""
    gateway.report = refuse(code, reason)
    client = connect(gateway.target)
    for ask in (client.cashier_report, client.age_group_report):
        with pytest.raises(kind, match=reason):
            ask()


def test_the_reprs_are_for_reading(connect: Connect, gateway: FakeGateway) -> None:
    """They fit a line, however many cashiers there are."""
    client = connect(gateway.target)
    cashiers, groups = client.cashier_report(), client.age_group_report()
    assert [repr(it) for it in (cashiers, cashiers.cashiers[0], cashiers.cashiers[1])] == [
        "<CashierReport 2026-11-02 00:00 to 2026-11-30 00:00 UTC: 2 cashiers, 2 alerts>",
        "<CashierSummary store-7/c41: 30 of 50 checks honoured, 60.0% (45.2% to 73.6%)>",
        "<CashierSummary store-7/c2: 0 of 0 checks honoured>",
    ]
    assert repr(cashiers.alerts[0]) == (
        "<CashierAlert 0123456789abcdef: store-7/c41 LOW_CHECK_RATE, "
        "20 cases where chance brings 4.5, ANSWERED>"
    )
    assert [repr(it) for it in (groups, *groups.age_groups)] == [
        "<AgeGroupReport 2026-11-02 00:00 to 2026-11-30 00:00 UTC: 2 age groups, 2 offers>",
        "<AgeGroupPurchases 18-24: 12.1% of baskets, 6 categories>",
        "<AgeGroupPurchases 65+: ? of baskets, 0 categories>",
    ]


@given(messages(report_pb2.GetCashierReportResponse))
def test_any_cashier_report_becomes_a_result(wire: report_pb2.GetCashierReportResponse) -> None:
    """It loses no cashier and no alert, can be shown, and written as JSON without NaN."""
    report = to_cashier_report(wire)
    assert len(report.cashiers) == len(wire.cashiers)
    assert len(report.alerts) == len(wire.alerts)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False)) == report.to_dict()
    assert repr((report, report.cashiers, report.alerts)).startswith("(<CashierReport")


@given(messages(report_pb2.GetAgeGroupReportResponse))
def test_any_age_group_report_becomes_a_result(wire: report_pb2.GetAgeGroupReportResponse) -> None:
    """It loses no group and no offer, can be shown, and written as JSON without NaN."""
    report = to_age_group_report(wire)
    assert len(report.age_groups) == len(wire.age_groups)
    assert len(report.offers) == len(wire.offers)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False)) == report.to_dict()
    assert repr((report, report.age_groups)).startswith("(<AgeGroupReport")


@pytest.mark.parametrize("number", [0, 11, 99, -1])
def test_what_is_newer_than_the_sdk_still_asks_for_a_look(number: int) -> None:
    """A kind is UNKNOWN, and a state open; never sent ones are treated alike."""
    alert = report_pb2.CashierAlert(kind=number, state=number)  # type: ignore[arg-type]
    (told,) = to_cashier_report(report_pb2.GetCashierReportResponse(alerts=[alert])).alerts
    assert told.kind is CashierAlertKind.UNKNOWN
    assert told.state is CashierAlertState.OPEN


def test_the_names_are_those_of_the_contract() -> None:
    """All of them, but for the unset ones."""
    kinds = [f"CASHIER_ALERT_KIND_{name}" for name in CashierAlertKind if name != "UNKNOWN"]
    states = [f"CASHIER_ALERT_STATE_{name}" for name in CashierAlertState]
    assert kinds == report_pb2.CashierAlertKind.keys()[1:]
    assert states == report_pb2.CashierAlertState.keys()[1:]
