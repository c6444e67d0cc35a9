"""How systems are compared: each answer is checked, and figures are medians of turns."""

from __future__ import annotations

import asyncio

import pytest

from loadtest.peers.__main__ import Checked, Turn, figures


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
    turns = {
        "gateway": [Turn(rate, 50.0, 99.0, 0, 0, 1.0) for rate in (40.0, 44.0, 10.0)],
        "peer": [Turn(rate, 60.0, 120.0, 1, 2, 6.0) for rate in (20.0, 30.0, 20.0)],
    }
    found = figures(turns, [{"photos_per_second": 50.0, "matrix_gflops": 100.0}] * 3)
    assert found["gateway"]["over_bare_tensorflow"] == pytest.approx(0.8)
    assert found["peer"]["over_gateway"] == pytest.approx(0.5)
    assert found["peer"]["failed"] == 3
    assert found["peer"]["wrong"] == 6
    assert found["peer"]["lag_p99_ms"] == 6.0
