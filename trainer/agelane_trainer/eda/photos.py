"""Measure photos: size, colour, brightness, sharpness; and find the copies among them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from agelane_trainer.data.dataset import LabelError
from agelane_trainer.data.split import CONFLICT_YEARS, Fingerprint, fingerprint, groups_of_copies

Colour = Literal["colour", "tinted", "grey"]
Floats = npt.NDArray[np.float32]

GREY_BELOW = 2.0
"""Mean distance of the colour channels (Cb, Cr) from neutral below which a photo is grey. Of 1,500
photos looked at, 38 lay below 0.5, 10 between 0.5 and 3, the rest above."""
TINTED_BELOW = 2.0
"""A photo whose colour follows from brightness with a smaller deviation than this is in one tone:
sepia, blue, a faded print. Judged by eye on the same photos."""
SHARPNESS_SIDE = 200
"""Sharpness depends on scale, so larger photos are first reduced to this longer side (pixels)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one photo."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    colour: Colour
    """In colour, in shades of one tone, or grey."""
    brightness: float
    """Mean luma, 0 (black) to 255 (white)."""
    sharpness: float
    """Variance of the Laplacian of luma; low is blurred."""
    fingerprint: Fingerprint
    """Finds copies."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Photos that show the same picture, as indices."""

    exact: int
    """Photos whose file is the same, byte by byte, as one counted already."""
    near: int
    """Further ones that are the same picture, re-encoded or resized."""
    groups: tuple[tuple[int, ...], ...]
    """The photos of each picture that occurs more than once."""
    conflicting: tuple[tuple[int, ...], ...]
    """The groups whose labelled ages differ by more than ``CONFLICT_YEARS``, the worst first."""


def measure_all(paths: Sequence[Path]) -> list[Measured | str]:
    """Measure photos in parallel, with a progress bar; a str says why one can't be used."""
    with ThreadPoolExecutor() as pool:  # decoding and NumPy leave Python's lock
        measuring = pool.map(_measure, paths)
        return list(tqdm(measuring, "measuring", len(paths), unit=" photos", disable=None))


def find_copies(photos: Sequence[Measured], ages: Sequence[int]) -> Copies:
    """Find the copies among ``photos``; ``ages`` (years) tell which contradict each other."""
    prints = [photo.fingerprint for photo in photos]
    groups = [tuple(group) for group in groups_of_copies(prints) if len(group) > 1]
    files = [len({prints[i].sha256 for i in group}) for group in groups]

    def disagreement(group: tuple[int, ...]) -> int:
        return max(ages[i] for i in group) - min(ages[i] for i in group)

    return Copies(
        exact=sum(map(len, groups)) - sum(files),
        near=sum(files) - len(groups),
        groups=tuple(groups),
        conflicting=tuple(
            group
            for group in sorted(groups, key=disagreement, reverse=True)
            if disagreement(group) > CONFLICT_YEARS
        ),
    )


def _measure(path: Path) -> Measured | str:
    try:
        identity = fingerprint(path)
        with Image.open(path) as image:
            size = image.size
            image.thumbnail((SHARPNESS_SIDE, SHARPNESS_SIDE), Image.Resampling.BOX)
            picture = image.convert("YCbCr")
    except (LabelError, OSError, Image.DecompressionBombError) as error:
        return str(error)
    luma = np.asarray(picture.getchannel("Y"), np.float32)
    return Measured(
        *size, _colour(picture), float(luma.mean()), _variance_of_laplacian(luma), identity
    )


def _variance_of_laplacian(luma: Floats) -> float:
    if min(luma.shape) < 3:
        return 0.0
    inner = luma[1:-1, 1:-1]
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return float(np.var(around - 4 * inner))


def _colour(picture: Image.Image) -> Colour:
    """Judge a YCbCr picture: in one tone, colour is a smooth function of brightness."""
    small = picture.resize((32, 32), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float32).reshape(-1, 3)
    luma, chroma = pixels[:, 0] / 255, pixels[:, 1:] - 128
    if np.abs(chroma).mean() < GREY_BELOW:
        return "grey"
    powers = np.stack([np.ones_like(luma), luma, luma**2], axis=1)
    rest = chroma - powers @ np.linalg.lstsq(powers, chroma, rcond=None)[0]
    return "tinted" if rest.std(axis=0).max() < TINTED_BELOW else "colour"
