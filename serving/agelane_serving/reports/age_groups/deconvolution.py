"""Undo a blur: from what blurred shares differ in to the true ages that differ.

The shares that baskets show are those of their buyers' true ages, blurred by the confusion. To
divide by the blur would magnify noise without bound: at an error of 6.5 years, groups of 10 years
and 2,000 calibration photos, by ten percentage points and more. So the answer is asked to change
gradually with age: a Gaussian process over ages, whose reach and size the data choose (empirical
Bayes, averaged over a grid). Where the data say little, the answer stays at "no difference", and
says how little it knows.

Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), chapters 2.2 and 5.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agelane_serving.reports.estimate import Floats

_REACHES_YEARS = (7.0, 12.0, 20.0, 35.0)
_JITTER = 1e-6  # keeps matrices invertible; the shares' sum of 1 is thereby kept all but exactly

_LEAST_NOISE = 1e-12  # for goods that are in every basket, which differ in nothing


class Tilt(NamedTuple):
    """How many times as frequent each of B bands of true ages is as was supposed, minus 1."""

    mean: Floats
    """(B,)."""
    covariance: Floats
    """(B, B)."""


def infer_tilt(
    difference: Floats,
    response: Floats,
    noise: Floats,
    centres_years: Floats,
    sizes: Sequence[float],
) -> Tilt:
    """Return the tilt t that explains difference = t @ response + noise.

    Args:
        difference: (K,), observed mean shares minus those supposed.
        response: (B, K), what a tilt of 1 in a band would add to them.
        noise: (K, K), covariance of the difference's errors.
        centres_years: (B,), where the bands lie; years of any other scale on which neighbours at
            any age are equally alike will do.
        sizes: standard deviations of the tilt to choose from.
    """
    priors = _priors(centres_years, sizes)  # (H, B, B)
    crossed = priors @ response  # (H, B, K)
    jitter = (_JITTER * np.trace(noise) / len(noise) + _LEAST_NOISE) * np.eye(len(noise))
    spread = response.T @ crossed + noise + jitter  # (H, K, K)
    gain = np.linalg.solve(spread, crossed.transpose(0, 2, 1)).transpose(0, 2, 1)
    means = gain @ difference  # (H, B)
    covariances = priors - gain @ crossed.transpose(0, 2, 1)
    weights = _weights(difference, spread)
    mean = weights @ means
    between = means - mean
    covariance = np.tensordot(weights, covariances, 1) + (between.T * weights) @ between
    return Tilt(mean, covariance)


def _priors(centres_years: Floats, sizes: Sequence[float]) -> Floats:
    """(H, B, B): covariance of the tilt under each reach and size."""
    apart = centres_years[:, None] - centres_years
    shapes = [np.exp(-0.5 * (apart / reach) ** 2) for reach in _REACHES_YEARS]
    steady = _JITTER * np.eye(len(centres_years))
    return np.array([size**2 * (shape + steady) for shape in shapes for size in sizes])


def _weights(difference: Floats, spread: Floats) -> Floats:
    """(H,): how well each reach and size explains the difference; they sum to 1."""
    misfit = np.linalg.solve(spread, np.broadcast_to(difference[:, None], (*spread.shape[:2], 1)))
    log_evidence = -0.5 * (np.linalg.slogdet(spread)[1] + misfit[..., 0] @ difference)
    weights = np.exp(log_evidence - log_evidence.max())
    return np.asarray(weights / weights.sum())
