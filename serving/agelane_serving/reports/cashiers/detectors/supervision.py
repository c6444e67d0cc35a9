"""Checks that happen only while a supervisor is on shift."""

from __future__ import annotations

import numpy as np

from agelane_serving.reports.cashiers.arrays import Flags, Floats, Ints
from agelane_serving.reports.cashiers.findings import Cases, Finding
from agelane_serving.reports.cashiers.results import AlertKind
from agelane_serving.reports.cashiers.sorted_sales import SortedSales
from agelane_serving.reports.cashiers.tails import fisher_tail

_LEAST_DIFFERENCE = 0.15
"""Everybody is a little more careful when watched. A difference counts where it is larger than
everybody's by this much, however certain a small one may be."""


def checks_only_supervised(sales: SortedSales) -> Finding:
    """Look for cashiers who miss more checks alone than under supervision, and than all others do.

    Fisher's exact test, with the odds ratio of all cashiers together instead of 1.
    """
    supervisor = sales.columns.supervisor_on_shift
    watched = _counts(sales, supervisor == 1)
    alone = _counts(sales, supervisor == 0)
    usual, large = _compare(watched, alone)
    both = (watched[1] > 0) & (alone[1] > 0)
    p_values = [
        _fisher(watched, alone, place, usual) if large[place] and both[place] else 1.0
        for place in range(len(sales.cashiers))
    ]
    return Finding(
        AlertKind.CHECKS_ONLY_SUPERVISED,
        alone[0],
        alone[1] * _rates(*watched),
        np.where(both, p_values, np.nan),
        Cases.of_rows(sales, np.flatnonzero(sales.missed & (supervisor == 0))),
    )


def _compare(watched: tuple[Ints, Ints], alone: tuple[Ints, Ints]) -> tuple[float, Flags]:
    """Return everybody's odds ratio, 1 or greater, and whose rates differ enough to matter, [C]."""
    seen, unseen = (
        (counts[0].sum() + 0.5) / (counts[1].sum() + 1.0) for counts in (watched, alone)
    )
    odds_ratio = float(unseen / (1 - unseen) / (seen / (1 - seen)))
    large = _rates(*alone) - _rates(*watched) >= unseen - seen + _LEAST_DIFFERENCE
    return max(1.0, odds_ratio), large


def _counts(sales: SortedSales, which: Flags) -> tuple[Ints, Ints]:
    """Return missed and required checks of each cashier among the marked sales, each [C]."""
    return sales.count(sales.missed & which), sales.count(sales.required & which)


def _rates(missed: Ints, required: Ints) -> Floats:
    return missed / np.maximum(1, required)


def _fisher(
    watched: tuple[Ints, Ints], alone: tuple[Ints, Ints], place: int, odds_ratio: float
) -> float:
    """Return the probability of at least so many missed alone, given how many were missed."""
    missed, required = int(alone[0][place]), int(alone[1][place])
    all_missed = missed + int(watched[0][place])
    total = required + int(watched[1][place])
    return fisher_tail(missed, required, all_missed, total, odds_ratio)
