"""Exact tail probabilities, and what to do with many of them."""

from __future__ import annotations

import numpy as np
from scipy import special

from agelane_serving.reports.cashiers.arrays import Floats, Ints

FALSE_DISCOVERY_RATE = 0.05
"""Expected share of honest cashiers among those who stand out by few checks."""


def beta_binomial_tail(cases: Ints, chances: Ints, mean: Floats, spread: Floats) -> Floats:
    """Return P(X >= cases) for beta-binomial X, elementwise, each array of shape [C].

    Args:
        cases: 0 … chances.
        chances: 0 or greater.
        mean: expected share, 0 … 1.
        spread: intraclass correlation, 0 <= spread < 1; 0 is the plain binomial.
    """
    mean = np.clip(mean, 1e-9, 1 - 1e-9)
    plain = np.where(
        cases > 0, special.betainc(np.maximum(cases, 1), chances - cases + 1.0, mean), 1.0
    )
    tails = [
        plain[i] if spread[i] <= 0 else _tail(int(cases[i]), int(chances[i]), mean[i], spread[i])
        for i in range(len(cases))
    ]
    return np.array(tails, float)


def _tail(cases: int, chances: int, mean: float, spread: float) -> float:
    """Sum up from `cases`; below the mean sum the other side, whose first term can't vanish."""
    if cases <= 0:
        return 1.0
    if cases <= mean * chances:
        return 1.0 - _tail(chances - cases + 1, chances, 1 - mean, spread)
    alpha, beta = mean * (1 - spread) / spread, (1 - mean) * (1 - spread) / spread
    first = (
        float(_log_choose(chances, np.array(cases)))
        + special.betaln(cases + alpha, chances - cases + beta)
        - special.betaln(alpha, beta)
    )
    x = np.arange(cases, chances, dtype=float)
    ratios = (chances - x) * (x + alpha) / ((x + 1) * (chances - x - 1 + beta))
    return min(1.0, float(np.exp(first) * (1 + np.cumprod(ratios).sum())))


def fisher_tail(marked_drawn: int, drawn: int, marked: int, total: int, odds_ratio: float) -> float:
    """Return P(X >= marked_drawn), where `drawn` of `total` are drawn and `marked` are marked.

    X of the drawn ones are marked; each marked one is drawn with `odds_ratio` times the odds of
    another one (Fisher's noncentral hypergeometric distribution; 1 is Fisher's exact test).
    """
    x = np.arange(max(0, drawn + marked - total), min(drawn, marked) + 1, dtype=float)
    ways = _log_choose(marked, x) + _log_choose(total - marked, drawn - x)
    logs = ways + x * np.log(odds_ratio)
    weights = np.exp(logs - logs.max())
    return float(weights[x >= marked_drawn].sum() / weights.sum())


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Return p-values adjusted for the false-discovery rate, [C] (Benjamini and Hochberg 1995).

    NaN was not tested, stays NaN and does not count.
    """
    adjusted = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    raised = p_values[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(raised[::-1])[::-1])
    return adjusted


def _log_choose(total: float, chosen: Floats) -> Floats:
    ways: Floats = special.gammaln(total + 1) - special.gammaln(chosen + 1)
    return ways - special.gammaln(total - chosen + 1)
