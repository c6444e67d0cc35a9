"""How a model confuses age groups is measured on few photos, and told in its card."""

from __future__ import annotations

import json
from importlib import resources
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agelane_serving.policy import load_policy
from agelane_serving.reports.age_groups import confusion_from_card
from agelane_trainer.evaluation.confusion import AGE_GROUP_STARTS, LEAST_PHOTOS, confusion_entry
from agelane_trainer.evaluation.sample import Sample
from tests.trainer.conftest import ROOT

GROUP = np.searchsorted(AGE_GROUP_STARTS, np.arange(101), side="right") - 1


def sample_of(ages: np.ndarray, probabilities: np.ndarray) -> Sample:
    """Return people about whom nothing else is known."""
    good = np.ones(len(ages), bool)
    return Sample(ages, probabilities, probabilities @ np.arange(101), good, {})


def guessed(ages: np.ndarray, error_years: np.ndarray | float) -> np.ndarray:
    """Return distributions around these ages, wrong by so much [N, 101]."""
    away = np.arange(101) - (ages + error_years)[:, None]
    density = np.exp(-(away**2) / 72)
    return np.asarray(density / density.sum(axis=1, keepdims=True))


def test_the_groups_are_those_of_the_policy_that_gateways_use_where_none_is_named() -> None:
    """Said twice, as neither imports the other."""
    text = resources.files("agelane_serving.policy").joinpath("default.toml").read_text()
    groups = load_policy(text).age_groups
    assert tuple(group.from_years for group in groups) == AGE_GROUP_STARTS


def test_the_mean_shares_of_each_age_are_found() -> None:
    """By 2,000 photos, within six hundredths of those of as many people of each few years."""
    random = np.random.default_rng(0)
    ages = random.choice(101, 2_000, p=np.repeat([1.5, 0.5], [50, 51]) / 100.5)
    sample = sample_of(ages, guessed(ages, random.normal(1, 6, 2_000)))
    told = confusion_entry(sample)["confusion"]
    bands = pairwise([*told["band_starts"], 90])
    for (start, end), row in zip(bands, told["matrix"], strict=True):
        many = random.integers(start, end, 2_000)
        probabilities = guessed(many, random.normal(1, 6, 2_000))
        shares = np.add.reduceat(probabilities, AGE_GROUP_STARTS, axis=1)
        assert row == pytest.approx(shares.mean(axis=0), abs=0.06)


def test_shares_are_rounded_as_the_ledger_keeps_them() -> None:
    """Half a hundredth of a group that is never meant is none."""
    ages = np.arange(101).repeat(5)
    probabilities = 0.996 * np.eye(101)[ages]
    probabilities[:, 100] += 0.004
    matrix = np.array(confusion_entry(sample_of(ages, probabilities))["confusion"]["matrix"])
    assert matrix[0, -1] == 0


@pytest.mark.parametrize("group", range(len(AGE_GROUP_STARTS)))
def test_a_group_with_few_photos_leaves_the_confusion_unknown(group: int) -> None:
    """Rather than told by people of other ages."""
    ages = np.arange(101).repeat(5)
    others, these = ages[GROUP[ages] != group], ages[GROUP[ages] == group]
    for count, known in ((LEAST_PHOTOS - 1, False), (LEAST_PHOTOS, True)):
        some = np.concatenate([others, these[:count]])
        assert ("confusion" in confusion_entry(sample_of(some, guessed(some, 0.0)))) is known


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from([0, 12, 17, 24, 26, 40, 64, 65, 100]), max_size=200),
    st.integers(0, 2**32),
)
def test_whatever_photos_there_are_reports_can_read_what_they_show(
    more: list[int], seed: int
) -> None:
    """Gaps between their ages, heaps of one age; in any order."""
    random = np.random.default_rng(seed)
    ages = np.concatenate([np.repeat(AGE_GROUP_STARTS, LEAST_PHOTOS), np.array(more, int)])
    probabilities = guessed(ages, random.normal(0, 15, len(ages)))
    told = confusion_entry(sample_of(ages, probabilities))["confusion"]
    read = confusion_from_card(json.loads(json.dumps(told, allow_nan=False)))
    assert read.group_starts == AGE_GROUP_STARTS
    order = random.permutation(len(ages))
    again = confusion_entry(sample_of(ages[order], probabilities[order]))["confusion"]
    assert np.array(again["matrix"]) == pytest.approx(read.matrix, abs=2e-5)


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    """The model card of the shipped weights."""
    card: dict[str, Any] = json.loads((ROOT / "trainer/weights/model_card.json").read_text())
    return card


def test_the_shipped_card_says_how_the_shipped_model_confuses_groups(
    shipped: dict[str, Any],
) -> None:
    """Most people of a band are taken for their own group or the next one to it."""
    read = confusion_from_card(shipped["confusion"])
    own = read.membership.argmax(axis=0)
    near = np.abs(np.arange(len(AGE_GROUP_STARTS)) - own[:, None]) <= 1
    assert (read.matrix * near).sum(axis=1).min() > 0.6
    photos = shipped["data"]["validation_photos"] - shipped["data"]["validation_photos_struck_out"]
    assert read.sizes.sum() == pytest.approx(photos, rel=0.05)


def test_a_card_stays_small_enough_to_be_handed_about() -> None:
    """Under 100 KB, with all that it says."""
    assert (ROOT / "trainer/weights/model_card.json").stat().st_size < 100_000
