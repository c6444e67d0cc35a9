"""What a photo may be given as, and how its file is read."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from agelane_client.errors import PhotoError


class Pixels(Protocol):
    """A Pillow image, or a NumPy array: uint8, [height, width, 3] in RGB or [height, width]."""

    @property
    def __array_interface__(self) -> Any: ...


PhotoFile: TypeAlias = bytes | bytearray | memoryview | str | os.PathLike[str]
Photo: TypeAlias = PhotoFile | Pixels


def read_file(photo: PhotoFile, most_bytes: int) -> bytes:
    """Return the bytes of `photo`, 1 to `most_bytes` of them.

    Raises PhotoError with the reason UNREADABLE_FILE, EMPTY_PHOTO or PHOTO_TOO_LARGE.
    """
    if isinstance(photo, (str, os.PathLike)):
        photo = _read(Path(photo), most_bytes)
    data = bytes(photo)
    _check_size(len(data), most_bytes)
    return data


def _read(path: Path, most_bytes: int) -> bytes:
    """Return the contents of the file at `path`; at most one byte more than it may have."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # to read a pipe or a device may take for ever
            raise PhotoError(f"{path} is not a regular file", reason="UNREADABLE_FILE")
        _check_size(status.st_size, most_bytes)
        with path.open("rb") as file:
            return file.read(most_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        message = getattr(error, "strerror", None) or str(error)
        raise PhotoError(message, reason="UNREADABLE_FILE") from error


def _check_size(size: int, most_bytes: int) -> None:
    if size == 0:
        raise PhotoError("the photo has no bytes", reason="EMPTY_PHOTO")
    if size > most_bytes:
        message = f"the photo has {size:,} bytes, at most {most_bytes:,} are allowed"
        raise PhotoError(message, reason="PHOTO_TOO_LARGE")
