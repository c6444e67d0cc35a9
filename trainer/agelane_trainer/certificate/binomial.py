"""What a number of photos can show about a rate: the exact binomial test and its inverses."""

from __future__ import annotations

import numpy as np
from scipy.stats import beta, binom


def certifiable_errors(photos: int, max_rate: float, confidence: float) -> int:
    """Return how many of ``photos`` may be errors for the promise to hold; -1 if not even none.

    The promise: with ``confidence`` the true rate is at most ``max_rate``. Both lie in (0, 1).
    """
    tail = binom.cdf(np.arange(photos), photos, max_rate)
    return int(np.searchsorted(tail, 1 - confidence, side="right")) - 1


def photos_needed(errors: int, max_rate: float, confidence: float) -> int:
    """Return the fewest photos that keep the promise although ``errors`` of them are errors."""
    few, enough = errors, errors + 1
    while certifiable_errors(enough, max_rate, confidence) < errors:
        few, enough = enough, enough * 2
    while enough - few > 1:
        middle = (few + enough) // 2
        if certifiable_errors(middle, max_rate, confidence) < errors:
            few = middle
        else:
            enough = middle
    return enough


def rate_upper_bound(errors: int, photos: int, confidence: float) -> float:
    """Return the one-sided bound of Clopper and Pearson (1934) on the true rate, 0 to 1."""
    if errors >= photos:
        return 1.0
    return float(beta.ppf(confidence, errors + 1, photos - errors))
