"""Made-up photos, good and bad."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

SIZE = (64, 48)


def picture(size: tuple[int, int] = SIZE) -> Image.Image:
    """Return a picture whose upper left quarter is red, so that turning it shows."""
    image = Image.new("RGB", size, "white")
    image.paste("red", (0, 0, size[0] // 2, size[1] // 2))
    return image


def encoded(image: Image.Image, format_: str = "JPEG", **options: Any) -> bytes:
    """Return the picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def jpeg(size: tuple[int, int] = SIZE) -> bytes:
    """Return a JPEG."""
    return encoded(picture(size))


def png(size: tuple[int, int] = SIZE) -> bytes:
    """Return a PNG."""
    return encoded(picture(size), "PNG")


def with_orientation(orientation: int, format_: str = "JPEG") -> bytes:
    """Return a file whose EXIF data ask for a turn; they also tell who made it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x013B] = "the photographer"
    return encoded(picture(), format_, exif=exif)


def animated_png() -> bytes:
    """Return an animated PNG of two frames."""
    frames = [Image.new("RGB", SIZE, "black")]
    return encoded(picture(), "PNG", save_all=True, append_images=frames)


def animated_gif() -> bytes:
    """Return an animated GIF of two frames."""
    frames = [Image.new("RGB", SIZE, "black")]
    return encoded(picture(), "GIF", save_all=True, append_images=frames)


def png_of_announced_size(width: int, height: int) -> bytes:
    """Return a well-formed PNG that announces a size and has next to no content."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def png_chunk(name: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG file."""
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def jpeg_of_announced_size(width: int, height: int) -> bytes:
    """Return a JPEG whose header announces another size than it has."""
    content = bytearray(jpeg())
    position = content.index(b"\xff\xc0")
    struct.pack_into(">HH", content, position + 5, height, width)
    return bytes(content)


def file(photo: bytes) -> io.BytesIO:
    """Return the photo as an open file."""
    return io.BytesIO(photo)
