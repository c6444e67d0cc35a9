"""An offer's effect is what those who got it buy more than those who were held out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.reports.offers import Trial, offer_effect, rate_difference


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    """Draw customers, of whom some or none or all bought."""
    customers = draw(st.integers(1, 10_000))
    return Trial(customers, draw(st.integers(0, customers)))


def test_the_interval_is_newcombes() -> None:
    """56 of 70 against 48 of 80: the first example of his paper, method 10."""
    told = rate_difference(Trial(70, 56), Trial(80, 48))
    assert told.value == pytest.approx(0.2)
    assert (told.low, told.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@given(trials(), trials())
def test_any_interval_holds_its_figure_within_what_is_possible(first: Trial, second: Trial) -> None:
    """And turns round when both change places."""
    told, turned = rate_difference(first, second), rate_difference(second, first)
    assert -1 - 1e-9 <= told.low <= told.value <= told.high <= 1 + 1e-9
    assert (told.low, told.high) == pytest.approx((-turned.high, -turned.low))


@pytest.mark.parametrize(("rate", "uplift"), [(0.02, 0.0), (0.1, 0.03), (0.3, -0.05)])
def test_the_interval_holds_the_truth_nineteen_times_in_twenty(rate: float, uplift: float) -> None:
    """With a hold-out of a tenth, at rates of a shop."""
    random = np.random.default_rng(1)
    offered = random.binomial(4_500, rate + uplift, 2_000).tolist()
    held_out = random.binomial(500, rate, 2_000).tolist()
    told = [
        rate_difference(Trial(4_500, one), Trial(500, other))
        for one, other in zip(offered, held_out, strict=True)
    ]
    share = np.mean([each.low <= uplift <= each.high for each in told])
    assert share == pytest.approx(0.95, abs=0.015)


def test_of_too_few_customers_no_effect_is_told() -> None:
    """Of either kind; the counts are told all the same."""
    effect = offer_effect("milk", "dairy", Trial(1_000, 100), Trial(19, 3))
    assert (effect.offered, effect.held_out, effect.uplift) == (1_000, 19, None)
    assert offer_effect("milk", "dairy", Trial(1_000, 100), Trial(20, 3)).uplift is not None


@pytest.mark.parametrize(("customers", "buyers"), [(-1, 0), (5, 6), (5, -1)])
def test_more_buyers_than_customers_are_refused(customers: int, buyers: int) -> None:
    """They were counted wrongly."""
    with pytest.raises(ValueError, match="bought"):
        Trial(customers, buyers)
