"""A policy file is checked to the last key."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from agelane_serving.policy import PolicyError, UnknownCategory, load_policy

GOOD = """
schema = 2
valid_seconds = 300
audit_share = 0.02
age_group_starts = [0, 18, 65]
jurisdiction = "here"

[certificate]
max_false_clear_rate = 0.005

[jurisdictions.here.alcohol]
legal_age_years = 21
local_threshold = 0.004
allow_refuse = true

[jurisdictions.here.tobacco]
legal_age_years = 18

[jurisdictions.there.alcohol]
legal_age_years = 16

[stores]
"far-away" = "there"
"""


def test_everything_in_the_file_is_in_the_policy() -> None:
    """And what is left out has its default."""
    policy = load_policy(GOOD)
    alcohol, tobacco = policy.rule("any", "alcohol"), policy.rule("", "tobacco")
    assert (alcohol.legal_age_years, alcohol.local_threshold, alcohol.allow_refuse) == (
        21, 0.004, True,
    )  # fmt: skip
    assert (tobacco.legal_age_years, tobacco.local_threshold, tobacco.allow_refuse) == (
        18, None, False,
    )  # fmt: skip
    assert alcohol.requirement.max_false_clear_rate == 0.005
    assert alcohol.requirement.min_confidence == 0.95
    assert [group.id for group in policy.age_groups] == ["0_17", "18_64", "65_plus"]
    assert (policy.valid_seconds, policy.audit_share) == (300, 0.02)


def test_a_store_has_the_rules_of_its_jurisdiction() -> None:
    """And no others: what is not sold there by age is unknown there."""
    policy = load_policy(GOOD)
    assert policy.rule("far-away", "alcohol").legal_age_years == 16
    with pytest.raises(UnknownCategory):
        policy.rule("far-away", "tobacco")


def test_the_built_in_policy_is_a_good_one() -> None:
    """18 years for alcohol, an audit, no refusals, no threshold beside the certificate's."""
    text = resources.files("agelane_serving.policy").joinpath("default.toml").read_text()
    policy = load_policy(text)
    rule = policy.rule("", "alcohol")
    assert (rule.legal_age_years, rule.local_threshold, rule.allow_refuse) == (18, None, False)
    assert 0.01 <= policy.audit_share <= 0.03
    ages = {rules["alcohol"].legal_age_years for rules in policy.jurisdictions.values()}
    assert ages == {18, 21}


def test_a_category_without_a_rule_is_unknown() -> None:
    """Nobody guesses a legal age."""
    with pytest.raises(UnknownCategory):
        load_policy(GOOD).rule("", "fireworks")


def test_the_version_is_a_hash_of_what_the_file_means() -> None:
    """Comments, order and defaults written out don't change it; a value does."""
    version = load_policy(GOOD).version
    assert re.fullmatch("[0-9a-f]{16}", version)
    top, *tables = GOOD.split("\n\n")
    tables[2] += "\nallow_refuse = false"
    reordered = "\n\n".join([f"# moved\n{top}", *reversed(tables)])
    assert load_policy(reordered).version == version
    assert load_policy(GOOD.replace("21", "20")).version != version
    assert load_policy(GOOD.replace("300", "301")).version != version


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema = 2", "", "schema is missing"),
        ("schema = 2", "schema = 1", "schema must be 2"),
        ("schema = 2", "schema = true", "schema must be 2"),
        ("schema = 2", "schema = ", "not TOML"),
        ("valid_seconds = 300", "valid_seconds = 0", "valid_seconds must be"),
        ("valid_seconds = 300", "valid_seconds = 1.5", "valid_seconds must be"),
        ("valid_seconds = 300", "", "valid_seconds is missing"),
        ("[0, 18, 65]", "[18, 65]", "age_group_starts must rise"),
        ("[0, 18, 65]", "[0, 18.5]", "age_group_starts must be a list"),
        ("[0, 18, 65]", '"all"', "age_group_starts must be a list"),
        ("legal_age_years = 21", "", "jurisdictions.here.alcohol.legal_age_years is missing"),
        (
            "legal_age_years = 21",
            "legal_age_years = 0",
            "jurisdictions.here.alcohol.legal_age_years",
        ),
        (
            "legal_age_years = 21",
            "legal_age_years = true",
            "jurisdictions.here.alcohol.legal_age_years",
        ),
        (
            "legal_age_years = 21",
            'legal_age_years = "21"',
            "jurisdictions.here.alcohol.legal_age_years",
        ),
        ("0.004", "1.5", "jurisdictions.here.alcohol.local_threshold"),
        ("0.004", "nan", "jurisdictions.here.alcohol.local_threshold"),
        ("0.004", "-0.1", "jurisdictions.here.alcohol.local_threshold"),
        ("allow_refuse = true", "allow_refuse = 1", "jurisdictions.here.alcohol.allow_refuse"),
        ("allow_refuse", "alow_refuse", "unknown key jurisdictions.here.alcohol.alow_refuse"),
        ("max_false_clear_rate = 0.005", "max_false_clear_rate = 0", "certificate.max_false"),
        ("max_false_clear_rate", "false_clear_rate", "unknown key certificate.false_clear_rate"),
        ("[certificate]", "[certificates]", "unknown key certificates"),
        ("here.alcohol]", "here.beer]", "jurisdictions.here.alcohol is missing"),
        ("here.tobacco]", 'here."to bacco"]', "a name is 1 to 64"),
        ("[jurisdictions.there.alcohol]", '[jurisdictions."t h".alcohol]', "a name is 1 to 64"),
        ("[jurisdictions.here.tobacco]", "[tobacco]", "unknown key tobacco"),
        (
            "[jurisdictions.there.alcohol]\nlegal_age_years = 16",
            "[jurisdictions]\nthere = 16",
            "jurisdictions.there must be a table",
        ),
        ('"far-away" = "there"', '"far away" = "there"', "a name is 1 to 64"),
        (
            '"far-away" = "there"',
            '"far-away" = "nowhere"',
            "one of the jurisdictions (here, there)",
        ),
        ('"far-away" = "there"', '"far-away" = 18', "stores.far-away must be"),
        ('jurisdiction = "here"', 'jurisdiction = "nowhere"', "jurisdiction must be one of"),
        ('jurisdiction = "here"', "", "jurisdiction is missing"),
        ("audit_share = 0.02", "audit_share = 0.21", "audit_share must be a number from 0 to 0.2"),
        ("audit_share = 0.02", "audit_share = -0.01", "audit_share must be"),
        ("audit_share = 0.02", "audit_share = nan", "audit_share must be"),
        ("audit_share = 0.02", "", "audit_share is missing"),
    ],
)
def test_a_wrong_key_is_refused_by_name(old: str, new: str, said: str) -> None:
    """A misspelt limit must not pass for a set one."""
    assert old in GOOD
    with pytest.raises(PolicyError, match=re.escape(said)):
        load_policy(GOOD.replace(old, new))
