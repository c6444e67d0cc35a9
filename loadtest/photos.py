"""Photos of customers for the lanes."""

from __future__ import annotations

from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[1] / "docs" / "samples"
BROKEN_SAMPLE = SAMPLES / "broken.jpg"
SUFFIXES = {".jpg", ".jpeg", ".png"}


def read_photos(folder: Path) -> list[bytes]:
    """Return all photos in `folder`, at least one; the demo's broken one is left out.

    Raises OSError if there is none, or no such folder.
    """
    paths = [it for it in sorted(folder.iterdir()) if it.suffix.lower() in SUFFIXES]
    photos = [it.read_bytes() for it in paths if it != BROKEN_SAMPLE]
    if not photos:
        raise FileNotFoundError(f"no photo (.jpg, .jpeg, .png) in {folder}")
    return photos
