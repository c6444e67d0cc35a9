"""The faces of simulated customers: what the shipped model says about photos that it never learnt.

`faces.npz` holds, of half of the trainer's validation photos, the true age and the predicted
distribution, and in its model card how the model confuses ages, measured on the other half. It has
no photo, and nothing that leads to one. It is made from photos and weights by

    python -m agelane_trainer faces --out loadtest/simulate/faces.npz
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loadtest.simulate.plan import Flags, Floats, Ints

BANK = Path(__file__).with_name("faces.npz")
_STEPS_PER_NAT = 16
_NOTHING = 255
_MARK = b"agelane-simulated-face:"
_DIGITS = 6
_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4"
    "UG1RV19iZ2hnPk1xeXBkeFxlZ2P/wAALCABgAGABAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAA"
    "AAAAAAAAAAD/2gAIAQEAAD8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/9k="
)
"""A grey picture of 96 by 96 pixels."""


@dataclass(frozen=True, eq=False)
class Faces:
    """F people who were photographed."""

    ages: Ints
    """Their true ages in completed years, [F], rising."""
    probabilities: Floats
    """P(age = 0 … 100) by the model, [F, 101]."""
    good: Flags
    """Whether the photo passes the model's gates for faces, [F]."""
    card: str
    """The model card, JSON."""

    def draw(self, random: np.random.Generator, ages_years: Floats) -> Ints:
        """Return somebody for each of these ages, or of the nearest age that there is."""
        there, starts, counts = np.unique(self.ages, return_index=True, return_counts=True)
        middles = (there[1:] + there[:-1]) / 2
        nearest = np.searchsorted(middles, np.floor(ages_years))
        chosen = (random.random(len(nearest)) * counts[nearest]).astype(np.int64)
        rows: Ints = starts[nearest] + chosen
        return rows


def read_faces(path: Path = BANK) -> Faces:
    """Return the faces of a file that the trainer wrote."""
    with np.load(path) as file:
        steps = file["steps_down"]
        weights = np.where(steps == _NOTHING, 0.0, np.exp(-steps.astype(float) / _STEPS_PER_NAT))
        return Faces(
            ages=file["ages"].astype(np.int64),
            probabilities=weights / weights.sum(axis=1, keepdims=True),
            good=file["good_face"],
            card=str(file["card"]),
        )


def photo_of(face: int) -> bytes:
    """Return a JPEG that tells in a comment whose face it shows."""
    comment = _MARK + b"%0*d" % (_DIGITS, face)
    return _JPEG[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + _JPEG[2:]


def face_on(message: bytes) -> int:
    """Return whose face is on the photo of `photo_of` within these bytes; raises ValueError."""
    start = message.index(_MARK) + len(_MARK)
    return int(message[start : start + _DIGITS])
