"""A queue whose batches grow with the load, against what is known of it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.calibrate.queues import Service
from loadtest.capacity.model import BatchServer, fitted, machines, measured_lanes, most_lanes


def test_batches_of_one_are_the_textbooks_queue() -> None:
    """Mean times are those of M/D/1 (Pollaczek and Khinchine)."""
    server = BatchServer(0.0, 0.01, 1)
    for load in (0.3, 0.7):
        seconds = list(server.latencies(load / 0.01, 200_000, random.Random(3)))
        exact = Service.CONSTANT.mean_seconds(0.01, load)
        assert sum(seconds) / len(seconds) == pytest.approx(exact, rel=0.02)


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 0.05), st.floats(1e-4, 0.05), st.integers(1, 64), st.floats(1, 2_000))
def test_nobody_is_faster_than_a_batch(fixed: float, each: float, most: int, rate: float) -> None:
    """And everybody who came before the last batches is answered."""
    server = BatchServer(fixed, each, most, 0.001)
    seconds = list(server.latencies(rate, 2_000, random.Random(1)))
    assert all(it >= fixed + each + 0.001 - 1e-9 for it in seconds)
    assert len(seconds) <= 2_000


def test_larger_batches_carry_more_lanes() -> None:
    """Up to what the machine does in full ones, and no further."""
    one, many = (BatchServer(0.05, 0.01, most) for most in (1, 32))
    few, more = (most_lanes(server, 1.0, rate=0.05) for server in (one, many))
    assert few < more <= many.photos_per_second / 0.05
    assert many.p99_seconds(0.9 * more * 0.05) <= 1.0


def test_a_line_is_found_again() -> None:
    """Through the times of batches."""
    server = fitted({size: 0.02 + 0.003 * size for size in (8, 16, 32)}, 0.001)
    assert (server.fixed_seconds, server.photo_seconds) == pytest.approx((0.02, 0.003))
    assert (server.most, server.beside_seconds) == (32, 0.001)


def test_published_figures_say_where_they_are_from() -> None:
    """Each of them."""
    for server, source in machines(0.005).values():
        assert server.photos_per_second > 10
        assert source.startswith("published: ")


def test_the_model_is_compared_with_what_was_measured(tmp_path: Path) -> None:
    """Where something was; a search without the real model says nothing of it."""
    report = tmp_path / "capacity.json"
    assert measured_lanes(report, 300.0) == 0
    told = {"lanes_real_model": 412, "trials_real_model": 5, "objective_p99_ms": 300.0}
    told["customers_per_second_and_lane"] = 0.05
    report.write_text(json.dumps(told), "utf-8")
    assert measured_lanes(report, 300.0) == 412
    assert measured_lanes(report, 500.0) == 0
    for other in (
        {"lanes_null_model": 13_000},
        told | {"trials_real_model": 1},
        told | {"customers_per_second_and_lane": 1.0},
    ):
        report.write_text(json.dumps(other), "utf-8")
        assert measured_lanes(report, 300.0) == 0
