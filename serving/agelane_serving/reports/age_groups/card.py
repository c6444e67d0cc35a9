"""The confusion as a model's card tells it: numbers of another process, parsed and not trusted."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from agelane_serving.policy.distribution import OLDEST_YEARS
from agelane_serving.reports.age_groups.confusion import Confusion
from agelane_serving.reports.estimate import Floats


def confusion_from_card(content: object) -> Confusion:
    """Return what the key `confusion` of a model card says, as JSON gives it.

    Raises:
        ValueError: it is something else, or contradicts itself.
    """
    if not isinstance(content, Mapping):
        raise ValueError("the confusion is no table")
    return Confusion(
        _years(content, "group_starts"),
        _years(content, "band_starts"),
        _numbers(content, "centres_years"),
        _numbers(content, "matrix"),
        _numbers(content, "covariances"),
        _numbers(content, "sizes"),
    )


def _years(content: Mapping[object, object], name: str) -> tuple[int, ...]:
    years = content.get(name)
    if not isinstance(years, list) or not years or not all(type(year) is int for year in years):
        raise ValueError(f"confusion.{name} must be a list of whole numbers")
    rising = all(first < second for first, second in pairwise(years))
    if not rising or years[0] != 0 or years[-1] > OLDEST_YEARS:
        raise ValueError(f"confusion.{name} must rise from 0 to at most {OLDEST_YEARS}")
    return tuple(years)


def _numbers(content: Mapping[object, object], name: str) -> Floats:
    try:
        numbers = np.array(content.get(name))
    except ValueError as error:
        raise ValueError(f"confusion.{name} must be numbers in rows of one length") from error
    if numbers.dtype.kind not in "if" or not np.all(np.isfinite(numbers)):
        raise ValueError(f"confusion.{name} must be finite numbers")
    return numbers.astype(np.float64)
