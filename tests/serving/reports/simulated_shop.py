"""A shop whose customers' ages and tastes are known, seen through an estimator that errs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from agelane_serving.reports.age_groups import Confusion, Tally, confusion_from_card
from agelane_serving.reports.age_groups.tally import moments, readings_of
from agelane_serving.reports.estimate import Floats
from agelane_trainer.evaluation.confusion import AGE_GROUP_STARTS, confusion_entry
from agelane_trainer.evaluation.sample import Sample

GROUP_STARTS = AGE_GROUP_STARTS
AGES = np.arange(101)
GROUP = np.searchsorted(GROUP_STARTS, AGES, side="right") - 1
ERROR_YEARS = 6.5
"""Standard deviation of the estimator's error: a mean absolute error of 5.2 years."""

CUSTOMERS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "any": (
        (0, 8, 12, 15, 18, 22, 30, 42, 55, 68, 76, 88, 95, 100),
        (0, 0.05, 0.15, 0.4, 0.8, 1.1, 1.2, 1.25, 1.3, 1.2, 1.0, 0.25, 0.05, 0),
    ),
    "young": (
        (0, 10, 14, 17, 20, 24, 30, 38, 50, 65, 80, 95, 100),
        (0, 0.1, 0.5, 1.2, 2.2, 2.4, 1.6, 0.8, 0.5, 0.3, 0.15, 0.02, 0),
    ),
    "old": (
        (0, 12, 18, 25, 35, 45, 55, 63, 70, 78, 88, 96, 100),
        (0, 0.05, 0.2, 0.3, 0.45, 0.6, 1.0, 1.6, 1.9, 1.6, 0.6, 0.05, 0),
    ),
    "families": (
        (0, 3, 10, 14, 20, 28, 36, 45, 55, 70, 85, 100),
        (0.2, 0.5, 0.6, 0.5, 0.3, 0.7, 1.6, 1.3, 0.6, 0.4, 0.15, 0),
    ),
    "students and pensioners": (
        (0, 14, 19, 24, 32, 45, 58, 66, 74, 85, 100),
        (0, 0.3, 1.8, 1.8, 0.6, 0.3, 0.6, 1.6, 1.6, 0.5, 0),
    ),
}
"""Kinds of shops: ages, and how many customers are of these, in any unit."""
_BIAS_AGES = (0, 18, 25, 40, 60, 90)
_BIAS_YEARS = (0.8, 1.5, 2.0, 0.8, -1.4, -3.5)  # as the shipped model's: the middle is favoured


@dataclass(frozen=True, slots=True)
class Shop:
    """What a report is given, and what it should say."""

    tally: Tally
    """All baskets as they were seen."""
    mix: Floats
    """(K,): true share of each group's baskets."""
    lifts: dict[str, Floats]
    """(K,): true lift of each category in each group."""


def customers(kind: str = "any") -> Floats:
    """(101,): P(age) of a customer of a shop of this kind."""
    density = np.interp(AGES, *CUSTOMERS[kind])
    return np.asarray(density / density.sum())


def photographed() -> Floats:
    """(101,): P(age) of a photo to calibrate on: many small children, as in the data at hand."""
    density = 0.5 * customers() + 0.5 / len(AGES)
    return np.asarray(density / density.sum())


def predicted(ages: Floats, random: np.random.Generator) -> Floats:
    """(N, 101): the distributions that the estimator answers for people of these ages, (N,)."""
    return _shares(range(101), _estimates(ages, random))


def seen(ages: Floats, random: np.random.Generator) -> Floats:
    """(N, K): the shares of the groups in what it answers."""
    return _shares(GROUP_STARTS, _estimates(ages, random))


def _estimates(ages: Floats, random: np.random.Generator) -> Floats:
    bias = np.interp(ages, _BIAS_AGES, _BIAS_YEARS)
    return np.clip(ages + bias + random.normal(0, ERROR_YEARS, len(ages)), 0, 100)


def _shares(starts: Sequence[int], estimates: Floats) -> Floats:
    edges = np.array([-np.inf, *(start - 0.5 for start in starts[1:]), np.inf])
    return np.diff(ndtr((edges - estimates[:, None]) / ERROR_YEARS), axis=1)


def calibrated(photos: int, random: np.random.Generator) -> Confusion:
    """Measure the estimator's confusion on so many photos, and read it from the model card."""
    ages = random.choice(AGES, photos, p=photographed())
    probabilities = predicted(ages, random)
    entry = confusion_entry(
        Sample(ages, probabilities, probabilities @ AGES, np.ones(photos, bool), {})
    )
    return confusion_from_card(json.loads(json.dumps(entry))["confusion"])


def shop(
    baskets: int, tastes: dict[str, Floats], random: np.random.Generator, kind: str = "any"
) -> Shop:
    """Sell so many baskets; `tastes` is P(basket with the category | age), (101,)."""
    ages = random.choice(AGES, baskets, p=customers(kind))
    readings = readings_of(seen(ages, random), len(GROUP_STARTS))
    bought = {name: random.random(baskets) < taste[ages] for name, taste in tastes.items()}
    return Shop(
        Tally(moments(readings), {name: moments(readings[rows]) for name, rows in bought.items()}),
        np.bincount(GROUP[ages], minlength=len(GROUP_STARTS)) / baskets,
        {name: true_lift(taste, customers(kind)) for name, taste in tastes.items()},
    )


def true_lift(taste: Floats, people: Floats) -> Floats:
    """(K,): rate in each group over the rate of all; `people` is P(age) of a customer, (101,)."""
    rates = np.bincount(GROUP, taste * people) / np.bincount(GROUP, people)
    return np.asarray(rates / (taste @ people))


def tastes_by_age(count: int, random: np.random.Generator) -> dict[str, Floats]:
    """Make up categories that ages buy differently: for one age, or more (or less) with age."""
    return {f"taste_{number}": _taste(number, random) for number in range(count)}


def tastes_of_everybody(count: int, random: np.random.Generator) -> dict[str, Floats]:
    """Make up categories that everybody buys alike."""
    return {f"plain_{number}": np.full(len(AGES), _rate(random)) for number in range(count)}


def _taste(number: int, random: np.random.Generator) -> Floats:
    if number % 2:
        middle, width = random.uniform(16, 75), random.uniform(9, 20)
        shape = 1 + random.uniform(0.5, 4) * np.exp(-0.5 * ((AGES - middle) / width) ** 2)
    else:
        slope = random.uniform(4, 12) * random.choice([-1, 1])
        shape = 0.15 + 1 / (1 + np.exp(-(AGES - random.uniform(20, 65)) / slope))
    return np.asarray(np.clip(shape * _rate(random) / (shape @ customers()), 0, 0.9))


def _rate(random: np.random.Generator) -> float:
    """Share of baskets with a category: 0.5 % to 20 %."""
    return float(10 ** random.uniform(-2.3, -0.7))
