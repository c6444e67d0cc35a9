"""Split photos into parts so that no copy of a photo stands on both sides.

The part follows from the file's own bytes (SHA-256), so that the split is the same on every
machine, needs no random state, and stays as it was when photos are added. Copies of a photo that
were re-encoded or resized are found by a perceptual hash and kept together.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from agelane_trainer.data.dataset import LabelError, Photo

Part = Literal["tune", "validation", "train"]

VALIDATION_BUCKETS = range(9, 18)
"""Buckets (of 100) of the part ``validation``."""
TUNE_BUCKETS = (*range(9), *range(18, 21))
"""Buckets of the part ``tune``; all that are in neither train."""
COPY_BITS = 24
"""Pictures are copies if at most this many of 256 hash bits differ. Of the 238 million pairs of the
shipped training data hardly any differ by 20 to 30 bits: copies lie below, other people above."""
CONFLICT_YEARS = 2
"""Copies whose labelled ages differ by more than this are in conflict (years)."""
_BLOCK = 256
_PART_ORDER: tuple[Part, ...] = ("tune", "validation", "train")


@dataclass(frozen=True, slots=True)
class Split:
    """The photos of each part."""

    tune: tuple[Photo, ...]
    """Chooses the best epoch and fits the calibration."""
    validation: tuple[Photo, ...]
    """Is only ever measured on."""
    train: tuple[Photo, ...]
    """Is learnt from."""
    left_out: tuple[tuple[Photo, str], ...]
    """Photos of no part, each with its reason."""
    data_sha256: str
    """Identifies the data set: SHA-256 (hex) over all contents and labels, whatever their order."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What identifies a photo's content."""

    sha256: str
    """Hex digest of the file's bytes."""
    perceptual: npt.NDArray[np.uint64]
    """Difference hash of the picture, [4] words of 64 bits: alike for re-encoded copies."""


def split(photos: Sequence[Photo]) -> Split:
    """Split ``photos`` by content.

    Copies stay together: a group of copies that falls into several parts goes to ``train`` as a
    whole, so that nothing measured on was trained on. Of the copies one stays; a group whose ages
    disagree is left out, since nobody can say which label is right.
    """
    fingerprints = fingerprint_all([photo.path for photo in photos])
    parts: dict[Part, list[Photo]] = {"tune": [], "validation": [], "train": []}
    left_out: list[tuple[Photo, str]] = []
    for group in groups_of_copies(fingerprints):
        group.sort(key=lambda i: fingerprints[i].sha256)
        members = [photos[i] for i in group]
        ages = [photo.age for photo in members]
        if max(ages) - min(ages) > CONFLICT_YEARS:
            left_out += [(photo, "copies with conflicting ages") for photo in members]
            continue
        part = max((bucket_part(fingerprints[i].sha256) for i in group), key=_PART_ORDER.index)
        parts[part].append(members[0])
        left_out += [(photo, "copy of another photo") for photo in members[1:]]
    return Split(
        tuple(parts["tune"]),
        tuple(parts["validation"]),
        tuple(parts["train"]),
        tuple(left_out),
        _data_sha256(photos, fingerprints),
    )


def bucket_part(sha256: str) -> Part:
    """Return the part that a file with this SHA-256 (hex) belongs to."""
    bucket = int(sha256[:8], 16) % 100
    if bucket in VALIDATION_BUCKETS:
        return "validation"
    return "tune" if bucket in TUNE_BUCKETS else "train"


def fingerprint_all(paths: Sequence[Path]) -> list[Fingerprint]:
    """Fingerprint files in parallel.

    Raises:
        LabelError: names the first file that isn't a readable, upright image. (The gateway turns
            photos upright; the network must learn from upright ones as well.)
    """
    with ThreadPoolExecutor() as pool:
        return list(pool.map(fingerprint, paths))


def fingerprint(path: Path) -> Fingerprint:
    """Fingerprint one file.

    Raises:
        LabelError: it isn't a readable, upright image.
    """
    data = path.read_bytes()
    try:
        with Image.open(path) as image:
            if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
                raise LabelError(
                    f"{path}: is turned by its EXIF orientation; turn it upright first"
                )
            image.draft("L", (64, 64))
            grey = np.asarray(image.convert("L").resize((17, 16), Image.Resampling.BOX))
    except (UnidentifiedImageError, OSError) as error:
        raise LabelError(f"{path}: not a readable image: {error}") from error
    return Fingerprint(hashlib.sha256(data).hexdigest(), _difference_hash(grey))


def _difference_hash(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Hash which of two neighbouring pixels is brighter (16 rows of 16 comparisons)."""
    bits = grey[:, 1:] > grey[:, :-1]
    return np.packbits(bits).view(np.uint64)


def groups_of_copies(fingerprints: Sequence[Fingerprint]) -> list[list[int]]:
    """Return the indices of photos, those of one picture together.

    Every pair is compared: quadratic, but 20,000 photos take a few seconds.
    """
    hashes = np.stack([fingerprint.perceptual for fingerprint in fingerprints])
    firsts, seconds = [], []
    for start in range(0, len(hashes), _BLOCK):
        differing = hashes[start : start + _BLOCK, None] ^ hashes[None]
        distance = np.bitwise_count(differing).sum(axis=-1, dtype=np.uint16)
        first, second = np.nonzero(distance <= COPY_BITS)
        firsts.append(first + start)
        seconds.append(second)
    pairs = (np.concatenate(firsts), np.concatenate(seconds))
    links = coo_array((np.ones(len(pairs[0]), bool), pairs), shape=(len(hashes), len(hashes)))
    groups: dict[int, list[int]] = defaultdict(list)
    for index, label in enumerate(connected_components(links, directed=False)[1]):
        groups[int(label)].append(index)
    return list(groups.values())


def _data_sha256(photos: Sequence[Photo], fingerprints: Sequence[Fingerprint]) -> str:
    lines = sorted(f"{f.sha256} {p.age}" for p, f in zip(photos, fingerprints, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
