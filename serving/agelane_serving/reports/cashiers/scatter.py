"""How much cashiers differ from each other beyond chance, without letting a few decide it.

Cashiers who cheat must not widen the yardstick that they are measured with, so the most extreme
tenth on either side is winsorised (Spiegelhalter 2005, Statistics in Medicine 24:1185-1202).
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, special

from agelane_serving.reports.cashiers.arrays import Floats, Ints

_MOST_SPREAD = 0.9
_USUAL_SPREAD = 0.01
_USUAL_WEIGHT = 10
"""A few cashiers can't tell how cashiers scatter: count as many more with the usual spread."""


def winsorised_square(z: Floats, share: float = 0.1) -> float:
    """Return the mean square of `z`, [C], the outer shares drawn in; 1 for a standard normal.

    The division is not in Spiegelhalter's paper. Without it a standard normal gives 0.68, and
    limits that one honest cashier in ten should lie beyond have one in six beyond them.
    """
    if len(z) == 0:
        return 1.0
    low, high = np.quantile(z, [share, 1 - share])
    return float(np.mean(np.clip(z, low, high) ** 2)) / _normal_square(share)


def overdispersion(cases: Ints, chances: Ints, rate: float) -> float:
    """Return the factor on the binomial variance by which rates scatter, 1 or greater."""
    return max(1.0, winsorised_square(standardised(cases, chances, rate)))


def standardised(cases: Ints, chances: Ints, rate: float, spread: float = 0.0) -> Floats:
    """Return how many beta-binomial standard errors each rate lies from `rate`, [C]."""
    variance = chances * rate * (1 - rate) * (1 + (chances - 1) * spread)
    difference = cases - chances * rate
    return np.divide(difference, np.sqrt(variance), out=np.zeros(len(cases)), where=variance > 0)


def fitted_spread(cases: Ints, chances: Ints, rate: float, share: float = 0.1) -> float:
    """Return the intraclass correlation of a beta-binomial around `rate`, 0 … 0.9.

    It is the one with which the squares, their outer shares winsorised, come out as a standard
    normal's (the moment equation of Paule and Mandel 1982, made robust).
    """
    some = chances > 0
    cases, chances = cases[some], chances[some]

    def surplus(spread: float) -> float:
        z = standardised(cases, chances, rate, spread)
        return winsorised_square(z, share) - 1

    if surplus(0.0) <= 0:
        fitted = 0.0
    elif surplus(_MOST_SPREAD) >= 0:
        fitted = _MOST_SPREAD
    else:
        fitted = float(optimize.brentq(surplus, 0.0, _MOST_SPREAD, xtol=1e-5))
    n = len(cases)
    return (n * fitted + _USUAL_WEIGHT * _USUAL_SPREAD) / (n + _USUAL_WEIGHT)


def _normal_square(share: float) -> float:
    """Return the mean square of a standard normal whose outer shares are drawn in."""
    edge = -float(special.ndtri(share))
    density = float(np.exp(-(edge**2) / 2) / np.sqrt(2 * np.pi))
    return (1 - 2 * share) - 2 * edge * density + 2 * share * edge**2
