"""Customers come when they come, and what is measured is what was."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.capacity.search import Objective, Trial, most_lanes
from loadtest.open_loop.arrivals import Stage, Traffic, arrivals
from loadtest.open_loop.driver import Driver
from loadtest.open_loop.shapes import shape_names, traffic_of
from loadtest.open_loop.tally import Tally


def moments(rate: float, seconds: float, seed: int = 1) -> list[float]:
    """Return the moments at which customers come at a rate that stays."""
    comes = arrivals(lambda _: rate, seconds, random.Random(seed))
    return [moment for moment, is_customer in comes if is_customer]


def test_customers_come_at_their_rate_and_by_chance() -> None:
    """Gaps have the mean and the scatter of a Poisson process's, however rarely one comes."""
    for rate, seconds in ((500.0, 40.0), (3.0, 7_000.0)):
        came = moments(rate, seconds)
        assert len(came) == pytest.approx(rate * seconds, rel=0.03)
        gaps = [after - before for before, after in itertools.pairwise(came)]
        mean = sum(gaps) / len(gaps)
        spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
        assert spread / mean == pytest.approx(1, abs=0.03)
        # Memoryless: of those that last a step, as many last another one.
        share = sum(gap > 2 / rate for gap in gaps) / sum(gap > 1 / rate for gap in gaps)
        assert share == pytest.approx(math.exp(-1), abs=0.02)


@given(st.floats(0, 50), st.floats(0.1, 20), st.integers(0, 5))
def test_moments_rise_and_end(rate: float, seconds: float, seed: int) -> None:
    """Whatever the rate."""
    came = [moment for moment, _ in arrivals(lambda _: rate, seconds, random.Random(seed))]
    assert came == sorted(came)
    assert all(0 < moment < seconds for moment in came)


def test_traffic_goes_evenly_from_level_to_level() -> None:
    """And fills its time."""
    traffic = Traffic((Stage(1, 0.0, 2.0), Stage(3, 1.0, 1.0)), 8.0)
    assert [traffic.at(moment) for moment in (0.0, 1.0, 1.999, 2.0, 8.0, 9.0)] == pytest.approx(
        [0.0, 1.0, 1.999, 1.0, 1.0, 1.0]
    )


@pytest.mark.parametrize("name", shape_names())
def test_every_shape_can_be_driven(name: str) -> None:
    """At no moment does less than nobody come."""
    traffic = traffic_of(name, 60.0)
    assert all(traffic.at(moment / 10) >= 0 for moment in range(700))


@given(st.lists(st.floats(1e-6, 100), min_size=1, max_size=200), st.integers(1, 5))
def test_parts_add_up_without_loss(seconds: list[float], parts: int) -> None:
    """Over processes, and through JSON."""
    whole, pieces = Tally(), [Tally() for _ in range(parts)]
    for number, each in enumerate(seconds):
        for tally in (whole, pieces[number % parts]):
            tally.begun(each / 10)
            tally.answered(each)
    together = Tally()
    for piece in pieces:
        together.add_at_once(Tally.from_json(piece.to_json()))
    assert together.calls == whole.calls == len(seconds)
    for percentile in (50.0, 99.0, 99.9):
        assert together.latency_ms(percentile) == whole.latency_ms(percentile)
    # Three digits of the largest that is not above, as sorted values have it.
    largest = 1000 * sorted(seconds)[-1]
    assert whole.latency_ms(100) == pytest.approx(largest, rel=0.002, abs=0.002)


async def test_nobody_waits_for_another_ones_answer() -> None:
    """A server that stands still for a while is seen by all who come meanwhile."""
    stands_until: list[float] = []

    async def call() -> str:
        stands_until.append(time.monotonic() + 1.0)
        await asyncio.sleep(max(0.0, stands_until[0] - time.monotonic()))
        return ""

    driver = Driver()
    await driver.begin_all((number / 100, call) for number in range(1, 200))
    await driver.end()
    tally = driver.take()
    assert (tally.calls, tally.failed) == (199, 0)
    # Half of them waited, half a second on average; one at a time would have seen one long call.
    assert 300 < tally.latency_ms(75) < 2_000
    assert tally.latency_ms(99) > 700


async def test_what_fails_and_what_never_ends_is_counted() -> None:
    """By its reason; and what began in the warm-up is not."""

    async def hang() -> str:
        await asyncio.sleep(60)
        return ""

    async def fail() -> str:
        return "OVERLOADED"

    async def break_down() -> str:
        raise RuntimeError("a fault of our own")

    driver = Driver(warm_up_seconds=0.2)
    driver.begin_later(fail, 0.35)
    driver.begin_later(fail, 60)
    calls = [(0.01, fail), (0.3, fail), (0.31, hang), (0.32, None), (0.4, break_down)]
    await driver.begin_all(calls)
    await driver.end(0.2)
    tally = driver.take()
    assert tally.errors == Counter(OVERLOADED=1, NEVER_ENDED=1, RuntimeError=1)
    assert tally.errors_after == Counter(OVERLOADED=1)
    assert (tally.calls, tally.failed) == (3, 4)
    assert 0.15 < tally.seconds < 10


def tally_with_lag(seconds: float) -> Tally:
    """Return a call whose driver was so late."""
    tally = Tally()
    tally.begun(seconds)
    tally.answered(0.1)
    return tally


IN_TIME, LATE = tally_with_lag(0.001), tally_with_lag(0.1)


def trial(lanes: int, most: int) -> Trial:
    """Return a trial that holds with so many lanes at most."""
    return Trial(lanes, IN_TIME, "" if lanes <= most else "slow")


@given(st.integers(1, 1_000_000), st.integers(1, 10_000), st.sampled_from([0.01, 0.05, 0.2]))
def test_the_search_finds_what_holds(most: int, first: int, within: float) -> None:
    """From below or above, as near as wanted, and never more than holds."""
    found = most_lanes(lambda lanes: trial(lanes, most), first, within=within)
    assert found.lanes <= most
    assert most - found.lanes <= max(1, within * most / (1 - within)) + 1


def test_a_trial_of_a_late_driver_is_repeated() -> None:
    """Up to three times: it says nothing of the lanes. If all are late, these count as missed."""
    tries: Counter[int] = Counter()

    def late_at_first(lanes: int) -> Trial:
        tries[lanes] += 1
        return trial(lanes, 15) if tries[lanes] == 3 else Trial(lanes, LATE, "INVALID")

    def late_from_12(lanes: int) -> Trial:
        tries[lanes] += lanes >= 12
        return trial(lanes, 15) if lanes < 12 else Trial(lanes, LATE, "INVALID")

    for run, lanes in ((late_at_first, 15), (late_from_12, 11)):
        tries.clear()
        assert most_lanes(run, 10).lanes == lanes
        assert set((+tries).values()) == {3}


def test_an_objective_says_why_it_is_missed() -> None:
    """A driver that was late proves nothing."""
    objective = Objective(300, 800)
    assert objective.missed_by(Tally()) == "INVALID: no customer came"
    few = Tally()
    for seconds in [0.1] * 600 + [0.9]:
        few.begun(0.001)
        few.answered(seconds)
    assert objective.missed_by(few).startswith("p99.9 9")
    tally = Tally()
    for _ in range(10_000):
        tally.begun(0.001)
        tally.answered(0.1)
    assert objective.missed_by(tally) == ""
    for _ in range(50):
        tally.begun(0.001)
        tally.answered(0.9)
    assert objective.missed_by(tally).startswith("p99.9 9")
    tally.errors["UNAVAILABLE"] += 1
    assert objective.missed_by(tally) == "1 failed (UNAVAILABLE 1)"
    for _ in range(200):
        tally.begun(0.006)
    assert objective.missed_by(tally).startswith("INVALID: the driver was 6.0 ms late")


def test_one_driver_that_is_late_is_not_averaged_away() -> None:
    """Of several, the latest says whether the run is valid."""
    late, total = Tally(), Tally()
    late.begun(0.02)
    for _ in range(1_000):
        total.begun(0.001)
    total.add_at_once(late)
    assert not Tally.from_json(total.to_json()).is_valid
