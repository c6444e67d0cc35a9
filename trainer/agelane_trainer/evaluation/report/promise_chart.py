"""The certificate as a picture: what each threshold does to adults and to minors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from agelane_trainer.certificate.certificate import Terms
from agelane_trainer.evaluation.report.intervals import rate_interval
from agelane_trainer.evaluation.report.people import LEGAL_AGE, People, Years
from agelane_trainer.evaluation.till import CLEARLY_ADULT
from agelane_trainer.reports.drawing import BLUE, GREY, INK, ORANGE, chart

NEAR_AGES = range(LEGAL_AGE - Terms().near_age_years, LEGAL_AGE)
"""Ages just below the legal age."""
HARDEST = 12
"""Minors that look most adult, who are marked."""
LABEL_ROOM = 1.14
"""A mark this many times to the right of another has room for its label."""


def draw_certificate(people: People, thresholds: Mapping[str, float], path: Path) -> None:
    """Draw both rates against the threshold, with up to two thresholds by their names."""
    ends = _lowest_threshold(people, thresholds) / 4, 0.5
    grid = np.geomspace(*ends, 400)
    with chart(path, (11, 8)) as figure:
        above, below = figure.subplots(2, 1, sharex=True)
        for line, (text, threshold) in zip(("-", "--"), thresholds.items(), strict=False):
            label = f"{text}: {threshold:.2g}"
            above.axvline(threshold, color=INK, linewidth=1.5, linestyle=line, label=label)
            below.axvline(threshold, color=INK, linewidth=1.5, linestyle=line)
        _draw_asked(above, grid, people)
        above.set(xscale="log", xlim=ends)
        _draw_cleared(below, grid, people)
        below.xaxis.set_major_formatter("{x:g}")
        rates, _ = below.get_legend_handles_labels()
        figure.legend(handles=rates, loc="outside lower center", ncols=2)
        below.set_xlabel(f"threshold: highest P(under {LEGAL_AGE}) that gets ALLOW")


def _lowest_threshold(people: People, thresholds: Mapping[str, float]) -> float:
    """Return the lowest threshold of interest: a certificate's, or one that clears a minor."""
    scores = people.under_age[people.hardest_minors(1)]
    return max(min([*scores, *thresholds.values()], default=1e-3), 1e-7)


def _draw_asked(axes: Axes, grid: Years, people: People) -> None:
    clearly = people.ages >= CLEARLY_ADULT
    barely = (people.ages >= LEGAL_AGE) & ~clearly
    scores = people.under_age
    for inside, colour, name in (
        (clearly, BLUE, f"of {CLEARLY_ADULT} and over"),
        (barely, GREY, f"of {LEGAL_AGE} to {CLEARLY_ADULT - 1}"),
    ):
        asked = inside.sum() - _cleared(scores[inside], grid)
        _draw_rate(axes, grid, asked, int(inside.sum()), colour, name)
    axes.set(ylim=(0, 102), ylabel="% asked for a document")
    axes.set_title("ID-check rate: adults who have to show a document")
    axes.legend(loc="upper right", frameon=True, facecolor="white", edgecolor="none")


def _draw_cleared(axes: Axes, grid: Years, people: People) -> None:
    near = np.isin(people.ages, NEAR_AGES)
    scores, terms = people.under_age, Terms()
    for inside, colour, name, promised in (
        (near, GREY, f"of {NEAR_AGES[0]} to {NEAR_AGES[-1]}", terms.max_near_age_rate),
        (people.minors, ORANGE, f"under {LEGAL_AGE}", terms.max_false_clear_rate),
    ):
        _draw_rate(axes, grid, _cleared(scores[inside], grid), int(inside.sum()), colour, name)
        axes.axhline(100 * promised, color=colour, linewidth=1.2, linestyle=":")
    _mark_hardest(axes, people)
    axes.set(ylim=(0, 8), ylabel="% waved through")
    axes.set_title("False-clear rate: minors who are waved through", pad=26)


def _cleared(scores: Years, grid: Years) -> Years:
    """Return how many of the scores are within each threshold of the grid."""
    return np.searchsorted(np.sort(scores), grid, side="right").astype(np.float64)


def _draw_rate(axes: Axes, grid: Years, hits: Years, photos: int, colour: str, name: str) -> None:
    if not photos:
        return
    low, high = 100 * rate_interval(hits, photos)
    axes.fill_between(grid, low, high, color=colour, alpha=0.16, linewidth=0)
    label = f"{name} ({photos:,} photos)"
    axes.plot(grid, 100 * hits / photos, color=colour, linewidth=2, label=label)


def _mark_hardest(axes: Axes, people: People) -> None:
    """Mark the minors with the lowest scores at the top, with their labelled ages.

    A label that would run into the one before it is left out.
    """
    scores = people.under_age
    taken = 0.0
    for row in people.hardest_minors(HARDEST):
        axes.axvline(scores[row], ymin=0.96, ymax=1, color=ORANGE, linewidth=1.5)
        if scores[row] > taken * LABEL_ROOM:
            axes.annotate(
                str(people.ages[row]),
                (scores[row], 1.01),
                xycoords=axes.get_xaxis_transform(),
                ha="center",
                va="bottom",
                fontsize=9,
                color=ORANGE,
            )
            taken = scores[row]
