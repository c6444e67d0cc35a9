"""The operator's plan for a trial is checked to the last key."""

from __future__ import annotations

import pytest

from agelane_serving.gateway.model.rollout_file import RolloutPlan, read_rollout

GOOD = """
schema = 1
stable = "stable"
canary = "canary"
canary_share = 0.05
shadow_share = 0.2
"""


def test_what_is_left_out_has_its_default() -> None:
    """Nothing on trial is the default."""
    assert read_rollout("schema = 1") == RolloutPlan()
    plan = read_rollout(GOOD)
    assert (plan.stable, plan.canary, plan.canary_share) == ("stable", "canary", 0.05)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema = 1", "schema = 2", "schema must be 1"),
        ("schema = 1", "schema =", "not TOML"),
        ("0.05", "1.5", "canary_share must be"),
        ("0.2", "nan", "shadow_share must be"),
        ('canary = "canary"', "", "canary is missing"),
        ('stable = "stable"', "", "stable is missing"),
        ('"canary"', '"can ary"', "canary must be"),
        ("shadow_share", "shadowshare", "unknown key shadowshare"),
        ("shadow_share = 0.2", "min_calls = 9", "min_calls must be"),
    ],
)
def test_a_wrong_key_is_refused_by_name(old: str, new: str, said: str) -> None:
    """A misspelt share must not pass for a set one."""
    assert old in GOOD
    with pytest.raises(ValueError, match=said):
        read_rollout(GOOD.replace(old, new))
