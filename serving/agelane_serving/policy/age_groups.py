"""Age groups: neighbouring ranges that together cover 0 to 100 years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from agelane_serving.policy.distribution import OLDEST_YEARS, AgeDistribution

MOST_AGE_GROUPS = 16
"""More would not fit into a signed assessment, and nobody could tell them apart."""


@dataclass(frozen=True, slots=True)
class AgeGroup:
    """A range of ages, both ends inclusive."""

    from_years: int
    """Youngest age, in completed years, 0 … 100."""
    to_years: int | None
    """Oldest age, from_years … 99; None for the last group, which has no upper end."""

    @property
    def id(self) -> str:
        """Name for programs, such as `25_34` or `65_plus`."""
        return f"{self.from_years}_{'plus' if self.to_years is None else self.to_years}"

    @property
    def label(self) -> str:
        """Name for people, such as `25-34` or `65+`."""
        return f"{self.from_years}+" if self.to_years is None else self.id.replace("_", "-")

    def probability(self, distribution: AgeDistribution) -> float:
        """Return the probability that the age lies in the group, 0 … 1."""
        to_years = OLDEST_YEARS if self.to_years is None else self.to_years
        return distribution.probability_between(self.from_years, to_years)


def groups_from_starts(starts: Sequence[int]) -> tuple[AgeGroup, ...]:
    """Return the groups that begin at these ages; told this way, they can't overlap or gape.

    Raises:
        ValueError: the ages don't rise from 0 to at most 100, or are too many.
    """
    rising = all(first < second for first, second in pairwise(starts))
    if not rising or not starts or starts[0] != 0 or starts[-1] > OLDEST_YEARS:
        raise ValueError("must rise from 0 to at most 100")
    if len(starts) > MOST_AGE_GROUPS:
        raise ValueError(f"must be at most {MOST_AGE_GROUPS}")
    ends = [start - 1 for start in starts[1:]]
    return tuple(AgeGroup(*bounds) for bounds in zip(starts, [*ends, None], strict=True))


def group_shares(groups: Sequence[AgeGroup], distribution: AgeDistribution) -> tuple[float, ...]:
    """Return the probability that lies in each group, 0 … 1."""
    return tuple(group.probability(distribution) for group in groups)
