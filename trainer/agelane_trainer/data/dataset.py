"""Read the photo data set format: a folder with ``labels.csv`` and ``final_files/``.

``labels.csv`` has the columns ``file_name,real_age`` and may have ``sex`` and ``ethnicity``
(used only to report errors per group, never as model input) and ``person`` (keeps the photos of one
person on one side of the split).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_AGE = 100
"""Oldest age of the distribution; older people count as this (years)."""
OLDEST_CREDIBLE_AGE = 122
"""Oldest verified human age (years); a label above it is a typing error."""


class LabelError(ValueError):
    """The label file or a row of it is unusable; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One labelled photo."""

    path: Path
    """The image file."""
    age: int
    """Completed years, 0 to 100."""
    sex: str = ""
    """As labelled; empty when unknown."""
    ethnicity: str = ""
    """As labelled; empty when unknown."""
    person: str = ""
    """Who it is, as any id that all photos of the person share; empty when unknown."""


def read_photos(folder: Path) -> list[Photo]:
    """Return every labelled photo of ``folder``, in the order of its label file.

    Raises:
        LabelError: unreadable file, missing column, age out of 0 to 122, photo missing or
            named twice; each with its line. Up to ten problems are listed at once.
    """
    labels = folder / "labels.csv"
    problems: list[str] = []
    photos: list[Photo] = []
    seen: set[str] = set()
    for line, row in _rows(labels):
        try:
            photo = _photo(folder / "final_files", row)
            if photo.path.name in seen:
                raise LabelError(f"{photo.path.name} is listed twice")
        except LabelError as error:
            problems.append(f"{labels}, line {line}: {error}")
            continue
        seen.add(photo.path.name)
        photos.append(photo)
    if problems:
        more = f"\n… and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise LabelError("\n".join(problems[:10]) + more)
    if not photos:
        raise LabelError(f"{labels}: no rows")
    return photos


def _rows(labels: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    try:
        with labels.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"file_name", "real_age"} - set(reader.fieldnames or ())
            if missing:
                raise LabelError(f"{labels}, line 1: missing column {', '.join(sorted(missing))}")
            for row in reader:
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{labels}: cannot be read: {error}") from error


def _photo(folder: Path, row: dict[str, str | None]) -> Photo:
    name = row["file_name"] or ""
    if not name or Path(name).name != name:
        raise LabelError(f"file_name {name!r} is not a plain file name")
    path = folder / name
    if not path.is_file():
        raise LabelError(f"photo {name} is missing in {folder}")
    optional = {name: row.get(name) or "" for name in ("sex", "ethnicity", "person")}
    return Photo(path, _age(row["real_age"]), **optional)


def _age(text: str | None) -> int:
    try:
        age = float(text or "")
    except ValueError:
        raise LabelError(f"real_age {text!r} is not a number") from None
    if not 0 <= age <= OLDEST_CREDIBLE_AGE:
        raise LabelError(f"real_age {text} is outside 0 to {OLDEST_CREDIBLE_AGE}")
    return min(int(age), MAX_AGE)
