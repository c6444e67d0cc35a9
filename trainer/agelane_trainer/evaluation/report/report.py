"""Write the report on a measured model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from agelane_trainer.evaluation.report.calibration import calibration_section
from agelane_trainer.evaluation.report.comparison import comparison_section
from agelane_trainer.evaluation.report.errors import error_section
from agelane_trainer.evaluation.report.learning import learning_section
from agelane_trainer.evaluation.report.people import People
from agelane_trainer.evaluation.report.promise import certificate_section
from agelane_trainer.evaluation.report.stress import stress_section
from agelane_trainer.evaluation.report.targets import headlines
from agelane_trainer.evaluation.report.worst import write_worst
from agelane_trainer.reports.page import Page, Section, write_page

ANONYMOUS = "Figures and charts only, no photos: those are in worst.html, which is private."


def evaluation_report(
    people: People,
    card: Mapping[str, Any],
    out: Path,
    log: Path | None = None,
    original: Mapping[str, float] | None = None,
) -> Path:
    """Write ``report.html``, ``worst.html`` and their PNGs to ``out``; returns the former's path.

    Args:
        people: the photos that the card was made with.
        card: model card; ``stress`` and ``audited`` are shown where it has them.
        out: folder, made if need be; it will hold photos of real people.
        log: ``training_log.csv`` of the run, for the learning curves.
        original: main figures of the recipe ``original_mse``, such as ``mae_years``.
    """
    out.mkdir(parents=True, exist_ok=True)
    made = card.get("made", "at an unknown date")
    page = Page(
        "How good the model is",
        f"Recipe {card.get('recipe', 'unknown')}, made {made}, measured on "
        f"{len(people.ages):,} photos that nothing was learnt from",
        ANONYMOUS,
        headlines(card.get("metrics", {})),
        list(_sections(people, card, out, log, original)),
    )
    report = out / "report.html"
    write_page(page, report)
    write_worst(people, out)
    return report


def _sections(
    people: People,
    card: Mapping[str, Any],
    out: Path,
    log: Path | None,
    original: Mapping[str, float] | None,
) -> Iterator[Section]:
    measured = card.get("metrics", {})
    yield error_section(people, out)
    yield calibration_section(people, out)
    yield certificate_section(people, card, out)
    yield comparison_section(people, card, original, out)
    if stress := card.get("stress"):
        yield stress_section(stress, float(np.abs(people.errors).mean()), out)
    if log is not None:
        yield learning_section(log, measured, out)
