"""The command `agelane record`, as people and scripts meet it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agelane_client import errors
from agelane_client.cli.arguments import ExitCode
from agelane_client.cli.main import main
from agelane_client.client import Client
from agelane_client.testing import FakeGateway
from tests.client.command import COMMAND, PATIENTLY, agelane, documents, exit_of
from tests.client.conftest import SAMPLES

PHOTO = str(SAMPLES / "collins.jpg")
RECORD = ["record", *PATIENTLY]
SALE: dict[str, Any] = {
    "sale_id": "sale-1",
    "outcome": "SOLD",
    "assessment_token": "AHNpZ25lZA==",
    "sold_at": "2026-11-30T12:00:00+03:00",
    "store_id": "s",
    "lane_id": "3",
    "cashier_id": "c7",
    "basket": [
        {
            "category": "beer",
            "restricted_category": "alcohol",
            "quantity": 2,
            "amount_minor": 598,
        },
        {"category": "bottles", "amount_minor": -25},
    ],
    "currency_code": "EUR",
    "document_check": {
        "result": "OF_AGE",
        "reading": "TYPED",
        "duration": 2.5,
        "document_age_years": 25,
        "birth_date_bucket": 0,
    },
    "refusal_reason": None,
    "supervisor_on_shift": False,
}

VOIDED = {"sale_id": "x", "outcome": "VOIDED", "sold_at": "2026-11-30T12:00:00Z"}


@pytest.fixture(autouse=True)
def _target(monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway) -> None:
    """Let the command find the fake gateway without a flag."""
    monkeypatch.setenv("AGELANE_TARGET", gateway.target)


@pytest.fixture(name="sales")
def sales_fixture(tmp_path: Path) -> Path:
    """A file for sales."""
    return tmp_path / "sales.jsonl"


def test_a_sale_is_told_whole(gateway: FakeGateway, sales: Path) -> None:
    """From the assessment that `agelane assess` printed to the last cent."""
    assessed = agelane("assess", *PATIENTLY, "--json", "--full", PHOTO)
    token = json.loads(assessed.stdout)["assessment"]["assessment_token"]
    sales.write_text(json.dumps({**SALE, "assessment_token": token}))
    assert main([*RECORD, str(sales)]) == ExitCode.DONE
    (told,) = gateway.sales
    assert told.assessment_token == b"\0signed"
    assert [line.amount_minor for line in told.basket] == [598, -25]
    assert told.HasField("supervisor_on_shift")
    assert told.document_check.HasField("birth_date_bucket")
    assert told.sold_at.ToJsonString() == "2026-11-30T09:00:00Z"


def test_the_receipt_is_printed(sales: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For people, and as JSON; a second time it tells that it is known."""
    sales.write_text(json.dumps({**VOIDED, "sale_id": "t3"}))
    record = [*RECORD, str(sales)]
    assert main(record) == main(record) == main([*record, "--json"]) == ExitCode.DONE
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "t3: recorded at 2026-10-31 12:00:00 UTC"
    assert second == "t3: was already recorded at 2026-10-31 12:00:00 UTC"
    assert json.loads(third) == {
        "sale_id": "t3",
        "recorded_at": "2026-10-31T12:00:00+00:00",
        "already_recorded": True,
    }


def test_lines_are_recorded_one_by_one(
    gateway: FakeGateway, sales: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong one stands among the receipts with its number, and the rest goes on."""
    good, other = json.dumps(SALE), json.dumps(VOIDED)
    sales.write_text(f"{good}\n\n{{broken\n{other}\n{good}")
    assert main([*RECORD, "--json", str(sales)]) == ExitCode.USAGE
    first, wrong, second, again = documents(capsys.readouterr().out)
    assert (first["sale_id"], second["sale_id"]) == ("sale-1", "x")
    assert again["already_recorded"]
    assert wrong["sale_id"] is wrong["recorded_at"] is None
    assert wrong["error"]["message"].startswith(f"{sales}:3: the sale is not JSON")
    assert len(gateway.sales) == 3


def test_a_line_is_recorded_when_it_comes() -> None:
    """A till may keep the command running, and send it one sale after the other."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([*COMMAND, *RECORD, "--json", "-"], **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for name in ("one", "two"):
            process.stdin.write(json.dumps({**VOIDED, "sale_id": name}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["sale_id"] == name
        process.stdin.close()
        assert process.wait(30) == ExitCode.DONE


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "has no sale"),
        ("\n \n", "has no sale"),
        ("{", "not JSON"),
        ("[]", "must be a JSON object"),
        ("NaN", "not JSON (NaN is no number)"),
        ("[" * 100_000, "not JSON"),
        ("{}", "outcome is missing; it must be one of SOLD, REFUSED, VOIDED"),
        ('{"outcome": "SOLD"}', "sale_id is missing"),
        ('{"outcome": "SOLD", "sale_id": "a"}', "sold_at is missing"),
        ('{"sale_id": "a", "sale_id": "b"}', "stands there twice"),
    ],
)
def test_a_file_without_a_sale_is_exit_code_2(
    sales: Path, gateway: FakeGateway, content: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what there should be."""
    sales.write_text(content)
    assert exit_of(*RECORD, str(sales)) == ExitCode.USAGE
    told = capsys.readouterr()
    assert told.out == ""
    assert words in told.err
    assert f"{sales}:" in told.err
    assert gateway.sales == []


@pytest.mark.parametrize("name", ["missing", "", "empty", "nul\0l"])
def test_a_file_that_can_not_be_used_is_exit_code_2(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither is a folder one, nor one without what it should have."""
    (tmp_path / "empty").write_text("{}")
    assert exit_of(*RECORD, f"{tmp_path}/{name}") == ExitCode.USAGE
    assert str(tmp_path) in capsys.readouterr().err.splitlines()[-1]


def test_an_endless_file_ends() -> None:
    """No line may be of any length."""
    for begin in (b"", json.dumps(SALE).encode() + b"\n"):
        done = agelane(*RECORD, "-", input=begin + b" " * 2_000_000 + b"x")
        assert done.returncode == ExitCode.USAGE
        assert b"has more than 1,048,576 bytes" in done.stderr


def test_without_a_file_the_command_line_is_wrong(gateway: FakeGateway) -> None:
    """And nothing is recorded."""
    assert exit_of(*RECORD) == ExitCode.USAGE
    assert gateway.sales == []


def test_a_sale_of_which_nobody_knows_can_be_told_again(
    dead_target: str, sales: Path, gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """As standard error says."""
    sales.write_text(json.dumps(VOIDED))
    record = ["record", str(sales), "--target"]
    assert main([*record, dead_target]) == ExitCode.NOT_REACHED
    told = capsys.readouterr()
    assert told.out == ""
    assert "record it again" in told.err
    assert main([*record, gateway.target, *PATIENTLY]) == ExitCode.DONE
    assert gateway.sales[0].sale_id == "x"
    capsys.readouterr()
    assert main([*record, dead_target, "--json"]) == ExitCode.NOT_REACHED
    (document,) = documents(capsys.readouterr().out)
    assert (document["sale_id"], document["error"]["reason"]) == ("x", "UNAVAILABLE")


def test_a_sale_that_the_gateway_refuses_is_told(
    monkeypatch: pytest.MonkeyPatch, sales: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what it says, and the exit code of the worst."""
    kinds = iter([errors.RequestError("no such cashier"), errors.ServerError("fire")])

    def record_sale(*_: Any, **__: Any) -> Any:
        raise next(kinds)

    monkeypatch.setattr(Client, "record_sale", record_sale)
    sales.write_text(f"{json.dumps(SALE)}\n{json.dumps(SALE)}\n")
    assert main([*RECORD, str(sales)]) == ExitCode.GATEWAY_REFUSED
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"{sales}:1: sale-1: no such cashier"
    assert second == f"{sales}:2: sale-1: fire"


def test_a_full_disk_is_exit_code_5(sales: Path) -> None:
    """The sale is recorded, and may be again."""
    sales.write_text(json.dumps(SALE))
    with open("/dev/full", "w") as disk:
        done = agelane(*RECORD, str(sales), stdout=disk)
    assert done.returncode == ExitCode.OUTPUT_FAILED
