"""Look at a photo's header before it costs anything. Pure Python, linear in the photo's size."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Literal

from agelane_serving.gateway.errors import CallError, Fault

MOST_BYTES = 1024 * 1024
MOST_PIXELS = 12_000_000
SHORTEST_SIDE = 32

_JPEG_MAGIC = b"\xff\xd8\xff"
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
# As decoders look for it: bytes between segments are skipped, and so are fill bytes before it.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_END, _JPEG_SCAN, _JPEG_APP1 = 0xD9, 0xDA, 0xE1
_EXIF_MAGIC = b"Exif\0\0"
# More than any camera writes, and few enough to walk through without holding up others.
# A progressive JPEG has about ten. A decoder goes over the whole picture for each, so that a small
# file with thousands would keep it busy for minutes.
_MOST_SCANS = 50
_MOST_SEGMENTS = 1000
_MOST_EXIF_ENTRIES = 200
_ORIENTATION_TAG, _SHORT = 0x0112, 3


@dataclass(frozen=True, slots=True)
class PhotoHeader:
    """What the header of a photo says."""

    format: Literal["JPEG", "PNG"]
    """File format, by its first bytes."""
    width: int
    """Pixels in a row as stored, 32 or more."""
    height: int
    """Rows of pixels as stored, 32 or more."""
    orientation: int
    """EXIF orientation, 1 … 8; 1 is upright, and the value of photos that don't say."""

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height as a viewer sees the photo."""
        turned = self.orientation >= 5
        return (self.height, self.width) if turned else (self.width, self.height)


def check_photo(photo: bytes) -> PhotoHeader:
    """Return the header of a photo that may go to the model.

    Raises:
        CallError: it is empty, too large, neither JPEG nor PNG, animated, truncated, contradicts
            itself, or has too many or too few pixels.
    """
    if not photo:
        raise _refused(Fault.EMPTY_PHOTO, "the photo has no bytes")
    if len(photo) > MOST_BYTES:
        raise _refused(
            Fault.PHOTO_TOO_LARGE, "the photo is larger than 1 MiB", MOST_BYTES, len(photo)
        )
    if photo.startswith(_JPEG_MAGIC):
        header = _read_jpeg(photo)
    elif photo.startswith(_PNG_MAGIC):
        header = _read_png(photo)
    else:
        raise _refused(Fault.UNSUPPORTED_FORMAT, "the photo is neither JPEG nor PNG")
    _check_size(header)
    return header


def _check_size(header: PhotoHeader) -> None:
    pixels, shortest = header.width * header.height, min(header.width, header.height)
    if shortest == 0:
        raise _refused(Fault.CORRUPT_PHOTO, "the header announces no pixels")
    if pixels > MOST_PIXELS:
        raise _refused(
            Fault.TOO_MANY_PIXELS, "the photo has more than 12 megapixels", MOST_PIXELS, pixels
        )
    if shortest < SHORTEST_SIDE:
        raise _refused(
            Fault.TOO_FEW_PIXELS, "a side is shorter than 32 pixels", SHORTEST_SIDE, shortest
        )


def _read_jpeg(photo: bytes) -> PhotoHeader:
    """Walk through the segments up to the first scan, as a decoder does."""
    size: tuple[int, int] | None = None
    orientation: int | None = None
    position = 2
    for _ in range(_MOST_SEGMENTS):
        marker, start, position = _next_jpeg_segment(photo, position)
        if marker in _JPEG_FRAMES:
            if size is not None or position - start < 6:
                raise _refused(Fault.CORRUPT_PHOTO, "the photo has no clear size")
            height, width = struct.unpack_from(">HH", photo, start + 1)
            size = (width, height)
        elif marker == _JPEG_APP1 and orientation is None:
            if photo.startswith(_EXIF_MAGIC, start, position):
                orientation = _exif_orientation(photo[start + len(_EXIF_MAGIC) : position])
        elif marker == _JPEG_SCAN:
            if size is None:
                raise _refused(Fault.CORRUPT_PHOTO, "the photo has no clear size")
            # Within a scan 0xFF is always escaped, so that this can only be the picture's end.
            # What follows it is padding, or a camera's own additions.
            if photo.rfind(b"\xff\xd9", position) < 0:
                raise _truncated()
            _check_scans(photo, position)
            return PhotoHeader("JPEG", *size, orientation or 1)
        elif marker == _JPEG_END:
            raise _refused(Fault.CORRUPT_PHOTO, "the photo ends before its picture begins")
    raise _refused(Fault.CORRUPT_PHOTO, "the header has too many segments")


def _check_scans(photo: bytes, position: int) -> None:
    """Refuse more than _MOST_SCANS after this one."""
    # Looking for one after the other is three times as fast as `count`: there are few.
    for _ in range(_MOST_SCANS + 1):
        position = photo.find(b"\xff\xda", position) + 2
        if position < 2:
            return
    raise _refused(Fault.CORRUPT_PHOTO, "the photo has too many scans")


def _next_jpeg_segment(photo: bytes, position: int) -> tuple[int, int, int]:
    """Return the marker of the next segment, and where its content begins and ends."""
    found = _JPEG_MARKER.search(photo, position)
    if found is None:
        raise _truncated()
    start = found.end()
    marker = photo[start - 1]
    if marker in _JPEG_WITHOUT_LENGTH or marker == _JPEG_END:
        return marker, start, start
    if start + 2 > len(photo):
        raise _truncated()
    length = photo[start] << 8 | photo[start + 1]
    if length < 2:
        raise _refused(Fault.CORRUPT_PHOTO, "a segment has an impossible length")
    if start + length > len(photo):
        raise _truncated()
    return marker, start + 2, start + length


def _read_png(photo: bytes) -> PhotoHeader:
    """Walk through the chunks up to the end of the picture."""
    name, content, position = _next_png_chunk(photo, len(_PNG_MAGIC))
    if name != b"IHDR" or len(content) != 13:
        raise _refused(Fault.CORRUPT_PHOTO, "the photo does not begin with its size")
    width, height = struct.unpack_from(">II", content)
    orientation: int | None = None
    for _ in range(_MOST_SEGMENTS):
        name, content, position = _next_png_chunk(photo, position)
        if name == b"acTL":
            raise _refused(Fault.ANIMATED_PHOTO, "the photo is an animation")
        if name == b"eXIf" and orientation is None:
            orientation = _exif_orientation(content)
        if name == b"IEND":
            return PhotoHeader("PNG", width, height, orientation or 1)
    raise _refused(Fault.CORRUPT_PHOTO, "the photo has too many chunks")


def _next_png_chunk(photo: bytes, position: int) -> tuple[bytes, bytes, int]:
    """Return name and content of the chunk at `position`, and where the next one begins."""
    if position + 8 > len(photo):
        raise _truncated()
    length, name = struct.unpack_from(">I4s", photo, position)
    start, end = position + 8, position + 8 + length
    if length > 0x7FFFFFFF:
        raise _refused(Fault.CORRUPT_PHOTO, "a chunk has an impossible length")
    if end + 4 > len(photo):
        raise _truncated()
    return name, photo[start:end], end + 4


def _exif_orientation(exif: bytes) -> int:
    """Return the orientation that EXIF data tell, 1 if they tell none or are broken.

    EXIF is an addition to the photo, so a broken one does not spoil it.
    """
    orders = {b"II*\0": "<", b"MM\0*": ">"}
    order = orders.get(exif[:4])
    if order is None or len(exif) < 8:
        return 1
    (directory,) = struct.unpack_from(f"{order}I", exif, 4)
    if directory + 2 > len(exif):
        return 1
    (entries,) = struct.unpack_from(f"{order}H", exif, directory)
    for number in range(min(entries, _MOST_EXIF_ENTRIES)):
        position = directory + 2 + 12 * number
        if position + 12 > len(exif):
            return 1
        tag, kind, count, value = struct.unpack_from(f"{order}HHIH", exif, position)
        if tag == _ORIENTATION_TAG:
            good = kind == _SHORT and count == 1 and 1 <= value <= 8
            return value if good else 1
    return 1


def _refused(
    fault: Fault, message: str, limit: int | None = None, actual: int | None = None
) -> CallError:
    return CallError(fault, message, field="photo", limit=limit, actual=actual)


def _truncated() -> CallError:
    return _refused(Fault.TRUNCATED_PHOTO, "the file ends before the picture does")
