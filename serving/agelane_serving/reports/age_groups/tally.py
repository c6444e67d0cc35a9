"""Count baskets: what the correction needs of them fits into a few sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import numpy as np

from agelane_serving.reports.estimate import Floats

_DIGITS = 2  # of shares, as the ledger keeps them
_SUM_TOLERANCE = 0.1  # sixteen groups, each rounded to two digits
_BATCH = 10_000


class Line(Protocol):
    """Goods of one category in a basket."""

    @property
    def category(self) -> str:
        """In the store's own words."""

    @property
    def amount_minor(self) -> int:
        """What they cost, in the smallest unit of the currency; negative for returns."""


class Basket(Protocol):
    """A basket whose buyer was assessed."""

    @property
    def shares(self) -> Sequence[float]:
        """P(age group) of the buyer, one for each of the K groups, each 0 … 1, with a sum of 1."""

    @property
    def lines(self) -> Sequence[Line]:
        """What was in it."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over the shares of some baskets, for K groups."""

    count: int
    """Baskets."""
    total: Floats
    """(K,): sum of the shares: so many baskets belong to each group by the uncorrected estimate."""
    products: Floats
    """(K, K): sum of the products of two shares of a basket."""

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both."""
        return Moments(
            self.count + other.count, self.total + other.total, self.products + other.products
        )

    @property
    def mean(self) -> Floats:
        """(K,): mean shares."""
        return self.total / self.count

    @property
    def covariance(self) -> Floats:
        """(K, K): of the shares of one basket."""
        mean = self.mean
        return self.products / self.count - np.outer(mean, mean)


@dataclass(slots=True)
class Tally:
    """All baskets, and those with each category of goods. Tallies of parts may be merged."""

    everything: Moments
    """All baskets."""
    categories: dict[str, Moments] = field(default_factory=dict)
    """Those with such goods."""

    def merge(self, other: Tally) -> None:
        """Add the baskets of another tally, all of which must be other baskets."""
        self.everything += other.everything
        for category, moments in other.categories.items():
            self.categories[category] = (
                self.categories[category] + moments if category in self.categories else moments
            )


def tally(baskets: Iterable[Basket], group_count: int) -> Tally:
    """Count baskets, however many; only a few thousand of them are in memory at a time.

    A basket counts for a category when it has goods of it that were not brought back.

    Raises:
        ValueError: shares are not `group_count` numbers from 0 to 1 with a sum of 1.
    """
    total = Tally(moments(np.empty((0, group_count))))
    for batch in _batches(iter(baskets)):
        readings = readings_of([basket.shares for basket in batch], group_count)
        total.merge(
            Tally(
                moments(readings),
                {name: moments(readings[rows]) for name, rows in _rows(batch).items()},
            )
        )
    return total


def readings_of(shares: Sequence[Sequence[float]] | Floats, group_count: int) -> Floats:
    """Return shares as the ledger keeps them, (N, K), each row with a sum of 1.

    The trainer rounds the shares that it measures the confusion on alike: rounding can't set both
    apart.

    Raises:
        ValueError: as `tally`.
    """
    try:
        table = np.asarray(shares, dtype=np.float64).reshape(len(shares), -1)
    except ValueError as error:
        raise ValueError("baskets differ in their number of age groups") from error
    if len(table) == 0:
        return np.empty((0, group_count))
    if table.shape[1] != group_count:
        raise ValueError(f"{table.shape[1]} shares instead of {group_count}")
    if not np.all((table >= 0) & (table <= 1)):
        raise ValueError("a share is not from 0 to 1")
    if np.any(np.abs(table.sum(axis=1) - 1) > _SUM_TOLERANCE):
        raise ValueError("the shares of a basket don't sum to 1")
    rounded = np.round(table, _DIGITS)
    return np.asarray(rounded / rounded.sum(axis=1, keepdims=True))


def moments(readings: Floats) -> Moments:
    """Return the moments of these readings, (N, K)."""
    return Moments(len(readings), readings.sum(axis=0), readings.T @ readings)


def _batches(baskets: Iterator[Basket]) -> Iterator[list[Basket]]:
    while batch := list(islice(baskets, _BATCH)):
        yield batch


def _rows(batch: Sequence[Basket]) -> Mapping[str, list[int]]:
    """Return which baskets of a batch have goods of each category."""
    rows: dict[str, list[int]] = {}
    for row, basket in enumerate(batch):
        for category in {line.category for line in basket.lines if line.amount_minor >= 0}:
            rows.setdefault(category, []).append(row)
    return rows
