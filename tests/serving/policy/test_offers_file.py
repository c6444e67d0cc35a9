"""An offers file is checked to the last key, and so are the lifts."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest

from agelane_serving.policy import (
    Policy,
    PolicyError,
    load_offers,
    load_policy,
    read_lift_lows,
    read_restricted_categories,
)

GOOD = """
schema = 1
most_offers = 2
hold_out_share = 0.1
youngest_years = 18

[offers.milk]
category = "dairy"
age_groups = ["25_34"]

[offers.beer]
category = "beer"
restricted_category = "alcohol"
text = "Beer of the month"
age_groups = []
"""


def built_in(name: str) -> str:
    """Return the text of a file beside the policy."""
    return resources.files("agelane_serving.policy").joinpath(name).read_text()


@pytest.fixture(scope="module")
def policy() -> Policy:
    """Return the built-in policy."""
    return load_policy(built_in("default.toml"))


def test_everything_in_the_file_is_in_the_book(policy: Policy) -> None:
    """And what may be left out is unset."""
    book = load_offers(GOOD, policy)
    milk, beer = book.offers
    assert (milk.id, milk.category, milk.restricted_category, milk.text, milk.age_groups) == (
        "milk", "dairy", None, "", frozenset({"25_34"}),
    )  # fmt: skip
    assert (beer.restricted_category, beer.text) == ("alcohol", "Beer of the month")
    assert (book.most_offers, book.hold_out_share, book.youngest_years) == (2, 0.1, 18)
    assert book.policy_version == policy.version


def test_the_example_is_a_good_one(policy: Policy) -> None:
    """It fits the built-in policy, holds somebody out and marks its beer."""
    book = load_offers(built_in("offers.toml"), policy)
    assert 0 < book.hold_out_share <= 0.2
    assert book.youngest_years >= 18
    beer = [offer for offer in book.offers if offer.category == "beer"]
    assert [offer.restricted_category for offer in beer] == ["alcohol"]


def test_goods_named_as_a_restricted_category_are_marked_as_such(policy: Policy) -> None:
    """Who forgets to say so must not have tobacco offered to anybody."""
    book = load_offers(GOOD.replace('"dairy"', '"tobacco"'), policy)
    assert book.offers[0].restricted_category == "tobacco"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema = 1", "schema = 2", "schema must be 1"),
        ("schema = 1", "schema =", "not TOML"),
        ("most_offers = 2", "", "most_offers is missing"),
        ("most_offers = 2", "most_offers = 0", "most_offers must be"),
        ("most_offers = 2", "most_offers = 5", "most_offers must be a whole number from 1 to 4"),
        ("most_offers = 2", "most_offers = 2\nmore = 1", "unknown key more"),
        ("hold_out_share = 0.1", "hold_out_share = 0.6", "hold_out_share must be"),
        ("youngest_years = 18", "youngest_years = 18.5", "youngest_years must be"),
        ('"25_34"', '"25_35"', "offers.milk.age_groups must be"),
        ('"alcohol"', '"alcool"', "offers.beer.restricted_category must be"),
        ('"Beer of the month"', "1", "offers.beer.text must be"),
        ('category = "dairy"', "", "offers.milk.category is missing"),
        ('category = "dairy"', 'category = "dairy"\ngroup = 1', "unknown key offers.milk.group"),
        ("[offers.milk]", '[offers."fresh milk"]', "a name is"),
        ("[offers.milk]", f"[offers.{'m' * 33}]", "a name is 1 to 32 of"),
        ("[offers.milk]", "[offer.milk]", "unknown key offer"),
    ],
)
def test_what_is_wrong_is_refused_by_name(policy: Policy, old: str, new: str, said: str) -> None:
    """A misspelt key must not pass for one that is set."""
    assert old in GOOD
    with pytest.raises(PolicyError, match=re.escape(said)):
        load_offers(GOOD.replace(old, new, 1), policy)


def lifts(policy: Policy, **changed: object) -> str:
    """Return the text of some lifts."""
    groups = [group.id for group in policy.age_groups]
    rows = {"dairy": [None, 1, 0.5, 0.0, 2.25, None, 1.0, 1.0]}
    return json.dumps({"age_groups": groups, "lift_lows": rows} | changed)


def test_lifts_are_read_for_the_age_groups_of_the_policy(policy: Policy) -> None:
    """Null is not known."""
    lows = read_lift_lows(lifts(policy), policy.age_groups)
    assert lows == {"dairy": (None, 1, 0.5, 0.0, 2.25, None, 1.0, 1.0)}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"age_groups": ["0_17", "18_plus"]}, "other age groups"),
        ({"lift_lows": []}, "must be a table"),
        ({"lift_lows": {"dairy": [1.0]}}, "lift_lows.dairy must be 8 numbers"),
        ({"lift_lows": {"dairy": [-1.0] * 8}}, "lift_lows.dairy must be 8 numbers"),
        ({"lift_lows": {"dairy": [float("nan")] * 8}}, "lift_lows.dairy must be 8 numbers"),
        ({"lift_lows": {"dairy": [True] * 8}}, "lift_lows.dairy must be 8 numbers"),
    ],
)
def test_lifts_that_are_wrong_are_refused(
    policy: Policy, changed: dict[str, object], said: str
) -> None:
    """Above all those of other age groups."""
    with pytest.raises(PolicyError, match=re.escape(said)):
        read_lift_lows(lifts(policy, **changed), policy.age_groups)


def test_lifts_that_are_no_json_are_refused(policy: Policy) -> None:
    """As a file that was cut off is."""
    for text in ("", "{", "[]", "[" * 100_000):
        with pytest.raises(PolicyError):
            read_lift_lows(text, policy.age_groups)
        with pytest.raises(PolicyError):
            read_restricted_categories(text)


def test_beside_the_lifts_stands_what_baskets_call_restricted(policy: Policy) -> None:
    """Or not."""
    text = lifts(policy, restricted_categories={"beer": "alcohol"})
    assert read_restricted_categories(text) == {"beer": "alcohol"}
    assert read_restricted_categories(lifts(policy)) == {}
    for wrong in (["beer"], {"beer": True}, {"beer": None}):
        with pytest.raises(PolicyError, match="restricted_categories"):
            read_restricted_categories(lifts(policy, restricted_categories=wrong))
