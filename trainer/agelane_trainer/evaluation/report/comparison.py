"""The part of the report that sets the figures beside others: simpler models, cleaner labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from agelane_trainer.evaluation.report.people import Mask, People, Years
from agelane_trainer.reports.drawing import BLUE, ORANGE, PALE, chart
from agelane_trainer.reports.page import Picture, Section, Table

Figures = Mapping[str, float]

_COMPARED = {
    "mean error (years)": "mae_years",
    "bias (years)": "bias_years",
    "within five years": "within_5_years",
    "worse than on photos learnt from (years)": "train_gap_years",
    "NLL (nats)": "nll",
    "CRPS (years)": "crps_years",
    "ECE of P(under 18)": "ece_under_18",
    "asked for ID, 25 and over": "id_check_rate_25_plus",
}
"""Figures of the table, by name: keys of a card's ``metrics``."""


def comparison_section(
    people: People, card: Mapping[str, Any], original: Figures | None, out: Path
) -> Section:
    """Set the model beside the median age, its figures after the label audit and ``original_mse``.

    Args:
        people: the photos that the card was made with.
        card: model card.
        original: main figures of ``original_mse``, if there are any.
        out: folder for the PNG.
    """
    median = np.abs(people.ages - np.median(people.ages))
    errors = np.abs(people.errors)
    _draw_baselines(people.bands(), median, errors, original, out / "baselines.png")
    findings = [
        f"Always guessing the median age ({np.median(people.ages):.0f}) errs by "
        f"{median.mean():.1f} years: {1 - errors.mean() / median.mean():.0%} of that is gone."
    ]
    if original and "mae_years" in original:
        findings.append(
            f"The recipe original_mse errs by {original['mae_years']:.2f} years, this model by "
            f"{errors.mean():.2f}."
        )
    caption = (
        "Mean error by labelled age. Where the model's bar is hardly shorter than the median "
        "predictor's, it has learnt little about that band; only near the median age itself is "
        "that predictor hard to beat."
    )
    picture = Picture(out / "baselines.png", caption)
    simplest = {
        "mae_years": float(median.mean()),
        "bias_years": float((np.median(people.ages) - people.ages).mean()),
        "within_5_years": float((median <= 5).mean()),
    }
    columns = {
        "this model": card.get("metrics", {}),
        "on audited labels": card.get("audited", {}).get("metrics", {}),
        "original_mse": original or {},
        "median predictor": simplest,
    }
    table = _table({name: figures for name, figures in columns.items() if figures})
    return Section("Beside simpler models", tuple(findings), (picture,), (table,))


def _table(columns: Mapping[str, Figures]) -> Table:
    rows = tuple(
        (name, *(_cell_of(figures, key) for figures in columns.values()))
        for name, key in _COMPARED.items()
        if any(key in figures for figures in columns.values())
    )
    return Table(("", *columns), rows)


def _cell_of(figures: Figures, key: str) -> str:
    if key not in figures:
        return "–"
    shares = ("within_5_years", "id_check_rate_25_plus")
    return f"{figures[key]:.1%}" if key in shares else f"{figures[key]:.3g}"


def _draw_baselines(
    bands: Mapping[str, Mask],
    median: Years,
    errors: Years,
    original: Figures | None,
    path: Path,
) -> None:
    rows = {"median predictor": [median[inside].mean() for inside in bands.values()]}
    keys = ["mae_years", *(f"mae_{name.replace(' ', '_')}_years" for name in list(bands)[1:])]
    if original:
        rows["original_mse"] = [original.get(key, np.nan) for key in keys]
    rows["this model"] = [errors[inside].mean() for inside in bands.values()]
    colours = {"median predictor": PALE, "original_mse": ORANGE, "this model": BLUE}
    width = 0.84 / len(rows)
    with chart(path, (11, 4.4)) as figure:
        axes = figure.subplots()
        for number, (name, values) in enumerate(rows.items()):
            places = np.arange(len(bands)) + (number - (len(rows) - 1) / 2) * width
            bars = axes.bar(places, values, width * 0.94, color=colours[name], label=name)
            labels = ["" if np.isnan(value) else f"{value:.1f}" for value in values]
            axes.bar_label(bars, labels, fontsize=9, padding=1)
        axes.set_xticks(range(len(bands)), [name.replace(" and ", "\nand ") for name in bands])
        axes.set(title="Mean error by labelled age", ylabel="years")
        axes.margins(y=0.12)
        axes.grid(visible=False, axis="x")
        axes.legend()
