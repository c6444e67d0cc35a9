"""The photos on which a model errs most, to be looked at: wrong labels, or a wrong model?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agelane_trainer.evaluation.report.people import LEGAL_AGE, People
from agelane_trainer.reports.page import Page, Picture, Section, Table, write_page
from agelane_trainer.reports.sheets import draw_sheet

WORST = 50
"""Photos shown for their error."""
HARDEST = 24
"""Minors shown because they look adult."""
COLUMNS = 8
PRIVATE = (
    "These are photos of real people. The report lies where git ignores it: never commit it, never "
    "send it, and delete it when you have looked."
)


def write_worst(people: People, out: Path) -> Path:
    """Write ``worst.html``, and the contact sheets in it as PNGs, to ``out``; returns its path."""
    shown = min(WORST, len(people.ages))
    worst = [int(row) for row in np.argsort(-np.abs(people.errors), kind="stable")[:shown]]
    sections = [
        _section(
            f"The {shown} largest errors",
            "Labelled and estimated age, the largest error first. A label that is plainly wrong is "
            "the label audit's business; a face that is plainly of its age is the model's.",
            people,
            worst,
            out / "worst.png",
        )
    ]
    if hardest := people.hardest_minors(HARDEST):
        sections.append(
            _section(
                f"People labelled under {LEGAL_AGE} who look most adult",
                "Labelled and estimated age, the lowest P(under age) first. The first of them set "
                "the certificate's threshold.",
                people,
                hardest,
                out / "hardest_minors.png",
            )
        )
    path = out / "worst.html"
    subject = f"{len(people.ages):,} photos were measured"
    write_page(Page("The photos it errs on most", subject, PRIVATE, (), sections), path)
    return path


def _section(title: str, caption: str, people: People, rows: Sequence[int], sheet: Path) -> Section:
    texts = [f"{people.ages[row]}, est. {people.estimates[row]:.0f}" for row in rows]
    draw_sheet([(people.photos[r], t) for r, t in zip(rows, texts, strict=True)], sheet, COLUMNS)
    head = ("photo", "labelled", "estimated", "90 % interval", f"P(under {LEGAL_AGE})")
    table = Table(head, tuple(_row(people, row) for row in rows))
    return Section(title, (), (Picture(sheet, caption),), (table,))


def _row(people: People, row: int) -> tuple[str, ...]:
    low, high = np.searchsorted(np.cumsum(people.probabilities[row]), (0.05, 0.95))
    return (
        people.photos[row].name,
        str(people.ages[row]),
        f"{people.estimates[row]:.1f}",
        f"{low} to {high}",
        f"{people.under_age[row]:.2g}",
    )
