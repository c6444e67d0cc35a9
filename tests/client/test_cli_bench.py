"""The command `agelane bench`, as people and scripts meet it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane.v1 import assessment_pb2
from agelane_client.cli.arguments import ExitCode
from agelane_client.cli.load import percentile
from agelane_client.cli.main import main
from agelane_client.testing import FakeGateway, answer, fail, in_turn, refuse
from tests.client.command import COMMAND, PATIENTLY, agelane, exit_of
from tests.client.conftest import SAMPLES

PHOTO = str(SAMPLES / "collins.jpg")
BENCH = ["bench", *PATIENTLY, "--seconds", "0.3", "--warm-up", "0"]


@pytest.fixture(autouse=True)
def _target(monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway) -> None:
    """Let the command find the fake gateway without a flag."""
    monkeypatch.setenv("AGELANE_TARGET", gateway.target)


def measured(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the one JSON object that was printed."""
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_json_has_what_was_measured(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str], photo: bytes
) -> None:
    """Every call that was made, and how long they took."""
    told = ["--threads", "2", "--store", "s", "--lane", "3", "--json", PHOTO]
    assert main([*BENCH, *told]) == ExitCode.DONE
    document = measured(capsys)
    calls = document["calls"]
    assert calls == document["answered"] == len(gateway.requests) > 0
    assert document["decisions"] == {"ALLOW": calls}
    assert document["errors"] == {}
    assert (document["target"], document["loop"], document["threads"]) == (
        gateway.target,
        "closed",
        2,
    )
    latency = document["latency_ms"]
    assert list(latency) == ["p50", "p90", "p99", "max"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"]
    assert document["answered_per_second"] == pytest.approx(calls / document["seconds"], rel=0.05)
    assert document["seconds"] >= 0.3
    request = gateway.requests[0]
    assert (request.photo, request.store_id, request.lane_id) == (photo, "s", "3")


def test_the_warm_up_does_not_count(
    gateway: FakeGateway,
    assessment: assessment_pb2.Assessment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """However badly its first call went."""
    broken = fail(grpc.StatusCode.INTERNAL)
    gateway.behaviour = in_turn(broken, answer(assessment))
    assert main([*BENCH, "--warm-up", "0.3", "--json", PHOTO, "--threads", "1"]) == ExitCode.DONE
    document = measured(capsys)
    assert document["errors"] == {}
    assert 0 < document["calls"] < len(gateway.requests)


def test_threads_call_at_once(gateway: FakeGateway, assessment: assessment_pb2.Assessment) -> None:
    """None is answered before three have come."""
    together = threading.Barrier(3)
    usual = answer(assessment)

    def behave(request: Any, context: Any) -> assessment_pb2.Assessment:
        together.wait(30)
        return usual(request, context)

    gateway.behaviour = behave
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agelane_client.cli.load._lane", once)
        assert main([*BENCH, "--threads", "3", PHOTO]) == ExitCode.DONE


def once(call: Any, begin: float, seconds: float, stop: threading.Event, tally: Any) -> None:
    """Call once."""
    tally.decisions[call().alcohol_decision] += 1
    tally.latencies.append(1.0)
    tally.seconds = 1.0


@pytest.mark.parametrize(
    ("code", "reason", "exit_code"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", ExitCode.GATEWAY_REFUSED),
        (grpc.StatusCode.INVALID_ARGUMENT, "NOT_A_PHOTO", ExitCode.PHOTO_REFUSED),
    ],
)
def test_errors_are_counted_by_kind(
    gateway: FakeGateway,
    capsys: pytest.CaptureFixture[str],
    code: grpc.StatusCode,
    reason: str,
    exit_code: ExitCode,
) -> None:
    """They end nothing, and a thread catches its breath after each."""
    gateway.behaviour = in_turn(gateway.behaviour, refuse(code, reason))
    assert main([*BENCH, "--json", "--threads", "1", PHOTO]) == exit_code
    document = measured(capsys)
    assert document["answered"] == 1
    assert list(document["errors"]) == [reason]
    assert document["errors"][reason] == document["calls"] - 1 <= 4
    main([*BENCH, "--threads", "1", PHOTO])
    assert f"errors     {reason} " in capsys.readouterr().out


def test_a_gateway_that_is_not_there_has_no_latencies(
    dead_target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And no rate: nulls, and exit code 3."""
    away = [*BENCH, "--target", dead_target, PHOTO]
    assert main([*away, "--json"]) == ExitCode.NOT_REACHED
    document = measured(capsys)
    assert document["latency_ms"] == {"p50": None, "p90": None, "p99": None, "max": None}
    assert document["answered_per_second"] == 0
    assert set(document["errors"]) <= {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
    assert main(away) == ExitCode.NOT_REACHED
    assert "latency" not in capsys.readouterr().out


def test_calls_that_never_begin_are_exit_code_3(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """The warm-up was waited out by a call that hung."""
    gateway.behaviour = gateway.hang
    hung = ["bench", "--timeout", "0.5", "--warm-up", "0.1", "--seconds", "0.1", PHOTO]
    assert main([*hung, "--json"]) == ExitCode.NOT_REACHED
    document = measured(capsys)
    assert (document["calls"], document["answered_per_second"]) == (0, None)


def test_people_read_that_it_is_no_load_test(capsys: pytest.CaptureFixture[str]) -> None:
    """In the output as in the help."""
    assert main([*BENCH, PHOTO]) == ExitCode.DONE
    told = capsys.readouterr().out
    assert "closed loop" in told
    assert "nothing about overload" in told
    for word in ("answered", "latency    p50 ", "p99", "decisions  ALLOW "):
        assert word in told
    with pytest.raises(SystemExit):
        main(["bench", "--help"])
    assert "closed loop" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["missing.jpg"], ExitCode.PHOTO_REFUSED),
        ([str(SAMPLES)], ExitCode.USAGE),
        (["--threads", "0", PHOTO], ExitCode.USAGE),
        (["--threads", "257", PHOTO], ExitCode.USAGE),
        (["--seconds", "0", PHOTO], ExitCode.USAGE),
        (["--seconds", "nan", PHOTO], ExitCode.USAGE),
        (["--warm-up", "-1", PHOTO], ExitCode.USAGE),
        ([PHOTO, PHOTO], ExitCode.USAGE),
        ([], ExitCode.USAGE),
    ],
)
def test_without_one_photo_nothing_is_called(
    gateway: FakeGateway, arguments: list[str], exit_code: ExitCode
) -> None:
    """Nor with numbers that are none."""
    assert exit_of(*BENCH, *arguments) == exit_code
    assert gateway.requests == []


def test_the_photo_may_come_on_standard_input(gateway: FakeGateway, photo: bytes) -> None:
    """And is the same in every call."""
    done = agelane(*BENCH, "-", input=photo)
    assert done.returncode == ExitCode.DONE
    assert {request.photo for request in gateway.requests} == {photo}


def test_ctrl_c_ends_it_quietly(gateway: FakeGateway) -> None:
    """In the midst of calls."""
    command = [*COMMAND, "bench", *PATIENTLY, "--seconds", "60", PHOTO]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        gateway.called.wait()
        process.send_signal(2)
        assert process.communicate(timeout=30) == (b"", b"")
        assert process.returncode == ExitCode.INTERRUPTED


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_covers_as_many(
    values: list[float], percent: int
) -> None:
    """By counting; of all it is the largest."""
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert found is not None
    counts = Counter(values)
    covered = sum(count for value, count in counts.items() if value <= found)
    below = sum(count for value, count in counts.items() if value < found)
    assert 100 * covered >= percent * len(values) > 100 * below
    assert percentile(ordered, 100) == max(values)
    assert percentile([], percent) is None
