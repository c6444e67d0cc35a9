"""A shop whose customers' ages and tastes are known, seen through an estimator that errs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from agelane_serving.reports.age_groups import Confusion, Tally, estimate_confusion
from agelane_serving.reports.age_groups.tally import moments, readings_of
from agelane_serving.reports.estimate import Floats

GROUP_STARTS = (0, 13, 18, 25, 35, 45, 55, 65)
AGES = np.arange(101)
GROUP = np.searchsorted(GROUP_STARTS, AGES, side="right") - 1
ERROR_YEARS = 6.5
"""Standard deviation of the estimator's error: a mean absolute error of 5.2 years."""

_CUSTOMER_AGES = (0, 8, 12, 15, 18, 22, 30, 42, 55, 68, 76, 88, 95, 100)
_CUSTOMER_DENSITY = (0, 0.05, 0.15, 0.4, 0.8, 1.1, 1.2, 1.25, 1.3, 1.2, 1.0, 0.25, 0.05, 0)
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


def customers() -> Floats:
    """(101,): P(age) of a customer."""
    density = np.interp(AGES, _CUSTOMER_AGES, _CUSTOMER_DENSITY)
    return np.asarray(density / density.sum())


def photographed() -> Floats:
    """(101,): P(age) of a photo to calibrate on: many small children, as in the data at hand."""
    density = 0.5 * customers() + 0.5 / len(AGES)
    return np.asarray(density / density.sum())


def seen(ages: Floats, random: np.random.Generator) -> Floats:
    """(N, K): the shares that the estimator answers for people of these ages, (N,)."""
    bias = np.interp(ages, _BIAS_AGES, _BIAS_YEARS)
    estimated = np.clip(ages + bias + random.normal(0, ERROR_YEARS, len(ages)), 0, 100)
    edges = np.array([-np.inf, *(start - 0.5 for start in GROUP_STARTS[1:]), np.inf])
    return np.diff(ndtr((edges - estimated[:, None]) / ERROR_YEARS), axis=1)


def calibrated(photos: int, random: np.random.Generator) -> Confusion:
    """Measure the estimator's confusion on so many photos."""
    ages = random.choice(AGES, photos, p=photographed())
    return estimate_confusion(ages, seen(ages, random), GROUP_STARTS)


def shop(baskets: int, tastes: dict[str, Floats], random: np.random.Generator) -> Shop:
    """Sell so many baskets; `tastes` is P(basket with the category | age), (101,)."""
    ages = random.choice(AGES, baskets, p=customers())
    readings = readings_of(seen(ages, random), len(GROUP_STARTS))
    bought = {name: random.random(baskets) < taste[ages] for name, taste in tastes.items()}
    return Shop(
        Tally(moments(readings), {name: moments(readings[rows]) for name, rows in bought.items()}),
        np.bincount(GROUP[ages], minlength=len(GROUP_STARTS)) / baskets,
        {name: true_lift(taste) for name, taste in tastes.items()},
    )


def true_lift(taste: Floats) -> Floats:
    """(K,): rate in each group over the rate of all."""
    people = customers()
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
