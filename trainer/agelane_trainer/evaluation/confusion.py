"""How the age estimate confuses age groups: what reports undo when they tell what a group buys.

For each true age, the mean shares that people of that age are given. Few people are of one age, so
neighbouring ages help: a local quadratic regression, which is unbiased where the shares bend
(Fan & Gijbels, Local Polynomial Modelling, 1996). To shift predictions from one age to another
would use the photos better still, but be wrong: what a network predicts leans towards the ages that
it saw most, and they stay where they are.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from agelane_trainer.data.dataset import MAX_AGE
from agelane_trainer.evaluation.sample import Sample

AGE_GROUP_STARTS = (0, 13, 18, 25, 35, 45, 55, 65)
"""First year of each age group, as in the gateway's policy where none is named."""
LEAST_PHOTOS = 20
"""Of people in each group; with fewer the confusion is not known."""
_BAND_YEARS = 4
_OLDEST_BAND = 85  # nobody tells people apart above it, and few of them shop
_OLDEST_CUSTOMER = 90
_WINDOW = 0.1  # 1 year at birth, 3 at 20, 7 at 60: with age, the estimate changes ever more slowly
_STIFFNESS = 1.0  # against slopes where next to nobody is, in photos
_DIGITS_KEPT = 2  # of shares, in the ledger

Floats = npt.NDArray[np.float64]


def confusion_entry(sample: Sample) -> dict[str, Any]:
    """Return the key ``confusion`` of a model card; none if a group has fewer than 20 photos.

    It holds, for B bands of true ages of about four years and K age groups:

    - ``group_starts`` [K], ``band_starts`` [B]: first years; those of groups are among the bands',
    - ``centres_years`` [B]: middles of the bands,
    - ``matrix`` [B, K]: mean share of each group among people of a band,
    - ``covariances`` [B, K, K]: of the shares of one person of a band,
    - ``sizes`` [B]: photos of people of these ages.
    """
    people = np.histogram(sample.ages, [*AGE_GROUP_STARTS, MAX_AGE + 1])[0]
    if people.min() < LEAST_PHOTOS:
        return {}
    starts = _band_starts()
    bands = [range(start, end) for start, end in pairwise([*starts, _OLDEST_CUSTOMER])]
    readings = _readings(sample.probabilities)
    near, smoothing = _kernels(sample.ages)
    matrix = np.array([smoothing[band].mean(axis=0) @ readings for band in bands])
    matrix = np.maximum(matrix, 0)
    matrix /= matrix.sum(axis=1, keepdims=True)
    weights = [near[band].mean(axis=0) for band in bands]
    density = near.sum(axis=1) / _kernels(np.arange(MAX_AGE + 1))[0].sum(axis=1)
    confusion = {
        "group_starts": list(AGE_GROUP_STARTS),
        "band_starts": starts,
        "centres_years": [(band.start + band.stop) / 2 for band in bands],
        "matrix": matrix.round(5).tolist(),
        "covariances": [_covariance(readings, each).round(6).tolist() for each in weights],
        "sizes": [round(max(float(density[band].sum()), 1.0), 1) for band in bands],
    }
    return {"confusion": confusion}


def _band_starts() -> list[int]:
    """Cut each group into bands of about four years."""
    starts: list[int] = []
    for start, end in pairwise([*AGE_GROUP_STARTS, _OLDEST_BAND]):
        parts = max((end - start) // _BAND_YEARS, 1)
        starts += [start + round(part * (end - start) / parts) for part in range(parts)]
    return starts


def _readings(probabilities: Floats) -> Floats:
    """Return each person's shares of the groups [N, K], rounded as reports find them."""
    shares = np.add.reduceat(probabilities, AGE_GROUP_STARTS, axis=1)
    rounded = np.round(shares, _DIGITS_KEPT)
    return np.asarray(rounded / rounded.sum(axis=1, keepdims=True))


def _kernels(ages: npt.NDArray[np.integer]) -> tuple[Floats, Floats]:
    """Return for the ages 0 to 100 what each photo weighs there, and what in the regression.

    Args:
        ages: of the photos [N].

    Returns:
        Weights [101, N], 1 where a photo is of that very age; and coefficients [101, N] that make
        fitted values of what was measured on the photos.
    """
    targets = np.arange(MAX_AGE + 1)
    away = (_scaled(ages) - _scaled(targets)[:, None]) / _WINDOW
    near = np.exp(-0.5 * away**2)
    powers = away[..., None] ** np.arange(3)  # [101, N, 3]
    weighted = near[..., None] * powers
    normal = weighted.transpose(0, 2, 1) @ powers + np.diag([0, _STIFFNESS, _STIFFNESS])
    constant = np.linalg.solve(normal, np.eye(3)[0][:, None])  # [101, 3, 1]
    return near, (weighted @ constant)[..., 0]


def _scaled(ages: npt.NDArray[np.integer]) -> Floats:
    """Return ages on the scale on which windows are equally wide."""
    return np.log1p((ages + 0.5) / 10)


def _covariance(readings: Floats, weights: Floats) -> Floats:
    centred = readings - weights @ readings / weights.sum()
    return np.asarray((centred.T * weights) @ centred / weights.sum())
