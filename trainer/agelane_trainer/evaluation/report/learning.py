"""The part of the report on how training went."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.ticker import MaxNLocator

from agelane_trainer.evaluation.report.targets import figure as figure_of
from agelane_trainer.reports.drawing import BLUE, GREY, INK, ORANGE, PALE, chart
from agelane_trainer.reports.page import Picture, Section


def learning_section(log: Path, measured: dict[str, object], out: Path) -> Section:
    """Draw the learning curves of a run; writes a PNG to ``out``.

    Args:
        log: the run's ``training_log.csv``: at least ``epoch``, ``train_mae`` and ``tune_mae``.
        measured: the card's ``metrics``: with ``train_mae_years`` the gap is drawn as well.
        out: folder.

    Raises:
        OSError: the log can't be read.
    """
    rows = pd.read_csv(log)
    best = rows.loc[rows["tune_mae"].idxmin()]
    validation, learnt = (figure_of(measured, key) for key in ("mae_years", "train_mae_years"))
    _draw_curves(rows, validation, learnt, out / "learning_curves.png")
    findings = [
        f"Of {len(rows)} epochs, number {best['epoch']:.0f} was the best on `tune` "
        f"({best['tune_mae']:.2f} years); its weights are the ones measured here."
    ]
    if validation is not None and learnt is not None:
        findings.append(
            f"Photos that were learnt from, shown unvaried, err by {learnt:.2f} years, those of "
            f"validation by {validation:.2f}: a gap of {validation - learnt:.2f}."
        )
    caption = (
        "Training sees its photos varied, so its curve may lie above the one of tune. What tells "
        "overfitting is the distance of the two horizontal lines, both of photos as they are."
    )
    picture = Picture(out / "learning_curves.png", caption)
    return Section("Learning", tuple(findings), (picture,))


def _draw_curves(
    rows: pd.DataFrame, validation: float | None, learnt: float | None, path: Path
) -> None:
    with chart(path, (11, 4.6)) as figure:
        axes = figure.subplots()
        curves = (
            ("train_mae", ORANGE, "train, varied"),
            ("tune_mae", BLUE, "tune"),
        )
        for key, colour, name in curves:
            axes.plot(rows["epoch"], rows[key], "o-", color=colour, label=name)
        lines = (
            (validation, INK, "validation, the weights kept"),
            (learnt, GREY, "train, as it is"),
        )
        for value, colour, name in lines:
            if value is not None:
                text = f"{name}: {value:.2f}"
                axes.axhline(value, color=colour, linewidth=1.4, linestyle="--", label=text)
        if validation is not None and learnt is not None:
            axes.axhspan(*sorted((learnt, validation)), color=PALE, alpha=0.25, linewidth=0)
        best = rows.loc[rows["tune_mae"].idxmin()]
        axes.plot(best["epoch"], best["tune_mae"], "o", color=BLUE, markersize=13, fillstyle="none")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(title="Mean error, epoch by epoch", xlabel="epoch", ylabel="years")
        axes.grid(visible=False, axis="x")
        axes.legend()
