"""One picture of what the augmentation does: a row for each kind, switched on alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

from agelane_trainer.training.augment import augment, recompress
from agelane_trainer.training.pipeline import decode, source_size
from agelane_trainer.training.recipe import KINDS, Augmentation

SIDE, GAP, MARGIN = 78, 3, 80
COLUMNS = 6
INK = "#1f2933"
_ALWAYS: dict[str, Any] = {
    name: 1.0 for name in Augmentation.__dataclass_fields__ if name.endswith("_share")
}
"""A kind that varies a share of the photos is shown on each."""


def augmentation_sheet(photos: Sequence[Path], out: Path, settings: Augmentation) -> None:
    """Write a PNG: the photos as they are, each kind alone on them, and all kinds together.

    Args:
        photos: at least one; taken in turn, column by column.
        out: the file.
        settings: how far; kinds that it switches off are left out.
    """
    rows = list(_rows(settings))
    shown = [_read(photos[column % len(photos)]) for column in range(COLUMNS)]
    step = SIDE + GAP
    sheet = Image.new("RGB", (MARGIN + COLUMNS * step - GAP, len(rows) * step - GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for row, (name, setting) in enumerate(rows):
        draw.text((GAP, row * step + SIDE / 2), name, INK, font, anchor="lm")
        for column, photo in enumerate(_varied(shown, setting, row)):
            sheet.paste(Image.fromarray(photo), (MARGIN + column * step, row * step))
    # A palette keeps the file small; dithered, it shows no steps that the augmentation didn't make.
    palette = sheet.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1)
    sheet.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(out, optimize=True)


def _rows(settings: Augmentation) -> Iterator[tuple[str, Augmentation]]:
    yield "as they are", Augmentation.none()
    for kind, off in KINDS.items():
        alone = settings.only(kind)
        if alone != Augmentation.none():
            on_each = {name: _ALWAYS[name] for name in off if name in _ALWAYS}
            yield kind, replace(alone, **on_each)
    yield "all together", settings


def _read(photo: Path) -> tf.Tensor:
    pixels = decode(tf.io.read_file(str(photo)), source_size(SIDE))
    return tf.cast(tf.round(pixels), tf.uint8)


def _varied(photos: Sequence[tf.Tensor], settings: Augmentation, row: int) -> npt.NDArray[np.uint8]:
    """Return uint8 [N, SIDE, SIDE, 3], drawn anew for each row."""
    seeds = [tf.constant([row, column], tf.int64) for column in range(len(photos))]
    spoilt = [recompress(photo, seed, settings) for photo, seed in zip(photos, seeds, strict=True)]
    varied = augment(tf.stack(spoilt), SIDE, seeds[0], settings)
    pixels: npt.NDArray[np.uint8] = tf.cast(tf.round(varied), tf.uint8).numpy()
    return pixels
