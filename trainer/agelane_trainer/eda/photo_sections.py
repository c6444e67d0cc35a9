"""The parts of the report that need photos."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from agelane_trainer.data.split import CONFLICT_YEARS
from agelane_trainer.eda.ages import GROUPS, group_of
from agelane_trainer.eda.charts import draw_photos
from agelane_trainer.eda.photos import Copies, Measured, find_copies, measure_all
from agelane_trainer.reports.page import Picture, Section, Table
from agelane_trainer.reports.sheets import COLUMNS, draw_sheet

SHOWN_OF_A_GROUP = 2 * COLUMNS
SHOWN_OF_COPIES = 4 * COLUMNS
SHOWN_REFUSALS = 10


def photo_sections(labels: pd.DataFrame, folder: Path, out: Path) -> list[Section]:
    """Measure the photos of ``labels`` in ``folder``; write pictures to ``out``."""
    results = measure_all([folder / name for name in labels["file_name"]])
    refusals = [result for result in results if isinstance(result, str)]
    measured = [result for result in results if isinstance(result, Measured)]
    if not measured:
        return [Section("Photos", ("No photo can be used.",), tables=_refused(refusals))]
    usable = labels[[isinstance(result, Measured) for result in results]]
    table = _table(usable, measured, folder)
    return [
        _properties(table, refusals, out),
        _extremes(table, out),
        _samples(table, out),
        _copies(table, find_copies(measured, list(table["age"])), out),
    ]


def _table(labels: pd.DataFrame, measured: Sequence[Measured], folder: Path) -> pd.DataFrame:
    """Return a row for each photo: path, age, group, and what was measured."""
    names = ("width", "height", "colour", "brightness", "sharpness")
    return pd.DataFrame(
        {
            "path": [folder / name for name in labels["file_name"]],
            "age": labels["age"].to_numpy(),
            "group": group_of(labels["age"]).array,
            **{name: [getattr(photo, name) for photo in measured] for name in names},
        }
    )


def _properties(table: pd.DataFrame, refusals: Sequence[str], out: Path) -> Section:
    draw_photos(table, out / "photos.png")
    shares = table["colour"].value_counts(normalize=True)
    sizes = table.groupby(["width", "height"]).ngroups
    dark, bright = (table["brightness"].quantile(q) for q in (0.05, 0.95))
    findings = (
        f"{len(table):,} photos can be used, {len(refusals):,} can't. "
        + ("All are of one size." if sizes == 1 else f"They have {sizes:,} sizes."),
        f"{shares.get('grey', 0):.1%} are grey and {shares.get('tinted', 0):.1%} are tinted in one "
        f"tone; nine of ten have a mean brightness of {dark:.0f} to {bright:.0f} of 255.",
    )
    caption = (
        "Where old people are grey more often than young ones, a network may learn that grey is "
        "old. A second hill in brightness or sharpness means a second kind of source; a spike at "
        "the left of sharpness, photos that were enlarged."
    )
    pictures = (Picture(out / "photos.png", caption),)
    return Section("Photos", findings, pictures, _refused(refusals))


def _refused(reasons: Sequence[str]) -> tuple[Table, ...]:
    rows = tuple((reason,) for reason in reasons[:SHOWN_REFUSALS])
    return (Table((f"not usable (the first {len(rows)} of {len(reasons):,})",), rows),) * bool(rows)


def _extremes(table: pd.DataFrame, out: Path) -> Section:
    """Show a row of photos at each end of what was measured."""
    choices = {
        "darkest": (table.nsmallest(COLUMNS, "brightness"), "Is there still a face to see?"),
        "brightest": (table.nlargest(COLUMNS, "brightness"), "Are faces washed out?"),
        "least_sharp": (table.nsmallest(COLUMNS, "sharpness"), "Do they show an age at all?"),
        "sharpest": (
            table.nlargest(COLUMNS, "sharpness"),
            "Grain, rasters and writing count as sharp: are these photos, or prints and drawings?",
        ),
        "tinted": (
            _some(table[table["colour"] == "tinted"], COLUMNS),
            "A sample: old prints, filters, or wrongly taken for tinted?",
        ),
        "grey": (_some(table[table["colour"] == "grey"], COLUMNS), "A sample of those in grey."),
    }
    pictures = []
    for name, (rows, question) in choices.items():
        if len(rows):
            path = out / f"extreme_{name}.png"
            draw_sheet([(row.path, _years(row.age)) for row in rows.itertuples()], path)
            pictures.append(Picture(path, f"{name.replace('_', ' ').capitalize()}: {question}"))
    return Section("Photos at the edges", pictures=tuple(pictures))


def _samples(table: pd.DataFrame, out: Path) -> Section:
    pictures = []
    for name, (youngest, _) in GROUPS.items():
        group = table[table["group"] == name]
        if len(group):
            path = out / f"sample_from_{youngest:02}.png"
            chosen = _some(group, SHOWN_OF_A_GROUP).sort_values("age")
            draw_sheet([(row.path, _years(row.age)) for row in chosen.itertuples()], path)
            caption = f"{name}: {len(chosen)} of {len(group):,} photos, by labelled age."
            pictures.append(Picture(path, f"{caption} Does anybody look out of place?"))
    return Section("Samples of each age group", pictures=tuple(pictures))


def _copies(table: pd.DataFrame, copies: Copies, out: Path) -> Section:
    conflicting = sum(map(len, copies.conflicting))
    findings = (
        f"{copies.exact:,} photos are byte-for-byte copies of another and {copies.near:,} are near "
        f"copies; {conflicting:,} photos are copies whose labels disagree by more than "
        f"{CONFLICT_YEARS} years. Training keeps one of each picture and none in conflict.",
    )
    agreeing = sorted(set(copies.groups) - set(copies.conflicting))
    random.Random(0).shuffle(agreeing)  # of all ages, and the same on every run
    shown = {
        "conflicts": (
            copies.conflicting,
            "The same picture under different ages, the worst first: at least one label is wrong, "
            "and nobody can say which.",
        ),
        "copies": (
            agreeing,
            "Copies whose ages agree, side by side under one number. Each number must "
            "be one person; strangers here would mean that copies are sought too widely.",
        ),
    }
    pictures = []
    for name, (groups, caption) in shown.items():
        if photos := _side_by_side(table, groups):
            draw_sheet(photos, out / f"{name}.png")
            pictures.append(Picture(out / f"{name}.png", caption))
    return Section("Copies", findings, tuple(pictures))


def _side_by_side(table: pd.DataFrame, groups: Sequence[Sequence[int]]) -> list[tuple[Path, str]]:
    """Return the photos of as many groups as fit on a sheet, with the group's number and age."""
    photos: list[tuple[Path, str]] = []
    for number, group in enumerate(groups, 1):
        if len(photos) + len(group) > SHOWN_OF_COPIES:
            break
        rows = table.iloc[list(group)].sort_values("age")
        photos += [(row.path, f"#{number}: {_years(row.age)}") for row in rows.itertuples()]
    return photos


def _some(table: pd.DataFrame, number: int) -> pd.DataFrame:
    """Return up to ``number`` rows by chance, the same ones on every run."""
    return table.sample(min(number, len(table)), random_state=0)


def _years(age: int) -> str:
    return f"{age} y"
