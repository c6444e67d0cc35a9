"""Calibrated probabilities mean what they say, and are probabilities whatever the settings."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from agelane_trainer.evaluation import metrics
from agelane_trainer.evaluation.calibration import (
    Calibration,
    Logits,
    Probabilities,
    age_probabilities,
    fit_calibration,
    median_ages,
)

AGES = np.arange(101)
EVEN = Calibration().shares
temperatures = st.lists(st.floats(0.1, 10), min_size=2, max_size=8).map(tuple)
shares = st.lists(st.floats(0.01, 1), min_size=1, max_size=25).map(
    lambda steps: (0.0, *(np.cumsum(steps[:-1]) / sum(steps)).tolist(), 1.0)
)


def people(number: int, seed: int) -> Logits:
    """Return logits [N, 101] of people of 10 to 80, each with a standard deviation of 4.5 years."""
    centres = np.random.default_rng(seed).uniform(10, 80, (number, 1))
    return -((AGES - centres) ** 2) / 40.0


def drawn(probabilities: Probabilities, seed: int) -> np.ndarray:
    """Return an age [N] for each distribution [N, 101], drawn from it."""
    below = np.cumsum(probabilities, axis=1)
    chance = np.random.default_rng(seed).uniform(0, below[:, -1:])
    return np.asarray((below < chance).sum(axis=1))


def medians(probabilities: np.ndarray) -> np.ndarray:
    """Return the median ages [N] of distributions [N, 101]."""
    ages: np.ndarray = median_ages(tf.constant(probabilities, tf.float32)).numpy()
    return ages


@pytest.mark.parametrize("temperature", [0.5, 2.5])
def test_a_known_temperature_is_recovered(temperature: float) -> None:
    """Ages are drawn from the very distribution that the logits describe when divided by it."""
    logits = people(2500, 4)
    truth = Calibration((temperature,) * 6)
    fitted = fit_calibration(logits, drawn(age_probabilities(logits, truth), 5))
    # Nobody is younger than 10 or older than 80: at the ends little is known.
    assert fitted.temperatures[1:5] == pytest.approx((temperature,) * 4, rel=0.2)
    assert fitted.shares == pytest.approx(EVEN, abs=0.03)


def test_a_temperature_that_grows_with_the_age_is_roughly_recovered() -> None:
    """Networks are sure of children and less so of people of fifty."""
    logits = people(3000, 6)
    truth = Calibration((1.0, 1.0, 2.0, 3.0, 3.0, 3.0))
    fitted = fit_calibration(logits, drawn(age_probabilities(logits, truth), 7))
    assert fitted.temperatures[1] < 1.5 < fitted.temperatures[2] < 2.5 < fitted.temperatures[3]
    assert fitted.temperatures[1:4] == pytest.approx(truth.temperatures[1:4], rel=0.35)


def test_people_who_look_older_than_they_are_get_honest_intervals() -> None:
    """The model says six years too much of everybody: no temperature makes up for that."""
    looks = people(4000, 8)
    ages = drawn(age_probabilities(looks, Calibration()), 9)
    says = np.roll(looks, 6, axis=1)
    says[:, :6] = looks.min()
    unseen = slice(2500, None)
    raw = age_probabilities(says[unseen], Calibration())
    assert metrics.coverage(ages[unseen], raw, 0.9) < 0.8
    honest = age_probabilities(says[unseen], fit_calibration(says[:2500], ages[:2500]))
    for level in (0.5, 0.8, 0.9):
        assert metrics.coverage(ages[unseen], honest, level) == pytest.approx(level, abs=0.04)


@given(temperatures, shares, st.integers(0, 99), st.floats(0, 100))
@settings(max_examples=60)
def test_probabilities_stay_probabilities(
    temperatures: tuple[float, ...], shares: tuple[float, ...], seed: int, size: float
) -> None:
    """None is negative, and they sum to one."""
    logits = np.random.default_rng(seed).normal(size=(4, 101)) * size
    probabilities = age_probabilities(logits, Calibration(temperatures, shares))
    assert probabilities.min() >= 0
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-4)


@given(st.floats(0.2, 5), shares, st.integers(0, 99), st.integers(1, 100))
@settings(max_examples=60)
def test_recalibration_keeps_who_is_the_likelier_to_be_under_age(
    temperature: float, shares: tuple[float, ...], seed: int, legal_age: int
) -> None:
    """Among people of one temperature, so that only the threshold depends on it."""
    logits = np.random.default_rng(seed).normal(size=(6, 101)) * 3
    before, after = (
        age_probabilities(logits, Calibration((temperature,) * 2, those))[:, :legal_age].sum(axis=1)
        for those in (EVEN, shares)
    )
    assert (np.diff(after[np.argsort(before)]) >= -1e-5).all()


def test_medians_are_those_computed_by_hand() -> None:
    """The probability of an age lies evenly over half a year to either side of it."""
    known: list[tuple[dict[int, float], float]] = [
        ({37: 1.0}, 37.0),
        ({20: 0.5, 21: 0.5}, 20.5),
        ({10: 0.25, 30: 0.75}, 29.5 + 1 / 3),
        ({0: 1.0}, 0.0),
        ({100: 1.0}, 100.0),
        (dict.fromkeys(range(101), 1 / 101), 50.0),
    ]
    rows = np.array([[parts.get(age, 0.0) for age in range(101)] for parts, _ in known])
    assert medians(rows) == pytest.approx([median for _, median in known], abs=1e-3)


@given(st.integers(0, 999), st.floats(0.1, 20))
def test_half_of_the_probability_lies_below_the_median(seed: int, size: float) -> None:
    """Counted with the part of the age that the median lies in."""
    logits = np.random.default_rng(seed).normal(size=(5, 101)) * size
    probabilities = age_probabilities(logits, Calibration())
    median = medians(probabilities)[:, None]
    inside = np.clip(median - AGES + 0.5, 0, 1)
    below = (probabilities * inside).sum(axis=1)
    half = np.where((median[:, 0] > 0) & (median[:, 0] < 100), 0.5, below)
    assert below == pytest.approx(half, abs=1e-3)


@pytest.mark.parametrize(
    "temperatures",
    [(), (1.0,), (1.0, 0.0), (-1.0, 1.0), (1.0, float("nan")), (1.0, float("inf"))],
)
def test_impossible_temperatures_are_refused(temperatures: tuple[float, ...]) -> None:
    """A card with them is no card."""
    with pytest.raises(ValueError, match="temperatures must be"):
        Calibration(temperatures)


@pytest.mark.parametrize(
    "shares",
    [(), (0.0,), (1.0,), (0.0, 0.5, 0.5, 1.0), (0.0, 0.9), (0.1, 1.0), (0.0, float("nan"), 1.0)],
)
def test_impossible_shares_are_refused(shares: tuple[float, ...]) -> None:
    """They would make negative probabilities, or such that don't sum to one."""
    with pytest.raises(ValueError, match="shares must rise"):
        Calibration(shares=shares)
