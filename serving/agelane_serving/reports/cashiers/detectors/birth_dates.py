"""One date of birth that is typed again and again."""

from __future__ import annotations

import numpy as np

from agelane_serving.reports.cashiers.arrays import Flags, Floats, Ints
from agelane_serving.reports.cashiers.findings import Cases, Finding
from agelane_serving.reports.cashiers.records import DocumentReading
from agelane_serving.reports.cashiers.results import AlertKind, Period
from agelane_serving.reports.cashiers.sorted_sales import SortedSales
from agelane_serving.reports.cashiers.tails import beta_binomial_tail
from agelane_serving.reports.cashiers.weeks import WEEK_SECONDS

BUCKETS = 64
"""Of the first byte of a SHA-256, so that each holds the same share of dates."""
_SPREAD = 1.5 / BUCKETS
"""A regular customer comes back with the same date, and the dates of one age group fill buckets
unevenly. So the share of a bucket is taken to vary between cashiers, by 1.2 times its own size."""
_MOST_WEEKS = 13


def repeated_birth_date(sales: SortedSales, period: Period) -> Finding:
    """Look for a bucket that holds far more than its 64th of a cashier's typed dates.

    Looked at are the whole period and each week of it, counted back from its end: who began last
    week must not be saved by three honest weeks. Each cashier's smallest p-value is corrected for
    the number of buckets and windows before cashiers are compared.
    """
    typed = sales.where(
        sales.of_age
        & (sales.columns.birth_date_bucket >= 0)
        & (sales.columns.reading != DocumentReading.SCANNED)
    )
    windows = _windows(typed, period)
    tables = [_table(typed, window) for window in windows]
    most = np.array([table.max(axis=1) for table in tables])
    chances = np.array([table.sum(axis=1) for table in tables])
    p_values = _p_values(most, chances)
    corrected = p_values * BUCKETS / _weights(len(windows))[:, None]
    best = corrected.argmin(axis=0)
    cashiers = np.arange(len(typed.cashiers))
    bucket = np.array([table.argmax(axis=1) for table in tables])[best, cashiers]
    smallest = np.minimum(1.0, corrected[best, cashiers])
    return Finding(
        AlertKind.REPEATED_BIRTH_DATE,
        most[best, cashiers],
        chances[best, cashiers] / BUCKETS,
        np.where(chances[0] > 0, smallest, np.nan),
        Cases.of_rows(typed, _rows(typed, windows, best, bucket)),
    )


def _windows(sales: SortedSales, period: Period) -> list[Flags]:
    """Return which sales lie in the whole period, and in each of its last weeks."""
    week = np.floor((period.end - sales.columns.sold_at) / WEEK_SECONDS)
    weeks = min(_MOST_WEEKS, int((period.end - period.start) // WEEK_SECONDS))
    return [np.full(len(week), True), *(week == each for each in range(weeks))]


def _weights(windows: int) -> Floats:
    """Return shares of the error for a weighted Bonferroni correction, [windows], sum 1.

    A third for the period, a third for the newest week, where something new must be seen, and a
    third for the weeks before.
    """
    weights = np.full(windows, 1 / max(1, windows - 2))
    weights[:2] = 1
    shares: Floats = weights / weights.sum()
    return shares


def _table(sales: SortedSales, window: Flags) -> Ints:
    """Return how many dates of each cashier fell into each bucket, [C, 64]."""
    place = sales.columns.cashier[window] * np.int64(BUCKETS)
    place = place + sales.columns.birth_date_bucket[window]
    counts = np.bincount(place, minlength=len(sales.cashiers) * BUCKETS)
    table: Ints = counts.astype(np.int64).reshape(-1, BUCKETS)
    return table


def _p_values(most: Ints, chances: Ints) -> Floats:
    """Return P(one given bucket holds at least so many), [windows, C]."""
    full = np.full(most.size, 1 / BUCKETS)
    tails = beta_binomial_tail(most.ravel(), chances.ravel(), full, np.full(most.size, _SPREAD))
    return tails.reshape(most.shape)


def _rows(sales: SortedSales, windows: list[Flags], best: Ints, bucket: Ints) -> Ints:
    """Return the sales of each cashier's fullest bucket in the window where it stands out most."""
    cashier = sales.columns.cashier
    in_window = np.array(windows)[best[cashier], np.arange(len(cashier))]
    return np.flatnonzero(in_window & (sales.columns.birth_date_bucket == bucket[cashier]))
