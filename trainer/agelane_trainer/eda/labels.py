"""Read labels as they are: what can't be used is counted and shown, and stops nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from agelane_trainer.data.dataset import OLDEST_CREDIBLE_AGE, LabelError

REQUIRED = ("file_name", "real_age")


@dataclass(frozen=True, slots=True)
class Labels:
    """A label file, with or without its photos."""

    table: pd.DataFrame
    """A row for each usable label: ``file_name``, ``age`` (completed years, not cut off at the
    oldest age that the model knows), and ``sex`` and ``ethnicity`` where the file has them."""
    folder: Path | None
    """Where the photos are; None if there are labels alone."""
    unusable: int
    """Rows whose age is no number or beyond what a person reaches, or whose name is missing."""


def read_labels(data: Path) -> Labels:
    """Read ``data``: a folder with ``labels.csv`` and ``final_files/``, or a label file alone.

    Raises:
        LabelError: the file can't be read, lacks a column or has no usable row.
    """
    path = data / "labels.csv" if data.is_dir() else data
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise LabelError(f"{path}: cannot be read: {error}") from error
    missing = [name for name in REQUIRED if name not in rows]
    if missing:
        raise LabelError(f"{path}, line 1: missing column {', '.join(missing)}")
    ages = pd.to_numeric(rows["real_age"], errors="coerce")
    usable = ages.between(0, OLDEST_CREDIBLE_AGE) & (rows["file_name"] != "")
    if not usable.any():
        raise LabelError(f"{path}: no usable rows")
    table = rows.assign(age=ages)[usable].astype({"age": int}).reset_index(drop=True)
    folder = data / "final_files" if data.is_dir() else None
    return Labels(table, folder, int((~usable).sum()))
