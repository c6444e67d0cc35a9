"""Short runs of the load test against a fake gateway."""

from __future__ import annotations

import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import grpc
import pytest

from agelane.v1 import assessment_pb2
from agelane_client.testing import FakeGateway, answer, in_turn, refuse

# To import Locust here would make this process gevent's, gateway and all.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="Locust is not installed")

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "docs" / "samples"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run Python with `arguments` from the root of the repository."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)


def load(gateway: FakeGateway, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Load `gateway` from two lanes for two seconds."""
    brief = ("--lanes", "2", "--seconds", "2", "--pause", "0.05")
    return run("-m", "loadtest", "--target", gateway.target, *brief, *arguments)


def test_lanes_photograph_customers_and_the_run_is_reported(gateway: FakeGateway) -> None:
    """Throughput, percentiles and no failure; each lane under its own name, all good samples."""
    done = load(gateway)
    report = done.stdout + done.stderr
    assert done.returncode == 0, report.decode()
    for words in (b"AssessCustomer", b"0(0.00%)", b"req/s", b"99.9%"):
        assert words in report
    assert {request.lane_id for request in gateway.requests} == {"lane-1", "lane-2"}
    good = {it.read_bytes() for it in SAMPLES.glob("*.jpg") if it.name != "broken.jpg"}
    assert {request.photo for request in gateway.requests} == good


def test_failed_calls_and_answers_without_an_age_fail_the_run(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    """Each is reported by its reason, without a byte of a photo; photos may be one's own."""
    no_age = answer(
        assessment_pb2.Assessment(reasons=[assessment_pb2.DECISION_REASON_MODEL_UNAVAILABLE])
    )
    fault = refuse(grpc.StatusCode.INTERNAL, "INTERNAL")
    gateway.behaviour = in_turn(no_age, fault, gateway.behaviour)
    (tmp_path / "own.PNG").write_bytes(b"own photo")
    done = load(gateway, "--photos", tmp_path)
    report = done.stdout + done.stderr
    assert done.returncode == 1
    assert b"MODEL_UNAVAILABLE" in report
    assert b"INTERNAL happened" in report
    assert b"own photo" not in report
    assert {request.photo for request in gateway.requests} == {b"own photo"}


def test_without_photos_nothing_is_measured(gateway: FakeGateway, tmp_path: Path) -> None:
    """The command says so before it begins."""
    for folder in (tmp_path, tmp_path / "missing"):
        done = load(gateway, "--photos", folder)
        assert done.returncode == 2
        assert str(folder).encode() in done.stderr


def test_without_a_gateway_nothing_is_measured() -> None:
    """The command says so, and how to start one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        done = run("-m", "loadtest", "--target", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 3
    assert b"make serve" in done.stderr
