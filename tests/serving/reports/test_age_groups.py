"""What age groups buy is told as it is, although the estimator takes people for other ages."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agelane_serving.policy import read_lift_lows
from agelane_serving.policy.age_groups import groups_from_starts
from agelane_serving.reports.age_groups import (
    Confusion,
    Tally,
    lifts_as_text,
    report_age_groups,
)
from agelane_serving.reports.age_groups.correction import correct_lifts, correct_mix
from agelane_serving.reports.age_groups.tally import moments, readings_of
from agelane_serving.reports.estimate import NORMAL_95
from tests.serving.reports.age_group_figures import PHOTOS, figures
from tests.serving.reports.simulated_shop import (
    AGES,
    CUSTOMERS,
    GROUP_STARTS,
    Shop,
    calibrated,
    seen,
    shop,
    tastes_by_age,
)

Record = Callable[[str, object], None]
_K = len(GROUP_STARTS)


@cache
def a_confusion() -> Confusion:
    """Measure a confusion on 4,000 photos, once."""
    return calibrated(4_000, np.random.default_rng(0))


@cache
def a_shop() -> Shop:
    """Sell 20,000 baskets, once."""
    random = np.random.default_rng(0)
    rare = {"rare": np.full(len(AGES), 0.004), "hardly_ever": np.full(len(AGES), 0.0005)}
    return shop(20_000, tastes_by_age(6, random) | rare, random)


@cache
def told_of_shops() -> dict[str, float]:
    """Judge the report in three shops, once."""
    return figures()


def test_the_age_mix_is_right_within_two_percentage_points(record_property: Record) -> None:
    """In every group of every shop, by 2,011 photos; uncorrected it is not."""
    told = told_of_shops()
    for name, value in told.items():
        record_property(name, value)
    assert told["age_mix_error_pp"] < 2 < told["age_mix_error_naive_pp"]


def test_tastes_are_told_better_than_without_the_correction() -> None:
    """And lie in their intervals."""
    told = told_of_shops()
    assert told["lift_error_rms"] < 0.95 * told["lift_error_naive_rms"]
    assert 0.9 <= told["lift_interval_coverage"] <= 1


def test_no_taste_is_made_up_where_there_is_none() -> None:
    """Of 480 lifts of goods that everybody buys alike, hardly one is told from 1."""
    assert told_of_shops()["invented_taste_share"] <= 0.02


@pytest.mark.parametrize("kind", sorted(CUSTOMERS))
def test_customers_who_are_not_those_of_any_shop_come_out_nearer_to_the_truth(kind: str) -> None:
    """Although any shop's ages are what the correction starts from; the intervals say the rest."""
    told = figures(seeds=(4,), kind=kind)
    assert told["age_mix_error_pp"] < 0.75 * told["age_mix_error_naive_pp"]
    assert told["age_mix_interval_coverage"] >= 7 / 8


@pytest.mark.parametrize("kind", ["any", "young"])
def test_the_intervals_hold_the_truth_nineteen_times_in_twenty(kind: str) -> None:
    """Of the shares of eight groups in twenty shops, with another calibration each."""
    held = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        confusion, sold = calibrated(PHOTOS, random), shop(20_000, {}, random, kind)
        mix = correct_mix(sold.tally.everything, confusion)
        held.append(np.abs(mix.groups - sold.mix) < NORMAL_95 * mix.group_errors)
    assert np.mean(held) >= 0.92


def test_few_calibration_photos_make_wide_intervals() -> None:
    """What the confusion leaves open is in them."""
    few, many = (
        correct_mix(a_shop().tally.everything, calibrated(photos, np.random.default_rng(1)))
        for photos in (1_000, 30_000)
    )
    assert few.group_errors.mean() > 1.3 * many.group_errors.mean()


def test_the_groups_lifts_are_those_of_one_category() -> None:
    """Weighted by their baskets they make 1: as many are bought as were counted."""
    everything, confusion = a_shop().tally.everything, a_confusion()
    mix = correct_mix(everything, confusion)
    for bought in a_shop().tally.categories.values():
        lifts = correct_lifts(bought, everything, mix, confusion)
        assert mix.groups @ lifts.values == pytest.approx(1, abs=0.02)


def test_what_is_in_every_basket_is_nobodys_taste() -> None:
    """And known to be none; what is in nearly every basket is known nearly as well."""
    sold, confusion = a_shop(), a_confusion()
    everything = sold.tally.everything
    mix = correct_mix(everything, confusion)
    always = correct_lifts(everything, everything, mix, confusion)
    assert always.values == pytest.approx(np.ones(_K), abs=1e-6)
    assert always.errors.max() < 0.001
    random = np.random.default_rng(0)
    often, half = (
        shop(20_000, {"goods": np.full(len(AGES), rate)}, random) for rate in (0.99, 0.5)
    )
    errors = [
        correct_lifts(each.tally.categories["goods"], each.tally.everything, mix, confusion).errors
        for each in (often, half)
    ]
    assert errors[0].max() < 0.6 * errors[1].max()


def test_an_estimator_without_error_is_not_corrected() -> None:
    """What it says is what there is."""
    certain = np.eye(_K)
    centres = np.array([6.5, 15.5, 21.5, 30, 40, 50, 60, 77.5])
    sizes = np.full(_K, 400.0)
    confusion = Confusion(
        GROUP_STARTS, GROUP_STARTS, centres, certain, np.zeros((_K, _K, _K)), sizes
    )
    baskets = moments(certain[np.random.default_rng(1).choice(_K, 5_000)])
    mix = correct_mix(baskets, confusion)
    assert mix.groups == pytest.approx(baskets.mean, abs=0.005)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=2, max_size=400), st.integers(0, 2**32))
def test_any_mix_is_a_mix(ages: list[int], seed: int) -> None:
    """No share is negative, they sum to 1, and no lift is negative; however odd the customers."""
    baskets = moments(
        readings_of(seen(np.array(ages, dtype=float), np.random.default_rng(seed)), _K)
    )
    mix = correct_mix(baskets, a_confusion())
    assert mix.groups.min() >= 0
    assert mix.groups.sum() == pytest.approx(1)
    everything = a_shop().tally.everything + baskets
    whole = correct_mix(everything, a_confusion())
    lifts = correct_lifts(baskets, everything, whole, a_confusion())
    assert np.all(np.isfinite(lifts.errors))
    assert lifts.values.min() >= 0


def test_the_report_tells_of_each_group_what_is_typical_of_it() -> None:
    """The youngest group first, the surest lift first, each with its interval."""
    report = report_age_groups(a_shop().tally, a_confusion())
    assert len(report) == _K
    lifts = [each.lift.value for group in report for each in group.categories]
    assert min(lifts) < 0.7
    assert max(lifts) > 1.5
    assert sum(group.basket_share.value for group in report) == pytest.approx(1)
    assert sum(group.naive_basket_share for group in report) == pytest.approx(1)
    for group in report:
        lows = [each.lift.low for each in group.categories]
        assert lows == sorted(lows, reverse=True)
        for figure in [group.basket_share, *(each.lift for each in group.categories)]:
            assert 0 <= figure.low <= figure.value <= figure.high
        for each in group.categories:
            assert each.rate == pytest.approx(each.baskets / group.basket_share.value / 20_000)


def test_what_few_people_buy_is_not_told() -> None:
    """Fewer than 20 baskets of a group with a category could be somebody's."""
    report = report_age_groups(a_shop().tally, a_confusion())
    told = {each.category for group in report for each in group.categories}
    assert "hardly_ever" not in told
    assert "rare" not in {each.category for each in report[0].categories}
    assert all(each.baskets >= 20 for group in report for each in group.categories)


def test_without_baskets_there_is_nothing_to_report() -> None:
    """Rather than shares of nothing."""
    empty = Tally(moments(np.empty((0, _K))))
    assert report_age_groups(empty, a_confusion()) == ()


def test_the_lifts_reach_the_offers() -> None:
    """Through a text that the policy reads, with gaps where the report has them."""
    groups = groups_from_starts(GROUP_STARTS)
    report = report_age_groups(a_shop().tally, a_confusion())
    lows = read_lift_lows(lifts_as_text(groups, report, {}), groups)
    for index, group in enumerate(report):
        told = {each.category: each.lift.low for each in group.categories}
        for category, row in lows.items():
            assert row[index] == pytest.approx(told.get(category), abs=1e-3)
