"""Turn photos upright that say they are not: models look at pixels and ignore EXIF."""

from __future__ import annotations

import asyncio
import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from PIL import Image

from agelane_serving.gateway.deadline import Deadline
from agelane_serving.gateway.errors import ModelUnavailable, PhotoUnusable
from agelane_serving.gateway.photo.header import MOST_PIXELS, PhotoHeader

_THREADS = 2
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Far above what any model looks at; decoding a large JPEG at a half or a quarter saves most of it.
_ENOUGH_SIDE = 1024
_QUALITY = 95
_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"})
# What Pillow raises for broken files; UnidentifiedImageError is an OSError.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

Image.MAX_IMAGE_PIXELS = MOST_PIXELS


class UprightPhoto(NamedTuple):
    """A photo as a viewer sees it."""

    content: bytes
    """The encoded photo."""
    size: tuple[int, int]
    """Its width and height in pixels; less than the till's where that was far more than needed."""


class Uprighter:
    """Turns photos in threads of its own, so that other calls go on meanwhile."""

    def __init__(self) -> None:
        """Start no thread before it is needed."""
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="upright")

    async def turn(self, photo: bytes, header: PhotoHeader, deadline: Deadline) -> UprightPhoto:
        """Return the photo as a viewer sees it; one that is upright already comes back untouched.

        Raises:
            PhotoUnusable: it can't be decoded.
            ModelUnavailable: there was no time left to do it.
        """
        if header.orientation == 1:
            return UprightPhoto(photo, header.upright_size)
        turning = asyncio.get_running_loop().run_in_executor(
            self._threads, turn_upright, photo, header
        )
        try:
            return await asyncio.wait_for(turning, deadline.remaining_seconds())
        except TimeoutError as error:
            raise ModelUnavailable("turning the photo took too long") from error

    def close(self) -> None:
        """Drop what has not been begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def turn_upright(photo: bytes, header: PhotoHeader) -> UprightPhoto:
    """Return the photo turned as its orientation says: a JPEG with pixels alone, no metadata.

    Raises:
        PhotoUnusable: it can't be decoded, or is not what its header said.
    """
    try:
        with Image.open(io.BytesIO(photo), formats=[header.format]) as image:
            if image.size != (header.width, header.height) or image.mode not in _MODES:
                raise PhotoUnusable(f"decodes as {image.size} {image.mode}")
            image.draft(None, (_ENOUGH_SIDE, _ENOUGH_SIDE))
            turned = image.convert("RGB").transpose(_TURNS[header.orientation])
    except _BROKEN as error:
        raise PhotoUnusable(type(error).__name__) from error
    turned.info = {}  # the camera's metadata stay behind
    upright = io.BytesIO()
    turned.save(upright, "JPEG", quality=_QUALITY, subsampling=0)
    return UprightPhoto(upright.getvalue(), turned.size)
