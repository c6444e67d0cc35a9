"""Photos made for a test, and a look at what became of them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw

from tests.client.conftest import SAMPLES


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Return the file of an image."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def decoded(photo: bytes) -> Image.Image:
    """Return the pixels of a prepared photo, which is a JPEG file within its limits."""
    assert len(photo) <= 40_000
    image = Image.open(io.BytesIO(photo))
    assert (image.format, image.mode) == ("JPEG", "RGB")
    assert 32 <= min(image.size) <= max(image.size) <= 320
    return image


def corners(width: int, height: int) -> Image.Image:
    """Return a picture whose quarters are red, green, blue and white."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2, height // 2), "red")
    draw.rectangle((width // 2, 0, width, height // 2), "lime")
    draw.rectangle((0, height // 2, width // 2, height), "blue")
    return image


def colours(photo: bytes) -> list[str]:
    """Return the names of the colours of the four quarters."""
    image = decoded(photo)
    known = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "white": (255,) * 3}
    places = [(x, y) for y in (0.25, 0.75) for x in (0.25, 0.75)]
    found = [image.getpixel((int(x * image.width), int(y * image.height))) for x, y in places]
    return [
        min(known, key=lambda name: sum(abs(a - b) for a, b in zip(known[name], it, strict=True)))
        for it in found
        if isinstance(it, tuple)
    ]


def frame(*faces: tuple[str, int, int, int]) -> Image.Image:
    """Return a camera frame with faces: sample, left, top, side."""
    image = Image.new("RGB", (1920, 1080), (120, 130, 110))
    for name, left, top, side in faces:
        face = Image.open(SAMPLES / f"{name}.jpg").convert("RGB").resize((side, side))
        image.paste(face, (left, top))
    return image
