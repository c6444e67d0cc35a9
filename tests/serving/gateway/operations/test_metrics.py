"""What Prometheus reads is what happened."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from agelane_serving.gateway.operations.drift import AgeDrift
from agelane_serving.gateway.server import Gateway
from agelane_serving.policy import read_card
from tests.serving.gateway.conftest import Lane, until
from tests.serving.gateway.fake_model_server import FakeModelServer, card


def value(name: str, **labels: str) -> float:
    """Return what a metric says now."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
def grown() -> Callable[..., float]:
    """Return how much a metric has grown since it was first asked about."""
    before: dict[str, float] = {}

    def since(name: str, **labels: str) -> float:
        key = f"{name}{labels}"
        now = value(name, **labels)
        return now - before.setdefault(key, now)

    return since


async def test_answers_and_refusals_are_counted(
    lane: Lane, model: FakeModelServer, grown: Callable[..., float]
) -> None:
    """By decision, reason and version; by what was wrong."""
    allowed = {"decision": "ALLOW", "reason": "CLEARLY_OVER_LEGAL_AGE", "model_version": "3"}
    unavailable = {"decision": "VERIFY_ID", "reason": "MODEL_UNAVAILABLE", "model_version": "0"}
    for labels in (allowed, unavailable):
        grown("agelane_assessments_total", **labels)
    grown("agelane_refused_total", fault="EMPTY_PHOTO")
    for stage in ("all", "queue", "model"):
        grown("agelane_stage_seconds_count", stage=stage)
    await lane.assess()
    await lane.refused(b"")
    model.script = None
    await model.stop()
    await lane.assess()
    assert grown("agelane_assessments_total", **allowed) == 1
    assert grown("agelane_assessments_total", **unavailable) == 1
    assert grown("agelane_refused_total", fault="EMPTY_PHOTO") == 1
    assert grown("agelane_stage_seconds_count", stage="all") == 2
    assert grown("agelane_stage_seconds_count", stage="queue") == 2
    assert grown("agelane_stage_seconds_count", stage="model") == 2


async def test_a_version_without_certificate_shows(
    gateway: Gateway, lane: Lane, model: FakeModelServer
) -> None:
    """It waves nobody through, and the cashiers do all the work."""

    async def is_certified() -> bool:
        return value("agelane_certified") == 1

    async def is_not() -> bool:
        return not await is_certified()

    await until(is_certified)
    assert value("agelane_backend_versions", backend=model.address) == 1
    model.cards[4] = {"schema": 1, "certificates": []}
    model.states[4] = model.states[3]
    await until(is_not)


def test_customers_like_those_of_the_certificate_have_no_drift() -> None:
    """Before 200 of them nothing is said; without shares on the card nothing at all."""
    drift, shares = AgeDrift(), [0.1] * 10
    for number in range(200):
        assert drift.index(shares) is None
        drift.saw(number % 100)
    assert drift.index(shares) == pytest.approx(0, abs=1e-9)
    assert drift.index(()) is None
    for _ in range(2000):
        drift.saw(16.0)
    index = drift.index(shares)
    assert index is not None
    assert index > 1


@given(st.lists(st.floats(0, 100), min_size=200, max_size=400))
def test_the_index_is_never_negative(ages: list[float]) -> None:
    """Whatever ages come."""
    drift = AgeDrift()
    for age in ages:
        drift.saw(age)
    index = drift.index([0.05, 0.1, 0.3, 0.2, 0.1, 0.1, 0.05, 0.05, 0.05, 0.0])
    assert index is not None
    assert index >= 0


@pytest.mark.parametrize(
    "entry", [None, "none", [0.1] * 9, [0.1] * 9 + [True], [0.5] * 10, [-1, 2] + [0] * 8]
)
def test_shares_that_are_none_are_not_believed(entry: object) -> None:
    """Nothing else on the card suffers from it."""
    read = read_card(card() | {"estimated_age_shares": entry})
    assert read.estimated_age_shares == ()
    assert len(read.certificates) == 1
