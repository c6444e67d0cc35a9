"""One date of birth that is typed again and again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from agelane_serving.reports.cashiers.arrays import Flags, Floats, Ints
from agelane_serving.reports.cashiers.findings import Cases, Comparison, Finding, against_others
from agelane_serving.reports.cashiers.records import DocumentReading
from agelane_serving.reports.cashiers.results import AlertKind, Period
from agelane_serving.reports.cashiers.sorted_sales import SortedSales
from agelane_serving.reports.cashiers.weeks import WEEK_SECONDS

_BUCKETS = 64
_AGES = 133
"""0 … 130 years, one before them for an age that was not read, and a gap after them."""
_MOST_WEEKS = 13
_REGULARS_VARY = 1.0
"""How much honest cashiers differ in how often their most regular customer comes."""
_USUAL_SHARE = 0.03
_USUAL_WEIGHT = 10
"""A few cashiers can't tell how often regular customers come: count as many more to whom the same
one comes with the usual share of all dates, and with faces that scatter as strangers' do."""
_OFTEN = 4
"""Repetitions from which on a most frequent date tells how one person's faces scatter."""
_PEOPLE_VARY = 0.3
"""How much people differ in the variance of their faces, as a coefficient of variation."""
_LONGEST_SCORE = 3.0
"""Faces alone must not decide: some people look different every day."""


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """What N typed dates of C cashiers show within a span of time."""

    rows: Flags
    """Which of them are each cashier's most frequent date, [N]."""
    counts: Ints
    """How many, [C]."""
    expected: Floats
    """How many they would be at the others' rate, [C]."""
    p_values: Floats
    """That one regular customer comes as often and looks as different, [C]."""


def repeated_birth_date(sales: SortedSales, period: Period) -> Finding:
    """Look for a date that comes again more often than others' most frequent ones do.

    A date is known by its bucket and the age. Honest cashiers have regular customers, and chance
    repeats some dates; so how often each one's most frequent date came again is compared with all
    others'. A regular customer has the same face each time, so how much the faces scatter is
    compared with how much those of others' most frequent dates do. Both scores together, added as
    Stouffer et al. 1949 do, make one p-value.

    Looked at are the whole period and each week of it, counted back from its end: who began last
    week must not be saved by three honest weeks. Each cashier's smallest p-value is corrected for
    the number of windows before cashiers are compared.
    """
    typed = sales.where(
        sales.of_age
        & (sales.columns.birth_date_bucket >= 0)
        & (sales.columns.reading != DocumentReading.SCANNED)
    )
    windows = _look(typed, _spans(typed, period))
    corrected = np.array([it.p_values for it in windows]) / _weights(len(windows))[:, None]
    best, each = corrected.argmin(axis=0), np.arange(len(typed.cashiers))
    cashier = typed.columns.cashier
    rows = np.array([it.rows for it in windows])[best[cashier], np.arange(len(cashier))]
    return Finding(
        AlertKind.REPEATED_BIRTH_DATE,
        np.array([it.counts for it in windows])[best, each],
        np.array([it.expected for it in windows])[best, each],
        np.where(windows[0].counts > 0, np.minimum(1.0, corrected[best, each]), np.nan),
        Cases.of_rows(typed, np.flatnonzero(rows)),
    )


def _spans(typed: SortedSales, period: Period) -> list[Flags]:
    """Return which dates were typed in the whole period, and in each of its last weeks."""
    week = np.floor((period.end - typed.columns.sold_at) / WEEK_SECONDS)
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


def _look(typed: SortedSales, spans: list[Flags]) -> list[_Window]:
    most_frequent = [_most_frequent(typed, span) for span in spans]
    usual = _one_person(typed, most_frequent[0])
    windows = []
    for span, rows in zip(spans, most_frequent, strict=True):
        counts = typed.count(rows)
        # The first time is no repetition.
        again = _compare(np.maximum(0, counts - 1), np.maximum(0, typed.count(span) - 1))
        p_values = _with_faces(
            np.nan_to_num(again.p_values, nan=1.0), *_scatter(typed, rows), usual
        )
        windows.append(_Window(rows, counts, np.minimum(1, counts) + again.expected, p_values))
    return windows


def _compare(repetitions: Ints, chances: Ints) -> Comparison:
    usual = _USUAL_WEIGHT * chances.mean()
    compared = against_others(
        np.append(repetitions, math.ceil(_USUAL_SHARE * usual)),
        np.append(chances, math.ceil(usual)),
        _REGULARS_VARY,
    )
    return Comparison(compared.expected[:-1], compared.p_values[:-1])


def _with_faces(p_values: Floats, squares: Floats, freedom: Ints, usual: float) -> Floats:
    """Return the p-values combined with those of a chi-square test of the faces' scatter, [C].

    What hardly any regular customer explains, no likeness of faces does; so the smaller of both
    counts, doubled. `usual` is the variance of one person's faces. Where no two faces are told,
    nothing changes.
    """
    told = (freedom > 0) & (usual > 0)
    ratio = squares / np.maximum(1, freedom) / (usual or 1.0)
    # People differ: beyond some twenty faces of one of them, more tell nothing more.
    effective = np.maximum(1, freedom) / (1 + freedom * _PEOPLE_VARY**2 / 2)
    scatter = special.gammaincc(effective / 2, effective / 2 * ratio)
    faces = np.clip(-special.ndtri(scatter), -_LONGEST_SCORE, _LONGEST_SCORE)
    combined = special.ndtr((special.ndtri(p_values) - faces) / np.sqrt(2))
    smaller: Floats = np.where(told, np.minimum(1.0, 2 * np.minimum(combined, p_values)), p_values)
    return smaller


def _one_person(typed: SortedSales, rows: Flags) -> float:
    """Return the variance of one person's faces, in square years; 0: no faces are told.

    The median over the most frequent dates, which mostly are regular customers': no fraud must
    widen what it is measured by.
    """
    squares, freedom = _scatter(typed, rows)
    often = freedom >= _OFTEN
    middle = _middles(typed)
    told = middle[~np.isnan(middle)]
    strangers = np.full(_USUAL_WEIGHT, told.var() if len(told) else 0.0)
    return float(np.median(np.append(squares[often] / freedom[often], strangers)))


def _scatter(typed: SortedSales, rows: Flags) -> tuple[Floats, Ints]:
    """Return squares and degrees of freedom of each cashier's marked faces, [C]."""
    middle = _middles(typed)
    told = rows & ~np.isnan(middle)
    count, cashier = typed.count(told), typed.columns.cashier[told]
    mean = np.bincount(cashier, middle[told], len(count)) / np.maximum(1, count)
    squares = np.bincount(cashier, (middle[told] - mean[cashier]) ** 2, len(count))
    return squares.astype(np.float64), np.maximum(0, count - 1)


def _middles(typed: SortedSales) -> Floats:
    """Return the middles of the faces' intervals in years, [N]; NaN: not told."""
    middle: Floats = (typed.columns.age_low_years + typed.columns.age_high_years) / 2
    return middle


def _most_frequent(typed: SortedSales, span: Flags) -> Flags:
    """Return which dates within a span are their cashier's most frequent one, [N].

    An age and the next one count as the same date: a birthday may lie between two sales.
    """
    columns, cashiers = typed.columns, len(typed.cashiers)
    age = np.nan_to_num(columns.document_age_years, nan=-1.0).astype(np.int64)
    date = (columns.cashier * _BUCKETS + columns.birth_date_bucket) * _AGES + age + 1
    there, counts = np.unique(date[span], return_counts=True)
    counts[:-1] += np.where(np.diff(there) == 1, counts[1:], 0)
    owner = there // (_BUCKETS * _AGES)
    order = np.lexsort((counts, owner))
    fullest = order[np.flatnonzero(np.diff(owner[order], append=cashiers))]
    most = np.full(cashiers, -2)
    most[owner[fullest]] = there[fullest]
    beyond = date - most[columns.cashier]
    rows: Flags = span & ((beyond == 0) | (beyond == 1))
    return rows
