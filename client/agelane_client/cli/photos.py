"""What `agelane` takes for photos: files, folders, standard input."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from agelane_client.errors import ConfigurationError, PhotoError
from agelane_client.requests import MAX_PHOTO_BYTES

STDIN_SECONDS = 30.0
"""How long to wait for the whole photo on standard input."""

_ENDINGS = (".jpg", ".jpeg", ".png")
_Value = TypeVar("_Value")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One photo that a user named."""

    name: str
    """The name, to be printed."""
    photo: bytes | str = b""
    """The photo, or the path of its file."""
    error: PhotoError | None = None
    """Why there is none. None: there is one."""


def sources(paths: Iterable[str]) -> Iterator[Source]:
    """Yield the photos that `paths` name; a `-` is read right here."""
    for path in paths:
        if path == "-":
            yield taken("-", read_stdin)
        elif os.path.isdir(path):
            yield from _folder(path)
        else:
            yield Source(name=path, photo=path)


def taken(name: str, take: Callable[[], bytes]) -> Source:
    """Return the photo that `take` takes, or its error."""
    try:
        return Source(name=name, photo=take())
    except PhotoError as error:
        return Source(name=name, error=error)


def read_stdin() -> bytes:
    """Return the photo on standard input, at most one byte more than a photo may have."""
    if sys.stdin is None:
        raise _unreadable("standard input is closed; name a file instead of -")
    if sys.stdin.isatty():
        raise ConfigurationError("standard input is a terminal; send a photo into it with < or |")
    file = sys.stdin.fileno()
    try:
        return within(STDIN_SECONDS, lambda: _read(file), "standard input")
    except OSError as error:
        raise _unreadable(f"standard input can't be read: {error.strerror}") from error


def within(limit: float, take: Callable[[], _Value], name: str) -> _Value:
    """Return what `take` returns; raises PhotoError if that takes more than `limit` seconds.

    It can't be stopped then, and is left alone until the process ends.
    """
    results: list[_Value] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(take())
        except Exception as error:  # noqa: BLE001  # raised again, by the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit)
    if errors:
        raise errors[0]
    if not results:
        raise _unreadable(f"{name} gave no whole photo within {limit:g} s; try again")
    return results[0]


def _read(file: int) -> bytes:
    """Read the photo without Python's buffer, which would lock up at exit if this hangs."""
    photo = bytearray()
    end = time.monotonic() + STDIN_SECONDS
    while len(photo) <= MAX_PHOTO_BYTES and time.monotonic() < end:
        part = os.read(file, MAX_PHOTO_BYTES + 1 - len(photo))
        if not part:
            break
        photo += part
    return bytes(photo)


def _folder(path: str) -> Iterator[Source]:
    """Yield the photos right in a folder, by name; hidden files are no photos of a camera."""
    try:
        names = sorted(
            entry.name
            for entry in os.scandir(path)
            if entry.name.lower().endswith(_ENDINGS)
            and not entry.name.startswith(".")
            and not entry.is_dir()
        )
    except OSError as error:
        yield Source(name=path, error=_unreadable(error.strerror or str(error)))
        return
    if not names:
        message = f"no {', '.join(f'*{ending}' for ending in _ENDINGS)} in this folder itself"
        yield Source(name=path, error=_unreadable(f"{message}; folders in it are not searched"))
    for name in names:
        photo = os.path.join(path, name)
        yield Source(name=photo, photo=photo)


def _unreadable(message: str) -> PhotoError:
    return PhotoError(message, reason="UNREADABLE_FILE")
