"""The temperature is found again where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from agelane_trainer.evaluation.calibration import age_probabilities, fit_temperature


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
