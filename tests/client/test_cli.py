"""The command `agelane`, as people and scripts meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest

from agelane.v1 import assessment_pb2
from agelane_client.cli.arguments import EXIT_CODES, ExitCode
from agelane_client.cli.main import main
from agelane_client.testing import NOT_SERVING, FakeGateway, answer, in_turn, refuse
from tests.client.conftest import SAMPLES

COMMAND = [sys.executable, "-m", "agelane_client.cli"]
PHOTO = str(SAMPLES / "collins.jpg")
OTHER = str(SAMPLES / "biden_2010.jpg")
PATIENTLY = ["--timeout", "30"]
KEYS = [
    "photo",
    "age_years",
    "age_low",
    "age_high",
    "age_group",
    "alcohol_decision",
    "reasons",
    "probability_under_legal_age",
    "model_version",
    "latency_ms",
]


@pytest.fixture(autouse=True)
def _target(monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway) -> None:
    """Let the command find the fake gateway without a flag."""
    monkeypatch.setenv("AGELANE_TARGET", gateway.target)


def refused_photo(gateway: FakeGateway) -> None:
    """Let the gateway refuse the second photo."""
    broken = refuse(grpc.StatusCode.INVALID_ARGUMENT, "TRUNCATED_PHOTO")
    gateway.behaviour = in_turn(gateway.behaviour, broken, gateway.behaviour)


def documents(text: str) -> list[dict[str, Any]]:
    """Return the JSON documents in `text`, one a line."""
    return [json.loads(line) for line in text.splitlines()]


def test_json_is_one_object_a_photo_with_these_keys(capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of the photos."""
    assert main(["assess", *PATIENTLY, "--json", PHOTO, OTHER]) == 0
    first, second = documents(capsys.readouterr().out)
    assert list(first) == list(second) == KEYS
    assert first.pop("latency_ms") > 0
    assert first == {
        "photo": PHOTO,
        "age_years": 31.4,
        "age_low": 24.0,
        "age_high": 39.5,
        "age_group": "25_34",
        "alcohol_decision": "ALLOW",
        "reasons": ["CLEARLY_OVER_LEGAL_AGE"],
        "probability_under_legal_age": 0.0021,
        "model_version": 7,
    }
    assert second["photo"] == OTHER


def test_json_without_an_age_has_nulls(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dead model is an answer: look at a document."""
    gateway.behaviour = answer(
        assessment_pb2.Assessment(
            alcohol_decision=assessment_pb2.ALCOHOL_DECISION_VERIFY_ID,
            reasons=[assessment_pb2.DECISION_REASON_MODEL_UNAVAILABLE],
        )
    )
    assert main(["assess", *PATIENTLY, "--json", PHOTO]) == 0
    (only,) = documents(capsys.readouterr().out)
    assert list(only) == KEYS
    assert (only["alcohol_decision"], only["reasons"]) == ("VERIFY_ID", ["MODEL_UNAVAILABLE"])
    for key in ("age_years", "age_low", "age_high", "age_group", "model_version"):
        assert only[key] is None


def test_a_refused_photo_stands_among_the_others(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its reason, nulls for the rest, and exit code 1."""
    refused_photo(gateway)
    assert main(["assess", *PATIENTLY, "--json", PHOTO, OTHER, PHOTO]) == ExitCode.PHOTO_REFUSED
    first, second, third = documents(capsys.readouterr().out)
    assert first["age_years"] == third["age_years"] == 31.4
    assert list(second) == [*KEYS, "error"]
    assert second["error"] == {"reason": "TRUNCATED_PHOTO", "message": "TRUNCATED_PHOTO happened"}
    assert all(second[key] is None for key in KEYS if key != "photo")


def test_the_table_is_aligned(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """Columns stand under their heads, errors in line."""
    refused_photo(gateway)
    assert main(["assess", *PATIENTLY, PHOTO, OTHER]) == ExitCode.PHOTO_REFUSED
    head, first, second = capsys.readouterr().out.splitlines()
    heads = "photo age 90 % within group alcohol P(<18) ms reasons"
    assert head.split() == heads.split()
    for name, cell in [("group", "25-34"), ("alcohol", "ALLOW"), ("reasons", "CLEARLY_OVER")]:
        assert head.index(name) == first.index(cell)
    for name, cell in [("age", "31.4"), ("within", "24.0 to 39.5"), ("P(<18)", "0.21%")]:
        assert head.index(name) + len(name) == first.index(cell) + len(cell)
    assert first.startswith(PHOTO)
    assert second == f"{OTHER}  error: TRUNCATED_PHOTO: TRUNCATED_PHOTO happened"


def test_a_missing_file_is_named_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So is one of two gigabytes, which isn't read."""
    huge = tmp_path / "huge.jpg"
    with huge.open("wb") as file:
        file.truncate(2 * 1024**3)
    photos = [str(tmp_path / "missing.jpg"), str(huge), PHOTO]
    assert main(["assess", *PATIENTLY, "--json", *photos]) == ExitCode.PHOTO_REFUSED
    missing, large, good = documents(capsys.readouterr().out)
    assert missing["error"] == {"reason": "UNREADABLE_FILE", "message": "No such file or directory"}
    assert large["error"]["reason"] == "PHOTO_TOO_LARGE"
    assert good["age_years"] == 31.4


def test_a_gateway_that_is_not_there_is_exit_code_3(
    dead_target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It outweighs a bad photo; `health` says it on standard error."""
    assert main(["assess", "--target", dead_target, PHOTO, "missing"]) == ExitCode.NOT_REACHED
    assert "error: UNAVAILABLE" in capsys.readouterr().out
    assert main(["health", "--target", dead_target]) == ExitCode.NOT_REACHED
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"{dead_target}: UNAVAILABLE")


def test_a_gateway_that_hangs_is_exit_code_3(gateway: FakeGateway) -> None:
    """After --timeout."""
    gateway.behaviour = gateway.hang
    assert main(["assess", "--timeout", "0.2", PHOTO]) == ExitCode.NOT_REACHED


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
        (grpc.StatusCode.INTERNAL, "INTERNAL"),
        (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_MISSING"),
    ],
)
def test_a_gateway_that_would_not_answer_is_exit_code_4(
    gateway: FakeGateway, code: grpc.StatusCode, reason: str
) -> None:
    """It is there, but not for this call."""
    gateway.behaviour = refuse(code, reason)
    assert main(["assess", *PATIENTLY, PHOTO]) == ExitCode.GATEWAY_REFUSED


def test_health_tells_whether_the_gateway_takes_calls(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """In words, and as an exit code."""
    assert main(["health", *PATIENTLY]) == ExitCode.DONE
    gateway.set_health(NOT_SERVING)
    assert main(["health", *PATIENTLY]) == ExitCode.GATEWAY_REFUSED
    serving, not_serving = capsys.readouterr().out.splitlines()
    assert serving == f"{gateway.target}: SERVING"
    assert not_serving == f"{gateway.target}: NOT_SERVING"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["assess"],
        ["guess", PHOTO],
        ["assess", "--target", "nowhere", PHOTO],
        ["assess", "--timeout", "0", PHOTO],
        ["assess", "--timeout", "soon", PHOTO],
    ],
)
def test_a_wrong_command_line_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the usage, and without a traceback."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == ExitCode.USAGE
    assert "usage: agelane" in capsys.readouterr().err


def test_help_tells_all_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the program, and no others."""
    with pytest.raises(SystemExit):
        main(["assess", "--help"])
    assert EXIT_CODES in capsys.readouterr().out
    told = [
        int(word) for line in EXIT_CODES.splitlines() for word in line.split()[:1] if word.isdigit()
    ]
    assert told == list(ExitCode)


def test_a_name_cannot_steer_the_terminal(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither that of a file nor what a gateway says."""
    refused_photo(gateway)
    main(["assess", *PATIENTLY, "no\x1b[2Jsuch\nfile", "\udcff"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith(r"no\x1b[2Jsuch file  error: UNREADABLE_FILE")
    assert lines[2].startswith(r"\udcff")


def test_output_needs_no_special_encoding(tmp_path: Path) -> None:
    """A file may be called anything on a terminal that knows only ASCII."""
    done = subprocess.run(
        [*COMMAND, "assess", str(tmp_path / "Löwe.jpg")],
        capture_output=True,
        text=True,
        env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        check=False,
    )
    assert done.returncode == ExitCode.PHOTO_REFUSED
    assert r"L\xf6we.jpg" in done.stdout
    assert done.stderr == ""


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    """As in `agelane assess ... | head -1`."""
    command = [*COMMAND, "assess", *PATIENTLY, "--json", *[PHOTO] * 500]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        assert json.loads(process.stdout.readline())["age_years"] == 31.4
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == ExitCode.BROKEN_PIPE


def test_ctrl_c_ends_it_quietly(gateway: FakeGateway) -> None:
    """Without a traceback."""
    gateway.behaviour = gateway.hang
    command = [*COMMAND, "assess", *PATIENTLY, PHOTO]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        gateway.called.wait()
        process.send_signal(2)
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait() == ExitCode.INTERRUPTED


def test_the_command_is_installed() -> None:
    """Under its name, with its version."""
    agelane = Path(sys.executable).with_name("agelane")
    done = subprocess.run([agelane, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("agelane 0.")
