"""Offers fit the customer's age, and goods with a legal age are offered to nobody unallowed."""

from __future__ import annotations

import timeit
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.policy import (
    Decision,
    Offer,
    OfferBook,
    Offerer,
    Selection,
    with_restrictions,
)
from agelane_serving.policy.age_groups import groups_from_starts
from agelane_serving.policy.offers import MOST_OFFERS, LiftLows

GROUPS = groups_from_starts([0, 18, 35, 65])
IDS = [group.id for group in GROUPS]
ADULT = (0.0, 0.7, 0.25, 0.05)
_RESTRICTED = st.sampled_from([None, "alcohol", "beer_and_wine", "tobacco"])

offers = st.builds(
    Offer,
    id=st.text("abc", min_size=1, max_size=3),
    category=st.sampled_from(["dairy", "bread", "beer", "cigarettes"]),
    restricted_category=_RESTRICTED,
    text=st.just(""),
    age_groups=st.frozensets(st.sampled_from(IDS)),
)
books = st.builds(
    OfferBook,
    offers=st.lists(offers, max_size=12).map(tuple),
    most_offers=st.integers(1, MOST_OFFERS),
    hold_out_share=st.floats(0, 0.5),
    youngest_years=st.integers(0, 100),
    policy_version=st.just(""),
)
_LOW = st.none() | st.floats(0, 10)
lifts = st.dictionaries(
    st.sampled_from(["dairy", "beer", "cigarettes"]), st.lists(_LOW, min_size=4, max_size=4)
)
shares = (
    st.lists(st.floats(0, 1), min_size=4, max_size=4)
    .filter(lambda weights: sum(weights) > 0.01)
    .map(lambda weights: [weight / sum(weights) for weight in weights])
)


def offer(name: str, *age_groups: str, category: str = "", restricted: str | None = None) -> Offer:
    """Make an offer for some age groups."""
    return Offer(name, category or name, restricted, "", frozenset(age_groups))


def book_of(*made: Offer, hold_out_share: float = 0.0, youngest_years: int = 18) -> OfferBook:
    """Make a book of offers, of which a customer gets two."""
    return OfferBook(made, 2, hold_out_share, youngest_years, "")


def chosen(
    *made: Offer,
    lift_lows: Mapping[str, Sequence[float | None]] | None = None,
    customer: Sequence[float] = ADULT,
    decision: Decision = Decision.VERIFY_ID,
    youngest_years: int = 18,
) -> list[str]:
    """Return the names of what one customer is shown of these offers, at most two."""
    offerer = Offerer(book_of(*made, youngest_years=youngest_years), GROUPS, lift_lows)
    selection = offerer.choose(customer, decision, "alcohol", 0.5)
    return [each.id for each in selection.shown]


@given(books, lifts, shares, st.sampled_from(Decision), _RESTRICTED, st.floats(0, 0.999))
def test_goods_with_a_legal_age_are_only_offered_when_these_very_goods_are_allowed(
    book: OfferBook,
    lift_lows: LiftLows,
    customer: list[float],
    decision: Decision,
    asked: str | None,
    draw: float,
) -> None:
    """Whatever the offers, the customer and what is known; and never more than the most."""
    offerer = Offerer(book, GROUPS, lift_lows)
    selection = offerer.choose(customer, decision, asked or "", draw)
    assert len(selection.offers) <= book.most_offers
    assert set(selection.offers) <= set(book.offers)
    for each in selection.offers:
        if each.restricted_category is not None:
            assert decision is Decision.ALLOW
            assert each.restricted_category == asked


@given(books, lifts, shares)
def test_the_best_offers_are_chosen_and_come_first(
    book: OfferBook, lift_lows: LiftLows, customer: list[float]
) -> None:
    """By the lower end of the lift, expected over the age groups."""
    young = [group.from_years < book.youngest_years for group in GROUPS]
    offerer = Offerer(book, GROUPS, lift_lows)
    selection = offerer.choose(customer, Decision.REFUSE, "alcohol", 0.5)
    if sum(share for share, is_young in zip(customer, young, strict=True) if is_young) > 0.5:
        assert selection.offers == ()
        return
    goodness = [
        _goodness(each, lift_lows, customer)
        for each in book.offers
        if each.restricted_category is None
    ]
    best = sorted((value for value in goodness if value > 0), reverse=True)[: book.most_offers]
    values = [_goodness(each, lift_lows, customer) for each in selection.offers]
    assert values == pytest.approx(best)


def _goodness(each: Offer, lift_lows: LiftLows, customer: list[float]) -> float:
    lows = lift_lows.get(each.category, [None] * len(GROUPS))
    values = [
        float(group in each.age_groups) if low is None else low
        for group, low in zip(IDS, lows, strict=True)
    ]
    return sum(share * value for share, value in zip(customer, values, strict=True))


def test_at_first_the_file_says_who_gets_what() -> None:
    """The likelier the customer belongs to its age groups, the better the offer."""
    made = [offer("tea", "35_64"), offer("cola", "18_34"), offer("toys", "0_17")]
    assert chosen(*made) == ["cola", "tea"]


def test_what_is_known_counts_more_than_what_the_file_says() -> None:
    """A lift that is surely above 1 beats a guess, and one that is surely below loses to it."""
    made = [offer("cola", "18_34"), offer("tea", "65_plus"), offer("bread", "18_34")]
    known = {"tea": [None, 1.6, 0.9, 1.0], "bread": [None, 0.4, 0.4, 0.4]}
    assert chosen(*made, lift_lows=known) == ["tea", "cola"]


def test_of_equals_the_first_in_the_file_comes_first() -> None:
    """So that the file has the last word."""
    assert chosen(*[offer(name, "18_34") for name in ("b", "a", "c")]) == ["b", "a"]


def test_beer_is_offered_once_it_is_allowed() -> None:
    """To the same customer who is not offered it before a look at a document."""
    made = [offer("beer", "18_34", restricted="alcohol"), offer("bread", "35_64")]
    assert chosen(*made, decision=Decision.ALLOW) == ["beer", "bread"]
    assert chosen(*made, decision=Decision.VERIFY_ID) == ["bread"]


def test_who_is_likely_too_young_gets_no_offers() -> None:
    """From the year that the file names; a group that begins below it counts as too young."""
    made = [offer("toys", "0_17"), offer("cola", "18_34")]
    child = (0.6, 0.4, 0.0, 0.0)
    assert chosen(*made, customer=child) == []
    assert chosen(*made, customer=child, youngest_years=0) == ["toys", "cola"]
    assert chosen(*made, youngest_years=21) == []


def test_a_share_of_customers_is_held_out() -> None:
    """By their draw; what they miss is known all the same."""
    made = offer("cola", "18_34")
    offerer = Offerer(book_of(made, hold_out_share=0.1), GROUPS)
    drawn = [offerer.choose(ADULT, Decision.ALLOW, "alcohol", n / 1_000) for n in range(1_000)]
    assert [each.held_out for each in drawn] == [True] * 100 + [False] * 900
    assert {each.offers for each in drawn} == {(made,)}
    assert Offerer(book_of(made), GROUPS).choose(ADULT, Decision.ALLOW, "", 0.0).shown == (made,)


def test_who_is_held_out_sees_none_of_the_offers_that_were_chosen() -> None:
    """They are recorded as what the customer would have got."""
    selection = Selection((offer("cola"),), held_out=True)
    assert selection.offers != ()
    assert selection.shown == ()


def test_shares_of_other_age_groups_are_refused() -> None:
    """They would be taken for the wrong ages."""
    with pytest.raises(ValueError, match="argument"):
        chosen(offer("cola", "18_34"), customer=(0.5, 0.5))
    with pytest.raises(ValueError, match="argument"):
        chosen(offer("cola", "18_34"), lift_lows={"cola": [1.0]})


def test_to_choose_among_thirty_offers_takes_microseconds() -> None:
    """About ten on two busy cores; a hundred here, where others may be at work."""
    made = tuple(offer(f"o{number}", "18_34", "35_64") for number in range(30))
    known = {each.category: [1.0, 0.9, 1.1, None] for each in made}
    offerer = Offerer(OfferBook(made, 3, 0.1, 18, ""), GROUPS, known)
    calls = 2_000
    seconds = min(
        timeit.repeat(
            lambda: offerer.choose(ADULT, Decision.ALLOW, "alcohol", 0.5),
            number=calls,
            repeat=5,
        )
    )
    assert seconds / calls < 100e-6


@given(books, st.dictionaries(st.sampled_from(["dairy", "beer"]), st.sampled_from(["a", "b"])))
def test_what_baskets_call_restricted_is_restricted(
    book: OfferBook, restricted: dict[str, str]
) -> None:
    """Where the file says nothing; what it says, and all else, stays."""
    marked = with_restrictions(book, restricted)
    for before, after in zip(book.offers, marked.offers, strict=True):
        known = before.restricted_category or restricted.get(before.category)
        assert after == replace(before, restricted_category=known)
    assert replace(marked, offers=book.offers) == book
