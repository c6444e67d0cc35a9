"""Correct shares of baskets, and of those with one category, for the confusion of ages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agelane_serving.reports.age_groups.confusion import Confusion
from agelane_serving.reports.age_groups.deconvolution import Tilt, infer_tilt
from agelane_serving.reports.age_groups.tally import Moments
from agelane_serving.reports.estimate import Floats

_MIX_SIZES = (0.1, 0.2, 0.4, 0.8, 1.6)
_LIFT_SIZES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
_ROUNDS = 3  # the noise depends on the answer; it has settled after two
_NO_TILT = Tilt(np.zeros(0), np.zeros((0, 0)))
_LEAST_SHARE = 1e-9  # of a band: what is divided by is never 0
_BORROWED = 50  # baskets' worth of everybody's covariance lent to a category
_YOUTH_YEARS = 15
_TILL_AGES = (0, 10, 20, 75, 90, 100)
_AT_TILLS = (0.2, 0.3, 1.0, 1.0, 0.2, 0.05)  # how many of these ages pay at any shop's tills


class Mix(NamedTuple):
    """Corrected shares of baskets."""

    bands: Floats
    """(B,): of each band of true ages; none is negative, and they sum to 1."""
    band_covariance: Floats
    """(B, B): of their errors."""
    groups: Floats
    """(K,): of each age group."""
    group_errors: Floats
    """(K,): their standard errors; those of the confusion are in them."""


class Lifts(NamedTuple):
    """How much more often each group buys a category than everybody does."""

    values: Floats
    """(K,): 1 is no difference; none is negative."""
    errors: Floats
    """(K,): standard errors."""


def correct_mix(everything: Moments, confusion: Confusion) -> Mix:
    """Return the true ages behind the baskets' shares."""
    start = _supposed(everything.mean, confusion)
    difference = everything.mean - start @ confusion.matrix
    response = start[:, None] * confusion.matrix
    sampling = everything.covariance / everything.count
    stages = _stages(confusion.centres_years)
    bands, tilt = start, _NO_TILT
    for _ in range(_ROUNDS):
        noise = sampling + _confusion_noise(bands, confusion)
        tilt = infer_tilt(difference, response, noise, stages, _MIX_SIZES)
        bands = np.maximum(start * (1 + tilt.mean), _LEAST_SHARE)
        bands /= bands.sum()
    covariance = start[:, None] * tilt.covariance * start
    errors = _errors(confusion.membership, covariance)
    return Mix(bands, covariance, confusion.membership @ bands, errors)


def correct_lifts(bought: Moments, everything: Moments, mix: Mix, confusion: Confusion) -> Lifts:
    """Return the lifts of the category that is in the baskets `bought`.

    Only what sets these baskets apart from all baskets is corrected. A category that everybody buys
    differs by chance alone, however wrong the confusion: no taste is made up from it.
    """
    difference = bought.mean - everything.mean
    response = mix.bands[:, None] * confusion.matrix
    own = bought.count / (bought.count + _BORROWED)
    covariance = own * bought.covariance + (1 - own) * everything.covariance
    # Of the baskets that are in both means, nothing is left in the difference.
    sampling = covariance / bought.count * (1 - bought.count / everything.count)
    tilts, tilt = np.zeros(len(mix.bands)), _NO_TILT
    for _ in range(_ROUNDS):
        blurred = tilts[:, None] * confusion.matrix
        noise = sampling + _confusion_noise(mix.bands * tilts, confusion)
        noise += blurred.T @ mix.band_covariance @ blurred
        tilt = infer_tilt(difference, response, noise, confusion.centres_years, _LIFT_SIZES)
        tilts = np.maximum(tilt.mean, -1)
    within = confusion.membership * mix.bands
    within /= within.sum(axis=1, keepdims=True)
    return Lifts(within @ (1 + tilts), _errors(within, tilt.covariance))


def _supposed(shares: Floats, confusion: Confusion) -> Floats:
    """(B,): the ages to start from, halfway between those that were seen and those of any shop.

    What was seen is spread over bands by straight lines between the groups' middles. It is blurred;
    any shop is not this one. Their geometric mean errs less than either.
    """
    starts, centres = confusion.group_starts, confusion.centres_years
    widths = confusion.widths_years(starts)
    seen = np.maximum(np.interp(centres, starts + widths / 2, shares / widths), _LEAST_SHARE)
    density = np.sqrt(seen * np.interp(centres, _TILL_AGES, _AT_TILLS))
    bands = density * confusion.widths_years(confusion.band_starts)
    return np.asarray(bands / bands.sum())


def _stages(ages_years: Floats) -> Floats:
    """Return ages on a scale on which the numbers of customers change equally fast.

    Between 15 and 25 years they change as much as between 45 and 65. A step at 30 is a year.
    """
    return np.asarray((30 + _YOUTH_YEARS) * np.log1p(ages_years / _YOUTH_YEARS))


def _confusion_noise(weights: Floats, confusion: Confusion) -> Floats:
    """(K, K): covariance of weights @ matrix, (B,) @ (B, K), as the matrix was measured."""
    return np.asarray(np.tensordot(weights**2 / confusion.sizes, confusion.covariances, 1))


def _errors(weights: Floats, covariance: Floats) -> Floats:
    """(K,): standard errors of weights @ x, (K, B) @ (B,), from the covariance of x."""
    variances = np.einsum("kb,bc,kc->k", weights, covariance, weights)
    return np.asarray(np.sqrt(np.maximum(variances, 0)))
