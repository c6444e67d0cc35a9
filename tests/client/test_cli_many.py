"""Many photos on the command line: several in flight, and how far they are."""

from __future__ import annotations

import io
import json
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane.v1 import assessment_pb2, checkout_pb2
from agelane_client.cli.arguments import ExitCode
from agelane_client.cli.main import main
from agelane_client.cli.progress import Progress, progress_line
from agelane_client.testing import FakeGateway, answer, refuse
from tests.client.command import PATIENTLY, agelane, documents
from tests.client.conftest import SAMPLES

PHOTO = str(SAMPLES / "collins.jpg")
ASSESS = ["assess", *PATIENTLY]


@pytest.fixture(autouse=True)
def _target(monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway) -> None:
    """Let the command find the fake gateway without a flag."""
    monkeypatch.setenv("AGELANE_TARGET", gateway.target)


@pytest.fixture(name="many")
def many_fixture(tmp_path: Path, photo: bytes) -> Path:
    """A folder with three photos."""
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(photo)
    return tmp_path


def test_several_are_in_flight_and_come_in_order(
    gateway: FakeGateway, assessment: assessment_pb2.Assessment, many: Path
) -> None:
    """All three have to be there before any is answered, the last one first."""
    together = threading.Barrier(3)
    usual = answer(assessment)

    def behave(request: checkout_pb2.AssessCustomerRequest, context: Any) -> Any:
        together.wait(30)
        time.sleep(0.05 * (2 - together.n_waiting))
        return usual(request, context)

    gateway.behaviour = behave
    done = agelane(*ASSESS, "--json", "--jobs", "3", str(many))
    assert done.returncode == ExitCode.DONE
    names = [Path(document["photo"]).name for document in documents(done.stdout)]
    assert names == ["0.jpg", "1.jpg", "2.jpg"]


def test_one_of_several_in_flight_may_fail(gateway: FakeGateway, many: Path) -> None:
    """Then the worst counts."""
    gateway.behaviour = refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert main([*ASSESS, "--jobs", "2", str(many), "missing"]) == ExitCode.GATEWAY_REFUSED


class Terminal(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.mark.parametrize("is_shared", [False, True])
def test_many_photos_show_progress_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, photo: bytes, is_shared: bool
) -> None:
    """On one line, which makes way for the others and is gone in the end."""
    for number in range(12):
        (tmp_path / f"{number}.jpg").write_bytes(photo)
    terminal = Terminal()
    monkeypatch.setattr("agelane_client.cli.progress._PAUSE", 0.0)
    monkeypatch.setattr("sys.stderr", terminal)
    if is_shared:
        monkeypatch.setattr("sys.stdout", terminal)
    assert main([*ASSESS, "--json", str(tmp_path), "missing"]) == ExitCode.PHOTO_REFUSED
    shown = terminal.getvalue()
    assert "\r1 of 13 photos, " in shown
    assert ", 1 without an answer" in shown
    seen = [line.split("\r")[-1] for line in shown.split("\n")]
    assert seen.pop() == ""
    assert len(seen) == (13 if is_shared else 0)
    assert all(json.loads(line) for line in seen)


def test_few_photos_and_other_outputs_show_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log would be full of it."""
    assert main([*ASSESS, *[PHOTO] * 12]) == ExitCode.DONE
    assert capsys.readouterr().err == ""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert main([*ASSESS, *[PHOTO] * 3]) == ExitCode.DONE
    assert terminal.getvalue() == ""


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 1e9))
def test_progress_can_always_be_told(done: int, left: int, seconds: float) -> None:
    """From the first photo to the last."""
    line = progress_line(done, 0, done + left, seconds)
    assert line.startswith(f"{done} of {done + left} photos, ")
    assert "without" not in line


def test_a_line_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not be cleared."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr("agelane_client.cli.progress._PAUSE", 0.0)
    with Progress(1000) as progress:
        progress.show(500, 3)
    assert max(map(len, terminal.getvalue().split("\r"))) < 20
