"""From a photo in any form to the JPEG file that is sent."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Sequence
from typing import TypeAlias

from agelane_client.errors import ConfigurationError, PhotoError
from agelane_client.photo_files import Photo, read_file
from agelane_client.photos.pillow import Image
from agelane_client.photos.pixels import Decode, decoder

Box: TypeAlias = tuple[float, float, float, float]
FindFaces: TypeAlias = Callable[[Image.Image], Sequence[Box]]
"""Returns left, top, right and bottom of each face on an upright RGB photo, in pixels."""

LONG_SIDE = 320
MAX_BYTES = 40_000
MARGIN = 1.5
"""Side of the crop, as a multiple of the face's box. The gateway finds the face on it again, and
cuts it out at 1.09 times the box."""

_MOST_FILE_BYTES = 32 * 1024 * 1024
_SHORTEST_SIDE = 32
_QUALITIES = (90, 80, 70, 55, 40, 25, 10)
# Shrinking from more than the size is sharper than what the decoder makes of it, and from twice the
# size takes longer than the decoder; a crop needs the pixels.
_ROOM_TO_SHRINK = 1.5
_ROOM_TO_CROP = 2
# With half of the pixels that a crop may have, a face still has as many as the model looks at; with
# fewer, the photo is worth decoding again, larger.
_ENOUGH = 0.5


def prepare(
    photo: Photo,
    *,
    long_side: int = LONG_SIDE,
    max_bytes: int = MAX_BYTES,
    find_faces: FindFaces | bool = True,
) -> bytes:
    """Return `photo` as a JPEG file that shows no more than the gateway needs.

    Args:
        photo: a JPEG or PNG file of at most 32 MiB, as its bytes or its path, a Pillow image, or a
            NumPy array: uint8, [height, width, 3] in RGB or [height, width] in grey.
        long_side: how many pixels the longer side may have, 32 or more; nothing is enlarged.
        max_bytes: how many bytes the file may have.
        find_faces: what finds faces. True: our own finder, where the extra `faces` is installed.
            False: none. The photo is cropped where there is exactly one face; where there is none
            or several, the gateway is to see the whole photo and decide.

    Raises:
        PhotoError: the photo can't be used.
        ConfigurationError: an argument or the installation can't.
    """
    if long_side < _SHORTEST_SIDE or max_bytes < 1:
        raise ConfigurationError(
            f"a photo can't have {long_side} pixels a side and {max_bytes} bytes"
        )
    decode = decoder(_contents(photo))
    finder = installed_finder() if find_faces is True else find_faces
    shown = decode(round((_ROOM_TO_CROP if finder else _ROOM_TO_SHRINK) * long_side))
    if finder:
        faces = finder(shown)
        if len(faces) == 1:
            shown = _crop(shown, faces[0], decode, long_side)
    return _encode(_shrink(shown, long_side), max_bytes)


def installed_finder() -> FindFaces | None:
    """Return our own finder of faces, None without the extra `faces`."""
    try:
        from agelane_faces import find_faces
    except ImportError:
        return None
    return find_faces


def _contents(photo: Photo) -> object:
    """Return `photo`, as bytes if it is a file."""
    if isinstance(photo, (bytes, bytearray, memoryview, str, os.PathLike)):
        return read_file(photo, _MOST_FILE_BYTES)
    return photo


def _crop(photo: Image.Image, face: Box, decode: Decode, long_side: int) -> Image.Image:
    """Return the square around `face`, as far as it lies within the photo."""
    window = _window(face)
    crop = _cut(photo, window, photo.size)
    zoom = _ENOUGH * long_side / max(crop.size)
    was_reduced = max(photo.size) >= _ROOM_TO_CROP * long_side
    if was_reduced and zoom > 1:
        return _cut(decode(math.ceil(zoom * max(photo.size))), window, photo.size)
    return crop


def _window(face: Box) -> Box:
    left, top, right, bottom = face
    half = MARGIN * max(right - left, bottom - top) / 2
    across, down = (left + right) / 2, (top + bottom) / 2
    return across - half, down - half, across + half, down + half


def _cut(photo: Image.Image, window: Box, size: tuple[int, int]) -> Image.Image:
    """Cut a window out of `photo`, whose edges are in pixels of a photo of this size."""
    stretch = [side / base for side, base in zip(photo.size, size, strict=True)] * 2
    limits = photo.size * 2
    left, top, right, bottom = (
        min(max(round(edge * by), 0), limit)
        for edge, by, limit in zip(window, stretch, limits, strict=True)
    )
    return photo.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def _shrink(photo: Image.Image, long_side: int) -> Image.Image:
    scale = long_side / max(photo.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in photo.size)
        photo = photo.resize((width, height), Image.Resampling.LANCZOS)
    if min(photo.size) < _SHORTEST_SIDE:
        raise PhotoError(f"a side is shorter than {_SHORTEST_SIDE} pixels", reason="TOO_FEW_PIXELS")
    return photo


def _encode(photo: Image.Image, max_bytes: int) -> bytes:
    """Return the best JPEG file that fits."""
    for quality in _QUALITIES:
        file = io.BytesIO()
        photo.save(file, "JPEG", quality=quality)
        if file.tell() <= max_bytes:
            return file.getvalue()
    raise PhotoError(f"the photo does not fit into {max_bytes:,} bytes", reason="PHOTO_TOO_LARGE")
