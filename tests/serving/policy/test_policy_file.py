"""A policy file is checked to the last key."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from agelane_serving.policy import PolicyError, UnknownCategory, load_policy

GOOD = """
schema = 1
valid_seconds = 300
age_group_starts = [0, 18, 65]

[certificate]
max_false_clear_rate = 0.005

[restricted.alcohol]
legal_age_years = 21
local_threshold = 0.004
allow_refuse = true

[restricted.tobacco]
legal_age_years = 18
"""


def test_everything_in_the_file_is_in_the_policy() -> None:
    """And what is left out has its default."""
    policy = load_policy(GOOD)
    alcohol, tobacco = policy.rule("alcohol"), policy.rule("tobacco")
    assert (alcohol.legal_age_years, alcohol.local_threshold, alcohol.allow_refuse) == (
        21, 0.004, True,
    )  # fmt: skip
    assert (tobacco.legal_age_years, tobacco.local_threshold, tobacco.allow_refuse) == (
        18, None, False,
    )  # fmt: skip
    assert alcohol.requirement.max_false_clear_rate == 0.005
    assert alcohol.requirement.min_confidence == 0.95
    assert [group.id for group in policy.age_groups] == ["0_17", "18_64", "65_plus"]
    assert policy.valid_seconds == 300


def test_the_built_in_policy_is_a_good_one() -> None:
    """18 years for alcohol, no refusals, no threshold beside the certificate's."""
    text = resources.files("agelane_serving.policy").joinpath("default.toml").read_text()
    rule = load_policy(text).rule("alcohol")
    assert (rule.legal_age_years, rule.local_threshold, rule.allow_refuse) == (18, None, False)


def test_a_category_without_a_rule_is_unknown() -> None:
    """Nobody guesses a legal age."""
    with pytest.raises(UnknownCategory):
        load_policy(GOOD).rule("fireworks")


def test_the_version_is_a_hash_of_what_the_file_means() -> None:
    """Comments, order and defaults written out don't change it; a value does."""
    version = load_policy(GOOD).version
    assert re.fullmatch("[0-9a-f]{16}", version)
    head, _, tobacco = GOOD.partition("[restricted.tobacco]")
    top, _, rest = head.partition("[certificate]")
    reordered = f"# moved\n{top}[restricted.tobacco]\nallow_refuse = false{tobacco}[certificate]"
    assert load_policy(f"{reordered}\nmin_confidence = 0.95\n{rest}").version == version
    assert load_policy(GOOD.replace("21", "20")).version != version
    assert load_policy(GOOD.replace("300", "301")).version != version


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema = 1", "", "schema is missing"),
        ("schema = 1", "schema = 2", "schema must be 1"),
        ("schema = 1", "schema = true", "schema must be 1"),
        ("schema = 1", "schema = ", "not TOML"),
        ("valid_seconds = 300", "valid_seconds = 0", "valid_seconds must be"),
        ("valid_seconds = 300", "valid_seconds = 1.5", "valid_seconds must be"),
        ("valid_seconds = 300", "", "valid_seconds is missing"),
        ("[0, 18, 65]", "[18, 65]", "age_group_starts must rise"),
        ("[0, 18, 65]", "[0, 18.5]", "age_group_starts must be a list"),
        ("[0, 18, 65]", '"all"', "age_group_starts must be a list"),
        ("legal_age_years = 21", "", "restricted.alcohol.legal_age_years is missing"),
        ("legal_age_years = 21", "legal_age_years = 0", "restricted.alcohol.legal_age_years"),
        ("legal_age_years = 21", "legal_age_years = true", "restricted.alcohol.legal_age_years"),
        ("legal_age_years = 21", 'legal_age_years = "21"', "restricted.alcohol.legal_age_years"),
        ("0.004", "1.5", "restricted.alcohol.local_threshold"),
        ("0.004", "nan", "restricted.alcohol.local_threshold"),
        ("0.004", "-0.1", "restricted.alcohol.local_threshold"),
        ("allow_refuse = true", "allow_refuse = 1", "restricted.alcohol.allow_refuse"),
        ("allow_refuse", "alow_refuse", "unknown key restricted.alcohol.alow_refuse"),
        ("max_false_clear_rate = 0.005", "max_false_clear_rate = 0", "certificate.max_false"),
        ("max_false_clear_rate", "false_clear_rate", "unknown key certificate.false_clear_rate"),
        ("[certificate]", "[certificates]", "unknown key certificates"),
        ("[restricted.alcohol]", "[restricted.beer]", "restricted.alcohol is missing"),
        ("[restricted.tobacco]", '[restricted."to bacco"]', "a name is 1 to 64"),
        ("[restricted.tobacco]", "[tobacco]", "unknown key tobacco"),
        (
            "[restricted.tobacco]\nlegal_age_years = 18",
            "[restricted]\ntobacco = 18",
            "must be a table",
        ),
    ],
)
def test_a_wrong_key_is_refused_by_name(old: str, new: str, said: str) -> None:
    """A misspelt limit must not pass for a set one."""
    assert old in GOOD
    with pytest.raises(PolicyError, match=re.escape(said)):
        load_policy(GOOD.replace(old, new))
