"""Baskets cancelled after VERIFY_ID or REFUSE, and rung up again without an assessment."""

from __future__ import annotations

import numpy as np

from agelane_serving.policy import Decision
from agelane_serving.reports.cashiers.arrays import Flags, Ints
from agelane_serving.reports.cashiers.findings import Cases, Finding, against_others
from agelane_serving.reports.cashiers.results import AlertKind
from agelane_serving.reports.cashiers.sorted_sales import SortedSales

WITHIN_SECONDS = 300.0
"""From the cancellation to the next sale: the same customer would still stand there."""


def void_and_rekey(sales: SortedSales) -> Finding:
    """Look for cashiers who do so more often than others, by all VERIFY_ID and REFUSE they got."""
    rows = rekeyed_rows(sales)
    counts = np.bincount(sales.columns.cashier[rows], minlength=len(sales.cashiers))
    stopped = sales.restricted & (sales.columns.decision >= Decision.VERIFY_ID.value)
    chances = sales.count(stopped | _cancelled(sales))
    compared = against_others(counts.astype(np.int64), chances, least_variation=1.0)
    return Finding(
        AlertKind.VOID_AND_REKEY,
        counts.astype(np.int64),
        compared.expected,
        compared.p_values,
        Cases.of_rows(sales, rows),
    )


def rekeyed_rows(sales: SortedSales) -> Ints:
    """Return the rising rows of cancellations that an unassessed sale of the cashier follows.

    One sale follows one cancellation: of several before it, the first is returned.
    """
    columns = sales.columns
    cancelled = np.flatnonzero(_cancelled(sales))
    candidates = np.flatnonzero(sales.unexplained)
    place = np.searchsorted(candidates, cancelled)
    cancelled, place = cancelled[place < len(candidates)], place[place < len(candidates)]
    sale = candidates[place]
    same = columns.cashier[sale] == columns.cashier[cancelled]
    soon = columns.sold_at[sale] - columns.sold_at[cancelled] <= WITHIN_SECONDS
    _, first = np.unique(sale[same & soon], return_index=True)
    rows: Ints = cancelled[same & soon][first]
    return rows


def _cancelled(sales: SortedSales) -> Flags:
    return sales.stopped_by >= Decision.VERIFY_ID.value
