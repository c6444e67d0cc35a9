"""The synchronous client under gevent, as Locust uses it."""

from __future__ import annotations

import subprocess
import sys
import threading
from importlib.util import find_spec
from typing import Any

import pytest

from agelane.v1 import assessment_pb2
from agelane_client.testing import FakeGateway

pytestmark = pytest.mark.skipif(find_spec("gevent") is None, reason="gevent is not installed")

CALLS = 8
SCRIPT = """
import sys
from gevent import monkey; monkey.patch_all()
import gevent, gevent.pool
from grpc.experimental.gevent import init_gevent; init_gevent()
from agelane_client import Client
with Client(sys.argv[1], timeout=30) as client:
    answers = gevent.pool.Group().map(client.assess, [b"photo"] * int(sys.argv[2]))
    print(len({answer.request_id for answer in answers}))
"""


def test_greenlets_call_at_the_same_time(gateway: FakeGateway) -> None:
    """The gateway answers none before all have called, so one after the other would never end."""
    barrier = threading.Barrier(CALLS)

    def behave(request: Any, _: Any) -> assessment_pb2.Assessment:
        barrier.wait(timeout=60)
        return assessment_pb2.Assessment(request_id=request.request_id)

    gateway.behaviour = behave
    command = [sys.executable, "-c", SCRIPT, gateway.target, str(CALLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == (f"{CALLS}\n", 0), done.stderr
