"""A fake gateway for lanes to call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agelane.v1 import assessment_pb2
from agelane_client.testing import FakeGateway, answer


@pytest.fixture(name="gateway")
def gateway_fixture() -> Iterator[FakeGateway]:
    """A gateway that takes everybody for thirty."""
    gateway = FakeGateway(answer(assessment_pb2.Assessment(age_years=30)))
    yield gateway
    gateway.stop()
