"""A figure with its uncertainty, and the arrays that figures are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
"""An array of numbers; its shape stands where it is used."""
NORMAL_95 = 1.959963984540054
"""Standard errors from the middle to either end of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    """The figure."""
    low: float
    """Lower end, at most `value`."""
    high: float
    """Upper end, at least `value`."""


def estimate_within(value: float, error: float, lowest: float, highest: float) -> Estimate:
    """Return a figure with the interval of its standard error, cut to what is possible."""
    value = min(max(value, lowest), highest)
    reach = NORMAL_95 * error
    return Estimate(value, max(value - reach, lowest), min(value + reach, highest))
