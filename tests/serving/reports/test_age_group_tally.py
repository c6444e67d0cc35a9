"""Baskets are counted for the categories in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.reports.age_groups import tally


@dataclass(frozen=True)
class Line:
    """Goods in a basket."""

    category: str
    amount_minor: int = 100


@dataclass(frozen=True)
class Basket:
    """A basket whose buyer was assessed."""

    shares: tuple[float, ...]
    lines: tuple[Line, ...] = ()


_lines = st.builds(Line, st.sampled_from(["beer", "bread", "tea"]), st.integers(-5, 5))
_baskets = st.builds(
    Basket,
    st.sampled_from([(1.0, 0.0), (0.25, 0.75), (0.33, 0.67)]),
    st.lists(_lines, max_size=4).map(tuple),
)


@given(st.lists(_baskets, max_size=30))
def test_a_basket_counts_once_for_each_category_in_it(baskets: list[Basket]) -> None:
    """However many lines it has of it; goods that were brought back don't count."""
    counted = tally(baskets, 2)
    assert counted.everything.count == len(baskets)
    for category in ("beer", "bread", "tea"):
        bought = [
            basket.shares
            for basket in baskets
            if any(line.category == category and line.amount_minor >= 0 for line in basket.lines)
        ]
        assert (category in counted.categories) == bool(bought)
        if bought:
            assert counted.categories[category].count == len(bought)
            assert counted.categories[category].total == pytest.approx(np.sum(bought, axis=0))


def test_many_baskets_are_counted_in_parts() -> None:
    """From an iterator that is read once."""
    baskets = (Basket((0.5, 0.5), (Line("bread"),)) for _ in range(25_000))
    counted = tally(baskets, 2)
    assert counted.everything.total == pytest.approx([12_500, 12_500])
    assert counted.categories["bread"].count == 25_000


def test_rounded_shares_are_made_whole_again() -> None:
    """The ledger keeps two digits, which need not sum to 1."""
    assert tally([Basket((0.33, 0.33, 0.33))], 3).everything.total == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((0.5, 0.2, 0.3), "3 shares instead of 2"),
        ((0.5, 0.2), "sum to 1"),
        ((1.5, -0.5), "from 0 to 1"),
        ((float("nan"), 1.0), "from 0 to 1"),
    ],
)
def test_what_are_no_shares_is_refused(shares: tuple[float, ...], said: str) -> None:
    """Rather than counted as something else."""
    with pytest.raises(ValueError, match=said):
        tally([Basket(shares)], 2)


def test_baskets_of_different_age_groups_are_not_counted_together() -> None:
    """As are those from before and after a change of the policy file."""
    with pytest.raises(ValueError, match="differ"):
        tally([Basket((0.5, 0.5)), Basket((0.2, 0.3, 0.5))], 2)
