"""The sales in a file, one a line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import IO

from agelane_client.errors import ConfigurationError

MOST_BYTES = 1_048_576
"""Of one sale; the largest basket takes a fraction of it."""


def sale_texts(path: str) -> Iterator[tuple[int, bytes]]:
    """Yield the JSON of each sale in the file at `path` (- is standard input), with its line.

    A line is yielded as soon as it is there. Raises ConfigurationError for a file that can't be
    read, has nothing in it, or more than MOST_BYTES of one sale.
    """
    try:
        if path == "-":
            if sys.stdin is None:
                raise ConfigurationError("standard input is closed; name a file instead of -")
            context: IO[bytes] | nullcontext[IO[bytes]] = nullcontext(sys.stdin.buffer)
        else:
            context = open(path, "rb")  # noqa: SIM115  # closed below
        with context as file:
            yield from _texts(file, path)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        message = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(f"{path}: {message}; name a file with sales as JSON") from error


def _texts(file: IO[bytes], path: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of `file` that are not empty."""
    number = has_sale = 0
    while line := file.readline(MOST_BYTES + 1):
        number += 1
        if len(line) > MOST_BYTES:
            raise ConfigurationError(f"{path}:{number}: has more than {MOST_BYTES:,} bytes")
        if line.strip():
            has_sale = 1
            yield number, line
    if not has_sale:
        raise ConfigurationError(f"{path}: has no sale; there must be one a line, as JSON")
