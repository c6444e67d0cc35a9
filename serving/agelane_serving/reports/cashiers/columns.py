"""Sales as columns: a million of them fit into 80 MB and are counted in a second."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from agelane_serving.reports.cashiers.arrays import Codes, Flags, Floats, Ints
from agelane_serving.reports.cashiers.records import RestrictedSale

NONE = 0
"""Stands in a column of an enum for None."""
UNKNOWN = -1
"""Stands in a column of rows, buckets, supervisors or cashiers for None."""
Cashier = tuple[str, str]
"""Store and number of a cashier."""


@dataclass(frozen=True, slots=True, eq=False)
class SaleColumns:
    """N sales in any order; each array has the shape [N], and one row is one `RestrictedSale`."""

    cashiers: tuple[Cashier, ...]
    """The C cashiers, in the order that `cashier` counts them in."""
    cashier: Ints
    """Whose sale, 0 … C-1; -1: a self-checkout."""
    sold_at: Floats
    """When, in Unix seconds."""
    outcome: Codes
    """Numbers of `Outcome`."""
    decision: Codes
    """Numbers of `Decision`; 0: not assessed."""
    probability_under_legal_age: Floats
    """0 … 1; NaN: not told."""
    age_low_years: Floats
    """NaN: not told."""
    age_high_years: Floats
    """NaN: not told."""
    document_result: Codes
    """Numbers of `DocumentResult`; 0: none was asked for."""
    reading: Codes
    """Numbers of `DocumentReading`; 0: not told."""
    check_seconds: Floats
    """NaN: not measured."""
    document_age_years: Floats
    """NaN: not read."""
    birth_date_bucket: Codes
    """0 … 63; -1: not read."""
    supervisor_on_shift: Codes
    """0 or 1; -1: not known."""
    decided_offline: Flags
    """Whether the till decided without an answer."""
    voids_row: Ints
    """The row of the sale that this row cancels, 0 … N-1; -1: none, or not among these."""

    def __post_init__(self) -> None:
        """Refuse columns that do not belong together."""
        arrays = [getattr(self, field.name) for field in fields(self)[1:]]
        if any(array.shape != (len(self.cashier),) for array in arrays):
            raise ValueError("the columns differ in length")

    @classmethod
    def from_sales(cls, sales: Iterable[RestrictedSale]) -> SaleColumns:
        """Return the sales as columns, row by row in their order."""
        rows = list(sales)
        cashiers: dict[Cashier, int] = {}
        cashier = number_cashiers(
            [sale.store_id for sale in rows], [sale.cashier_id for sale in rows], cashiers
        )
        named = {sale.sale_id: row for row, sale in enumerate(rows)}
        voids = [named.get(sale.voids_sale_id or "", UNKNOWN) for sale in rows]
        return cls(
            cashiers=tuple(cashiers),
            cashier=cashier,
            sold_at=np.array([sale.sold_at for sale in rows], float),
            outcome=_codes([sale.outcome for sale in rows], NONE),
            decision=_codes([sale.decision and sale.decision.value for sale in rows], NONE),
            probability_under_legal_age=_floats(
                [sale.probability_under_legal_age for sale in rows]
            ),
            age_low_years=_floats([sale.age_low_years for sale in rows]),
            age_high_years=_floats([sale.age_high_years for sale in rows]),
            document_result=_codes([sale.document_result for sale in rows], NONE),
            reading=_codes([sale.reading for sale in rows], NONE),
            check_seconds=_floats([sale.check_seconds for sale in rows]),
            document_age_years=_floats([sale.document_age_years for sale in rows]),
            birth_date_bucket=_codes([sale.birth_date_bucket for sale in rows], UNKNOWN),
            supervisor_on_shift=_codes([sale.supervisor_on_shift for sale in rows], UNKNOWN),
            decided_offline=np.array([sale.decided_offline for sale in rows], bool),
            voids_row=np.array(voids, np.int64),
        )


def number_cashiers(
    store_ids: Iterable[str], cashier_ids: Iterable[str | None], places: dict[Cashier, int]
) -> Ints:
    """Return each of N rows' place among the cashiers, [N]; -1 for a row without one.

    Those who are not in `places` yet are added, in order of appearance.
    """
    keys = [*zip(store_ids, cashier_ids, strict=True)]
    place_of: dict[tuple[str, str | None], int] = {}
    for store, cashier in dict.fromkeys(keys):
        known = places.setdefault((store, cashier), len(places)) if cashier else UNKNOWN
        place_of[store, cashier] = known
    return np.array([*map(place_of.__getitem__, keys)], np.int64)


def _codes(values: Sequence[int | None], none: int) -> Codes:
    return np.array([none if value is None else int(value) for value in values], np.int16)


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array(values, float)
