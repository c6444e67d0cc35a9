"""A confusion is measured on people of known age, and refused where it can't be."""

from __future__ import annotations

import numpy as np
import pytest

from agelane_serving.reports.age_groups import (
    Confusion,
    Moments,
    confusion_of_groups,
    estimate_confusion,
)
from agelane_serving.reports.age_groups.correction import correct_mix
from agelane_serving.reports.age_groups.tally import moments, readings_of
from agelane_serving.reports.estimate import Floats
from tests.serving.reports.simulated_shop import GROUP_STARTS, calibrated, seen, shop

_K = len(GROUP_STARTS)


@pytest.fixture(scope="module")
def confusion() -> Confusion:
    """Measure one on 4,000 photos."""
    return calibrated(4_000, np.random.default_rng(0))


def test_a_bare_matrix_of_groups_will_do(confusion: Confusion) -> None:
    """With wider intervals, as it knows neither ages within groups nor how shares scatter."""
    fine = confusion
    people = fine.membership * fine.sizes
    sizes = people.sum(axis=1)
    matrix = people @ fine.matrix / sizes[:, None]
    coarse = confusion_of_groups(GROUP_STARTS, matrix, sizes.astype(int).tolist())
    everything = shop(20_000, {}, np.random.default_rng(0)).tally.everything
    wide, narrow = correct_mix(everything, coarse), correct_mix(everything, fine)
    assert wide.group_errors.mean() > narrow.group_errors.mean()
    assert wide.groups.sum() == pytest.approx(1)


def test_bands_do_not_straddle_groups_and_have_people_enough(confusion: Confusion) -> None:
    """Even where most photos show small children."""
    assert set(GROUP_STARTS) <= set(confusion.band_starts)
    assert list(confusion.band_starts) == sorted(set(confusion.band_starts))
    assert confusion.sizes.min() >= 30
    assert confusion.sizes.sum() == 4_000
    assert confusion.membership.sum(axis=0).tolist() == [1] * len(confusion.band_starts)


def test_a_group_without_people_can_not_be_calibrated() -> None:
    """The message says which."""
    ages = np.arange(0, 60).repeat(50)
    with pytest.raises(ValueError, match="0 people from 65 years, 30 needed"):
        estimate_confusion(ages, seen(ages.astype(float), np.random.default_rng(0)), GROUP_STARTS)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"band_starts": (0, 20)}, "two groups"),
        ({"matrix": np.eye(3)}, "2 bands by 2 groups"),
        ({"matrix": np.ones((2, 2))}, "sum to 1"),
        ({"sizes": np.array([1.0, 0.0])}, "nobody"),
        ({"covariances": np.zeros((2, 3, 3))}, "covariances"),
    ],
)
def test_an_impossible_confusion_is_refused(changed: dict[str, Floats], said: str) -> None:
    """Where it is made, and not as a strange report."""
    good = confusion_of_groups((0, 18), np.eye(2), [10, 10])
    with pytest.raises(ValueError, match=said):
        Confusion(**{name: getattr(good, name) for name in good.__slots__} | changed)


def test_moments_add_up() -> None:
    """Of two halves they are those of the whole."""
    readings = readings_of(seen(np.arange(100.0), np.random.default_rng(0)), _K)
    whole, halves = moments(readings), moments(readings[:40]) + moments(readings[40:])
    assert isinstance(halves, Moments)
    assert whole.count == halves.count
    assert whole.total == pytest.approx(halves.total)
    assert whole.covariance == pytest.approx(np.cov(readings.T, bias=True))
    assert whole.products == pytest.approx(halves.products)
