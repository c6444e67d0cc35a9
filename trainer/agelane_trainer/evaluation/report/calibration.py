"""The part of the report on whether the probabilities mean what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agelane_trainer.evaluation import metrics
from agelane_trainer.evaluation.report.intervals import rate_interval
from agelane_trainer.evaluation.report.people import LEGAL_AGE, People, Years
from agelane_trainer.evaluation.report.targets import COVERAGE, FEWEST_IN_BAND
from agelane_trainer.reports.drawing import BLUE, INK, ORANGE, PALE, chart
from agelane_trainer.reports.page import Picture, Section

PIT_BINS = 20
_SHADES = {0.5: PALE, 0.8: BLUE, 0.9: ORANGE}
"""Colour of each level of ``metrics.COVERAGE_LEVELS``."""


def calibration_section(people: People, out: Path) -> Section:
    """Draw coverage, the probability integral transform and reliability; write PNGs to ``out``."""
    _draw_coverage(people, out / "coverage.png")
    _draw_pit(probability_integrals(people), out / "pit.png")
    table = metrics.reliability(people.under_age, people.minors)
    _draw_reliability(table, out / "reliability.png")
    findings = (
        _coverage_finding(people),
        f"P(under {LEGAL_AGE}) is off by {metrics.calibration_error(table):.3f} on average "
        "(expected calibration error over ten bins).",
    )
    pictures = (
        Picture(
            out / "coverage.png",
            "How many people are as old as their interval says, with 95 % binomial intervals. Each "
            "colour should stand on its dotted line, in every band; left of it the model is too "
            f"sure of itself. Shaded: {COVERAGE[0]:.0%} to {COVERAGE[1]:.0%}.",
        ),
        Picture(
            out / "reliability.png",
            f"Of those who were given a probability, so many are under {LEGAL_AGE}: points on the "
            "diagonal are honest. Below: how many people got such a probability; a point with few "
            "people behind it has a long interval.",
        ),
        Picture(
            out / "pit.png",
            "Where in their predicted distribution people's labelled ages lie. Honest "
            "distributions give level bars, nearly all inside the shaded 95 % band; a hump means "
            "too wide, a valley too narrow, a slope a bias.",
        ),
    )
    return Section("Calibration", findings, pictures)


def probability_integrals(people: People) -> Years:
    """Return P(younger than this person) [N], for each drawn evenly within the year of age.

    It is evenly spread over 0 to 1 if, and only if, the distributions are right on the whole.
    """
    rows = np.arange(len(people.ages))
    own = people.probabilities[rows, people.ages]
    below = np.cumsum(people.probabilities, axis=1)[rows, people.ages] - own
    return np.asarray(below + own * np.random.default_rng(0).random(len(rows)))


def _coverage_finding(people: People) -> str:
    bands = {n: i for n, i in people.bands().items() if i.sum() >= FEWEST_IN_BAND}
    covered = {
        name: metrics.coverage(people.ages[inside], people.probabilities[inside], 0.9)
        for name, inside in bands.items()
    }
    off = [
        f"{name} ({share:.1%})"
        for name, share in covered.items()
        if not COVERAGE[0] <= share <= COVERAGE[1]
    ]
    bounds = f"{COVERAGE[0]:.0%} to {COVERAGE[1]:.0%}"
    if off:
        return f"The 90 % interval does not cover {bounds} in: {', '.join(off)}."
    return (
        f"The 90 % interval covers {bounds} of people in each band with at least "
        f"{FEWEST_IN_BAND} of them."
    )


def _draw_coverage(people: People, path: Path) -> None:
    bands = people.bands()
    with chart(path, (11, 1.5 + 0.5 * len(bands))) as figure:
        axes = figure.subplots()
        axes.axvspan(100 * COVERAGE[0], 100 * COVERAGE[1], color="#fbeee6", zorder=0)
        for offset, level in enumerate(metrics.COVERAGE_LEVELS, -1):
            shares, photos = np.array(
                [
                    (metrics.coverage(people.ages[i], people.probabilities[i], level), i.sum())
                    for i in bands.values()
                ]
            ).T
            low, high = rate_interval(np.rint(shares * photos), photos)
            axes.errorbar(
                100 * shares,
                np.arange(len(bands)) + 0.2 * offset,
                xerr=100 * np.stack([shares - low, high - shares]).clip(min=0),
                fmt="o",
                color=_SHADES[level],
                elinewidth=2,
                label=f"{level:.0%} interval",
            )
            axes.axvline(100 * level, color=_SHADES[level], linewidth=1.2, linestyle=":")
        labels = [f"{name} ({int(inside.sum()):,})" for name, inside in bands.items()]
        axes.set_yticks(range(len(bands)), labels)
        axes.set(xlabel="% of the people covered", xlim=(25, 101))
        axes.set_ylim(len(bands) - 0.5, -0.6)
        axes.set_title("Coverage of the central intervals, by labelled age")
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside lower center", ncols=3)


def _draw_pit(integrals: Years, path: Path) -> None:
    photos = len(integrals)
    expected = photos / PIT_BINS
    spread = 1.96 * np.sqrt(expected * (1 - 1 / PIT_BINS))
    with chart(path, (11, 3.4)) as figure:
        axes = figure.subplots()
        axes.hist(integrals, bins=PIT_BINS, range=(0, 1), color=BLUE, rwidth=0.94)
        axes.axhspan(max(expected - spread, 0), expected + spread, color=INK, alpha=0.13)
        axes.axhline(expected, color=INK, linewidth=0.9, linestyle=":")
        axes.set(xlim=(0, 1), ylabel="photos")
        axes.set(xlabel="share of the predicted distribution that is younger than the label")
        axes.set_title("Probability integral transform: level bars are honest")
        axes.grid(visible=False, axis="x")


def _draw_reliability(table: list[dict[str, float]], path: Path) -> None:
    predicted, observed, photos = (
        np.array([row[name] for row in table]) for name in ("predicted", "observed", "photos")
    )
    low, high = rate_interval(np.rint(observed * photos), photos)
    with chart(path, (7.6, 7.2)) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        above.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=":")
        above.errorbar(
            predicted,
            observed,
            yerr=np.stack([observed - low, high - observed]).clip(min=0),
            fmt="o",
            color=BLUE,
            elinewidth=1.8,
            markersize=7,
        )
        above.set(ylabel=f"share labelled under {LEGAL_AGE}", ylim=(-0.03, 1.03))
        above.set_title(f"Reliability of P(under {LEGAL_AGE})")
        bins = (np.minimum(predicted * 10, 9).astype(int) + 0.5) / 10
        bars = below.bar(bins, photos, 0.085, color=PALE)
        below.bar_label(bars, [f"{n:,.0f}" for n in photos], fontsize=9, padding=1)
        below.set(xlabel=f"predicted P(under {LEGAL_AGE})", ylabel="photos", xlim=(-0.02, 1.02))
        below.set_yscale("log")
        below.margins(y=0.35)
        below.grid(visible=False)
