"""The temperature is found again where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from agelane_trainer.calibration import age_probabilities, fit_temperature
from agelane_trainer.metrics import age_errors, coverage, errors_per_band, median_error


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_recovered(temperature: float) -> None:
    """Ages are drawn from the very distribution that the logits describe when divided by it."""
    random = np.random.default_rng(4)
    centres = random.uniform(10, 80, (4000, 1))
    logits = -((np.arange(101) - centres) ** 2) / 40.0
    ages = np.array([random.choice(101, p=p) for p in age_probabilities(logits, temperature)])
    assert fit_temperature(logits, ages) == pytest.approx(temperature, rel=0.1)


def test_probabilities_sum_to_one_and_keep_their_order() -> None:
    """Whatever the temperature."""
    logits = np.random.default_rng(0).normal(size=(5, 101)) * 30
    for temperature in (0.2, 1.0, 5.0):
        probabilities = age_probabilities(logits, temperature)
        assert probabilities.sum(axis=1) == pytest.approx(1)
        assert (probabilities.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_errors_are_those_computed_by_hand() -> None:
    """Four people."""
    ages, estimates = np.array([10, 20, 30, 40]), np.array([11.0, 18.0, 30.0, 50.0])
    errors = age_errors(ages, estimates)
    assert (errors.photos, errors.mae_years, errors.bias_years) == (4, 3.25, 2.25)
    assert errors.within_5_years == 0.75
    assert median_error(ages) == 10


def test_an_interval_covers_the_share_that_it_promises() -> None:
    """Ages drawn from the distributions themselves; and none of those that lie far off."""
    random = np.random.default_rng(7)
    centres = random.uniform(20, 80, (3000, 1))
    probabilities = age_probabilities(-((np.arange(101) - centres) ** 2) / 60.0, 1.0)
    ages = np.array([random.choice(101, p=p) for p in probabilities])
    assert coverage(ages, probabilities, 0.9) == pytest.approx(0.9, abs=0.02)
    assert coverage(np.zeros(3000, int), probabilities, 0.9) == 0


def test_bands_without_photos_are_left_out() -> None:
    """Rather than reported as zero."""
    bands = errors_per_band(np.array([18, 70]), np.array([20.0, 70.0]))
    assert set(bands) == {"0_to_18", "18_to_25", "14_to_20", "61_and_over"}
    assert bands["14_to_20"]["bias_years"] == 2
