"""A server that fails is left alone for a while, and not for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.gateway.errors import ModelSlow, ModelUnavailable
from agelane_serving.gateway.model import breaker as module
from agelane_serving.gateway.model.breaker import Breaker, BreakerState


class Clock:
    """A clock that stands still until told otherwise."""

    now = 1000.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The breaker's clock."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def fail(breaker: Breaker, error: BaseException, seconds: float = 1.0) -> None:
    """Let one call fail."""
    with pytest.raises(type(error)), breaker.watches(seconds):
        raise error


def open_it(breaker: Breaker) -> None:
    """Let calls fail until none passes."""
    for _ in range(8):
        assert breaker.allows()
        fail(breaker, ModelUnavailable("INTERNAL"))
    assert not breaker.allows()


def test_it_opens_after_eight_failures_in_a_row(clock: Clock) -> None:
    """A success in between starts the count anew."""
    breaker = Breaker()
    for _ in range(7):
        fail(breaker, ModelUnavailable("INTERNAL"))
    with breaker.watches(1.0):
        pass
    open_it(breaker)
    assert breaker.state is BreakerState.OPEN


def test_after_a_pause_one_call_tries_and_its_success_lets_all_pass(clock: Clock) -> None:
    """Meanwhile no other does."""
    breaker = Breaker()
    open_it(breaker)
    clock.now += 0.5
    assert breaker.allows()
    states = []
    with breaker.watches(1.0):
        states.append(breaker.state)
        assert not breaker.allows()
    states.append(breaker.state)
    assert states == [BreakerState.HALF_OPEN, BreakerState.CLOSED]


def test_pauses_grow_to_five_seconds(clock: Clock) -> None:
    """And no further: it is found within seconds when the server is back."""
    breaker = Breaker()
    open_it(breaker)
    for pause in (0.5, 1.0, 2.0, 4.0, 5.0, 5.0):
        clock.now += pause - 0.01
        assert not breaker.allows()
        clock.now += 0.02
        assert breaker.allows()
        fail(breaker, ModelUnavailable("INTERNAL"))


def test_a_caller_in_a_hurry_does_not_make_a_server_slow(clock: Clock) -> None:
    """One who gave it time does."""
    breaker = Breaker()
    for _ in range(100):
        fail(breaker, ModelSlow("DEADLINE_EXCEEDED"), seconds=0.02)
    assert breaker.allows()
    for _ in range(8):
        fail(breaker, ModelSlow("DEADLINE_EXCEEDED"), seconds=0.9)
    assert not breaker.allows()


@given(
    st.lists(
        st.tuples(st.sampled_from(["ok", "bad", "slow", "hurry", "left"]), st.floats(0, 6)),
        max_size=60,
    )
)
def test_it_never_stays_shut(events: list[tuple[str, float]]) -> None:
    """Whatever happened, five seconds later a call may pass, and a success closes it."""
    clock, breaker = Clock(), Breaker()
    errors = {
        "bad": (ModelUnavailable("INTERNAL"), 1.0),
        "slow": (ModelSlow("DEADLINE_EXCEEDED"), 1.0),
        "hurry": (ModelSlow("DEADLINE_EXCEEDED"), 0.01),
        "left": (KeyboardInterrupt(), 1.0),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "time", clock)
        for kind, pause in events:
            clock.now += pause
            if breaker.allows():
                if kind == "ok":
                    with breaker.watches(1.0):
                        pass
                else:
                    fail(breaker, *errors[kind])
        clock.now += 5.01
        assert breaker.allows()
        with breaker.watches(1.0):
            pass
        assert breaker.state is BreakerState.CLOSED
