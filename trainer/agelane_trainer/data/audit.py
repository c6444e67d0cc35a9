"""The label audit: photos whose label or content is grossly wrong, by rules blind to the model.

``docs/label-audit.md`` has the rules and says who looked at what. The audit changes no label and no
split; it only lets figures stand side by side, of all photos and of those that it left standing.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import compress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agelane_trainer.data.dataset import LabelError, Photo

RULES = ("R1", "R2", "R3", "R4", "R5", "R6")


@dataclass(frozen=True, slots=True)
class Finding:
    """One photo that the audit struck out."""

    sha256: str
    """Hex digest of the file's bytes."""
    rule: str
    """Which of ``RULES`` it breaks."""
    reason: str
    """What is to be seen, in words."""


@dataclass(frozen=True, slots=True)
class Audited:
    """Photos, sorted by an audit."""

    kept: tuple[Photo, ...]
    """Those that it left standing, in their order."""
    struck: tuple[tuple[Photo, Finding], ...]
    """Those that it struck out, each with what was found."""
    keep: npt.NDArray[np.bool_]
    """Which of all photos were kept, [N]: for predictions that were made once for all of them."""


def read_audit(path: Path) -> dict[str, Finding]:
    """Return the findings of an audit file by the photos' SHA-256.

    Raises:
        LabelError: it can't be read, or rows aren't findings or name a photo twice; each with its
            line.
    """
    columns = [field.name for field in fields(Finding)]
    findings: dict[str, Finding] = {}
    problems: list[str] = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            if next(rows, None) != columns:
                raise LabelError(f"{path}, line 1: expected the columns {','.join(columns)}")
            for row in rows:
                problem = _problem(row, findings)
                if problem:
                    problems.append(f"{path}, line {rows.line_num}: {problem}")
                else:
                    findings[row[0]] = Finding(*row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{path}: cannot be read: {error}") from error
    if problems:
        raise LabelError("\n".join(problems))
    return findings


def audit(photos: Sequence[Photo], findings: Mapping[str, Finding]) -> Audited:
    """Sort photos by their content into those kept and those struck out."""
    found = [findings.get(hashlib.sha256(photo.path.read_bytes()).hexdigest()) for photo in photos]
    keep = np.array([finding is None for finding in found], bool)
    struck = ((photo, finding) for photo, finding in zip(photos, found, strict=True) if finding)
    return Audited(tuple(compress(photos, keep)), tuple(struck), keep)


def _problem(row: list[str], findings: Mapping[str, Finding]) -> str:
    if len(row) != len(fields(Finding)):
        return f"{len(row)} columns instead of {len(fields(Finding))}"
    sha256, rule, reason = row
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        return f"sha256 {sha256!r} is not 64 hex digits"
    if sha256 in findings:
        return f"{sha256} is listed twice"
    if rule not in RULES:
        return f"rule {rule!r} is none of {', '.join(RULES)}"
    return "" if reason.strip() else "no reason is given"
