"""Age groups cover everybody once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.policy import AgeDistribution, group_shares
from agelane_serving.policy.age_groups import groups_from_starts
from tests.serving.policy.distributions import AGES, certain, distributions

_STARTS = st.sets(st.integers(1, 100), max_size=12).map(lambda starts: [0, *sorted(starts)])


@given(_STARTS)
def test_every_age_belongs_to_exactly_one_group(starts: list[int]) -> None:
    """However the groups are cut."""
    groups = groups_from_starts(starts)
    for age in AGES:
        holders = [
            group
            for group in groups
            if group.from_years <= age and (group.to_years is None or age <= group.to_years)
        ]
        shares = group_shares(groups, certain(age))
        assert holders == [groups[shares.index(1)]]


@given(_STARTS, distributions())
def test_the_groups_share_the_whole_probability(
    starts: list[int], distribution: AgeDistribution
) -> None:
    """Each has what lies within it."""
    groups = groups_from_starts(starts)
    shares = group_shares(groups, distribution)
    assert sum(shares) == pytest.approx(1, abs=2e-3)
    assert list(shares) == [group.probability(distribution) for group in groups]


def test_names_are_for_programs_and_for_people() -> None:
    """The last group has no upper end."""
    names = [(group.id, group.label) for group in groups_from_starts([0, 18, 65])]
    assert names == [("0_17", "0-17"), ("18_64", "18-64"), ("65_plus", "65+")]


@pytest.mark.parametrize("starts", [[], [1], [0, 18, 18], [0, 30, 18], [0, 101], [-1, 0]])
def test_starts_that_do_not_rise_from_0_are_refused(starts: list[int]) -> None:
    """They would leave somebody out, or in two groups."""
    with pytest.raises(ValueError, match="rise from 0"):
        groups_from_starts(starts)
