"""Which faces are good enough to be judged by their age."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on an upright photo, in shares of its height and width: 0 … 1."""

    top: float
    """Upper edge; 0 is the photo's."""
    left: float
    """Left edge; 0 is the photo's."""
    bottom: float
    """Lower edge; 1 is the photo's."""
    right: float
    """Right edge; 1 is the photo's."""


@dataclass(frozen=True, slots=True)
class Faces:
    """How many faces a photo shows, and what was measured on the one that the age is of.

    Whoever makes one may put NaN where nothing was measured: no gate lets it pass.
    """

    count: int
    """Faces found; 0 makes all the rest meaningless."""
    box: Box
    """Where the face lies."""
    photo_size: tuple[int, int]
    """Width and height in pixels of the photo that the model saw."""
    score: float
    """How sure the finder is that it is a face, 0 … 1."""
    brightness: float
    """Mean of the face, 0 black … 1 white."""
    sharpness: float
    """0 is wholly blurred; without upper end, and only comparable within one model version."""

    @property
    def sides_pixels(self) -> tuple[float, float]:
        """Width and height of the face in pixels."""
        width, height = self.photo_size
        return (self.box.right - self.box.left) * width, (self.box.bottom - self.box.top) * height


@dataclass(frozen=True, slots=True)
class FaceGates:
    """What a face must be like for a model's word to count; ValueError if impossible.

    They belong to one version of a model: its certificate was made on faces that passed them.
    """

    min_score: float
    """Lowest score of the finder, 0 … 1."""
    min_side_pixels: float
    """Shortest side of the face in pixels, 0 or more."""
    min_brightness: float
    """Darkest mean, 0 … 1."""
    max_brightness: float
    """Brightest mean, min_brightness … 1."""
    min_sharpness: float
    """Lowest sharpness, 0 or more."""

    def __post_init__(self) -> None:
        """Refuse what can't be a gate."""
        _check("min_score", self.min_score, 0, 1)
        _check("min_side_pixels", self.min_side_pixels, 0, math.inf)
        _check("min_brightness", self.min_brightness, 0, 1)
        _check("max_brightness", self.max_brightness, self.min_brightness, 1)
        _check("min_sharpness", self.min_sharpness, 0, math.inf)

    def passed_by(self, faces: Faces) -> bool:
        """Tell whether the face is good enough; one with any number that is NaN is not."""
        return (
            faces.score >= self.min_score
            and all(side >= self.min_side_pixels for side in faces.sides_pixels)
            and self.min_brightness <= faces.brightness <= self.max_brightness
            and faces.sharpness >= self.min_sharpness
        )


def read_face_gates(entry: object) -> FaceGates | None:
    """Return the gates that a model card tells, or None where they are not valid.

    A gate too many makes them invalid like one too few: one that is not known here could not be
    kept closed.
    """
    if not isinstance(entry, Mapping):
        return None
    try:
        return FaceGates(**entry)
    except (TypeError, ValueError):
        return None


def _check(name: str, value: float, least: float, most: float) -> None:
    number = type(value) in (int, float)  # which True and False are not
    if not (number and least <= value <= most and value < math.inf):
        raise ValueError(f"{name} {value!r} is not a number from {least} to {most}")
