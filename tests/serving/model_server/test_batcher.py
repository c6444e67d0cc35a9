"""Calls that come together run together, and none notices the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from agelane_serving.model_server.batching import Arrays, Batcher
from agelane_serving.model_server.config_files import Batching
from agelane_serving.model_server.errors import FailedPrecondition, InvalidArgument, Unavailable
from tests.serving.model_server.conftest import wait_until


class Doubling:
    """A signature that doubles numbers, fails for negative ones, and notes its batches."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, x: Any) -> dict[str, Any]:
        """Run a batch, once the gate is open."""
        self.sizes.append(len(x))
        assert self.gate.wait(10)
        tf.debugging.assert_non_negative(x)
        return {"y": 2 * x}


@contextmanager
def batcher(doubling: Doubling, **batching: Any) -> Iterator[Batcher]:
    """Run a batcher."""
    with closing(Batcher(doubling, Batching(**batching))) as made:
        yield made


def batch_threads() -> int:
    """Return how many there are, of all batchers."""
    return sum(thread.name.startswith("batch-") for thread in threading.enumerate())


def numbers(*values: int) -> Arrays:
    """Return what a call sends."""
    return {"x": np.array(values, np.int32)}


def asked(made: Batcher, *values: int) -> list[int]:
    """Return what a call gets."""
    answer: list[int] = made(numbers(*values)).result()["y"].tolist()
    return answer


@settings(max_examples=30)
@given(
    st.lists(st.lists(st.integers(0, 1000), max_size=12), min_size=1, max_size=20),
    st.integers(1, 3),
    st.sampled_from([(), (2, 5), (1, 4, 12)]),
)
def test_each_call_gets_its_own_rows(
    calls: list[list[int]], threads: int, allowed: tuple[int, ...]
) -> None:
    """Whatever the sizes: combined, split and padded as configured."""
    doubling = Doubling()
    limits: dict[str, Any] = {"max_batch_size": 12, "max_enqueued_batches": 1000}
    limits |= {"allowed_batch_sizes": allowed, "enable_large_batch_splitting": True}
    with (
        batcher(doubling, num_batch_threads=threads, **limits) as made,
        ThreadPoolExecutor(len(calls)) as pool,
    ):
        answers = list(pool.map(lambda values: asked(made, *values), calls))
    assert answers == [[2 * value for value in values] for values in calls]
    sizes = set(doubling.sizes) - {0}
    assert sizes <= set(allowed or range(13))


def test_calls_that_wait_run_together() -> None:
    """As many as a batch holds; those that do not fit come next."""
    doubling = Doubling()
    doubling.gate.clear()
    with batcher(doubling, max_batch_size=4, num_batch_threads=1) as made:
        first = made(numbers(0))
        wait_until(lambda: bool(doubling.sizes))
        others = [made(numbers(*range(size))) for size in (2, 2, 3, 1)]
        wait_until(lambda: made.waiting == 8)
        doubling.gate.set()
        assert [len(each.result()["y"]) for each in [first, *others]] == [1, 2, 2, 3, 1]
    assert doubling.sizes == [1, 4, 4]


def test_a_call_that_is_cancelled_while_it_waits_does_not_run() -> None:
    """Not a part of it; one whose batch has begun can't be cancelled any more."""
    doubling = Doubling()
    doubling.gate.clear()
    limits = {"max_batch_size": 8, "allowed_batch_sizes": (2,), "num_batch_threads": 1}
    with batcher(doubling, enable_large_batch_splitting=True, **limits) as made:
        running = made(numbers(0, 1))
        wait_until(lambda: bool(doubling.sizes))
        left, stays = made(numbers(*range(5))), made(numbers(7, 8))
        assert left.cancel()
        assert not running.cancel()
        doubling.gate.set()
        assert stays.result()["y"].tolist() == [14, 16]
        assert running.result()["y"].tolist() == [0, 2]
        assert made.waiting == 0
    assert doubling.sizes == [2, 2]


def test_a_call_of_several_batches_cannot_be_cancelled_once_one_has_begun() -> None:
    """Its version may end with it, and must not before its last batch."""
    doubling = Doubling()
    doubling.gate.clear()
    limits = {"max_batch_size": 8, "allowed_batch_sizes": (2,), "num_batch_threads": 1}
    with batcher(doubling, enable_large_batch_splitting=True, **limits) as made:
        call = made(numbers(*range(5)))
        wait_until(lambda: bool(doubling.sizes))
        assert not call.cancel()
        doubling.gate.set()
        assert call.result()["y"].tolist() == [0, 2, 4, 6, 8]


def test_a_call_of_several_batches_fails_as_a_whole() -> None:
    """After the last of them, with what went wrong first."""
    doubling = Doubling()
    limits = {"max_batch_size": 8, "allowed_batch_sizes": (2,), "num_batch_threads": 1}
    with (
        batcher(doubling, enable_large_batch_splitting=True, **limits) as made,
        pytest.raises(tf.errors.InvalidArgumentError),
    ):
        made(numbers(1, 2, -3, 4, 5, 6)).result()
    assert doubling.sizes == [2, 2, 2]


@pytest.mark.parametrize(
    ("largest", "allowed", "sizes"),
    [(3, (), {1, 2, 3}), (1000, (), set(range(1, 17))), (32, (1, 8, 32), {1, 8})],
)
def test_every_size_that_may_come_is_run_beforehand(
    largest: int, allowed: tuple[int, ...], sizes: set[int]
) -> None:
    """By each of those that run side by side; very large ones come as they come."""
    doubling = Doubling()
    with batcher(doubling, max_batch_size=largest, allowed_batch_sizes=allowed) as made:
        made.run_every_size(numbers(1, 2), 2, lambda: False)
        assert sorted(doubling.sizes) == sorted([*sizes, *sizes])
        made.run_every_size(numbers(1, 2), 2, lambda: True)
        assert len(doubling.sizes) == 2 * len(sizes)


def test_a_batch_waits_until_it_is_full() -> None:
    """Or until its first call has waited for as long as it may."""
    doubling = Doubling()
    limits = {"max_batch_size": 3, "num_batch_threads": 2}
    with (
        batcher(doubling, batch_timeout_micros=60_000_000, **limits) as made,
        ThreadPoolExecutor(3) as pool,
    ):
        list(pool.map(lambda value: asked(made, value), range(3)))
    with batcher(doubling, batch_timeout_micros=10_000, **limits) as made:
        asked(made, 1)
    assert doubling.sizes == [3, 1]


def test_a_batch_that_fails_is_told_to_its_callers_only() -> None:
    """And the thread goes on."""
    with batcher(Doubling(), max_batch_size=4, num_batch_threads=1) as made:
        with pytest.raises(tf.errors.InvalidArgumentError):
            asked(made, -1)
        assert asked(made, 7) == [14]


def test_a_model_that_drops_a_row_is_told() -> None:
    """Or a customer would get the age of another."""
    with (
        closing(Batcher(lambda x: {"y": x[1:]}, Batching())) as made,
        pytest.raises(FailedPrecondition, match="another number of answers"),
    ):
        asked(made, 1, 2)


def test_what_can_not_run_is_refused() -> None:
    """With the status that TensorFlow Serving has for it."""
    doubling = Doubling()
    doubling.gate.clear()
    limits = {"max_batch_size": 2, "max_enqueued_batches": 1, "num_batch_threads": 1}
    with batcher(doubling, **limits) as made:
        with pytest.raises(InvalidArgument, match="larger than maximum"):
            made(numbers(1, 2, 3))
        with pytest.raises(InvalidArgument, match="first dimension"):
            made({**numbers(1), "z": np.zeros(2)})
        running = made(numbers(1))
        wait_until(lambda: bool(doubling.sizes))
        waiting = made(numbers(2))
        wait_until(lambda: made.waiting == 1)
        with pytest.raises(Unavailable, match="full"):
            made(numbers(3, 4))
        doubling.gate.set()
        assert [each.result()["y"].tolist() for each in (running, waiting)] == [[2], [4]]


def test_its_threads_end_with_it() -> None:
    """After the calls that wait; who comes later is told."""
    doubling, before = Doubling(), batch_threads()
    doubling.gate.clear()
    with batcher(doubling, max_batch_size=1, num_batch_threads=1) as made:
        calls = [made(numbers(value)) for value in (1, 2)]
        wait_until(lambda: made.waiting == 1)
        doubling.gate.set()
    assert [each.result()["y"].item() for each in calls] == [2, 4]
    wait_until(lambda: batch_threads() <= before)
    with pytest.raises(Unavailable):
        made(numbers(1))
