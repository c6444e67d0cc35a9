"""How sure a figure is: 95 % intervals of rates and means, and curves over age with their bands."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

Values = npt.NDArray[np.floating]

CONFIDENCE = 0.95
DRAWS = 400
"""Bootstrap samples behind a band."""
SMOOTHING_YEARS = 2.0
"""Standard deviation of the weights with which neighbouring ages count."""
FEWEST = 5.0
"""A curve is not drawn where the weights of fewer people than this stand behind it."""


class Curve(NamedTuple):
    """Something over age, with its band."""

    ages: Values
    """Years [A], where there are enough people."""
    middle: Values
    """The mean there [A]."""
    low: Values
    """Lower edge of the 95 % band [A]."""
    high: Values
    """Upper edge [A]."""


def rate_interval(hits: npt.ArrayLike, photos: npt.ArrayLike) -> Values:
    """Return Clopper and Pearson's two-sided interval [2, ...] of rates; ``photos`` are above 0."""
    hits, photos = np.asarray(hits), np.asarray(photos)
    tail = (1 - CONFIDENCE) / 2
    low = np.where(hits > 0, beta.ppf(tail, np.maximum(hits, 1), photos - hits + 1), 0.0)
    high = np.where(hits < photos, beta.isf(tail, hits + 1, np.maximum(photos - hits, 1)), 1.0)
    return np.stack([low, high])


def curve_over_age(ages: npt.NDArray[np.integer], values: Values) -> Curve:
    """Return the mean of values [N] around each age, with its bootstrap band."""
    years = np.arange(ages.min(), ages.max() + 1, dtype=np.float64)
    weights = np.exp(-(((years[:, None] - ages) / SMOOTHING_YEARS) ** 2) / 2)
    enough = weights.sum(axis=1) >= FEWEST
    years, weights = years[enough], weights[enough]
    equal = np.full(len(ages), 1 / len(ages))
    draws = np.random.default_rng(0).multinomial(len(ages), equal, DRAWS)
    means = (weights * values) @ draws.T / (weights @ draws.T)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=1)
    return Curve(years, (weights @ values) / weights.sum(axis=1), low, high)
