"""From a photo in any form to its pixels: checked by its header, decoded, turned upright, RGB."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any, TypeAlias

from agelane_client.errors import PhotoError
from agelane_client.photos.pillow import Image, JpegImageFile, PngImageFile

MOST_PIXELS = 25_000_000
"""What no camera at a till has; a small file may announce more, to fill the memory."""

Decode: TypeAlias = Callable[[int], Image.Image]
"""Returns the photo, upright, with a longer side of at least so many pixels if it has as many."""

_MOST_SCANS = 50
_ORIENTATION_TAG, _SHORT = 0x0112, 3
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV"})
_DEEP_GREY = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
# What Pillow raises for broken files.
_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError),
    *(struct.error, zlib.error),
)


class _Jpeg(JpegImageFile):
    """Pillow's, except that it leaves EXIF data alone, whose faults it would warn of."""

    def _read_dpi_from_exif(self) -> None:
        """A prepared photo has no print size."""


def decoder(photo: object) -> Decode:
    """Return what decodes the bytes of a JPEG or PNG file, a Pillow image or a NumPy array.

    Both it and what it returns raise PhotoError.
    """
    if isinstance(photo, bytes):
        return _of_file(photo)
    if isinstance(photo, Image.Image):
        return _of_image(photo)
    layout = getattr(photo, "__array_interface__", None)
    if isinstance(layout, dict):
        return _of_array(photo, layout)
    message = f"a photo is a path, bytes, a Pillow image or a NumPy array, not {type(photo)}"
    raise PhotoError(message, reason="UNSUPPORTED_FORMAT")


def _of_file(data: bytes) -> Decode:
    def decode(side: int) -> Image.Image:
        try:
            with _open(data) as image:
                _check_size(*image.size)
                if isinstance(image, _Jpeg):
                    # To decode a large one at a half or a quarter saves time.
                    scale = side / max(image.size)
                    width, height = (max(1, int(length * scale)) for length in image.size)
                    image.draft(None, (width, height))
                return _upright(image)
        except _BROKEN as error:
            raise _fault(error) from error

    return decode


def _open(data: bytes) -> JpegImageFile | PngImageFile:
    """Read the header. Not by Image.open, which warns of many pixels where it should refuse."""
    if not data:
        raise PhotoError("the photo has no bytes", reason="EMPTY_PHOTO")
    if data.startswith(b"\xff\xd8\xff"):
        # A decoder goes over the whole picture for each; a progressive JPEG has about ten.
        if data.count(b"\xff\xda") > _MOST_SCANS:
            raise PhotoError("the photo has too many scans", reason="CORRUPT_PHOTO")
        return _Jpeg(io.BytesIO(data))
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        if data.find(b"acTL", 0, data.find(b"IDAT")) >= 0:
            raise PhotoError("the photo is an animation", reason="ANIMATED_PHOTO")
        return PngImageFile(io.BytesIO(data))
    raise PhotoError("the photo is neither JPEG nor PNG", reason="UNSUPPORTED_FORMAT")


def _of_image(image: Image.Image) -> Decode:
    def decode(_: int) -> Image.Image:
        _check_size(*image.size)
        try:
            return _upright(image)
        except _BROKEN as error:
            raise _fault(error) from error

    return decode


def _of_array(array: Any, layout: dict[str, Any]) -> Decode:
    kind, shape = layout["typestr"], layout["shape"]
    if kind != "|u1" or not (len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)):
        raise PhotoError(
            "an array must be uint8 of shape [height, width, 3], RGB, or [height, width], grey; "
            f"not {getattr(array, 'dtype', kind)} of {list(shape)}",
            reason="UNSUPPORTED_FORMAT",
        )
    _check_size(shape[1], shape[0])
    return _of_image(Image.fromarray(array))


def _check_size(width: int, height: int) -> None:
    if not width or not height:
        raise PhotoError("the photo has no pixels", reason="EMPTY_PHOTO")
    if width * height > MOST_PIXELS:
        message = f"the photo has {width * height:,} pixels, at most {MOST_PIXELS:,} are allowed"
        raise PhotoError(message, reason="TOO_MANY_PIXELS")


def _upright(image: Image.Image) -> Image.Image:
    """Return the pixels of `image` as a viewer sees them, in RGB, and nothing else of it."""
    # Read before: a PNG may have it after the pixels.
    image.load()
    turn = _TURNS.get(_orientation(image.info.get("exif")))
    colours = _rgb(image)
    turned = colours.transpose(turn) if turn is not None else colours
    if turned is image:
        turned = image.copy()
    turned.info = {}
    return turned


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in _DEEP_GREY:
        return image.convert("I").point(lambda level: level * (1 / 256)).convert("L").convert("RGB")
    if image.mode not in _MODES:
        raise PhotoError(f"colours are stored as {image.mode}", reason="UNSUPPORTED_FORMAT")
    # Straight to RGB, Pillow warns where each colour of a palette has a transparency of its own.
    return (image.convert("RGBA") if "transparency" in image.info else image).convert("RGB")


def _orientation(exif: object) -> int:
    """Return the orientation that EXIF data tell, as the gateway does; 1 if they tell none."""
    if not isinstance(exif, bytes):
        return 1
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    try:
        (directory,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, directory)
        for number in range(entries):
            entry = struct.unpack_from(f"{order}HHIH", exif, directory + 2 + 12 * number)
            if entry[0] == _ORIENTATION_TAG:
                return int(entry[3]) if entry[1:3] == (_SHORT, 1) else 1
    except struct.error:  # unknown byte order, or cut off: the photo itself may be good
        pass
    return 1


def _fault(error: Exception) -> PhotoError:
    truncated = isinstance(error, EOFError) or "truncated" in str(error).lower()
    if truncated:
        return PhotoError("the file ends before the picture does", reason="TRUNCATED_PHOTO")
    return PhotoError(f"the photo can't be decoded: {error}", reason="CORRUPT_PHOTO")
