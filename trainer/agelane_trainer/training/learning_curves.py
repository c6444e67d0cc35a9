"""The log of a run as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from agelane_trainer.reports.drawing import BLUE, GREY, ORANGE, PALE, chart
from agelane_trainer.training.run_files import Epoch


def draw_learning_curves(epochs: Sequence[Epoch], path: Path) -> None:
    """Write a PNG of the errors by epoch, the gap between them shaded, and of loss and rate."""
    with chart(path, (11, 4.4)) as figure:
        errors, loss = figure.subplots(1, 2, width_ratios=[3, 2])
        _draw_errors(errors, epochs)
        _draw_schedule(loss, epochs)
        for axes in (errors, loss):
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _draw_errors(axes: Axes, epochs: Sequence[Epoch]) -> None:
    numbers = [row.epoch for row in epochs]
    learnt, tune = [row.learnt_mae for row in epochs], [row.tune_mae for row in epochs]
    best = min(epochs, key=lambda row: row.tune_mae)
    axes.plot(
        numbers, [row.train_mae for row in epochs], "o:", color=PALE, label="training, varied"
    )
    axes.plot(numbers, tune, "o-", color=ORANGE, label="tuning")
    axes.plot(numbers, learnt, "o-", color=BLUE, label="training, as they are")
    axes.fill_between(numbers, learnt, tune, color=ORANGE, alpha=0.12, linewidth=0)
    axes.plot(best.epoch, best.tune_mae, "o", color=ORANGE, markersize=13, fillstyle="none")
    axes.set_title(
        f"Best: {best.tune_mae:.2f} years after epoch {best.epoch}, gap {best.gap:+.2f} years"
    )
    axes.set_ylabel("mean absolute error (years)")
    axes.legend()


def _draw_schedule(axes: Axes, epochs: Sequence[Epoch]) -> None:
    numbers = [row.epoch for row in epochs]
    axes.plot(numbers, [row.train_loss for row in epochs], "o-", color=BLUE)
    axes.set_ylabel("training loss", color=BLUE)
    axes.set_title("Loss, and learning rate at the end")
    rate = axes.twinx()
    rate.plot(numbers, [row.learning_rate for row in epochs], "o--", color=PALE)
    rate.set_ylabel("learning rate", color=GREY)
    rate.set_ylim(bottom=0)
    rate.grid(visible=False)
