"""Names for the types of columns."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agelane_serving.reports.estimate import Floats

__all__ = ["Codes", "Flags", "Floats", "Ints", "equals", "per_cashier"]

Ints: TypeAlias = NDArray[np.int64]
Codes: TypeAlias = NDArray[np.int16]
Flags: TypeAlias = NDArray[np.bool_]


def equals(column: Codes, code: int) -> Flags:
    """Return which rows hold `code`, the number of an enum's member."""
    marked: Flags = column == code
    return marked


def per_cashier(cashier: Ints, cashiers: int, which: Flags) -> Ints:
    """Return how many rows of each of `cashiers` cashiers are marked; `cashier` is their index."""
    return np.bincount(cashier[which], minlength=cashiers).astype(np.int64)
