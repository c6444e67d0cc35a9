"""The manifest of a split: which content went where, as a file that another machine can check.

It names photos by their SHA-256 alone, so that it tells nobody's name, age or file name. With it a
certificate can be refused for photos that the network has seen.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agelane_trainer.data.dataset import LabelError
from agelane_trainer.data.split import Entry, Fingerprint, copies_between

COLUMNS = tuple(field.name for field in fields(Entry))
LEARNT_PARTS = ("train", "tune")
"""Parts that a model has seen: weights come from one, epoch and calibration from the other."""


def write_manifest(entries: Iterable[Entry], path: Path) -> None:
    """Write entries as CSV, by SHA-256: equal splits give equal files."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(sorted(astuple(entry) for entry in entries))


def read_manifest(path: Path) -> list[Entry]:
    """Return the entries of a manifest.

    Raises:
        LabelError: it can't be read, or a row isn't an entry; the message names file and line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            if tuple(next(rows, [])) != COLUMNS:
                raise LabelError(f"{path}, line 1: expected the columns {','.join(COLUMNS)}")
            return [_entry(row, f"{path}, line {rows.line_num}") for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{path}: cannot be read: {error}") from error


def differences(manifest: Iterable[Entry], found: Iterable[Entry]) -> list[str]:
    """Say in words how a split differs from a manifest; nothing if the two agree.

    Perceptual hashes aren't compared: another JPEG decoder may differ in a bit of them.
    """
    expected, actual = (
        Counter((entry.sha256, entry.place, entry.group) for entry in entries)
        for entries in (manifest, found)
    )
    known, present = ({sha256 for sha256, *_ in rows} for rows in (expected, actual))
    changed = {sha256 for sha256, *_ in (expected - actual) + (actual - expected)}
    kinds = {
        "of the manifest are missing": known - present,
        "are not in the manifest": present - known,
        "stand in another part, group or number than in the manifest": changed & known & present,
    }
    return [
        f"{len(photos)} photos {what}, for example {min(photos)}"
        for what, photos in kinds.items()
        if photos
    ]


def learnt_from(
    manifest: Iterable[Entry], fingerprints: Sequence[Fingerprint]
) -> npt.NDArray[np.bool_]:
    """Return which photos [N] are, or are copies of, what a model was made from."""
    entries = list(manifest)
    groups = {entry.group for entry in entries if entry.place in LEARNT_PARTS}
    learnt = [bytes.fromhex(entry.perceptual) for entry in entries if entry.group in groups]
    known = np.frombuffer(b"".join(learnt), np.uint64).reshape(-1, 4)
    seen = np.zeros(len(fingerprints), bool)
    if fingerprints:
        seen[copies_between(np.stack([f.perceptual for f in fingerprints]), known)[0]] = True
    return seen


def _entry(row: list[str], where: str) -> Entry:
    if len(row) != len(COLUMNS):
        raise LabelError(f"{where}: {len(row)} columns instead of {len(COLUMNS)}")
    entry = Entry(*row)
    for name in ("sha256", "perceptual"):
        if not re.fullmatch(r"[0-9a-f]{64}", getattr(entry, name)):
            raise LabelError(f"{where}: {name} is not 64 hex digits")
    if not entry.place or not entry.group:
        raise LabelError(f"{where}: place and group must not be empty")
    return entry
