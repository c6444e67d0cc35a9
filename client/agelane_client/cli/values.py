"""From words on the command line of `agelane` to values, each with what to write instead."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from datetime import datetime


def moment(text: str) -> datetime:
    """Return the date or time in `text`; without a zone it is this machine's."""
    try:
        # Python 3.10 doesn't read the Z.
        return datetime.fromisoformat(re.sub("[Zz]$", "+00:00", text)).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        message = f"not a date such as 2026-11-30 or a time such as 2026-11-30T08:00: {text!r}"
        raise argparse.ArgumentTypeError(message) from error


def word(text: str) -> str:
    """Return `text` if it can go over the wire, which takes UTF-8 alone."""
    if text.isprintable():
        return text
    raise argparse.ArgumentTypeError(f"has characters that can't be read: {text!r}")


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number of `least` to `most`."""

    def read(text: str) -> int:
        if re.fullmatch("[+-]?[0-9]{1,19}", text) and least <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"not a whole number of {least} to {most}: {text!r}")

    return read


def seconds(least: float, most: float) -> Callable[[str], float]:
    """Return what reads a number of seconds, of `least` to `most`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if least <= value <= most:
            return value
        raise argparse.ArgumentTypeError(f"not a number of {least:g} to {most:g}: {text!r}")

    return read
