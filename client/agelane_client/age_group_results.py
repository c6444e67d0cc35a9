"""What `Client.age_group_report` answers: what each age group buys, and what offers brought."""

from __future__ import annotations

from dataclasses import dataclass

from agelane_client.results import AgeGroup, Estimate, Period, _Result


@dataclass(frozen=True, kw_only=True)
class CategoryLift(_Result):
    """How much more often one age group buys a category than everybody does."""

    category: str
    """Category of goods, as in the store's baskets."""
    baskets: float | None
    """Baskets of the group with such goods; a basket may count for several groups in parts. None:
    not told."""
    lift: Estimate | None
    """Rate of such baskets in the group over the rate in all, 1 is no difference; drawn towards 1
    where counts are small, with a 95 % interval. None: not told."""


@dataclass(frozen=True, kw_only=True)
class AgeGroupPurchases(_Result):
    """What one age group buys."""

    age_group: AgeGroup
    """The age group."""
    basket_share: Estimate | None
    """Its share of all baskets, 0 to 1, corrected for errors of the age estimate, with a 95 %
    interval. None: the model's card does not say how it confuses groups."""
    naive_basket_share: float | None
    """The same without the correction. None: not told."""
    categories: tuple[CategoryLift, ...]
    """Goods that it buys, the most characteristic first; those with too few purchases left out."""

    def __repr__(self) -> str:
        share = f"{self.basket_share.value:.1%}" if self.basket_share else "?"
        counts = f"{share} of baskets, {len(self.categories)} categories"
        return f"<AgeGroupPurchases {self.age_group.label}: {counts}>"


@dataclass(frozen=True, kw_only=True)
class OfferEffect(_Result):
    """Whether an offer sells."""

    offer_id: str
    """`Offer.id`."""
    category: str
    """Category of goods, as in the store's baskets."""
    offered: int
    """Customers who got the offer."""
    held_out: int
    """Customers who would have got it and did not, to compare with."""
    uplift: Estimate | None
    """Rate of baskets with such goods among those offered minus that among those held out, -1 to
    1, with a 95 % interval. None: too few of either."""


@dataclass(frozen=True, kw_only=True)
class AgeGroupReport(_Result):
    """What each age group buys, by whole days (UTC). It knows no cashier, sale or customer."""

    period: Period
    """The time that was looked at."""
    age_groups: tuple[AgeGroupPurchases, ...]
    """One a group, the youngest first."""
    offers: tuple[OfferEffect, ...]
    """What the offers brought, one an offer. Empty: none were made."""

    def __repr__(self) -> str:
        counts = f"{len(self.age_groups)} age groups, {len(self.offers)} offers"
        return f"<AgeGroupReport {self.period}: {counts}>"
