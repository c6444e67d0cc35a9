"""Contact sheets: photos side by side with a line of text under each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

SIDE, GAP, CAPTION = 104, 6, 18
COLUMNS = 12
INK = "#1f2933"


def draw_sheet(photos: Sequence[tuple[Path, str]], path: Path) -> None:
    """Write a PNG of at least one photo, each with its text, twelve to a row."""
    rows = -(-len(photos) // COLUMNS)
    step = (SIDE + GAP, SIDE + CAPTION + GAP)
    sheet = Image.new("RGB", (COLUMNS * step[0] - GAP, rows * step[1] - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for number, (photo, text) in enumerate(photos):
        left, top = number % COLUMNS * step[0], number // COLUMNS * step[1]
        with Image.open(photo) as image:
            sheet.paste(ImageOps.fit(image.convert("RGB"), (SIDE, SIDE)), (left, top))
        middle = (left + SIDE / 2, top + SIDE + CAPTION / 2)
        draw.text(middle, text, INK, font, anchor="mm")
    sheet.save(path)
