"""Which goods a customer is offered: those that people of their age buy more often than others.

Customers who are more likely too young for it get no offers, and nobody gets one for goods with a
legal age unless these very goods were just allowed. A share of customers gets none at all, drawn at
random: what those buy tells what the offers bring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agelane_serving.policy.age_groups import AgeGroup
from agelane_serving.policy.decision import Decision

LiftLows = Mapping[str, Sequence[float | None]]
"""By category, the lower end of the lift in each age group, 0 or greater; None: not known."""

MOST_OFFERS = 4
"""What a customer was offered travels in the signed assessment, which has room for so many."""
LONGEST_ID = 32
"""Characters of an offer's id, for the same reason."""
_LIKELIEST = 4
"""Age groups that offers are ranked by. They hold all but 3 % of a usual estimate, and to count the
others too would take twice the time."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that customers can be offered."""

    id: str
    """Its name for programs, 1 to LONGEST_ID of A-Z a-z 0-9 . _ -"""
    category: str
    """Category of goods, in the words of the store's baskets."""
    restricted_category: str | None
    """The goods with a legal age that they belong to; None: anybody may buy them."""
    text: str
    """What to show; empty: the till words it."""
    age_groups: frozenset[str]
    """Ids of the age groups to offer it to while it is not known who buys it."""


@dataclass(frozen=True, slots=True)
class OfferBook:
    """What an offers file says."""

    offers: tuple[Offer, ...]
    """Of equally good ones, the first goes first."""
    most_offers: int
    """Offers that a customer gets at most, 1 … MOST_OFFERS."""
    hold_out_share: float
    """Share of customers who get none, 0 … 0.5."""
    youngest_years: int
    """Who is more likely younger than this gets none, 0 … 100."""
    policy_version: str
    """The policy that it was checked against; under another one it may not be used."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What one customer is offered."""

    offers: tuple[Offer, ...]
    """The best first; to be recorded, for the hold-out as well."""
    held_out: bool
    """Whether the customer is in the hold-out, and must not see them."""

    @property
    def shown(self) -> tuple[Offer, ...]:
        """What the customer gets to see."""
        return () if self.held_out else self.offers


NO_OFFERS = Selection((), held_out=False)
"""For a customer of unknown age, or where there is nothing to offer."""


class Offerer:
    """Chooses offers. Made once for a file and what is known; then a customer takes microseconds.

    An offer is as good as the lower end of the lift of its category, expected over the customer's
    age groups: what few have bought has to prove itself. Where the lift is not known, it counts as
    1 in the age groups that the file names and as 0 in others.
    """

    def __init__(
        self, book: OfferBook, groups: Sequence[AgeGroup], lift_lows: LiftLows | None = None
    ) -> None:
        """The lifts stand in the order of `groups`.

        Raises:
            ValueError: the lifts of a category are not as many as there are groups.
        """
        self._book = book
        self._young = [group.from_years < book.youngest_years for group in groups]
        rows = [_goodness(offer, groups, lift_lows or {}) for offer in book.offers]
        self._columns = [tuple(row[index] for row in rows) for index in range(len(groups))]
        self._nothing = (0.0,) * len(rows)
        self._eligible = {
            allowed: _indices(book.offers, allowed)
            for allowed in {None, *(offer.restricted_category for offer in book.offers)}
        }

    def choose(
        self, shares: Sequence[float], decision: Decision, restricted_category: str, draw: float
    ) -> Selection:
        """Choose for one customer.

        Args:
            shares: P(age group) for each of the groups.
            decision: what was decided,
            restricted_category: and about which goods. With ALLOW they may be offered; goods of
                another restricted category may not, whose legal age may be higher.
            draw: a random number, uniform in [0, 1), one for each customer; decides about the
                hold-out.

        Raises:
            ValueError: the shares are not as many as there are groups.
        """
        held_out = draw < self._book.hold_out_share
        young = sum(share for share, is_young in zip(shares, self._young, strict=True) if is_young)
        if young > 0.5:
            return Selection((), held_out)
        goodness = self._expected(shares)
        allowed = restricted_category if decision is Decision.ALLOW else None
        eligible = self._eligible.get(allowed, self._eligible[None])
        ranked = sorted(eligible, key=goodness.__getitem__, reverse=True)
        best = [index for index in ranked[: self._book.most_offers] if goodness[index] > 0]
        return Selection(tuple(self._book.offers[index] for index in best), held_out)

    def _expected(self, shares: Sequence[float]) -> Sequence[float]:
        """Return the goodness of each offer, expected over the likeliest age groups."""
        likeliest = sorted(zip(shares, self._columns, strict=True), reverse=True)[:_LIKELIEST]
        likeliest += [(0.0, self._nothing)] * (_LIKELIEST - len(likeliest))
        (a, ws), (b, xs), (c, ys), (d, zs) = likeliest
        return [a * w + b * x + c * y + d * z for w, x, y, z in zip(ws, xs, ys, zs, strict=True)]


def with_restrictions(book: OfferBook, restricted_categories: Mapping[str, str]) -> OfferBook:
    """Return the book with a restriction on each offer that has none and needs one.

    Args:
        book: of the offers.
        restricted_categories: the restricted category of goods with a legal age, by their category.
    """
    offers = tuple(
        replace(offer, restricted_category=restricted_categories[offer.category])
        if offer.restricted_category is None and offer.category in restricted_categories
        else offer
        for offer in book.offers
    )
    return replace(book, offers=offers)


def _goodness(offer: Offer, groups: Sequence[AgeGroup], lift_lows: LiftLows) -> list[float]:
    """Return how good an offer is in each age group."""
    lows = lift_lows.get(offer.category, [None] * len(groups))
    return [
        float(group.id in offer.age_groups) if low is None else low
        for group, low in zip(groups, lows, strict=True)
    ]


def _indices(offers: Sequence[Offer], allowed: str | None) -> tuple[int, ...]:
    """Return which offers may be made where goods of this restricted category are allowed."""
    return tuple(
        index for index, offer in enumerate(offers) if offer.restricted_category in (None, allowed)
    )
