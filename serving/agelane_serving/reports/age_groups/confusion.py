"""How the age estimate confuses ages: what shares people of a true age get on average.

Rows are bands of true ages, finer than the groups. With a row a group, the correction would take
over the ages within each group from the calibration sample, whose children are small and whose old
people are few; inverting such a matrix makes that error several times larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agelane_serving.reports.estimate import Floats

_OLDEST_CUSTOMER = 90
_ROUNDING = 1e-3  # of a card's figures


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
    """(B,): people that this was measured on, 1 or more."""

    def __post_init__(self) -> None:
        """Refuse what can't be a confusion."""
        bands, groups = len(self.band_starts), len(self.group_starts)
        if not set(self.group_starts) <= set(self.band_starts):
            raise ValueError("a band lies in two groups")
        if self.matrix.shape != (bands, groups):
            raise ValueError(f"not {bands} bands by {groups} groups")
        if self.centres_years.shape != (bands,) or self.sizes.shape != (bands,):
            raise ValueError(f"not {bands} centres and {bands} sizes")
        band = np.searchsorted(self.band_starts, self.centres_years, side="right") - 1
        if np.any(band != np.arange(bands)):
            raise ValueError("a centre lies outside its band")
        if self.covariances.shape != (bands, groups, groups):
            raise ValueError(f"not {bands} covariances of {groups} groups")
        if np.any(self.matrix < 0) or np.any(np.abs(self.matrix.sum(axis=1) - 1) > _ROUNDING):
            raise ValueError("a row does not sum to 1")
        if not _are_covariances(self.covariances):
            raise ValueError("covariances are none of shares")
        if not np.all(self.sizes >= 1):
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


def _are_covariances(matrices: Floats) -> bool:
    """Whether matrices, (B, K, K), can be covariances of numbers from 0 to 1."""
    if np.any(np.abs(matrices) > 1):
        return False
    symmetric = np.allclose(matrices, matrices.transpose(0, 2, 1), atol=_ROUNDING)
    return symmetric and bool(np.all(np.linalg.eigvalsh(matrices) >= -_ROUNDING))
