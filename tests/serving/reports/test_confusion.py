"""A confusion is read from a model card, and refused where it can't be one."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agelane_serving.policy import read_card
from agelane_serving.reports.age_groups import Confusion, Moments, confusion_from_card
from agelane_serving.reports.age_groups.correction import correct_mix
from agelane_serving.reports.age_groups.tally import moments, readings_of
from tests.serving.reports.simulated_shop import GROUP_STARTS, calibrated, seen

_K = len(GROUP_STARTS)


def entry() -> dict[str, Any]:
    """Return what a card says of two groups, the younger of them in two bands."""
    return {
        "group_starts": [0, 18],
        "band_starts": [0, 9, 18],
        "centres_years": [4.5, 13.5, 40],
        "matrix": [[1, 0], [0.8, 0.2], [0.1, 0.9]],
        "covariances": [[[0.1, -0.1], [-0.1, 0.1]]] * 3,
        "sizes": [10, 10.5, 200],
    }


def test_a_card_gives_back_what_was_measured() -> None:
    """Number by number, by way of the card that the gateway reads."""
    measured = calibrated(2_000, np.random.default_rng(0))
    content = {
        field.name: np.asarray(getattr(measured, field.name)).tolist()
        for field in fields(Confusion)
    }
    card = read_card({"schema": 1, "confusion": content})
    read = confusion_from_card(json.loads(card.confusion))
    for field in fields(Confusion):
        assert np.array_equal(getattr(read, field.name), getattr(measured, field.name))


def test_bands_lie_in_their_groups() -> None:
    """Each in one."""
    assert confusion_from_card(entry()).membership.tolist() == [[1, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"group_starts": []}, "group_starts must be a list of whole numbers"),
        ({"group_starts": [0, 18.5]}, "group_starts must be a list of whole numbers"),
        ({"group_starts": "0,18"}, "group_starts must be a list of whole numbers"),
        ({"group_starts": [1, 18]}, "group_starts must rise from 0"),
        ({"band_starts": [0, 18, 9]}, "band_starts must rise from 0"),
        ({"band_starts": [0, 18, 101]}, "band_starts must rise from 0 to at most 100"),
        ({"band_starts": [0, 9, 20]}, "two groups"),
        ({"centres_years": [4.5, 13.5]}, "not 3 centres"),
        ({"centres_years": [4.5, 13.5, 10]}, "outside its band"),
        ({"matrix": [[1, 0], [0, 1]]}, "not 3 bands by 2 groups"),
        ({"matrix": [[1, 0], [0, 1], [1]]}, "matrix must be numbers in rows of one length"),
        ({"matrix": [[1, 0], [0, 1], [1, None]]}, "matrix must be finite numbers"),
        ({"matrix": [[1, 0], [0, 1], ["1", "0"]]}, "matrix must be finite numbers"),
        ({"matrix": [[1, 0], [0, 1], [0.5, 0.6]]}, "sum to 1"),
        ({"matrix": [[1, 0], [0, 1], [1.5, -0.5]]}, "sum to 1"),
        ({"covariances": [[[0.1]]] * 3}, "not 3 covariances"),
        ({"covariances": [[[0.1, -0.2], [-0.2, 0.1]]] * 3}, "none of shares"),
        ({"covariances": [[[0.1, 0.1], [-0.1, 0.1]]] * 3}, "none of shares"),
        ({"covariances": [[[4, -4], [-4, 4]]] * 3}, "none of shares"),
        ({"sizes": [10, 10, float("nan")]}, "sizes must be finite numbers"),
        ({"sizes": [10, 10, 0]}, "nobody"),
        ({"sizes": None}, "sizes must be finite numbers"),
    ],
)
def test_an_impossible_confusion_is_refused(changed: dict[str, object], said: str) -> None:
    """Where it is read, and not as a strange report."""
    with pytest.raises(ValueError, match=said):
        confusion_from_card(entry() | changed)


_numbers = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3)
_json = st.recursive(_numbers, lambda inner: st.lists(inner, max_size=3), max_leaves=9)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(entry())), _json, max_size=2))
def test_whatever_a_card_says_is_a_confusion_or_refused(changed: dict[str, object]) -> None:
    """With what is accepted a mix can be corrected."""
    try:
        confusion = confusion_from_card(entry() | changed)
    except ValueError:
        return
    mix = correct_mix(moments(np.tile([[0.5, 0.5], [0.3, 0.7]], (20, 1))), confusion)
    assert mix.groups.sum() == pytest.approx(1)
    assert np.all(np.isfinite(mix.group_errors))


@pytest.mark.parametrize("content", [None, [], "confusion", {}])
def test_what_is_no_table_of_a_confusion_is_refused(content: object) -> None:
    """As a card may have nothing of the kind."""
    with pytest.raises(ValueError, match="confusion"):
        confusion_from_card(content)


def test_moments_add_up() -> None:
    """Of two halves they are those of the whole."""
    readings = readings_of(seen(np.arange(100.0), np.random.default_rng(0)), _K)
    whole, halves = moments(readings), moments(readings[:40]) + moments(readings[40:])
    assert isinstance(halves, Moments)
    assert whole.count == halves.count
    assert whole.total == pytest.approx(halves.total)
    assert whole.covariance == pytest.approx(np.cov(readings.T, bias=True))
    assert whole.products == pytest.approx(halves.products)
