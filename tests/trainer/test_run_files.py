"""The log of a run, the picture of it, and when to stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from agelane_trainer.training.input_clock import InputClock
from agelane_trainer.training.learning_curves import draw_learning_curves
from agelane_trainer.training.run_files import Epoch, RunFiles, stops_early


def epoch(number: int, tune_mae: float, wait_share: float = 0.0) -> Epoch:
    """Return a row of a log."""
    return Epoch(number, 1e-4, 2.5, 6.0, 4.0, tune_mae, 900.0, 20.0, wait_share)


def test_a_row_of_the_same_epoch_makes_way(tmp_path: Path) -> None:
    """The killed one's; the others stay, in order."""
    files = RunFiles(tmp_path)
    assert files.epochs() == []
    for row in (epoch(1, 5.0), epoch(2, 4.5), epoch(2, 4.25)):
        files.add(row)
    assert files.epochs() == [epoch(1, 5.0), epoch(2, 4.25)]


def test_a_run_stops_when_its_patience_ends() -> None:
    """Two epochs without a better one."""
    log = [epoch(1, 5.0), epoch(2, 4.5), epoch(3, 4.6), epoch(4, 4.5)]
    assert not stops_early([], 2)
    assert not stops_early(log[:3], 2)
    assert stops_early(log, 2)
    assert not stops_early(log, None)


def test_the_gap_is_what_photos_that_were_learnt_from_fare_better() -> None:
    """In years."""
    assert epoch(1, 5.5).gap == pytest.approx(1.5)
    assert epoch(1, 5.5).figures()["epoch/gap"] == pytest.approx(1.5)


def test_what_a_faster_run_would_need_is_said_in_words() -> None:
    """Photos, or a faster network."""
    assert epoch(1, 5, wait_share=0.4).bound == "input-bound"
    assert epoch(1, 5, wait_share=0.01).bound == "compute-bound"


def test_the_clock_tells_waiting_from_working() -> None:
    """The first batch takes long, as nothing fetched it ahead; it doesn't count."""
    time = 0.0

    def reading() -> Iterator[str]:
        nonlocal time
        for batch, seconds in (("first", 100), ("second", 3), ("third", 1)):
            time += seconds
            yield batch

    clock = InputClock(now=lambda: time)
    for _ in clock.watch(reading()):
        time += 4
    assert clock.wait_share == pytest.approx(4 / 16)
    assert clock.batches_per_second == pytest.approx(3 / 16)


def test_the_learning_curves_are_drawn_from_the_first_epoch_on(tmp_path: Path) -> None:
    """A picture of the same size each time."""
    log = [epoch(1, 5.0), epoch(2, 4.5)]
    sizes = []
    for rows in (log[:1], log):
        draw_learning_curves(rows, tmp_path / "curves.png")
        with Image.open(tmp_path / "curves.png") as picture:
            sizes.append(picture.size)
    assert sizes[0] == sizes[1]
