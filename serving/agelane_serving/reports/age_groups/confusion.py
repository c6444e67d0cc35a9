"""How the age estimate confuses ages: what shares people of a true age get on average.

Rows are bands of true ages, finer than the groups. With a row a group, the correction would take
over the ages within each group from the calibration sample, whose children are small and whose old
people are few; inverting such a matrix makes that error several times larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from agelane_serving.reports.age_groups.tally import moments, readings_of
from agelane_serving.reports.estimate import Floats

_BAND_YEARS = 4
_LEAST_PEOPLE = 30  # in a band, for its covariance to mean something
_OLDEST_BAND = 85  # nobody tells people apart above it, and few of them shop
_OLDEST_CUSTOMER = 90


@dataclass(frozen=True, slots=True)
class Confusion:
    """What the shares of K groups look like in each of B bands of true ages, B >= K."""

    group_starts: tuple[int, ...]
    """First year of each group, from 0 up."""
    band_starts: tuple[int, ...]
    """First year of each band; among them those of all groups, so that no band is in two."""
    centres_years: Floats
    """(B,): middle of each band, in years."""
    matrix: Floats
    """(B, K): mean share of each group among people of a band; rows sum to 1."""
    covariances: Floats
    """(B, K, K): of the shares of one person of a band."""
    sizes: Floats
    """(B,): people that this was measured on, above 0."""

    def __post_init__(self) -> None:
        """Refuse what can't be a confusion."""
        bands, groups = len(self.band_starts), len(self.group_starts)
        if not set(self.group_starts) <= set(self.band_starts):
            raise ValueError("a band lies in two groups")
        if self.matrix.shape != (bands, groups) or self.sizes.shape != (bands,):
            raise ValueError(f"not {bands} bands by {groups} groups")
        if self.covariances.shape != (bands, groups, groups):
            raise ValueError(f"not {bands} covariances of {groups} groups")
        if np.any(self.matrix < 0) or not np.allclose(self.matrix.sum(axis=1), 1, atol=1e-3):
            raise ValueError("a row does not sum to 1")
        if not np.all(self.sizes > 0):
            raise ValueError("a band was measured on nobody")

    @property
    def membership(self) -> Floats:
        """(K, B): 1 where a band lies in a group, else 0."""
        group = np.searchsorted(self.group_starts, self.band_starts, side="right") - 1
        return np.asarray(np.arange(len(self.group_starts))[:, None] == group, dtype=np.float64)

    def widths_years(self, starts: Sequence[int]) -> Floats:
        """Return how many years of customers begin at each of these, in years."""
        ends = [*starts[1:], max(_OLDEST_CUSTOMER, starts[-1] + 1)]
        return np.subtract(ends, starts).astype(np.float64)


def estimate_confusion(
    ages_true: ArrayLike,
    shares: Sequence[Sequence[float]] | Floats,
    group_starts: Sequence[int],
) -> Confusion:
    """Measure the confusion on people of known age whom the model was not trained on.

    Args:
        ages_true: (N,), in completed years.
        shares: (N, K), P(age group) by the model.
        group_starts: first year of each group, from 0 up.

    Raises:
        ValueError: a group has fewer than 30 people, or as `readings_of`.
    """
    ages = np.asarray(ages_true, dtype=np.float64)
    readings = readings_of(shares, len(group_starts))
    bands = _bands(ages, group_starts)
    band = np.searchsorted(bands, ages, side="right") - 1
    people = [moments(readings[band == index]) for index in range(len(bands))]
    return Confusion(
        tuple(group_starts),
        tuple(bands),
        np.array([ages[band == index].mean() + 0.5 for index in range(len(bands))]),
        np.array([each.mean for each in people]),
        np.array([each.covariance for each in people]),
        np.array([float(each.count) for each in people]),
    )


def confusion_of_groups(
    group_starts: Sequence[int], matrix: Floats, sizes: Sequence[int]
) -> Confusion:
    """Return the confusion that a bare (K, K) matrix tells, for a model card that has no more.

    Its covariances are those of a draw of one group by the shares, which is the most they can be:
    intervals come out too wide rather than too narrow.
    """
    starts = tuple(group_starts)
    ends = [*starts[1:], max(_OLDEST_CUSTOMER, starts[-1] + 1)]
    covariances = np.array([np.diag(row) - np.outer(row, row) for row in matrix])
    centres = np.add(starts, ends) / 2
    return Confusion(starts, starts, centres, matrix, covariances, np.array(sizes, dtype=float))


def _bands(ages: Floats, group_starts: Sequence[int]) -> list[int]:
    """Cut each group into bands of about four years, as far as each has people enough."""
    bands: list[int] = []
    for start, end in pairwise([*group_starts, 1000]):
        in_group = ages[(ages >= start) & (ages < end)]
        if len(in_group) < _LEAST_PEOPLE:
            raise ValueError(f"{len(in_group)} people from {start} years, {_LEAST_PEOPLE} needed")
        span = min(end, _OLDEST_BAND) - start
        parts = max(span // _BAND_YEARS, 1)
        bands.append(start)
        for cut in (start + round(part * span / parts) for part in range(1, parts)):
            below, above = np.sum((in_group >= bands[-1]) & (in_group < cut)), in_group >= cut
            if min(below, np.sum(above)) >= _LEAST_PEOPLE:
                bands.append(cut)
    return bands
