"""Split photos into parts so that no copy of a photo stands on both sides.

The part follows from the file's own bytes (SHA-256), so that the split is the same on every
machine, needs no random state, and stays as it was when photos are added. Copies of a photo that
were re-encoded or resized are found by a perceptual hash and kept together, and so are the photos
of one person where people are named.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
Indices = npt.NDArray[np.intp]

VALIDATION_BUCKETS = range(9, 18)
"""Buckets (of 100) of the part ``validation``."""
TUNE_BUCKETS = (*range(9), *range(18, 21))
"""Buckets of the part ``tune``; all that are in neither train."""
COPY_BITS = 24
"""Pictures are copies if at most this many of 256 hash bits differ. Of the 238 million pairs of the
shipped training data hardly any differ by 20 to 30 bits: copies lie below, other people above."""
CONFLICT_YEARS = 2
"""Copies whose labelled ages differ by more than this are in conflict (years)."""
COPY = "copy of another photo"
CONFLICT = "copies with conflicting ages"
_BLOCK = 256
_PART_ORDER: tuple[Part, ...] = ("tune", "validation", "train")


@dataclass(frozen=True, slots=True)
class Entry:
    """Where the content of one photo went."""

    sha256: str
    """Hex digest of the file's bytes."""
    perceptual: str
    """Difference hash of the picture, 64 hex digits."""
    place: str
    """A part, or the reason why the photo is in none."""
    group: str
    """Equal for photos that had to stay together; the start of the smallest SHA-256 among them."""


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
    entries: tuple[Entry, ...]
    """Where each photo went, by SHA-256."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What identifies a photo's content."""

    sha256: str
    """Hex digest of the file's bytes."""
    perceptual: npt.NDArray[np.uint64]
    """Difference hash of the picture, [4] words of 64 bits: alike for re-encoded copies."""


def split(photos: Sequence[Photo]) -> Split:
    """Split ``photos`` by content.

    Copies, and photos of one person, stay together: a group of them that falls into several parts
    goes to ``train`` as a whole, so that nothing measured on was trained on. Of copies one stays;
    copies whose ages disagree are left out, since nobody can say which label is right.
    """
    fingerprints = fingerprint_all([photo.path for photo in photos])
    placed: dict[int, tuple[str, str]] = {}
    for family in _families(groups_of_copies(fingerprints), photos):
        members = [i for group in family for i in group]
        part = max((_own_part(photos[i], fingerprints[i]) for i in members), key=_PART_ORDER.index)
        name = min(fingerprints[i].sha256 for i in members)[:16]
        for group in family:
            for i, reason in sort_out_copies(group, photos, fingerprints):
                placed[i] = (reason or part, name)
    return assemble(photos, fingerprints, placed)


def assemble(
    photos: Sequence[Photo],
    fingerprints: Sequence[Fingerprint],
    placed: Mapping[int, tuple[str, str]],
) -> Split:
    """Return the split that ``placed`` describes: index of a photo to its place and its group."""
    parts: dict[str, list[Photo]] = {part: [] for part in _PART_ORDER}
    left_out: list[tuple[Photo, str]] = []
    for i, (place, _) in placed.items():
        if place in parts:
            parts[place].append(photos[i])
        else:
            left_out.append((photos[i], place))
    entries = (
        Entry(fingerprints[i].sha256, fingerprints[i].perceptual.tobytes().hex(), *where)
        for i, where in placed.items()
    )
    return Split(
        tuple(parts["tune"]),
        tuple(parts["validation"]),
        tuple(parts["train"]),
        tuple(left_out),
        _data_sha256(photos, fingerprints),
        tuple(sorted(entries, key=lambda entry: (entry.sha256, entry.place))),
    )


def sort_out_copies(
    group: Sequence[int], photos: Sequence[Photo], fingerprints: Sequence[Fingerprint]
) -> Iterator[tuple[int, str]]:
    """Yield each photo of a group of copies with the reason to leave it out; empty for one."""
    ages = [photos[i].age for i in group]
    conflict = max(ages) - min(ages) > CONFLICT_YEARS
    for place, i in enumerate(sorted(group, key=lambda i: fingerprints[i].sha256)):
        yield i, CONFLICT if conflict else COPY if place else ""


def _families(copies: list[list[int]], photos: Sequence[Photo]) -> list[list[list[int]]]:
    """Return the groups of copies, those that show one person together."""
    first: dict[str, int] = {}
    links = [(group[0], i) for group in copies for i in group]
    links += [
        (first.setdefault(photo.person, i), i) for i, photo in enumerate(photos) if photo.person
    ]
    firsts, seconds = np.array(links).T
    labels = _connected(firsts, seconds, len(photos))
    families: dict[int, list[list[int]]] = defaultdict(list)
    for group in copies:
        families[int(labels[group[0]])].append(group)
    return list(families.values())


def _own_part(photo: Photo, fingerprint: Fingerprint) -> Part:
    """Return the part of a photo that stands alone; a named person's follows from the name."""
    if photo.person:
        return bucket_part(hashlib.sha256(photo.person.encode()).hexdigest())
    return bucket_part(fingerprint.sha256)


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
    groups: dict[int, list[int]] = defaultdict(list)
    for index, label in enumerate(_connected(*copies_between(hashes, hashes), len(hashes))):
        groups[int(label)].append(index)
    return list(groups.values())


def copies_between(
    hashes: npt.NDArray[np.uint64], others: npt.NDArray[np.uint64]
) -> tuple[Indices, Indices]:
    """Return the pairs of copies between [N, 4] and [M, 4] perceptual hashes, as indices."""
    firsts, seconds = [], []
    for start in range(0, len(hashes), _BLOCK):
        differing = hashes[start : start + _BLOCK, None] ^ others[None]
        distance = np.bitwise_count(differing).sum(axis=-1, dtype=np.uint16)
        first, second = np.nonzero(distance <= COPY_BITS)
        firsts.append(first + start)
        seconds.append(second)
    return np.concatenate(firsts), np.concatenate(seconds)


def _connected(firsts: Indices, seconds: Indices, number: int) -> npt.NDArray[np.int32]:
    """Return a label [number] for each of so many things, equal for those that links connect."""
    links = coo_array((np.ones(len(firsts), bool), (firsts, seconds)), shape=(number, number))
    return np.asarray(connected_components(links, directed=False)[1])


def _data_sha256(photos: Sequence[Photo], fingerprints: Sequence[Fingerprint]) -> str:
    lines = sorted(f"{f.sha256} {p.age}" for p, f in zip(photos, fingerprints, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
