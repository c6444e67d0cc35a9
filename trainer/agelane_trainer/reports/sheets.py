"""Contact sheets: photos side by side with a line of text under each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from agelane_trainer.reports.drawing import INK

WIDTH, GAP, CAPTION = 1314, 6, 18
"""Pixels: of a sheet, between its photos, and for the text below each."""
COLUMNS = 12


def draw_sheet(photos: Sequence[tuple[Path, str]], path: Path, columns: int = COLUMNS) -> None:
    """Write a PNG of at least one photo, each with its text; fewer ``columns``, larger photos."""
    side = (WIDTH + GAP) // columns - GAP
    rows = -(-len(photos) // columns)
    step = (side + GAP, side + CAPTION + GAP)
    sheet = Image.new("RGB", (columns * step[0] - GAP, rows * step[1] - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for number, (photo, text) in enumerate(photos):
        left, top = number % columns * step[0], number // columns * step[1]
        with Image.open(photo) as image:
            sheet.paste(ImageOps.fit(image.convert("RGB"), (side, side)), (left, top))
        middle = (left + side / 2, top + side + CAPTION / 2)
        draw.text(middle, text, INK, font, anchor="mm")
    sheet.save(path)
