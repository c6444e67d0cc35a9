"""The examples do what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from agelane_client.testing import FakeGateway, answer, assessment
from tests.client.conftest import SAMPLES

EXAMPLES = Path(__file__).resolve().parents[2] / "client" / "examples"
PHOTO = str(SAMPLES / "collins.jpg")


def run(name: str, *arguments: str, told: str = "") -> list[str]:
    """Run an example; return what it says."""
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_one_photo(gateway: FakeGateway, dead_target: str) -> None:
    """With a gateway, and without."""
    assert run("one_photo.py", PHOTO, gateway.target) == ["ALLOW CLEARLY_OVER_LEGAL_AGE"]
    (said,) = run("one_photo.py", PHOTO, dead_target)
    assert said.startswith("no decision")


def test_a_till(gateway: FakeGateway, dead_target: str, tmp_path: Path) -> None:
    """Without a gateway it asks for documents, and tells its sales the next day."""
    spool = str(tmp_path / "sales.spool")
    day = f"{PHOTO} beer bread\n{PHOTO} bread\n"
    assert run("till.py", spool, dead_target, told=day) == [
        "cashier: look at a document",
        "REFUSED beer bread",
        "SOLD bread",
        "2 sales will be told tomorrow",
    ]
    assert run("till.py", spool, gateway.target, told=day) == ["SOLD beer bread", "SOLD bread"]
    assert [len(sale.basket) for sale in gateway.sales] == [2, 1, 2, 1]
    assert gateway.sales[0].decided_offline


def test_fifty_lanes() -> None:
    """With asyncio and with gevent, through one connection."""
    with FakeGateway(answer(assessment(17.2, "REFUSE"))) as gateway:
        for name in ("fifty_lanes.py", "gevent_lanes.py"):
            assert run(name, PHOTO, gateway.target) == ["{'REFUSE': 200}"]
    assert {request.lane_id for request in gateway.requests} == {f"lane-{it}" for it in range(50)}
