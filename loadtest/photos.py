"""Photos of customers for the lanes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

SAMPLES = Path(__file__).resolve().parents[1] / "docs" / "samples"
BROKEN_SAMPLE = SAMPLES / "broken.jpg"
SUFFIXES = {".jpg", ".jpeg", ".png"}


MIXED_SIZES = {320: 6, 640: 3, 1280: 1}
"""How many of ten cameras send photos of so many pixels on the longer side."""


def read_photos(folder: Path) -> list[bytes]:
    """Return all photos in `folder`, at least one; the demo's broken one is left out.

    Raises OSError if there is none, or no such folder.
    """
    paths = [it for it in sorted(folder.iterdir()) if it.suffix.lower() in SUFFIXES]
    photos = [it.read_bytes() for it in paths if it != BROKEN_SAMPLE]
    if not photos:
        raise FileNotFoundError(f"no photo (.jpg, .jpeg, .png) in {folder}")
    return photos


def of_mixed_sizes(photos: Sequence[bytes]) -> list[bytes]:
    """Return each photo ten times, as JPEG files of the sizes that cameras send: MIXED_SIZES."""
    sizes = [(photo, *size) for photo in photos for size in MIXED_SIZES.items()]
    return [each for photo, side, share in sizes for each in [_resized(photo, side)] * share]


def _resized(photo: bytes, side: int) -> bytes:
    with Image.open(io.BytesIO(photo)) as image:
        scale = side / max(image.size)
        width, height = (max(1, round(length * scale)) for length in image.size)
        file = io.BytesIO()
        image.convert("RGB").resize((width, height)).save(file, "JPEG", quality=85)
    return file.getvalue()
