"""How systems are compared: each answer is checked, and figures are medians of turns."""

from __future__ import annotations

import asyncio
import subprocess
import time

import psutil
import pytest

from loadtest.peers.__main__ import Checked, Seen, figures
from loadtest.peers.environments import stop
from loadtest.peers.systems import Running


def test_an_age_of_another_photo_is_counted_as_wrong() -> None:
    """Batches may be handed out to the wrong callers."""

    async def swapped(photo: bytes, lane: str) -> float:
        return {b"young": 60.0, b"old": 60.2}[photo]

    checked = Checked(swapped, [b"young", b"old"], [20.0, 60.0])
    answered = [asyncio.run(checked.answered(caller)) for caller in range(10)]
    assert sum(answered) == 5
    assert (checked.wrong, checked.failed) == (5, 0)


def test_a_call_that_fails_is_counted() -> None:
    """Whatever it fails with."""

    async def failing(photo: bytes, lane: str) -> float:
        raise TimeoutError

    checked = Checked(failing, [b"photo"], [20.0])
    assert asyncio.run(checked.call()) == "NO_AGE"
    assert (checked.wrong, checked.failed) == (0, 1)


def test_figures_are_medians_and_ratios() -> None:
    """Of the turns of each system, over TensorFlow alone and over ours."""
    seen = {"gateway": Seen([40.0, 44.0, 10.0]), "peer": Seen([20.0, 30.0, 20.0], wrong=2)}
    for milliseconds in (60, 60, 120):
        seen["peer"].at_rate.answered(milliseconds / 1000)
        seen["peer"].at_rate.begun(0.006)
    found = figures(seen, [{"photos_per_second": 50.0, "matrix_gflops": 100.0}] * 3)
    assert found["gateway"]["over_bare_tensorflow"] == pytest.approx(0.8)
    assert found["peer"]["over_gateway"] == pytest.approx(0.5)
    assert found["peer"]["wrong"] == 2
    assert found["peer"]["p50_ms"] == pytest.approx(60, rel=0.01)
    assert found["peer"]["p99_ms"] == pytest.approx(120, rel=0.01)
    assert found["peer"]["lag_p99_ms"] == pytest.approx(6, rel=0.01)


def test_a_paused_system_does_nothing_and_goes_on() -> None:
    """With all the processes that it has started."""
    started = subprocess.Popen(["sh", "-c", "sleep 60 & wait"])
    first = psutil.Process(started.pid)
    try:
        while not first.children():
            time.sleep(0.01)
        running = Running("", started.pid)
        running.pause()
        assert _states(first) == {psutil.STATUS_STOPPED}
        running.resume()
        assert psutil.STATUS_STOPPED not in _states(first)
    finally:
        stop(started)


def _states(first: psutil.Process) -> set[str]:
    time.sleep(0.1)
    return {process.status() for process in [first, *first.children()]}
