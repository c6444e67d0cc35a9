"""The published split of the APPA-REAL photos, whose files are numbered in its order.

For results that can be compared with others'. It keeps copies of a photo where they are, also on
both sides, since the published figures were measured so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from agelane_trainer.data.dataset import LabelError, Photo
from agelane_trainer.data.split import Part, Split, assemble, fingerprint_all

FILE_NUMBERS: dict[Part, range] = {
    "train": range(4113),
    "tune": range(4113, 5613),
    "validation": range(5613, 7613),
}
"""Numbers of the files of each part: the published train, validation and test set."""


def official_split(photos: Sequence[Photo]) -> Split:
    """Split photos of the original set as published: its test set is never learnt from.

    Raises:
        LabelError: a file isn't named like one of that set, or isn't a readable, upright image.
    """
    parts = [official_part(photo.path) for photo in photos]
    fingerprints = fingerprint_all([photo.path for photo in photos])
    names = (fingerprint.sha256[:16] for fingerprint in fingerprints)
    return assemble(photos, fingerprints, dict(enumerate(zip(parts, names, strict=True))))


def official_part(path: Path) -> Part:
    """Return the part that a file belongs to by its number, as in ``004113.jpg``.

    Raises:
        LabelError: it isn't named like a file of that set.
    """
    if re.fullmatch(r"\d{6}", path.stem, re.ASCII):
        for part, numbers in FILE_NUMBERS.items():
            if int(path.stem) in numbers:
                return part
    raise LabelError(f"{path.name}: the official split has only the files 000000 to 007612")
