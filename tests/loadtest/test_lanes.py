"""Short runs of the load test against a fake gateway: Locust, its driver, and the judgement."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import grpc
import pytest
from PIL import Image

from agelane.v1 import assessment_pb2
from agelane_client.testing import FakeGateway, answer, in_turn, refuse

# To import Locust here would make this process gevent's, gateway and all.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="Locust is not installed")

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "docs" / "samples"


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the load test; its reports go to `folder`."""
    command = [sys.executable, "-m", "loadtest", *map(str, arguments)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def load(
    gateway: FakeGateway, folder: Path, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """Load a gateway from twenty lanes for two seconds; a busy machine may be slow."""
    patient = ("--p99-ms", "5000", "--p99-9-ms", "5000")
    brief = ("--lanes", "20", "--warm-up", "1", "--seconds", "2", "--rate", "1", *patient)
    return run(folder, "--target", gateway.target, *brief, *arguments)


def test_customers_come_to_lanes_and_the_run_is_judged(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    """Each lane under its own name, all good samples, a page, a table, and figures."""
    done = load(gateway, tmp_path)
    assert "20 lanes" in done.stdout, done.stderr
    lanes = {request.lane_id for request in gateway.requests}
    assert 5 < len(lanes) <= 20
    assert lanes <= {f"lane-{number}" for number in range(20)}
    good = {it.read_bytes() for it in SAMPLES.glob("*.jpg") if it.name != "broken.jpg"}
    assert {request.photo for request in gateway.requests} == good
    figures = json.loads((tmp_path / "reports" / "capacity.json").read_text())
    # A busy machine may make the driver late, which it must say.
    assert figures["lanes_target"] == (20 if done.returncode == 0 else 0)
    assert ("holds" in done.stdout) == (done.returncode == 0)
    assert done.returncode == 0 or "INVALID" in done.stdout
    assert (tmp_path / "reports" / "capacity.csv").read_text().count("\n") == 2
    page = (tmp_path / "reports" / "capacity.html").read_text()
    assert "<svg" in page
    assert not re.search(r"(src|href)\W*http|url\(\W*http|@import|<script", page)


def test_failed_calls_and_answers_without_an_age_fail_the_run(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    """Photos may be one's own, and no byte of them is shown."""
    no_age = answer(
        assessment_pb2.Assessment(reasons=[assessment_pb2.DECISION_REASON_MODEL_UNAVAILABLE])
    )
    fault = refuse(grpc.StatusCode.INTERNAL, "INTERNAL")
    gateway.behaviour = in_turn(*[gateway.behaviour] * 150, no_age, fault, no_age)
    (tmp_path / "own.PNG").write_bytes(b"own photo")
    done = load(gateway, tmp_path, "--photos", tmp_path, "--rate", "5")
    assert done.returncode == 1
    assert "failed" in done.stdout or "INVALID" in done.stdout
    assert "own photo" not in done.stdout + done.stderr
    assert {request.photo for request in gateway.requests} == {b"own photo"}


def test_a_gateway_that_goes_away_fails_the_run(gateway: FakeGateway, tmp_path: Path) -> None:
    """What was not answered is counted, and never dropped."""

    def stop_when_busy() -> None:
        while len(gateway.requests) < 100:
            time.sleep(0.05)
        gateway.stop()

    stopping = threading.Thread(target=stop_when_busy)
    stopping.start()
    done = load(gateway, tmp_path, "--seconds", "6", "--rate", "3")
    stopping.join()
    assert done.returncode == 1
    assert " failed" in done.stdout or "INVALID" in done.stdout
    calls, failed = counted(tmp_path)
    answered = calls - failed
    assert failed > 0
    assert answered >= 0


def test_several_workers_add_up(gateway: FakeGateway, tmp_path: Path) -> None:
    """What Locust's workers measured comes to their master."""
    done = load(gateway, tmp_path, "--workers", "2", "--rate", "3")
    assert "20 lanes" in done.stdout, done.stderr
    calls, _ = counted(tmp_path)
    assert 60 < calls < 240


def test_photos_may_have_mixed_sizes(gateway: FakeGateway, tmp_path: Path) -> None:
    """Most are small, some are what a camera with many pixels sends."""
    load(gateway, tmp_path, "--mixed-sizes", "--rate", "4")
    sides = Counter(max(Image.open(BytesIO(it.photo)).size) for it in gateway.requests)
    assert set(sides) == {320, 640, 1280}
    assert sides[320] > sides[640] > sides[1280]


def test_sales_follow(gateway: FakeGateway, tmp_path: Path) -> None:
    """Some customers buy, at the lane where they were photographed."""
    load(gateway, tmp_path, "--sales-share", "1", "--rate", "2")
    assert gateway.sales
    assert all(sale.basket for sale in gateway.sales)


def test_without_photos_nothing_is_measured(gateway: FakeGateway, tmp_path: Path) -> None:
    """The command says so before it begins."""
    for folder in (tmp_path, tmp_path / "missing"):
        done = load(gateway, tmp_path, "--photos", folder)
        assert done.returncode == 2
        assert str(folder) in done.stderr


def test_without_a_gateway_nothing_is_measured(tmp_path: Path) -> None:
    """The command says so, and how to start one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        done = run(tmp_path, "--target", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 3
    assert "make serve" in done.stderr


def counted(folder: Path) -> tuple[int, int]:
    """Return the calls of the only trial, and how many of them failed."""
    head, row = (folder / "reports" / "capacity.csv").read_text().splitlines()
    cells: dict[str, Any] = dict(zip(head.split(","), row.split(","), strict=True))
    return int(cells["calls"]), int(cells["failed"])
