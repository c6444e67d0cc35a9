"""What a detector hands over, and how counts are compared with those of other cashiers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from agelane_serving.reports.cashiers.arrays import Floats, Ints
from agelane_serving.reports.cashiers.results import AlertKind
from agelane_serving.reports.cashiers.scatter import fitted_spread
from agelane_serving.reports.cashiers.sorted_sales import SortedSales
from agelane_serving.reports.cashiers.tails import beta_binomial_tail


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """M cases by rising cashier, then time; arrays have the shape [M]."""

    cashier: Ints
    """Whose, 0 … C-1."""
    at: Floats
    """When, in Unix seconds."""
    went_under_age: Floats
    """Probability that the goods went to somebody under age, 0 … 1."""

    @classmethod
    def of_rows(cls, sales: SortedSales, rows: Ints) -> Cases:
        """Return the sales in these rising rows as cases; what was refused went to nobody."""
        risk = np.where(sales.refused[rows], 0.0, sales.risk[rows])
        return cls(sales.columns.cashier[rows], sales.columns.sold_at[rows], risk)


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What a detector says about each of C cashiers; arrays have the shape [C]."""

    kind: AlertKind
    """What it looks for."""
    counts: Ints
    """How many cases there were."""
    expected: Floats
    """How many chance would have brought."""
    p_values: Floats
    """Of at least as many by chance, 0 … 1; NaN: there was no chance of a case."""
    cases: Cases
    """All of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Counts against those of other cashiers; arrays have the shape [C]."""

    expected: Floats
    """Cases at the others' rate."""
    p_values: Floats
    """Of at least as many cases; NaN: there was no chance of one."""


def against_others(cases: Ints, chances: Ints, least_variation: float) -> Comparison:
    """Compare each cashier's share of cases with that of all others together.

    Honest cashiers differ too, and where cases are rare the counts can't tell by how much. So their
    shares are taken to vary at least by the coefficient of variation `least_variation`; 1 makes one
    honest cashier in twenty have three times the usual share.
    """
    # Half a case more keeps a share that nobody else has above 0.
    rate = (cases.sum() - cases + 0.5) / (chances.sum() - chances + 1.0)
    rate = np.clip(rate, 1e-9, 1 - 1e-9)
    pooled = float(np.clip(cases.sum() / max(1, chances.sum()), 1e-9, 1 - 1e-9))
    odds = rate / (1 - rate)
    spread = np.minimum(0.5, least_variation**2 * odds)
    spread = np.maximum(spread, fitted_spread(cases, chances, pooled))
    p_values = beta_binomial_tail(cases, chances, rate, spread)
    return Comparison(chances * rate, np.where(chances > 0, p_values, np.nan))


def counts_against_others(counts: Ints, exposure: Ints) -> Comparison:
    """Compare counts of events that are no sales themselves, by sales.

    Negative binomial: Poisson with rates that vary between cashiers by a coefficient of 1.
    """
    rate = (counts.sum() - counts + 0.5) / (exposure.sum() - exposure + 1.0)
    expected = rate * np.maximum(exposure, 1)
    tail = special.betainc(np.maximum(counts, 1), 1.0, expected / (1 + expected))
    return Comparison(expected, np.where(counts > 0, tail, 1.0))
