"""In overload as many calls as possible are answered in time, fairly, and the rest are told so."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agelane_serving.gateway.admission.queue import AdmissionQueue, Limits
from agelane_serving.gateway.admission.window import Window
from agelane_serving.gateway.deadline import Deadline
from agelane_serving.gateway.errors import CallError, Fault


def within(seconds: float) -> Deadline:
    """Return a deadline from now."""
    return Deadline(time.monotonic() + seconds)


async def work(queue: AdmissionQueue, lane: str, seconds: float, deadline: float = 5.0) -> str:
    """Get a place, keep it for a while, and return whose it was."""
    async with queue.place(lane, within(deadline)):
        await asyncio.sleep(seconds)
    return lane


async def settled() -> None:
    """Let tasks come to where they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


def assert_empty(queue: AdmissionQueue) -> None:
    """Check that nobody holds or awaits a place."""
    assert (queue.in_flight, queue.waiting) == (0, 0)


async def test_no_more_than_the_limit_are_in_flight_and_all_others_follow() -> None:
    """One after the other, as places come free."""
    queue = AdmissionQueue(Limits(in_flight=2, waiting=10, waiting_per_lane=10))
    tasks = [asyncio.create_task(work(queue, "a", 0.01)) for _ in range(9)]
    await settled()
    assert (queue.in_flight, queue.waiting) == (2, 7)
    assert await asyncio.gather(*tasks) == ["a"] * 9
    assert_empty(queue)


async def test_lanes_take_turns_whoever_sends_most() -> None:
    """A lane with one call does not wait for all calls of another."""
    queue = AdmissionQueue(Limits(in_flight=1, waiting=100, waiting_per_lane=50))
    order: list[str] = []

    async def one(lane: str) -> None:
        order.append(await work(queue, lane, 0.001))

    tasks = [asyncio.create_task(one(lane)) for lane in ["greedy"] * 20 + ["b", "c"]]
    await asyncio.gather(*tasks)
    assert {"b", "c"} < set(order[:6])


@pytest.mark.parametrize(
    "limits",
    [
        Limits(in_flight=1, waiting=2, waiting_per_lane=9),
        Limits(in_flight=1, waiting=9, waiting_per_lane=2),
    ],
)
async def test_a_full_queue_refuses_at_once_and_says_when_to_come_again(limits: Limits) -> None:
    """Whether it is full for everybody or for this lane."""
    queue = AdmissionQueue(limits)
    tasks = [asyncio.create_task(work(queue, "a", 0.05)) for _ in range(3)]
    await settled()
    began = time.monotonic()
    with pytest.raises(CallError) as caught:
        await work(queue, "a", 0)
    assert time.monotonic() - began < 0.02
    assert caught.value.fault is Fault.OVERLOADED
    assert caught.value.retry_seconds is not None
    assert 0.1 <= caught.value.retry_seconds <= 5
    await asyncio.gather(*tasks)
    assert_empty(queue)


async def test_who_would_be_answered_too_late_is_refused_before_waiting() -> None:
    """Once it is known how fast answers come: here one in 20 ms."""
    queue = AdmissionQueue(Limits(in_flight=1, waiting=50, waiting_per_lane=50))
    await asyncio.gather(*[work(queue, "a", 0.02) for _ in range(10)])
    tasks = [asyncio.create_task(work(queue, "a", 0.02)) for _ in range(10)]
    await settled()
    began = time.monotonic()
    with pytest.raises(CallError):
        await work(queue, "a", 0.02, deadline=0.1)
    assert time.monotonic() - began < 0.02
    assert await work(queue, "a", 0.02, deadline=4) == "a"
    await asyncio.gather(*tasks)


async def test_a_model_that_was_slow_gets_its_calls_back() -> None:
    """What was learnt in bad times does not keep calls away in good ones."""
    queue = AdmissionQueue(Limits(in_flight=4, waiting=50, waiting_per_lane=50))
    await asyncio.gather(*[work(queue, "a", 0.7) for _ in range(8)])
    answered = 0
    for _ in range(100):
        burst = [work(queue, "a", 0.002, deadline=0.2) for _ in range(8)]
        done = await asyncio.gather(*burst, return_exceptions=True)
        answered = sum(result == "a" for result in done)
    assert answered == 8


async def test_who_waits_in_vain_is_told_by_the_deadline() -> None:
    """Nobody waits for a model that hangs."""
    queue = AdmissionQueue(Limits(in_flight=1))
    hanging = asyncio.create_task(work(queue, "a", 9))
    await settled()
    began = time.monotonic()
    with pytest.raises(CallError):
        await work(queue, "b", 0, deadline=0.05)
    assert 0.04 < time.monotonic() - began < 0.5
    hanging.cancel()
    await settled()
    assert_empty(queue)


async def test_a_failed_call_gives_its_place_back() -> None:
    """And its time is not taken for that of an answer."""
    queue = AdmissionQueue(Limits(in_flight=1))
    with pytest.raises(RuntimeError):
        async with queue.place("a", within(1)):
            raise RuntimeError
    assert await work(queue, "a", 0) == "a"
    assert_empty(queue)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.floats(0, 0.004), st.floats(0, 0.01), st.floats(0, 0.006)
        ),
        max_size=30,
    ),
    st.integers(1, 3),
)
def test_no_place_is_ever_lost(calls: list[tuple[str, float, float, float]], places: int) -> None:
    """Whoever is answered, refused, too late, or leaves at any moment."""

    async def run() -> None:
        queue = AdmissionQueue(Limits(in_flight=places, waiting=8, waiting_per_lane=3))
        most = 0

        async def one(lane: str, seconds: float, deadline: float) -> None:
            nonlocal most
            async with queue.place(lane, within(deadline)):
                most = max(most, queue.in_flight)
                await asyncio.sleep(seconds)

        tasks = [(asyncio.create_task(one(*call[:3])), call[3]) for call in calls]
        for number, (task, leave_after) in enumerate(tasks):
            if number % 3 == 0:
                asyncio.get_running_loop().call_later(leave_after, task.cancel)
        await asyncio.wait_for(
            asyncio.gather(*[task for task, _ in tasks], return_exceptions=True), 5
        )
        assert_empty(queue)
        assert most <= places

    asyncio.run(run())


async def test_a_reconnect_storm_starves_nobody() -> None:
    """A thousand lanes come at once and come again as they are told: all are served."""
    queue = AdmissionQueue(Limits(in_flight=8, waiting=64, waiting_per_lane=2))
    served: Counter[str] = Counter()

    async def lane(name: str) -> None:
        while True:
            try:
                served[await work(queue, name, 0.002, deadline=1.0)] += 1
                return
            except CallError as error:
                await asyncio.sleep(error.retry_seconds or 0)

    async with asyncio.timeout(60):
        await asyncio.gather(*[lane(str(number)) for number in range(1000)])
    assert len(served) == 1000
    assert_empty(queue)


@pytest.mark.parametrize("name", ["in_flight", "waiting", "waiting_per_lane"])
def test_limits_that_admit_nobody_are_refused(name: str) -> None:
    """By name."""
    with pytest.raises(ValueError, match=name):
        Limits(**{name: 0})


def test_a_model_that_takes_its_time_is_not_taken_for_overloaded() -> None:
    """Twice its own pace is slow, half a second is not."""
    window = Window(256)
    window.asked(0.9)
    for _ in range(50):
        window.ended(0.5, answered=True, full=True)
    assert window.calls == 66
    window.ended(1.2, answered=True, full=True)
    assert window.calls == 52


@pytest.mark.parametrize(
    ("deadline", "quick", "slow"),
    [(0.0, 0.59, 0.61), (0.9, 0.59, 0.61), (1.5, 0.89, 0.91), (5.0, 1.19, 1.21)],
)
def test_who_gives_more_time_gets_a_larger_window(
    deadline: float, quick: float, slow: float
) -> None:
    """The shortest deadline counts, within bounds, until it is long ago."""
    window = Window(256)
    window.ended(0.1, answered=True, full=False)
    for each in [5.0, deadline, 5.0]:
        window.asked(each)
    window.ended(quick, answered=True, full=True)
    assert window.calls == 17
    window.ended(slow, answered=True, full=True)
    assert window.calls == 13
    for _ in range(500):
        window.asked(5.0)
    window.ended(1.1, answered=True, full=True)
    assert window.calls == 14


def test_a_rush_after_a_quiet_time_is_not_refused_for_old_times_sake() -> None:
    """The first answer to a burst says how long one takes, not how many come a second."""

    async def run() -> int:
        queue = AdmissionQueue(Limits(waiting_per_lane=50))
        answered = 0
        for _ in range(3):
            rush = [work(queue, str(lane), 0.06, deadline=0.9) for lane in range(40)]
            done = await asyncio.gather(*rush, return_exceptions=True)
            answered += sum(isinstance(result, str) for result in done)
        return answered

    assert asyncio.run(run()) == 120


async def test_the_first_answer_of_a_batch_does_not_tell_the_pace() -> None:
    """The others come with it; who comes between them is not turned away."""
    queue = AdmissionQueue(Limits(in_flight=6))
    batch = [asyncio.create_task(work(queue, "a", seconds)) for seconds in [0.2] + [0.25] * 5]
    await batch[0]
    assert await work(queue, "b", 0.01, deadline=1.0) == "b"
    await asyncio.gather(*batch)
