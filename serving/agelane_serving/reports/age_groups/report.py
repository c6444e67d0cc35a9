"""The age-group report; report.proto describes each message under the same name."""

from __future__ import annotations

from dataclasses import dataclass

from agelane_serving.reports.age_groups.confusion import Confusion
from agelane_serving.reports.age_groups.correction import Lifts, Mix, correct_lifts, correct_mix
from agelane_serving.reports.age_groups.tally import Moments, Tally
from agelane_serving.reports.estimate import Estimate, estimate_within

LEAST_BASKETS = 20
"""Baskets of a group with a category from which on they are told: fewer could be somebody's."""


@dataclass(frozen=True, slots=True)
class CategoryLift:
    """How much more often one age group buys a category than everybody does."""

    category: str
    """In the store's own words."""
    baskets: float
    """Corrected number of baskets of the group with such goods."""
    rate: float
    """Corrected share of the group's baskets that have such goods, 0 … 1."""
    lift: Estimate
    """That rate over the rate in all groups, drawn towards 1 where the data say little, with a
    credible interval."""


@dataclass(frozen=True, slots=True)
class GroupPurchases:
    """What one age group buys."""

    basket_share: Estimate
    """The group's corrected share of all baskets, 0 … 1."""
    naive_basket_share: float
    """The same without the correction."""
    categories: tuple[CategoryLift, ...]
    """The most characteristic first, by the lower end of their lift."""


def report_age_groups(
    tally: Tally, confusion: Confusion, least_baskets: int = LEAST_BASKETS
) -> tuple[GroupPurchases, ...]:
    """Return what each group buys, the youngest group first; nothing where there are no baskets.

    A category is left out of a group with fewer than `least_baskets` baskets of it, whether counted
    with the correction or without.
    """
    everything = tally.everything
    if everything.count < least_baskets or everything.count < 2:
        return ()
    mix = correct_mix(everything, confusion)
    lifts = {
        category: correct_lifts(bought, everything, mix, confusion)
        for category, bought in tally.categories.items()
        if bought.count >= least_baskets
    }
    return tuple(
        GroupPurchases(
            estimate_within(float(mix.groups[group]), float(mix.group_errors[group]), 0, 1),
            float(everything.mean[group]),
            _categories(group, tally, mix, lifts, least_baskets),
        )
        for group in range(len(mix.groups))
    )


def _categories(
    group: int, tally: Tally, mix: Mix, lifts: dict[str, Lifts], least_baskets: int
) -> tuple[CategoryLift, ...]:
    told = [
        _category(group, category, tally.categories[category], tally.everything, mix, lift)
        for category, lift in lifts.items()
        if tally.categories[category].total[group] >= least_baskets
    ]
    enough = [each for each in told if each.baskets >= least_baskets]
    return tuple(sorted(enough, key=lambda each: (-each.lift.low, each.category)))


def _category(
    group: int, category: str, bought: Moments, everything: Moments, mix: Mix, lifts: Lifts
) -> CategoryLift:
    value = float(lifts.values[group])
    rate = min(value * bought.count / everything.count, 1.0)
    return CategoryLift(
        category,
        float(mix.groups[group]) * everything.count * rate,
        rate,
        estimate_within(value, float(lifts.errors[group]), 0, float("inf")),
    )
