"""Intervals, tails and yardsticks agree with what is known about them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from agelane_serving.reports.cashiers.check_rates import (
    check_rates,
    clopper_pearson,
    funnel_limits,
    shrink,
    usual_misses,
)
from agelane_serving.reports.cashiers.findings import against_others, counts_against_others
from agelane_serving.reports.cashiers.scatter import (
    fitted_spread,
    overdispersion,
    winsorised_square,
)
from agelane_serving.reports.cashiers.tails import (
    benjamini_hochberg,
    beta_binomial_tail,
    fisher_tail,
)

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
rates = st.floats(0.01, 0.99)
many_counts = st.lists(counts, min_size=1, max_size=30)


@given(counts)
def test_the_exact_interval_is_the_known_one(pair: tuple[int, int]) -> None:
    """Clopper and Pearson's, also for none and for all."""
    known = stats.binomtest(*pair).proportion_ci(method="exact")
    low, high = clopper_pearson(*(np.array([each]) for each in pair))
    assert (low[0], high[0]) == pytest.approx((known.low, known.high), abs=1e-9)


@given(counts, rates, st.floats(0.001, 0.5))
def test_the_beta_binomial_tail_is_the_known_one(
    pair: tuple[int, int], mean: float, spread: float
) -> None:
    """The sum from either side is what adding up all probabilities gives."""
    cases, chances = pair
    strength = (1 - spread) / spread
    known = stats.betabinom.sf(cases - 1, chances, mean * strength, (1 - mean) * strength)
    assert _tail(cases, chances, mean, spread) == pytest.approx(known, rel=1e-6, abs=1e-9)


@given(counts, rates)
def test_without_spread_the_tail_is_binomial(pair: tuple[int, int], mean: float) -> None:
    """No difference between cashiers, no difference from a coin."""
    known = stats.binom.sf(pair[0] - 1, pair[1], mean)
    assert _tail(*pair, mean, 0.0) == pytest.approx(known, abs=1e-9)
    assert _tail(*pair, mean, 1e-7) == pytest.approx(known, abs=1e-3)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_adjusted_p_values_are_the_known_ones(p_values: list[float]) -> None:
    """Benjamini and Hochberg's; whoever was not tested does not count."""
    known = stats.false_discovery_control(p_values)
    adjusted = benjamini_hochberg(np.array([np.nan, *p_values]))
    assert np.isnan(adjusted[0])
    assert adjusted[1:] == pytest.approx(known)


@given(counts, counts, st.floats(1, 5))
def test_fishers_tail_is_the_known_one(
    alone: tuple[int, int], watched: tuple[int, int], odds_ratio: float
) -> None:
    """Also where everybody's odds differ."""
    marked, total = alone[0] + watched[0], alone[1] + watched[1]
    table = [[alone[0], alone[1] - alone[0]], [watched[0], watched[1] - watched[0]]]
    exact = stats.fisher_exact(np.array(table), alternative="greater").pvalue
    assert fisher_tail(alone[0], alone[1], marked, total, 1.0) == pytest.approx(exact, abs=1e-6)
    shifted = fisher_tail(alone[0], alone[1], marked, total, odds_ratio)
    assert shifted >= fisher_tail(alone[0], alone[1], marked, total, 1.0) - 1e-9


def test_a_standard_normal_is_not_overdispersed() -> None:
    """Winsorised or not, its mean square is 1, and a few wild values hardly change that."""
    z = np.random.default_rng(0).standard_normal(20_000)
    assert winsorised_square(z) == pytest.approx(1, abs=0.03)
    assert winsorised_square(z, share=0.2) == pytest.approx(1, abs=0.03)
    z[:400] = 50
    assert winsorised_square(z) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("spread", [0.005, 0.02, 0.05])
def test_the_spread_is_found_again(spread: float) -> None:
    """Of cashiers whose rates follow a beta distribution, but for a few who cheat."""
    random = np.random.default_rng(1)
    strength = (1 - spread) / spread
    chances = random.integers(20, 800, 2000)
    cases = random.binomial(chances, random.beta(0.1 * strength, 0.9 * strength, 2000))
    assert fitted_spread(cases, chances, 0.1) == pytest.approx(spread, rel=0.2)
    cases[:60] = chances[:60] // 2
    assert fitted_spread(cases, chances, 0.1) == pytest.approx(spread, rel=0.4)


@given(many_counts)
def test_overdispersion_never_narrows(pairs: list[tuple[int, int]]) -> None:
    """It is a factor of 1 or more, whatever was counted."""
    cases, chances = (np.array(each) for each in zip(*pairs, strict=True))
    rate = cases.sum() / chances.sum()
    assert overdispersion(cases, chances, float(rate)) >= 1
    assert 0 <= fitted_spread(cases, chances, float(rate)) < 1


@given(many_counts, rates, st.floats(0.001, 0.5))
def test_shrunken_rates_lie_between_the_rate_and_the_target(
    pairs: list[tuple[int, int]], target: float, spread: float
) -> None:
    """And inside of their own interval, which is narrower for who has more checks."""
    cases, chances = (np.array(each) for each in zip(*pairs, strict=True))
    rate = cases / chances
    shrunken, (low, high) = shrink(cases, chances, target, spread)
    assert (shrunken >= np.minimum(rate, target) - 1e-9).all()
    assert (shrunken <= np.maximum(rate, target) + 1e-9).all()
    assert ((low <= shrunken) & (shrunken <= high)).all()


@given(rates, st.integers(1, 3000), st.floats(1, 8))
def test_the_funnel_contains_its_target(target: float, most: int, phi: float) -> None:
    """The alarm lies outside of the warning."""
    missed = round(most * (1 - target))
    funnel = check_rates(np.array([most - missed]), np.array([most])).funnel
    assert funnel is not None
    assert [limit.required_checks for limit in funnel.limits][-1] == most
    for limit in funnel.limits:
        assert 0 <= limit.alarm_low <= limit.warning_low <= funnel.target_rate
        assert funnel.target_rate <= limit.warning_high <= limit.alarm_high <= 1
    checks = np.array([most])
    narrow, wide = funnel_limits(target, 1.0, checks), funnel_limits(target, phi, checks)
    assert (np.abs(wide - target) >= np.abs(narrow - target) - 1e-9).all() or wide.min() == 0


def test_funnel_limits_hold_what_they_promise() -> None:
    """Without overdispersion 19 of 20 and 998 of 1,000 cashiers at the target lie between them."""
    checks = np.array([50, 200, 1000])
    limits = funnel_limits(0.9, 1.0, checks)
    draws = np.random.default_rng(2).binomial(checks, 0.9, (50_000, 3)) / checks
    within = ((draws > limits[0]) & (draws < limits[1])).mean(axis=0)
    far_within = ((draws > limits[2]) & (draws < limits[3])).mean(axis=0)
    assert within == pytest.approx(0.95, abs=0.03)
    assert far_within[1:] == pytest.approx(0.998, abs=0.001)
    # Among few checks there is no count that splits off a thousandth.
    assert far_within[0] == pytest.approx(0.998, abs=0.005)


@pytest.mark.parametrize("cheats", [0, 15, 30])
def test_cheats_do_not_hide_each_other(cheats: int) -> None:
    """Whether none, one of 20 or one of 10 misses three times as many checks: most are found."""
    random = np.random.default_rng(3)
    share = random.beta(7.92, 91.08, 300)
    share[:cheats] = 0.24
    required = random.integers(200, 600, 300)
    usual = usual_misses(random.binomial(required, share), required)
    found = benjamini_hochberg(usual.p_values) <= 0.05
    assert found[:cheats].sum() >= 0.8 * cheats
    assert found[cheats:].sum() <= 3
    assert usual.rate == pytest.approx(0.08, abs=0.006)


@pytest.mark.parametrize(("checks", "rate"), [(6, 0.08), (300, 0.001)])
def test_where_most_miss_none_a_few_misses_are_nothing(checks: int, rate: float) -> None:
    """As on a first day, or in a chain that is all but perfect."""
    required = np.full(300, checks)
    missed = np.random.default_rng(1).binomial(required, rate)
    assert np.median(missed) == 0
    usual = usual_misses(missed, required)
    assert usual.rate == pytest.approx(rate, rel=0.3)
    assert (benjamini_hochberg(usual.p_values) > 0.05).all()


def test_two_cashiers_are_enough_to_compare() -> None:
    """The one who hardly ever checks stands out, the other one does not."""
    usual = usual_misses(np.array([5, 95]), np.array([100, 100]))
    assert (benjamini_hochberg(usual.p_values) <= 0.05).tolist() == [False, True]


@given(many_counts)
def test_more_cases_are_never_less_suspicious(pairs: list[tuple[int, int]]) -> None:
    """Against the same others, one case more makes chance no likelier."""
    cases, chances = (np.array(each) for each in zip(*pairs, strict=True))
    p_values = against_others(cases, chances, 1.0).p_values
    more = np.minimum(cases + (np.arange(len(cases)) == 0), chances)
    if len(pairs) == 1:  # nobody else: nothing stays the same
        return
    assert against_others(more, chances, 1.0).p_values[0] <= max(p_values[0], 0.5) + 1e-9
    assert ((p_values >= 0) & (p_values <= 1)).all()


def test_many_mishaps_are_less_likely_than_few() -> None:
    """The tail of events that are no sales falls with their number, and starts at 1."""
    p_values = counts_against_others(np.array([0, 1, 5, 30]), np.full(4, 100)).p_values
    assert p_values[0] == 1
    assert (np.diff(p_values) < 0).all()


def _tail(cases: int, chances: int, mean: float, spread: float) -> float:
    tails = beta_binomial_tail(
        np.array([cases]), np.array([chances]), np.array([mean]), np.array([spread])
    )
    return float(tails[0])
