"""The part of the report on how far estimates are from the labelled ages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from agelane_trainer.evaluation import metrics
from agelane_trainer.evaluation.report.intervals import Curve, curve_over_age
from agelane_trainer.evaluation.report.people import LEGAL_AGE, Mask, People, Years
from agelane_trainer.reports.drawing import BLUE, GREY, INK, ORANGE, PALE, chart
from agelane_trainer.reports.page import Picture, Section

MIDDLE_SHARE = (10, 50, 90)
"""Percentiles of the estimates that are drawn for each age."""
FEWEST = 15
"""People of about an age, below which its percentiles are not drawn."""


def error_section(people: People, out: Path) -> Section:
    """Draw estimates against labels, and errors by age and by group; write PNGs to ``out``."""
    _draw_estimates(people, out / "estimates.png")
    error, bias = (curve_over_age(people.ages, v) for v in (np.abs(people.errors), people.errors))
    _draw_by_age(people, error, bias, out / "errors_by_age.png")
    _draw_by_group({**people.bands(), **people.groups}, people, out / "errors_by_group.png")
    whole = metrics.age_errors(people.ages, people.estimates)
    largest = ""
    if error.ages.size:
        largest = f"Errors are largest around {error.ages[int(np.argmax(error.middle))]:.0f} years."
    findings = (
        f"On {whole.photos:,} photos that nothing was learnt from, estimates err by "
        f"{whole.mae_years:.2f} years on average (half by at most "
        f"{np.median(np.abs(people.errors)):.1f}) and {whole.within_5_years:.0%} by at most five. "
        f"They are {_direction(whole.bias_years)} on average.",
        f"{largest} {_near_legal_age(people)}".strip(),
    )
    pictures = (
        Picture(
            out / "estimates.png",
            "Each cell is as dark as it has people. A perfect model lies on the dotted line; the "
            "solid line is the median estimate for each age, and eight of ten estimates lie "
            "between the dashed ones. Where the solid line is flatter than the dotted one, the "
            "young are taken for older and the old for younger.",
        ),
        Picture(
            out / "errors_by_age.png",
            "Above: how far off. Middle: in which direction (above 0 is too old). Shaded: 95 % "
            f"bootstrap bands. Below: how many people are behind it. Left of the line at "
            f"{LEGAL_AGE} a bias above 0 is what lets minors through.",
        ),
        Picture(
            out / "errors_by_group.png",
            "Mean error and bias with 95 % bootstrap intervals; in brackets the number of photos. "
            "Groups whose intervals don't overlap are treated differently. The dotted line in the "
            "left chart is everybody's mean error.",
        ),
    )
    return Section("Errors", findings, pictures)


def _direction(bias_years: float) -> str:
    return f"{abs(bias_years):.2f} years too {'old' if bias_years > 0 else 'young'}"


def _near_legal_age(people: People) -> str:
    inside = (people.ages >= LEGAL_AGE - 4) & (people.ages <= LEGAL_AGE + 2)
    if not inside.any():
        return "There is nobody near the legal age."
    near = metrics.age_errors(people.ages[inside], people.estimates[inside])
    return (
        f"People of {LEGAL_AGE - 4} to {LEGAL_AGE + 2}, on whom the decision hangs, are estimated "
        f"{_direction(near.bias_years)}, with a mean error of {near.mae_years:.2f} years "
        f"({near.photos} photos)."
    )


def _draw_estimates(people: People, path: Path) -> None:
    top = float(max(people.ages.max(), people.estimates.max())) + 2
    with chart(path, (8.4, 7.2)) as figure:
        axes = figure.subplots()
        cells = axes.hexbin(
            people.ages,
            people.estimates,
            gridsize=48,
            extent=(0, top, 0, top),
            cmap="Blues",
            norm=LogNorm(vmin=0.6),
            mincnt=1,
            linewidths=0.2,
        )
        figure.colorbar(cells, ax=axes, label="photos in the cell", shrink=0.75, format="%d")
        axes.plot([0, top], [0, top], color=INK, linewidth=1, linestyle=":", label="perfect")
        years, lines = _percentiles(people)
        for line, share in zip(lines, MIDDLE_SHARE, strict=True):
            middle = share == 50
            axes.plot(
                years,
                line,
                color=ORANGE,
                linewidth=2.2 if middle else 1.2,
                linestyle="-" if middle else "--",
                label={50: "median estimate", 90: "eight of ten between"}.get(share),
            )
        axes.set(xlim=(0, top), ylim=(0, top), aspect="equal")
        axes.set(xlabel="labelled age (years)", ylabel="estimated age (years)")
        axes.set_title("Estimated against labelled age")
        axes.legend(loc="upper left")


def _percentiles(people: People) -> tuple[list[int], Years]:
    """Return ages [A], and percentiles [3, A] of the estimates within two years of each."""
    years, columns = [], []
    for age in range(int(people.ages.max()) + 1):
        near = np.abs(people.ages - age) <= 2
        if near.sum() >= FEWEST:
            years.append(age)
            columns.append(np.percentile(people.estimates[near], MIDDLE_SHARE))
    return years, np.array(columns).reshape(-1, len(MIDDLE_SHARE)).T


def _draw_by_age(people: People, error: Curve, bias: Curve, path: Path) -> None:
    with chart(path, (11, 7.6)) as figure:
        above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 1])
        _draw_curve(above, error, BLUE)
        above.set(title="Mean error by age", ylabel="years", ylim=(0, None))
        _draw_curve(middle, bias, ORANGE)
        middle.axhline(0, color=INK, linewidth=0.8)
        middle.set(title="Bias by age: above 0 is estimated too old", ylabel="years")
        below.bar(*np.unique(people.ages, return_counts=True), 0.9, color=PALE)
        below.set(xlabel="labelled age (years)", ylabel="photos", xlim=(-1, people.ages.max() + 1))
        below.grid(visible=False, axis="x")
        for axes in (above, middle, below):
            axes.axvline(LEGAL_AGE - 0.5, color=INK, linewidth=0.8, linestyle=":")
        above.annotate(
            f"under {LEGAL_AGE} ◂", (LEGAL_AGE - 0.9, 0.97), ha="right", va="top", fontsize=9,
            xycoords=above.get_xaxis_transform(),
        )  # fmt: skip


def _draw_curve(axes: Axes, curve: Curve, colour: str) -> None:
    axes.fill_between(curve.ages, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(curve.ages, curve.middle, color=colour, linewidth=2)


def _draw_by_group(groups: Mapping[str, Mask], people: People, path: Path) -> None:
    names = [name for name, inside in groups.items() if inside.any()]
    labels = [f"{name} ({int(groups[name].sum()):,})" for name in names]
    with chart(path, (11, 1.4 + 0.36 * len(names))) as figure:
        left, right = figure.subplots(1, 2, sharey=True)
        for axes, values, colour in (
            (left, np.abs(people.errors), BLUE),
            (right, people.errors, ORANGE),
        ):
            for row, name in enumerate(names):
                inside = values[groups[name]]
                axes.hlines(row, *metrics.mean_interval(inside), color=colour, linewidth=2.5)
                axes.plot(inside.mean(), row, "o", color=colour, markersize=7)
        left.axvline(np.abs(people.errors).mean(), color=GREY, linewidth=1, linestyle=":")
        right.axvline(0, color=INK, linewidth=0.8)
        left.set(title="Mean error", xlabel="years", xlim=(0, None))
        left.set_yticks(range(len(names)), labels)
        left.set_ylim(len(names) - 0.4, -0.6)
        right.set(title="Bias: right of 0 is too old", xlabel="years")
        for axes in (left, right):
            axes.grid(visible=False, axis="y")
