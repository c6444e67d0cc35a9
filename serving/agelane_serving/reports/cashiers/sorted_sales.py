"""Sales put in order, cashier by cashier and moment by moment, with what follows for each."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from agelane_serving.policy import Decision
from agelane_serving.reports.cashiers.arrays import Codes, Flags, Floats, Ints, equals, per_cashier
from agelane_serving.reports.cashiers.columns import NONE, Cashier, SaleColumns
from agelane_serving.reports.cashiers.records import DocumentResult, Outcome


@dataclass(frozen=True, eq=False)
class SortedSales:
    """N sales of C cashiers by cashier, then by time; arrays have the shape [N]."""

    columns: SaleColumns
    """The sales in that order; `voids_row` still means rows of the order that they came in."""
    stopped_by: Codes
    """Number of the `Decision` before a cancellation; 0: there was none, or nothing cancelled."""
    risk: Floats
    """P(under the legal age), 0 … 1; where it is not known, the store's mean."""

    @property
    def cashiers(self) -> tuple[Cashier, ...]:
        """The C cashiers."""
        return self.columns.cashiers

    @cached_property
    def sold(self) -> Flags:
        """The goods went out."""
        return equals(self.columns.outcome, Outcome.SOLD)

    @cached_property
    def refused(self) -> Flags:
        """The cashier did not sell them."""
        return equals(self.columns.outcome, Outcome.REFUSED)

    @cached_property
    def restricted(self) -> Flags:
        """Sold or refused: not merely cancelled."""
        return self.sold | self.refused

    @cached_property
    def required(self) -> Flags:
        """A document had to be looked at: anything but ALLOW, no assessment included."""
        return self.restricted & ~equals(self.columns.decision, Decision.ALLOW.value)

    @cached_property
    def of_age(self) -> Flags:
        """Sold on a document that says "of age"."""
        return self.sold & equals(self.columns.document_result, DocumentResult.OF_AGE)

    @cached_property
    def missed(self) -> Flags:
        """Sold although a check was required, and no document said "of age"."""
        return self.required & self.sold & ~self.of_age

    @cached_property
    def unassessed(self) -> Flags:
        """Without an assessment, whyever."""
        return self.restricted & equals(self.columns.decision, NONE)

    @cached_property
    def unexplained(self) -> Flags:
        """Sold without an assessment although the gateway answered."""
        return self.unassessed & self.sold & ~self.columns.decided_offline

    @cached_property
    def overrides(self) -> Flags:
        """Sold against REFUSE."""
        return self.sold & equals(self.columns.decision, Decision.REFUSE.value)

    def count(self, which: Flags) -> Ints:
        """Return how many marked sales each cashier has, [C]."""
        return per_cashier(self.columns.cashier, len(self.cashiers), which)

    def where(self, which: Flags) -> SortedSales:
        """Return the marked sales alone; the cashiers stay the same C."""
        if which.all():
            return self
        columns = _reordered(self.columns, np.flatnonzero(which))
        return SortedSales(columns, self.stopped_by[which], self.risk[which])

    def between(self, start: float, end: float) -> SortedSales:
        """Return the sales from `start` to before `end`, in Unix seconds."""
        return self.where((self.columns.sold_at >= start) & (self.columns.sold_at < end))


def sort_sales(columns: SaleColumns) -> SortedSales:
    """Return the sales that a cashier answers for, in order; self-checkouts are left out."""
    order = np.lexsort((columns.sold_at, columns.cashier))
    order = order[np.searchsorted(columns.cashier[order], 0) :]
    stopped_by = _stopped_by(columns)
    return SortedSales(_reordered(columns, order), stopped_by[order], _risk(columns)[order])


def _stopped_by(columns: SaleColumns) -> Codes:
    """Return the decision before each cancellation: told with it, or with the sale it cancels."""
    decision = columns.decision.copy()
    inherits = np.flatnonzero((decision == NONE) & (columns.voids_row >= 0))
    decision[inherits] = columns.decision[columns.voids_row[inherits]]
    decision[columns.outcome != Outcome.VOIDED] = NONE
    return decision


def _reordered(columns: SaleColumns, order: Ints) -> SaleColumns:
    arrays = {field.name: getattr(columns, field.name)[order] for field in fields(columns)[1:]}
    return SaleColumns(columns.cashiers, **arrays)


def _risk(columns: SaleColumns) -> Floats:
    """Fill in P(under age) by the mean of the store, or of all stores where one has none."""
    known = ~np.isnan(columns.probability_under_legal_age)
    everywhere = float(columns.probability_under_legal_age[known].mean()) if known.any() else 0.0
    places: dict[str, int] = {}
    stores = [places.setdefault(store, len(places)) for store, _ in columns.cashiers]
    # Whoever has no cashier (-1) is left out later, and may get any store here.
    store = np.array([*stores, 0])[columns.cashier]
    count = np.bincount(store[known], minlength=len(places) + 1)
    total = np.bincount(
        store[known], columns.probability_under_legal_age[known], minlength=len(places) + 1
    )
    means = np.divide(total, count, out=np.full(len(count), everywhere), where=count > 0)
    filled: Floats = np.where(known, columns.probability_under_legal_age, means[store])
    return filled
