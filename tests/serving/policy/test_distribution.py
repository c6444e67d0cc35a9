"""Ages, intervals and probabilities from a distribution."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.policy import AgeDistribution, DistributionError
from tests.serving.policy.distributions import AGES, certain, distributions, normalised

_CERTAIN_30 = certain(30).probabilities


@pytest.mark.parametrize(
    "probabilities",
    [
        (),
        _CERTAIN_30[:-1],
        (*_CERTAIN_30, 0.0),
        (math.nan, *_CERTAIN_30[1:]),
        (math.inf, *_CERTAIN_30[1:]),
        (-0.0005, *_CERTAIN_30[1:]),
        (0.002, *_CERTAIN_30[1:]),
        tuple(0.998 * share for share in _CERTAIN_30),
        (0.0,) * 101,
    ],
)
def test_what_is_no_distribution_is_refused(probabilities: tuple[float, ...]) -> None:
    """101 finite numbers, none negative, summing to 1 within a thousandth."""
    with pytest.raises(DistributionError):
        AgeDistribution(probabilities)


@given(st.lists(st.floats(), min_size=100, max_size=102))
def test_any_numbers_are_a_distribution_or_refused(values: list[float]) -> None:
    """Nothing else can happen, and what passes can be used."""
    try:
        distribution = AgeDistribution(tuple(values))
    except DistributionError:
        return
    assert 0 <= distribution.median_years() <= 100


@pytest.mark.parametrize("age", [0, 1, 17, 50, 99, 100])
def test_without_doubt_the_median_is_that_age(age: int) -> None:
    """And the interval stays within half a year of it."""
    distribution = certain(age)
    low, high = distribution.interval_years(0.9)
    assert distribution.median_years() == pytest.approx(age)
    assert age - 0.5 <= low <= age <= high <= age + 0.5 or age in (0, 100)


def test_the_interval_of_a_bell_is_that_of_the_normal_distribution() -> None:
    """The central 90 % of a normal distribution lie within 1.645 standard deviations."""
    weights = [math.exp(-(((age - 40) / 6) ** 2) / 2) for age in AGES]
    low, high = normalised(weights).interval_years(0.9)
    assert low == pytest.approx(40 - 1.645 * 6, abs=0.1)
    assert high == pytest.approx(40 + 1.645 * 6, abs=0.1)


@given(distributions(), st.floats(0.01, 0.99))
def test_an_interval_contains_the_median_and_lies_within_0_to_100(
    distribution: AgeDistribution, coverage: float
) -> None:
    """Whatever the coverage."""
    low, high = distribution.interval_years(coverage)
    assert 0 <= low <= distribution.median_years() <= high <= 100


@given(distributions(), st.floats(0.01, 0.98), st.floats(0, 0.01))
def test_a_larger_coverage_never_narrows_an_interval(
    distribution: AgeDistribution, coverage: float, more: float
) -> None:
    """Both ends move outwards."""
    low, high = distribution.interval_years(coverage)
    lower, higher = distribution.interval_years(coverage + more)
    assert lower <= low
    assert high <= higher


@given(distributions(), st.floats(0.001, 0.999))
def test_a_quantile_has_that_share_below_it(distribution: AgeDistribution, share: float) -> None:
    """Up to the year that it lies in, which is divided."""
    age = distribution.quantile_years(share)
    year = min(math.floor(age + 0.5), 100)
    assert distribution.probability_under(year) <= share + 1e-3
    assert distribution.probability_under(year + 1) >= share - 1e-3


@given(st.floats(0, 1))
def test_an_interval_moves_continuously_with_the_distribution(share: float) -> None:
    """No jump from one whole year to the next: a small change moves it a little."""
    ends = []
    for first in (share, min(1.0, share + 0.001)):
        mixed = AgeDistribution((*[0.0] * 30, 1 - first, first, *[0.0] * 69))
        ends.append(mixed.interval_years(0.9))
    assert ends[1][0] - ends[0][0] < 0.06
    assert ends[1][1] - ends[0][1] < 0.06


@given(distributions(), st.integers(1, 100))
def test_the_probability_under_an_age_is_the_plain_sum(
    distribution: AgeDistribution, age: int
) -> None:
    """As the certificate's score is made."""
    expected = sum(distribution.probabilities[:age])
    assert distribution.probability_under(age) == pytest.approx(expected, abs=1e-12)
    assert 0 <= distribution.probability_under(age) <= 1
