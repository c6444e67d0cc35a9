"""The command `agelane report`, as managers and scripts meet it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from hypothesis import given

from agelane.v1 import report_pb2
from agelane_client import CashierAlertKind
from agelane_client.cli.arguments import ExitCode
from agelane_client.cli.main import main
from agelane_client.cli.report_tables import age_group_lines, cashier_lines
from agelane_client.reports import to_age_group_report, to_cashier_report
from agelane_client.testing import FakeGateway, refuse
from tests.client import sample_reports
from tests.client.any_message import messages

CASHIERS = ["report", "cashiers"]
AGE_GROUPS = ["report", "age-groups"]


@pytest.fixture(autouse=True)
def _target(monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway) -> None:
    """Let the command find a fake gateway with reports, without a flag."""
    monkeypatch.setenv("AGELANE_TARGET", gateway.target)
    tell(gateway, sample_reports.cashier_report(), sample_reports.age_group_report())


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this machine stand in Minsk, three hours before UTC."""
    monkeypatch.setenv("TZ", "Europe/Minsk")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def tell(
    gateway: FakeGateway,
    cashiers: report_pb2.GetCashierReportResponse,
    age_groups: report_pb2.GetAgeGroupReportResponse,
) -> None:
    """Let the gateway answer with these reports."""
    is_cashiers = report_pb2.GetCashierReportRequest
    gateway.report = lambda request, _: cashiers if isinstance(request, is_cashiers) else age_groups


def test_what_to_look_at_stands_first(capsys: pytest.CaptureFixture[str]) -> None:
    """The alerts with their evidence and answers, then the cashiers, then the funnel."""
    assert main(CASHIERS) == ExitCode.DONE
    assert capsys.readouterr().out.splitlines() == [
        "Checks by cashiers, 2026-11-02 03:00 +0300 to 2026-11-30 03:00 +0300",
        "",
        "To look at, the gravest first. Each is a question with its evidence, not a verdict.",
        "",
        "cashier      what stood out            cases  by chance       p  under age"
        "  from        to",
        "store-7/c41  fewer checks than others     20        4.5  <0.001      12.0%"
        "  2026-11-03  2026-11-28",
        "  alert 0123456789abcdef: answered, not closed yet; last answer: "
        '"The scanner was broken."',
        "store-7/c41  sold against REFUSE           1        0.0       -       5.0%"
        "  2026-11-05  2026-11-05",
        "  alert fedcba9876543210: open, no answer yet",
        "",
        "cashier      sales  checks  honoured   rate   95 % within  drawn     z       p"
        "  refused  against  no photo",
        "store-7/c41    120      50        30  60.0%  45.2 to 73.6  65.0%  -3.2  <0.001"
        "        2        1         4",
        "store-7/c2       3       0         0      -             -      -     -       -"
        "        0        0         0",
        "",
        "Target 91.0%; rates vary 1.8 times as much as by chance (variance).",
    ]


def test_groups_goods_and_offers_have_a_table_each(capsys: pytest.CaptureFixture[str]) -> None:
    """The five most characteristic goods of a group; a dash for what nobody knows."""
    assert main(AGE_GROUPS) == ExitCode.DONE
    assert capsys.readouterr().out.splitlines() == [
        "Purchases by age group, 2026-11-02 03:00 +0300 to 2026-11-30 03:00 +0300",
        "",
        "group  baskets   95 % within    raw",
        "18-24    12.1%  10.2 to 14.0  15.0%",
        "65+          -             -  20.0%",
        "",
        "group  goods          baskets  lift   95 % within",
        "18-24  energy-drinks      340  2.10  1.60 to 2.70",
        *(f"18-24  goods-{number}             40  1.00  0.80 to 1.20" for number in range(4)),
        "",
        "offer  goods   offered  held out  uplift   95 % within",
        "gouda  cheese      900       100    +4.2  -1.0 to +9.4",
        "rye    bread         9         1       -             -",
    ]


def test_a_long_answer_is_wrapped(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """No line is wider than 120 columns."""
    report = sample_reports.cashier_report()
    report.alerts[0].answer = "The scanner was broken, and nobody came. " * 20
    tell(gateway, report, sample_reports.age_group_report())
    main(CASHIERS)
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 120
    assert " ".join(told.split()).count("nobody came.") == 20


def test_nothing_is_told_as_nothing(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty report is an answer too."""
    tell(gateway, report_pb2.GetCashierReportResponse(), report_pb2.GetAgeGroupReportResponse())
    assert main(CASHIERS) == main(AGE_GROUPS) == ExitCode.DONE
    told = capsys.readouterr().out
    for line in ("Nothing stood out.", "No sales of such goods.", "No purchases."):
        assert line in told.splitlines()


@pytest.mark.parametrize("kind", [kind for kind in CashierAlertKind if kind != "UNKNOWN"])
def test_an_alert_asks_and_accuses_nobody(kind: CashierAlertKind) -> None:
    """Each kind has words of its own, none of which is a verdict."""
    number = report_pb2.CashierAlertKind.Value(f"CASHIER_ALERT_KIND_{kind}")
    alert = report_pb2.CashierAlert(kind=number)
    report = to_cashier_report(report_pb2.GetCashierReportResponse(alerts=[alert]))
    told = "\n".join(cashier_lines(report)).lower()
    assert "newer than this program" not in told
    for word in ("fraud", "dishonest", "guilty", "violat", "cheat", "suspect"):
        assert word not in told


@pytest.mark.parametrize("command", [CASHIERS, AGE_GROUPS])
def test_json_is_one_object_with_the_whole_report(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What `to_dict` gives, on one line."""
    assert main([*command, "--json"]) == ExitCode.DONE
    (line,) = capsys.readouterr().out.splitlines()
    whole = (
        to_cashier_report(sample_reports.cashier_report())
        if command is CASHIERS
        else to_age_group_report(sample_reports.age_group_report())
    )
    assert json.loads(line) == whole.to_dict()


def test_the_command_line_is_asked(gateway: FakeGateway) -> None:
    """A date is its first moment here, and a time with a zone is what it says."""
    times = ["--from", "2026-11-01", "--to", "2026-12-01T00:00:00Z"]
    main([*CASHIERS, "--store", "s", "--cashier", "c", "--category", "tobacco", *times])
    main([*AGE_GROUPS, "--store", "s", *times])
    main(CASHIERS)
    cashiers, age_groups, default = gateway.asked
    assert (cashiers.store_id, cashiers.cashier_id) == ("s", "c")
    assert (cashiers.restricted_category, age_groups.store_id) == ("tobacco", "s")
    for asked in (cashiers, age_groups):
        assert asked.period.start.ToJsonString() == "2026-10-31T21:00:00Z"
        assert asked.period.end.ToJsonString() == "2026-12-01T00:00:00Z"
    assert default == report_pb2.GetCashierReportRequest(period=report_pb2.Period())


@pytest.mark.parametrize(
    "arguments",
    [
        ["report"],
        ["report", "weather"],
        [*CASHIERS, "--from", "yesterday"],
        [*AGE_GROUPS, "--to", "2026-11-31"],
        [*AGE_GROUPS, "--from", "0001-01-01"],
        [*AGE_GROUPS, "--cashier", "c"],
        [*CASHIERS, "--timeout", "0"],
    ],
)
def test_a_wrong_command_line_is_exit_code_2(
    arguments: list[str], gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the usage, and nothing is asked."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == ExitCode.USAGE
    assert "usage: agelane" in capsys.readouterr().err
    assert gateway.asked == []


@pytest.mark.parametrize("command", [CASHIERS, AGE_GROUPS, [*CASHIERS, "--json"]])
@pytest.mark.parametrize(
    ("code", "reason", "exit_code"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", ExitCode.USAGE),
        (grpc.StatusCode.UNAVAILABLE, "LEDGER_UNAVAILABLE", ExitCode.NOT_REACHED),
        (grpc.StatusCode.PERMISSION_DENIED, "ROLE_NOT_PERMITTED", ExitCode.GATEWAY_REFUSED),
        (grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED", ExitCode.GATEWAY_REFUSED),
    ],
)
def test_without_a_report_standard_error_says_why(
    command: list[str],
    gateway: FakeGateway,
    capsys: pytest.CaptureFixture[str],
    code: grpc.StatusCode,
    reason: str,
    exit_code: ExitCode,
) -> None:
    """And nothing is printed that a script could take for one."""
    gateway.report = refuse(code, reason)
    assert main(command) == exit_code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"{gateway.target}: {reason}: {reason} happened\n"


def test_a_gateway_that_hangs_is_exit_code_3(gateway: FakeGateway) -> None:
    """After --timeout."""
    gateway.report = gateway.hang
    for command in (CASHIERS, AGE_GROUPS):
        assert main([*command, "--timeout", "0.2"]) == ExitCode.NOT_REACHED


def test_help_explains_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    """In words, below the arguments."""
    for command, words in (
        (CASHIERS, "by chance|under age|sales|checks|honoured|rate|drawn|against|no photo"),
        (AGE_GROUPS, "baskets|raw|lift|uplift"),
    ):
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        notes = capsys.readouterr().out.partition("columns")[2]
        for word in words.split("|"):
            assert f"\n  {word}" in notes


@given(messages(report_pb2.GetCashierReportResponse))
def test_any_cashier_report_can_be_printed(wire: report_pb2.GetCashierReportResponse) -> None:
    """Whatever a gateway says, it can't steer the terminal."""
    assert all(line.isprintable() for line in cashier_lines(to_cashier_report(wire)))


@given(messages(report_pb2.GetAgeGroupReportResponse))
def test_any_age_group_report_can_be_printed(wire: report_pb2.GetAgeGroupReportResponse) -> None:
    """Whatever a gateway says, it can't steer the terminal."""
    assert all(line.isprintable() for line in age_group_lines(to_age_group_report(wire)))


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Vladivostok"])
def test_the_ends_of_the_calendar_can_be_printed(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """Even where they lie in no year of this machine's clock."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    period: dict[str, Any] = {
        "start": sample_reports.at("0001-01-01T00:00:00Z"),
        "end": sample_reports.at("9999-12-31T23:59:59Z"),
    }
    wire = report_pb2.GetAgeGroupReportResponse(period=report_pb2.Period(**period))
    title = next(age_group_lines(to_age_group_report(wire)))
    assert title.startswith("Purchases by age group, ")
    assert "?" not in title
