"""What a model says about one face: a probability for each age."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

OLDEST_YEARS = 100
"""Highest age that is told apart; older people count as this old."""
_SUM_TOLERANCE = 1e-3


class DistributionError(ValueError):
    """These numbers are not a distribution over the ages 0 to 100."""


@dataclass(frozen=True, slots=True)
class AgeDistribution:
    """P(age = a) for a = 0 … 100 completed years; DistributionError for anything else.

    Where a continuous age is needed, the probability of the age a is spread evenly over
    a - 0.5 … a + 0.5, so that the median of a symmetric distribution is its centre.
    """

    probabilities: tuple[float, ...]
    """101 of them, each finite and 0 or greater, with a sum within 0.001 of 1."""
    _total: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        if len(self.probabilities) != OLDEST_YEARS + 1:
            raise DistributionError(f"{len(self.probabilities)} probabilities instead of 101")
        total = _sum(self.probabilities)
        if min(self.probabilities) < 0:
            raise DistributionError("a probability is negative")
        if abs(total - 1) > _SUM_TOLERANCE:
            raise DistributionError(f"the probabilities sum to {total:.4g}, not to 1")
        object.__setattr__(self, "_total", total)

    def median_years(self) -> float:
        """Return the age that the customer is as likely above as below, in years, 0 … 100."""
        return self.quantile_years(0.5)

    def probability_under(self, age_years: int) -> float:
        """Return P(age < age_years), 0 … 1.

        Whatever the probabilities lack to a sum of 1 counts as under age. fsum rounds once, so that
        moving probability to higher ages never makes it larger by a rounding error.
        """
        missing = max(0.0, 1.0 - self._total)
        return min(1.0, math.fsum(self.probabilities[:age_years]) + missing)

    def probability_between(self, from_years: int, to_years: int) -> float:
        """Return P(from_years <= age <= to_years), 0 … 1."""
        return min(1.0, math.fsum(self.probabilities[from_years : to_years + 1]))

    def quantile_years(self, share: float) -> float:
        """Return the continuous age that `share` (0 … 1) of the probability lies below, 0 … 100."""
        return self.quantiles_years(share)[0]

    def quantiles_years(self, *shares: float) -> tuple[float, ...]:
        """Return several of them, in one go."""
        cumulative = list(accumulate(self.probabilities))
        return tuple(self._quantile(cumulative, share) for share in shares)

    def interval_years(self, coverage: float) -> tuple[float, float]:
        """Return the central interval that holds `coverage` (0 … 1) of the probability."""
        tail = (1 - coverage) / 2
        low, high = self.quantiles_years(tail, 1 - tail)
        return low, high

    def _quantile(self, cumulative: Sequence[float], share: float) -> float:
        target = share * cumulative[-1]
        age = bisect_left(cumulative, target)
        below = cumulative[age - 1] if age else 0.0
        within = self.probabilities[age] and (target - below) / self.probabilities[age]
        return min(max(age - 0.5 + within, 0.0), float(OLDEST_YEARS))


def _sum(probabilities: Sequence[float]) -> float:
    """Return their sum, which is finite where each of them is, and only there."""
    try:
        total = math.fsum(probabilities)
    except (OverflowError, ValueError):  # finite but enormous; both infinities
        total = math.nan
    if not math.isfinite(total):
        raise DistributionError("a probability is not finite")
    return total
