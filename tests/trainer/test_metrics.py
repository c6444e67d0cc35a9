"""Each figure is what it says, on people made up for it."""

from __future__ import annotations

import numpy as np
import pytest

from agelane_trainer.evaluation import metrics


def drawn(photos: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ages [N] drawn from the distributions [N, 101] that are returned with them."""
    random = np.random.default_rng(7)
    centres = random.uniform(20, 80, (photos, 1))
    probabilities = np.exp(-((np.arange(101) - centres) ** 2) / 60.0)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return np.array([random.choice(101, p=p) for p in probabilities]), probabilities


def test_errors_are_those_computed_by_hand() -> None:
    """Four people."""
    ages, estimates = np.array([10, 20, 30, 40]), np.array([11.0, 18.0, 30.0, 50.0])
    errors = metrics.age_errors(ages, estimates)
    assert (errors.photos, errors.mae_years, errors.bias_years) == (4, 3.25, 2.25)
    assert errors.within_5_years == 0.75
    assert metrics.median_error(ages) == 10


def test_an_interval_covers_the_share_that_it_promises() -> None:
    """Ages drawn from the distributions themselves; and none of those that lie far off."""
    ages, probabilities = drawn(3000)
    covered = metrics.coverages(ages, probabilities)
    for level in (50, 80, 90):
        assert covered[f"coverage_{level}"] == pytest.approx(level / 100, abs=0.03)
    assert metrics.coverage(np.zeros(3000, int), probabilities, 0.9) == 0


def test_bands_without_photos_are_left_out() -> None:
    """Rather than reported as zero."""
    bands = metrics.bands(np.array([18, 70]))
    assert set(bands) == {"0_to_18", "18_to_25", "14_to_20", "61_and_over"}
    assert bands["14_to_20"].tolist() == [True, False]


def test_a_certain_forecast_is_scored_by_its_error() -> None:
    """Then CRPS is the absolute error, and the likelihood is one or next to none."""
    probabilities = np.zeros((2, 101))
    probabilities[:, 30] = 1
    assert metrics.crps_years(np.array([30, 37]), probabilities) == 3.5
    assert metrics.negative_log_likelihood(np.array([30]), probabilities[:1]) == 0
    assert metrics.negative_log_likelihood(np.array([37]), probabilities[:1]) > 20


def test_an_even_forecast_has_the_likelihood_of_a_guess() -> None:
    """One of 101 ages."""
    even = np.full((3, 101), 1 / 101)
    likelihood = metrics.negative_log_likelihood(np.array([0, 50, 100]), even)
    assert likelihood == pytest.approx(np.log(101), abs=1e-4)


def test_the_true_distribution_scores_better_than_a_narrower_or_a_wider_one() -> None:
    """Both scores are proper."""
    ages, probabilities = drawn(2000)
    for power in (0.3, 3.0):
        other = probabilities**power / (probabilities**power).sum(axis=1, keepdims=True)
        assert metrics.crps_years(ages, probabilities) < metrics.crps_years(ages, other)
        likelihood = metrics.negative_log_likelihood
        assert likelihood(ages, probabilities) < likelihood(ages, other)


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    """For 400 values of standard deviation 2: 1.96 × 2 / 20 to either side."""
    values = np.random.default_rng(3).normal(10, 2, 400)
    low, high = metrics.mean_interval(values)
    assert low == pytest.approx(values.mean() - 0.196, abs=0.03)
    assert high == pytest.approx(values.mean() + 0.196, abs=0.03)


def test_reliability_compares_each_bin_with_what_happened() -> None:
    """Three photos said 0.1 and one came true; one said 1.0 and did."""
    predicted = np.array([0.1, 0.1, 0.1, 1.0])
    table = metrics.reliability(predicted, np.array([True, False, False, True]))
    assert table == [
        {"photos": 3, "predicted": 0.1, "observed": 0.3333},
        {"photos": 1, "predicted": 1.0, "observed": 1.0},
    ]
    assert metrics.calibration_error(table) == pytest.approx(0.175, abs=1e-4)
