"""Charts of ages and of what was measured of photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from agelane_trainer.eda.ages import GROUPS, Counts, Summary, heaps, spikes
from agelane_trainer.reports.drawing import BLUE, GREY, INK, ORANGE, PALE, chart

YOUNG = range(6, 26)
"""Ages of which each is counted: those near the legal age."""


def draw_ages(counts: Counts, ages: pd.Series[int], summary: Summary, path: Path) -> None:
    """Draw the histogram by single years, spikes in orange, above the box plot."""
    with chart(path, (11, 5.6)) as figure:
        years, box = figure.subplots(2, 1, sharex=True, height_ratios=[5, 1])
        high = {heap.age for heap in spikes(counts)}
        ticks = range(len(counts))
        years.bar(ticks, counts, 0.85, color=[ORANGE if age in high else BLUE for age in ticks])
        for age in high:
            years.annotate(str(age), (age, counts[age]), ha="center", va="bottom", fontsize=9)
        for quartile in summary.quartiles:
            years.axvline(quartile, color=INK, linewidth=0.8, linestyle=":")
        years.set(ylabel="photos", title="Photos by year of age")
        years.grid(visible=False, axis="x")
        box.boxplot(
            ages,
            orientation="horizontal",
            widths=0.6,
            patch_artist=True,
            boxprops={"facecolor": PALE},
            medianprops={"color": INK},
            flierprops={"marker": "|", "alpha": 0.5},
        )
        box.set(xlabel="age (years)", xlim=(-1, summary.oldest + 2), yticks=[])


def draw_heaping(counts: Counts, path: Path) -> None:
    """Draw each year's count as a multiple of its neighbours' mean."""
    shown = [heap for heap in heaps(counts) if heap.age <= 95 and heap.expected >= 1]
    high = {heap.age for heap in spikes(counts)}
    with chart(path, (11, 3.6)) as figure:
        axes = figure.subplots()
        for heap in shown:
            colour = ORANGE if heap.age in high else BLUE
            axes.vlines(heap.age, 1, 1 + heap.excess, color=colour, linewidth=4)
            if heap.age in high:
                top = (heap.age, 1 + heap.excess)
                axes.annotate(str(heap.age), top, ha="center", va="bottom", fontsize=9)
        axes.axhline(1, color=INK, linewidth=0.8)
        axes.margins(y=0.1)
        axes.set_ylim(bottom=0)
        axes.set(xlabel="age (years)", ylabel="times the neighbours' mean")
        axes.set_title("Heaping: a year's count beside the two years before and after")
        axes.grid(visible=False, axis="x")


def draw_young(counts: Counts, legal_age: int, path: Path) -> None:
    """Draw how many there are of each age around the legal age (years)."""
    with chart(path, (11, 3.4)) as figure:
        axes = figure.subplots()
        colours = [ORANGE if age < legal_age else BLUE for age in YOUNG]
        bars = axes.bar(list(YOUNG), counts[YOUNG.start : YOUNG.stop], 0.85, color=colours)
        axes.bar_label(bars, fontsize=9, padding=2)
        axes.axvline(legal_age - 0.5, color=INK, linewidth=0.8, linestyle=":")
        axes.set(xlabel="age (years)", ylabel="photos", xticks=list(YOUNG))
        axes.set_title(f"Photos of each age from 6 to 25 (orange: under {legal_age})")
        axes.grid(visible=False, axis="x")


def draw_photos(table: pd.DataFrame, path: Path) -> None:
    """Draw size, colour, brightness and sharpness of photos."""
    with chart(path, (11, 7.4)) as figure:
        (size, colour), (bright, sharp) = figure.subplots(2, 2)
        _draw_sizes(size, table)
        shares = pd.crosstab(table["group"], table["colour"], normalize="index") * 100
        bottom = np.zeros(len(shares))
        for kind, shade in (("grey", GREY), ("tinted", ORANGE)):
            part = shares[kind].to_numpy() if kind in shares else np.zeros(len(shares))
            colour.barh(list(shares.index), part, left=bottom, color=shade, label=kind)
            bottom += part
        colour.invert_yaxis()
        colour.grid(visible=False, axis="y")
        colour.set(title="Not in colour, by age group", xlabel="% of the group")
        colour.legend()
        sns.histplot(x=table["brightness"], ax=bright, bins=50, color=BLUE)
        bright.set(title="Brightness", xlabel="mean luma (0 black, 255 white)", ylabel="photos")
        logarithms = np.log10(table["sharpness"].clip(lower=1))
        sns.histplot(x=logarithms, ax=sharp, bins=50, color=BLUE)
        sharp.set(title="Sharpness", xlabel="variance of Laplacian", ylabel="photos")
        sharp.set_xticks([0, 1, 2, 3, 4], ["≤ 1", "10", "100", "1,000", "10,000"])


def _draw_sizes(axes: Axes, table: pd.DataFrame) -> None:
    names = table["width"].astype(str) + " × " + table["height"].astype(str)
    sizes = names.value_counts()
    shown = sizes.head(8)
    if len(sizes) > len(shown):
        shown = pd.concat([shown, pd.Series({"other": sizes.iloc[8:].sum()})])
    bars = axes.barh(shown.index, shown.to_numpy(), 0.7, color=BLUE)
    axes.bar_label(bars, [f"{n:,}" for n in shown], padding=3)
    axes.margins(x=0.2)
    # Room for four at least, or the bar of a single size would fill the chart.
    axes.set(title="Size (pixels)", xlabel="photos", ylim=(max(len(shown), 4) - 0.5, -0.5))
    axes.grid(visible=False, axis="y")


def draw_groups(counts: Counts, path: Path) -> None:
    """Draw how many there are in each age group."""
    with chart(path, (11, 3.4)) as figure:
        axes = figure.subplots()
        sums = [int(counts[young : old + 1].sum()) for young, old in GROUPS.values()]
        bars = axes.bar(list(GROUPS), sums, 0.8, color=BLUE)
        axes.bar_label(bars, [f"{n:,}\n{100 * n / counts.sum():.1f}%" for n in sums], fontsize=9)
        axes.margins(y=0.18)
        axes.set(title="Photos by age group", ylabel="photos", xlabel="age (years)")
        axes.grid(visible=False, axis="x")
