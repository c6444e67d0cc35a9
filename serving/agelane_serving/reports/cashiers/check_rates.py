"""Check rates: exact intervals, the funnel, and rates drawn towards everybody's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from agelane_serving.reports.cashiers.arrays import Flags, Floats, Ints
from agelane_serving.reports.cashiers.results import Funnel, FunnelLimit
from agelane_serving.reports.cashiers.scatter import fitted_spread, overdispersion, standardised
from agelane_serving.reports.cashiers.tails import (
    FALSE_DISCOVERY_RATE,
    benjamini_hochberg,
    beta_binomial_tail,
)

_TAIL = 0.025
_LIMIT_SHARES = (0.025, 0.975, 0.001, 0.999)
_FUNNEL_POINTS = 40
_MOST_ROUNDS = 10
_LEAST_SPREAD = 1e-4
"""So that a prior stays a distribution where cashiers do not differ."""


@dataclass(frozen=True, slots=True, eq=False)
class CheckRates:
    """What follows from the counts of C cashiers; each array has the shape [C]."""

    rate: Floats
    """Share of required checks that were honoured, 0 … 1; NaN: none was required."""
    exact: tuple[Floats, Floats]
    """Ends of its 95 % interval."""
    shrunken: Floats
    """The rate drawn towards the target; NaN: none was required."""
    credible: tuple[Floats, Floats]
    """Ends of its 95 % interval."""
    z: Floats
    """Standard errors from the target, overdispersion allowed for; NaN: none was required."""
    p_values: Floats
    """Of checking less than the target, 0 … 1; NaN: none was required."""
    funnel: Funnel | None
    """None: no check was required of anybody."""


@dataclass(frozen=True, slots=True, eq=False)
class UsualMisses:
    """How many required checks cashiers usually miss."""

    rate: float
    """Share of required checks that cashiers who do not stand out miss together, 0 … 1."""
    spread: float
    """Intraclass correlation of their shares, 0 … 0.9."""
    p_values: Floats
    """Of missing so many, [C]; NaN: no check was required."""


def check_rates(honoured: Ints, required: Ints) -> CheckRates:
    """Return the rates of C cashiers; 0 <= honoured <= required."""
    usual = usual_misses(required - honoured, required)
    target, some = 1 - usual.rate, required > 0
    shrunken, credible = shrink(honoured, required, target, max(usual.spread, _LEAST_SPREAD))
    phi = overdispersion(honoured[some], required[some], target)
    return CheckRates(
        rate=np.divide(honoured, required, out=np.full(len(required), np.nan), where=some),
        exact=clopper_pearson(honoured, required),
        shrunken=np.where(some, shrunken, np.nan),
        credible=credible,
        z=np.where(some, standardised(honoured, required, target) / np.sqrt(phi), np.nan),
        p_values=usual.p_values,
        funnel=_funnel(target, phi, int(required.max())) if some.any() else None,
    )


def usual_misses(missed: Ints, required: Ints) -> UsualMisses:
    """Return what is usual, and how unusual each of C cashiers is.

    Whoever stands out is left out and the rest is looked at again, until nobody else stands out
    (as in a forward search): those who miss three times as many checks must not raise the rate that
    they are measured by. The search starts from the median, from the inner 60 %, and without all
    who are a little conspicuous: starting with everybody, one cheat in ten hides all others.
    """
    # Where half of the checks are of cashiers who missed none, as on a first day, it says nothing.
    rate = _weighted_median(missed, required) or float(missed.sum() / max(1, required.sum()))
    spread = fitted_spread(missed, required, rate, share=0.2)
    measured = _measure(missed, required, rate, spread)
    usual = _inconspicuous(measured, at=0.2)
    for _ in range(_MOST_ROUNDS):
        rate = float(missed[usual].sum() / max(1, required[usual].sum()))
        spread = fitted_spread(missed[usual], required[usual], rate)
        measured = _measure(missed, required, rate, spread)
        before, usual = usual, _inconspicuous(measured, at=FALSE_DISCOVERY_RATE)
        if np.array_equal(before, usual):
            break
    return measured


def _measure(missed: Ints, required: Ints, rate: float, spread: float) -> UsualMisses:
    """Return p-values against a beta-binomial.

    Not against the funnel: for many checks its factor promises too narrow a scatter, and a normal
    tail is too short for what is rare.
    """
    everybody = np.ones(len(required))
    tails = beta_binomial_tail(missed, required, rate * everybody, spread * everybody)
    return UsualMisses(rate, spread, np.where(required > 0, tails, np.nan))


def _inconspicuous(measured: UsualMisses, at: float) -> Flags:
    # NaN compares false: who had nothing to check is not usual either.
    return benjamini_hochberg(measured.p_values) > at


def _weighted_median(missed: Ints, required: Ints) -> float:
    """Return the rate that half of all required checks belong to cashiers below, 0 … 1."""
    rates = missed / np.maximum(1, required)
    order = np.argsort(rates, kind="stable")
    weight = np.cumsum(required[order])
    if not len(weight) or not weight[-1]:
        return 0.0
    return float(rates[order][np.searchsorted(weight, weight[-1] / 2)])


def clopper_pearson(cases: Ints, chances: Ints) -> tuple[Floats, Floats]:
    """Return both ends of the exact 95 % interval of cases / chances, each [C]; 0 and 1 for none.

    Clopper and Pearson 1934, Biometrika 26:404-413.
    """
    others = chances - cases
    low = special.betaincinv(np.maximum(cases, 1), others + 1, _TAIL)
    high = special.betaincinv(cases + 1, np.maximum(others, 1), 1 - _TAIL)
    return np.where(cases > 0, low, 0.0), np.where(others > 0, high, 1.0)


def shrink(
    cases: Ints, chances: Ints, target: float, spread: float
) -> tuple[Floats, tuple[Floats, Floats]]:
    """Return posterior means and both ends of their central 95 % intervals, each [C].

    The prior is what all cashiers together look like: Beta with mean `target` and intraclass
    correlation `spread` (empirical Bayes).
    """
    strength = (1 - spread) / spread
    mean = min(max(target, 1e-6), 1 - 1e-6)
    alpha, beta = mean * strength + cases, (1 - mean) * strength + chances - cases
    posterior = alpha / (alpha + beta)
    low, high = (special.betaincinv(alpha, beta, share) for share in (_TAIL, 1 - _TAIL))
    # Very lopsided ones have their mean outside of their own central interval.
    return posterior, (np.minimum(low, posterior), np.maximum(high, posterior))


def funnel_limits(target: float, phi: float, checks: Ints) -> Floats:
    """Return the funnel at each number of checks, [4, M]: 2.5 %, 97.5 %, 0.1 % and 99.9 %.

    Exact binomial quantiles, interpolated so that the lines do not jump, then widened by the
    square root of `phi` (Spiegelhalter 2005, appendix).
    """
    inside = min(max(target, 1e-9), 1 - 1e-9)
    lines = []
    for share in _LIMIT_SHARES:
        upper = _binomial_quantile(share, checks, inside)
        at_most, below = (special.bdtr(k, checks, inside) for k in (upper, upper - 1))
        chance = at_most - np.where(upper > 0, below, 0)
        over = np.divide(at_most - share, chance, out=np.zeros(len(checks)), where=chance > 0)
        limit = (upper - np.clip(over, 0, 1)) / checks
        lines.append(np.clip(target + np.sqrt(phi) * (limit - target), 0, 1))
    return np.array(lines)


def _binomial_quantile(share: float, chances: Ints, rate: float) -> Floats:
    """Return the least numbers of cases that have at least this share at or below them, [M]."""
    # As in scipy.stats, whose import alone takes a third of a second: the inverse may be one high.
    high = np.ceil(special.bdtrik(share, chances, rate))
    low = np.maximum(high - 1, 0)
    return np.where(special.bdtr(low, chances, rate) >= share, low, high)


def _funnel(target: float, phi: float, most: int) -> Funnel:
    checks = np.unique(np.geomspace(1, most, _FUNNEL_POINTS).round().astype(np.int64))
    # Interpolated, a limit may come to lie beyond the target where there are few checks.
    low, high, far_low, far_high = funnel_limits(target, phi, checks)
    lows = np.minimum([low, far_low], target)
    highs = np.maximum([high, far_high], target)
    limits = tuple(
        FunnelLimit(int(n), float(a), float(b), float(c), float(d))
        for n, a, b, c, d in zip(checks, lows[0], highs[0], lows[1], highs[1], strict=True)
    )
    return Funnel(target, phi, limits)
