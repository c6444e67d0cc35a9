"""What a list of ages shows: its spread, its tail, and the years that people round to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from agelane_trainer.data.dataset import OLDEST_CREDIBLE_AGE

Counts = npt.NDArray[np.int64]

GROUPS: dict[str, tuple[int, int]] = {
    "0 to 5": (0, 5),
    "6 to 13": (6, 13),
    "14 to 17": (14, 17),
    "18 to 20": (18, 20),
    "21 to 24": (21, 24),
    "25 to 34": (25, 34),
    "35 to 49": (35, 49),
    "50 to 64": (50, 64),
    "65 to 79": (65, 79),
    "80 and over": (80, OLDEST_CREDIBLE_AGE),
}
"""Age groups to look at: youngest and oldest age, both included; finer near the legal age."""
WHIPPLE_BOUNDS = (23, 62)
"""Ages that the Whipple index counts, by its definition."""
SPIKE_ERRORS = 4.0
"""A year is a spike if it is more than this many standard errors above its neighbours' mean. At 4,
about one of 30,000 years would be one by chance."""
SPIKE_COUNT = 10
"""Fewer people than this are no spike, however few their neighbours are."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The spread of ages (years)."""

    count: int
    """How many there are."""
    mean: float
    """Their mean."""
    deviation: float
    """Their standard deviation (of a sample)."""
    skewness: float
    """Above 0 where the right tail is the longer one."""
    youngest: int
    """The lowest."""
    quartiles: tuple[float, float, float]
    """A quarter, a half and three quarters are at most this old."""
    oldest: int
    """The highest."""
    fences: tuple[float, float]
    """Quartiles less and plus 1.5 times their distance: what lies beyond is an outlier."""
    outliers: int
    """How many lie beyond the fences."""


@dataclass(frozen=True, slots=True)
class Heap:
    """A year of age beside its neighbours."""

    age: int
    """The year."""
    count: int
    """How many are of that age."""
    expected: float
    """Mean count of the two years before and the two after."""
    errors: float
    """By how many standard errors (Poisson) the count exceeds what is expected."""

    @property
    def excess(self) -> float:
        """How many more than expected, as a share: 1.0 is twice as many."""
        return self.count / max(self.expected, 0.25) - 1


def summarise(ages: pd.Series[int]) -> Summary:
    """Summarise at least one age."""
    low, middle, high = (float(q) for q in ages.quantile([0.25, 0.5, 0.75]))
    fences = (low - 1.5 * (high - low), high + 1.5 * (high - low))
    return Summary(
        count=len(ages),
        mean=float(ages.mean()),
        deviation=float(ages.std()) if len(ages) > 1 else 0.0,
        skewness=float(stats.skew(ages)) if ages.nunique() > 1 else 0.0,
        youngest=int(ages.min()),
        quartiles=(low, middle, high),
        oldest=int(ages.max()),
        fences=fences,
        outliers=int((~ages.between(*fences)).sum()),
    )


def count_years(ages: pd.Series[int]) -> Counts:
    """Return how many are of each age, [123]."""
    return np.bincount(ages, minlength=OLDEST_CREDIBLE_AGE + 1).astype(np.int64)


def whipple_index(counts: Counts) -> float | None:
    """Return how strongly ages from 23 to 62 are heaped on multiples of five.

    100 is not at all, 500 is nobody in between; None without anybody of that age.
    """
    youngest, oldest = WHIPPLE_BOUNDS
    everybody = counts[youngest : oldest + 1].sum()
    return float(500 * counts[25:61:5].sum() / everybody) if everybody else None


def whipple_verdict(index: float) -> str:
    """Return what the United Nations' scale calls data of this Whipple index."""
    scale = ((105, "highly accurate"), (110, "fairly accurate"), (125, "approximate"))
    rough = "rough" if index < 175 else "very rough"
    return next((name for bound, name in scale if index < bound), rough)


def heaps(counts: Counts) -> list[Heap]:
    """Compare each age from 2 up to the oldest but two with its neighbours."""
    found = []
    for age in range(2, len(counts) - 2):
        neighbours = float(counts[[age - 2, age - 1, age + 1, age + 2]].mean())
        # Both sides are counts: the year's own, and the mean of four. At least one is expected.
        error = np.sqrt(max(neighbours, 1.0) * 1.25)
        count = int(counts[age])
        found.append(Heap(age, count, neighbours, float((count - neighbours) / error)))
    return found


def spikes(counts: Counts) -> list[Heap]:
    """Return the ages that stand out, and above the years on either side, youngest first."""
    return [
        heap
        for heap in heaps(counts)
        if heap.errors > SPIKE_ERRORS
        and heap.count >= SPIKE_COUNT
        and heap.count > max(counts[heap.age - 1], counts[heap.age + 1])
    ]


def group_of(ages: pd.Series[int]) -> pd.Series[str]:
    """Return the name of each age's group, as an ordered category."""
    edges = [youngest for youngest, _ in GROUPS.values()] + [OLDEST_CREDIBLE_AGE + 1]
    return pd.cut(ages, edges, right=False, labels=list(GROUPS))
