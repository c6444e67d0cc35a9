"""Make the probabilities mean what they say.

Temperature scaling (Guo et al., arXiv 1706.04599): one number divides the logits, chosen on photos
that training never used. It keeps the order of ages and works inside any exported graph.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

Logits = npt.NDArray[np.floating]

COLDEST, HOTTEST = 0.2, 5.0
"""Bounds of the search for the temperature."""


def fit_temperature(logits: Logits, ages: npt.NDArray[np.integer]) -> float:
    """Return the temperature with the least negative log-likelihood.

    Args:
        logits: [N, 101].
        ages: [N], true ages 0 to 100.
    """

    def negative_log_likelihood(log_temperature: float) -> float:
        scaled = log_softmax(np.asarray(logits, np.float64) / np.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(len(ages)), ages].mean())

    bounds = (np.log(COLDEST), np.log(HOTTEST))
    found = minimize_scalar(negative_log_likelihood, bounds=bounds, method="bounded")
    return float(np.exp(found.x))


def age_probabilities(logits: Logits, temperature: float) -> npt.NDArray[np.float64]:
    """Return calibrated P(age = a) [N, 101] from logits [N, 101]."""
    return np.asarray(softmax(np.asarray(logits, np.float64) / temperature, axis=1))
