"""Make the probabilities mean what they say, with functions that also run inside the graph.

Two steps, fitted on photos that training never used:

1. Temperature scaling (Guo et al., arXiv 1706.04599). The logits are divided by a temperature that
   depends, piecewise linearly, on the age they point to: networks are sure of children and less
   so of people of fifty.
2. Isotonic recalibration of the cumulative distribution (Kuleshov et al., arXiv 1807.00263): where
   14 % of the people are younger than their predicted tenth percentile, that becomes 14 %. It
   keeps the order of scores, so that no decision but by its threshold depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from scipy.optimize import isotonic_regression, minimize

from agelane_trainer.data.dataset import MAX_AGE

Logits = npt.NDArray[np.floating]
Probabilities = npt.NDArray[np.float64]

TEMPERATURE_KNOTS = 6
"""Temperatures are given at the ages 0, 20, 40, 60, 80 and 100."""
SHARE_KNOTS = 21
"""Recalibrated shares are given at 0, 0.05, …, 1."""
_STIFFNESS = 0.02
"""How strongly neighbouring temperatures are held together, against the log-likelihood (nats)."""
_PRIOR_PHOTOS = 100
"""Weight of the belief that the shares are right already, in photos."""
_AGES = tuple(float(age) for age in range(MAX_AGE + 1))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns logits into calibrated probabilities."""

    temperatures: tuple[float, ...] = (1.0,) * TEMPERATURE_KNOTS
    """What logits are divided by, at ages that divide 0 to 100 evenly; above 0."""
    shares: tuple[float, ...] = field(
        default_factory=lambda: tuple(np.linspace(0.0, 1.0, SHARE_KNOTS).tolist())
    )
    """Share of the people below the predicted quantiles, evenly spaced; rises from 0 to 1."""

    def __post_init__(self) -> None:
        """Refuse what would make no distribution.

        Raises:
            ValueError: says what is wrong.
        """
        possible = all(0 < temperature < math.inf for temperature in self.temperatures)
        if len(self.temperatures) < 2 or not possible:
            raise ValueError(f"temperatures must be at least two above 0: {self.temperatures}")
        rising = all(a < b for a, b in zip(self.shares, self.shares[1:], strict=False))
        if not rising or self.shares[:1] != (0,) or self.shares[-1:] != (1,):
            raise ValueError(f"shares must rise from 0 to 1: {self.shares}")


def read_calibration(card: Mapping[str, Any]) -> Calibration:
    """Return the calibration that a model card holds.

    Raises:
        ValueError: it holds none.
    """
    try:
        return Calibration(**{name: tuple(knots) for name, knots in card["calibration"].items()})
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"the card holds no calibration: {error!r}") from error


def calibrated(logits: tf.Tensor, calibration: Calibration) -> tf.Tensor:
    """Return calibrated P(age = a), float32 [N, 101], from logits [N, 101]."""
    logits = tf.cast(logits, tf.float32)
    pointed_at = tf.reduce_sum(tf.nn.softmax(logits) * _AGES, axis=-1, keepdims=True)
    temperature = _interpolate(pointed_at / MAX_AGE, calibration.temperatures)
    below = tf.cumsum(tf.nn.softmax(logits / temperature), axis=-1)
    below = _interpolate(tf.clip_by_value(below, 0.0, 1.0), calibration.shares)
    # The rounding of a sum of 101 terms must not leave anything over at the end.
    below = tf.concat([below[:, :-1], tf.ones_like(below[:, :1])], axis=-1)
    return tf.maximum(below - tf.pad(below[:, :-1], [[0, 0], [1, 0]]), 0.0)


def median_ages(probabilities: tf.Tensor) -> tf.Tensor:
    """Return the median age [N] (years, 0 to 100) of P(age = a) [N, 101].

    Among all estimates the median has the least expected absolute error. The probability of the age
    a is spread evenly over a - 0.5 to a + 0.5.
    """
    below = tf.cumsum(probabilities, axis=-1)
    age = tf.reduce_sum(tf.cast(below < 0.5, tf.int32), axis=-1)
    age = tf.minimum(age, MAX_AGE)
    here = tf.gather(probabilities, age, batch_dims=1)
    before = tf.gather(below, age, batch_dims=1) - here
    within = tf.math.divide_no_nan(0.5 - before, here)
    return tf.clip_by_value(tf.cast(age, here.dtype) - 0.5 + within, 0.0, float(MAX_AGE))


def age_probabilities(logits: Logits, calibration: Calibration) -> Probabilities:
    """Return ``calibrated`` probabilities [N, 101] as an array."""
    return np.asarray(calibrated(tf.constant(logits, tf.float32), calibration), np.float64)


def fit_calibration(logits: Logits, ages: npt.NDArray[np.integer]) -> Calibration:
    """Return the calibration of these photos, rounded to what a model card holds.

    Args:
        logits: [N, 101].
        ages: [N], true ages 0 to 100.
    """
    temperatures = _fit_temperatures(logits, ages)
    probabilities = age_probabilities(logits, Calibration(temperatures))
    rows = np.arange(len(ages))
    below = np.cumsum(probabilities, axis=1)[rows, ages] - probabilities[rows, ages] / 2
    return Calibration(temperatures, _fit_shares(below))


def _fit_temperatures(logits: Logits, ages: npt.NDArray[np.integer]) -> tuple[float, ...]:
    """Maximise the likelihood, neighbours held together."""
    rows, values = np.arange(len(ages)), tf.constant(logits, tf.float32)

    def cost(log_temperatures: npt.NDArray[np.float64]) -> float:
        calibration = Calibration(tuple(np.exp(log_temperatures).tolist()))
        likelihood = calibrated(values, calibration).numpy()[rows, ages]
        apart = np.square(np.diff(log_temperatures)).sum()
        return float(-np.log(np.maximum(likelihood, 1e-9)).mean() + _STIFFNESS * apart)

    found = minimize(cost, np.zeros(TEMPERATURE_KNOTS), method="Powell", options={"xtol": 1e-3})
    return tuple(round(float(np.exp(t)), 4) for t in found.x)


def _fit_shares(below: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Return the share of people below each predicted quantile, from where each person lies."""
    quantiles = np.linspace(0.0, 1.0, SHARE_KNOTS)
    counts = (below[:, None] <= quantiles).sum(axis=0)
    shares = (counts + _PRIOR_PHOTOS * quantiles) / (len(below) + _PRIOR_PHOTOS)
    shares = isotonic_regression(shares).x
    shares[0], shares[-1] = 0.0, 1.0
    return tuple(round(float(share), 5) for share in shares)


def _interpolate(x: tf.Tensor, knots: Sequence[float]) -> tf.Tensor:
    """Return the piecewise linear function through ``knots``, evenly spaced over 0 to 1, at x."""
    last = len(knots) - 1
    position = x * last
    left = tf.clip_by_value(tf.floor(position), 0.0, last - 1.0)
    values = tf.constant(knots, tf.float32)
    index = tf.cast(left, tf.int32)
    low, high = tf.gather(values, index), tf.gather(values, index + 1)
    return low + (position - left) * (high - low)
