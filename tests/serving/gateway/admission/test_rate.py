"""A lane may call so often, and others don't suffer for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.gateway.admission import rate
from agelane_serving.gateway.admission.rate import RateLimit
from agelane_serving.gateway.errors import CallError, Fault


class Clock:
    """A clock that stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the rate limit."""
    clock = Clock()
    monkeypatch.setattr(rate, "time", clock)
    return clock


def test_a_burst_is_allowed_and_then_the_rate(clock: Clock) -> None:
    """And the refusal says when the next call may come."""
    limit = RateLimit(2.0, burst=3)
    for _ in range(3):
        limit.check("a")
    with pytest.raises(CallError) as caught:
        limit.check("a")
    assert caught.value.fault is Fault.RATE_LIMITED
    assert caught.value.retry_seconds == pytest.approx(0.5)
    limit.check("b")
    clock.now += 0.5
    limit.check("a")


@given(st.lists(st.floats(0, 2), max_size=60))
def test_no_lane_ever_gets_more_than_burst_and_rate(gaps: list[float]) -> None:
    """However it spreads its calls."""
    clock, limit = Clock(), RateLimit(3.0, burst=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rate, "time", clock)
        passed, began = 0, clock.now
        for gap in gaps:
            clock.now += gap
            try:
                limit.check("a")
                passed += 1
            except CallError:
                continue
            assert passed <= 4 + 3.0 * (clock.now - began) + 1e-6


def test_lanes_without_number_take_no_memory_without_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names made up for each call, for example."""
    monkeypatch.setattr(rate, "_MOST_LANES", 5)
    limit = RateLimit(1.0, burst=1)
    for number in range(50):
        limit.check(str(number))
    assert len(limit._buckets) == 5
