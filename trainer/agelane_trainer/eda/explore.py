"""Look at a data set and write the report."""

from __future__ import annotations

from pathlib import Path

from agelane_trainer.eda import charts
from agelane_trainer.eda.ages import (
    Counts,
    Summary,
    count_years,
    heaps,
    spikes,
    summarise,
    whipple_index,
    whipple_verdict,
)
from agelane_trainer.eda.labels import Labels, read_labels
from agelane_trainer.eda.photo_sections import photo_sections
from agelane_trainer.reports.page import Headline, Page, Picture, Section, Table, write_page

LEGAL_AGE = 18
"""Ages below it are marked (years)."""
PRIVATE = "Shows real people where the data does: keep it as private as the photos."


def explore(data: Path, out: Path) -> Path:
    """Look at ``data``, a folder with ``labels.csv`` and ``final_files/`` or a label file alone.

    Writes PNGs and ``report.html`` to ``out`` and returns the latter's path. The report holds the
    pictures too, some of them photos of ``data``.

    Raises:
        LabelError: the labels can't be read.
    """
    labels = read_labels(data)
    out.mkdir(parents=True, exist_ok=True)
    ages = labels.table["age"]
    counts, summary = count_years(ages), summarise(ages)
    sections = [_spread(labels, counts, summary, out), _heaping(counts, out), _young(counts, out)]
    if labels.folder:
        sections += photo_sections(labels.table, labels.folder, out)
    report = out / "report.html"
    page = Page(
        "What is in the data",
        str(data),
        PRIVATE if labels.folder else "",
        _headlines(summary, counts),
        sections,
    )
    write_page(page, report)
    return report


def _headlines(summary: Summary, counts: Counts) -> list[Headline]:
    index = whipple_index(counts)
    return [
        Headline("labels", f"{summary.count:,}"),
        Headline("mean age", f"{summary.mean:.2f}"),
        Headline("standard deviation", f"{summary.deviation:.2f}"),
        Headline("quartiles", " / ".join(f"{quartile:g}" for quartile in summary.quartiles)),
        Headline("youngest and oldest", f"{summary.youngest} and {summary.oldest}"),
        Headline("Whipple index", "none" if index is None else f"{index:.0f}"),
    ]


def _spread(labels: Labels, counts: Counts, summary: Summary, out: Path) -> Section:
    low, _, high = summary.quartiles
    tail = "right" if summary.skewness > 0 else "left"
    findings = (
        f"{summary.count:,} usable labels, {labels.unusable:,} unusable ones. Half of the people "
        f"are {low:g} to {high:g} years old, three quarters are at most {high:g}.",
        f"The longer tail is the {tail} one (skewness {summary.skewness:.2f}): "
        f"{summary.outliers:,} are outliers, outside {max(summary.fences[0], 0):g} "
        f"to {summary.fences[1]:g} years; the oldest is {summary.oldest}.",
    )
    charts.draw_ages(counts, labels.table["age"], summary, out / "ages.png")
    charts.draw_groups(counts, out / "age_groups.png")
    pictures = (
        Picture(
            out / "ages.png",
            "Is every age there, and is the curve smooth? Orange years stand out from their "
            "neighbours; dotted lines are the quartiles. In the box plot, marks beyond the "
            "whiskers are outliers (1.5 times the box's width away from it).",
        ),
        Picture(
            out / "age_groups.png",
            "A group with few photos is learnt badly and measured badly. The groups are narrow "
            f"where the decision is made, near {LEGAL_AGE}.",
        ),
    )
    return Section("Ages", findings, pictures, _people(labels))


def _people(labels: Labels) -> tuple[Table, ...]:
    """Count people by what is labelled beside their age."""
    tables = []
    for name in ("sex", "ethnicity"):
        if name in labels.table:
            shares = labels.table[name].replace("", "unknown").value_counts()
            rows = ((key, f"{n:,}", f"{n / len(labels.table):.1%}") for key, n in shares.items())
            tables.append(Table((name, "photos", "share"), tuple(rows)))
    return tuple(tables)


def _heaping(counts: Counts, out: Path) -> Section:
    found = spikes(counts)
    index = whipple_index(counts)
    findings = [
        f"Ages are heaped at {', '.join(str(heap.age) for heap in found)}: labels were rounded, or "
        "guessed."
        if found
        else "No age stands out from its neighbours."
    ]
    if index is not None:
        findings.append(
            f"The Whipple index of ages 23 to 62 is {index:.0f} (100: no heaping on multiples of "
            f"five, 500: nothing else), which the United Nations call {whipple_verdict(index)}."
        )
    charts.draw_heaping(counts, out / "heaping.png")
    picture = Picture(
        out / "heaping.png",
        "Without heaping all bars end near 1. Orange years exceed their neighbours by more than "
        "chance allows (four standard errors) and have ten people at least. The oldest are few, so "
        "their bars vary more.",
    )
    interesting = {heap.age for heap in found} | set(range(20, 91, 10))
    rows = tuple(
        (str(heap.age), f"{heap.count:,}", f"{heap.expected:,.1f}", f"{heap.excess:+.0%}")
        for heap in heaps(counts)
        if heap.age in interesting
    )
    table = Table(("age", "photos", "neighbours' mean", "excess"), rows)
    return Section("Heaping on round ages", tuple(findings), (picture,), (table,))


def _young(counts: Counts, out: Path) -> Section:
    charts.draw_young(counts, LEGAL_AGE, out / "young.png")
    young = counts[10:21].sum()
    finding = (
        f"{young:,} photos ({young / counts.sum():.1%}) are of people of 10 to 20, "
        f"{counts[14:LEGAL_AGE].sum():,} of them 14 to {LEGAL_AGE - 1}: those whom an alcohol "
        "decision must not mistake for adults."
    )
    caption = (
        "How many photos there are to learn from on either side of the legal age, the dotted line. "
        "A single high year beside low ones is heaping, not people."
    )
    return Section("Near the legal age", (finding,), (Picture(out / "young.png", caption),))
