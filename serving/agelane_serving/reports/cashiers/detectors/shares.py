"""Detectors that compare a cashier's share of cases with that of the other cashiers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from agelane_serving.policy import Decision
from agelane_serving.reports.cashiers.arrays import Flags, Floats, Ints
from agelane_serving.reports.cashiers.check_rates import CheckRates
from agelane_serving.reports.cashiers.findings import (
    Cases,
    Finding,
    against_others,
    counts_against_others,
)
from agelane_serving.reports.cashiers.records import DocumentReading, TokenMisuse
from agelane_serving.reports.cashiers.results import AlertKind, Period
from agelane_serving.reports.cashiers.sorted_sales import SortedSales

FAST_SECONDS = 1.5
"""Nobody asks for a document, gets it and reads a date in less."""
_HANDS_VARY = 2.0
"""How much honest cashiers differ in being that fast: few ever are, but some read at a glance."""
_FACES_VARY = 0.3
"""How much honest cashiers differ in what faces their customers have."""


def low_check_rate(sales: SortedSales, rates: CheckRates) -> Finding:
    """Look for fewer checks than the target."""
    missed, required = sales.count(sales.missed), sales.count(sales.required)
    target = rates.funnel.target_rate if rates.funnel else 1.0
    return Finding(
        AlertKind.LOW_CHECK_RATE,
        missed,
        required * np.float64(1 - target),
        rates.p_values,
        Cases.of_rows(sales, np.flatnonzero(sales.missed)),
    )


def fast_checks(sales: SortedSales) -> Finding:
    """Look for checks that were faster than a document can be looked at.

    A scanner may be this fast, and has seen a document; "shows none" is said in no time as well.
    """
    looked = sales.of_age & (sales.columns.reading != DocumentReading.SCANNED)
    measured = looked & ~np.isnan(sales.columns.check_seconds)
    fast = measured & (sales.columns.check_seconds < FAST_SECONDS)
    return _share(AlertKind.FAST_CHECKS, sales, fast, measured, _HANDS_VARY)


def document_contradicts_face(sales: SortedSales) -> Finding:
    """Look for ages by document that lie outside of the faces' intervals.

    One honest document in ten does, more where the model is poorly calibrated; hence the comparison
    with other cashiers, whose customers the same model judged.
    """
    columns = sales.columns
    told = ~np.isnan(columns.document_age_years + columns.age_low_years + columns.age_high_years)
    comparable = sales.restricted & told
    # A completed year of age goes on until the next birthday.
    young = columns.document_age_years + 1 <= columns.age_low_years
    contradicts = comparable & (young | (columns.document_age_years > columns.age_high_years))
    return _share(AlertKind.DOCUMENT_CONTRADICTS_FACE, sales, contradicts, comparable, _FACES_VARY)


def unassessed_sales(sales: SortedSales) -> Finding:
    """Look for goods sold without an assessment, unless the till got no answer."""
    chances = sales.sold & ~sales.columns.decided_offline
    return _share(AlertKind.UNASSESSED_SALES, sales, sales.unexplained, chances)


def overrides(sales: SortedSales) -> Finding:
    """Look for goods sold against REFUSE."""
    refusable = sales.restricted & (sales.columns.decision == Decision.REFUSE.value)
    return _share(AlertKind.OVERRIDES, sales, sales.overrides, refusable)


def token_misuse(sales: SortedSales, attempts: Iterable[TokenMisuse], period: Period) -> Finding:
    """Look for tokens that were forged, expired or used twice."""
    places = {cashier: place for place, cashier in enumerate(sales.cashiers)}
    misuses = sorted(
        (places[who], at)
        for misuse in attempts
        if (who := (misuse.store_id, misuse.cashier_id)) in places
        for at in misuse.times
        if period.start <= at < period.end
    )
    cashier = np.array([place for place, _ in misuses], np.int64)
    at = np.array([moment for _, moment in misuses], float)
    counts = np.bincount(cashier, minlength=len(sales.cashiers)).astype(np.int64)
    exposure = sales.count(sales.restricted)
    compared = counts_against_others(counts, exposure)
    cases = Cases(cashier, at, _mean_risk(sales, exposure)[cashier])
    return Finding(AlertKind.TOKEN_MISUSE, counts, compared.expected, compared.p_values, cases)


def _share(
    kind: AlertKind,
    sales: SortedSales,
    cases: Flags,
    chances: Flags,
    least_variation: float = 1.0,
) -> Finding:
    counts = sales.count(cases)
    compared = against_others(counts, sales.count(chances), least_variation)
    found = Cases.of_rows(sales, np.flatnonzero(cases))
    return Finding(kind, counts, compared.expected, compared.p_values, found)


def _mean_risk(sales: SortedSales, exposure: Ints) -> Floats:
    """Return the mean P(under age) of each cashier's customers, [C]; 0 without any."""
    which = sales.restricted
    total = np.bincount(
        sales.columns.cashier[which], sales.risk[which], minlength=len(sales.cashiers)
    )
    return total / np.maximum(1, exposure)
