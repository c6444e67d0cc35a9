"""How many photos show what: the exact binomial test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from agelane_trainer.certificate.binomial import certifiable_errors, photos_needed, rate_upper_bound


@pytest.mark.parametrize(
    ("minors", "errors"), [(298, -1), (299, 0), (472, 0), (473, 1), (628, 2), (1049, 5)]
)
def test_the_number_of_errors_is_that_of_the_exact_binomial_test(minors: int, errors: int) -> None:
    """Published sample sizes for 1 % at 95 %."""
    assert certifiable_errors(minors, 0.01, 0.95) == errors


@given(st.integers(1, 2000), st.floats(0.001, 0.5), st.floats(0.5, 0.999))
def test_one_more_error_would_break_the_promise(minors: int, rate: float, sure: float) -> None:
    """The largest number that passes is chosen, no other."""
    errors = certifiable_errors(minors, rate, sure)
    assert binom.cdf(errors, minors, rate) <= 1 - sure
    assert binom.cdf(errors + 1, minors, rate) > 1 - sure


@pytest.mark.parametrize(
    ("errors", "rate", "photos"),
    [(0, 0.01, 299), (1, 0.01, 473), (2, 0.01, 628), (0, 0.02, 149), (1, 0.02, 236)],
)
def test_the_plan_names_the_fewest_photos(errors: int, rate: float, photos: int) -> None:
    """Published sample sizes, at 95 %."""
    assert photos_needed(errors, rate, 0.95) == photos


@given(st.integers(0, 8), st.floats(0.005, 0.5), st.floats(0.5, 0.99))
def test_one_photo_less_than_planned_is_too_few(errors: int, rate: float, sure: float) -> None:
    """And the planned number is enough."""
    photos = photos_needed(errors, rate, sure)
    assert certifiable_errors(photos, rate, sure) >= errors
    assert certifiable_errors(photos - 1, rate, sure) < errors


@given(st.integers(1, 1500), st.floats(0.005, 0.5), st.floats(0.5, 0.99))
def test_the_bound_of_the_errors_allowed_is_within_the_promise(
    photos: int, rate: float, sure: float
) -> None:
    """Test and bound are two views of one computation."""
    errors = certifiable_errors(photos, rate, sure)
    if errors >= 0:
        assert rate_upper_bound(errors, photos, sure) <= rate + 1e-9
    assert rate_upper_bound(errors + 1, photos, sure) > rate - 1e-9
    assert rate_upper_bound(photos, photos, sure) == 1
