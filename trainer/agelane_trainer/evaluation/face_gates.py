"""How good a face must be for its age to be trusted: the limits that travel in the model card.

They are set where the photos begin that the certificate says nothing about: below almost all that
the network was calibrated on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agelane_trainer.evaluation.predict import FaceFigures
from agelane_trainer.network.face_finder import FACE_SCORE

_OUTSIDE = 0.0025
"""Share of the calibration photos that lies outside each limit."""
_MIN_SIDE_PIXELS = 60
"""Smaller faces err by more than the plain ones: see "small" in the stress table."""


@dataclass(frozen=True, slots=True)
class FaceGates:
    """A face passes if it is within every limit; a photo only with exactly one face."""

    min_score: float
    """Least score of the finder, 0 to 1."""
    min_side_pixels: int
    """Least shorter side of the face's box (pixels of the photo)."""
    min_brightness: float
    """Least mean luminance, 0 to 1."""
    max_brightness: float
    """Greatest mean luminance, 0 to 1."""
    min_sharpness: float
    """Least variance of the Laplacian, 0 or more."""

    def passed(self, faces: FaceFigures) -> npt.NDArray[np.bool_]:
        """Return which photos [N] pass."""
        return np.asarray(
            (faces.count == 1)
            & (faces.score >= self.min_score)
            & (faces.side_pixels >= self.min_side_pixels)
            & (faces.brightness >= self.min_brightness)
            & (faces.brightness <= self.max_brightness)
            & (faces.sharpness >= self.min_sharpness)
        )


def fit_gates(faces: FaceFigures) -> FaceGates:
    """Return limits that almost all of these photos with one face keep.

    Raises:
        ValueError: on none of them is there one face.
    """
    one = faces.count == 1
    if not one.any():
        raise ValueError("no photo shows one face, so nothing tells what a good one looks like")
    darkest, brightest = np.quantile(faces.brightness[one], [_OUTSIDE, 1 - _OUTSIDE])
    return FaceGates(
        min_score=FACE_SCORE,
        min_side_pixels=_MIN_SIDE_PIXELS,
        min_brightness=round(float(darkest), 3),
        max_brightness=round(float(brightest), 3),
        min_sharpness=round(float(np.quantile(faces.sharpness[one], _OUTSIDE)), 5),
    )
