"""What customers are offered: by file and policy of the moment, and by what baskets taught."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from agelane_serving.gateway.operations import metrics
from agelane_serving.ledger.receipt import LedgerError
from agelane_serving.ledger.sale import MadeOffer
from agelane_serving.policy import (
    AgeGroup,
    LiftLows,
    OfferBook,
    Offerer,
    Policy,
    PolicyError,
    read_lift_lows,
    read_restricted_categories,
    with_restrictions,
)

Learn = Callable[[], Awaitable[str | None]]
"""Returns what reports learnt from baskets, for `Offers.take`; None: nothing yet. Raises
LedgerError."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What a report learnt from baskets."""

    age_groups: tuple[AgeGroup, ...]
    """The age groups of the lifts."""
    lift_lows: LiftLows
    """Lower ends of lifts, by category."""
    restricted_categories: Mapping[str, str]
    """The restricted category of goods that tills sell with an age restriction, by category."""


class Offers:
    """Keeps what chooses offers up to date, so that no customer waits for it."""

    def __init__(self, book: Callable[[], OfferBook] | None, policy: Callable[[], Policy]) -> None:
        """Both give what is so at the moment; without a book nothing is offered."""
        self._book, self._policy = book, policy
        self._learnt = _Learnt((), {}, {})
        self._made_of: tuple[OfferBook, str, _Learnt] | None = None
        self._offerer: Offerer | None = None

    def under(self, policy: Policy) -> Offerer | None:
        """Return what chooses offers under a policy; None: nothing is offered.

        A book that was checked against another policy is not used: its age groups may be others,
        and goods may be restricted that it takes for free. The law goes before marketing, so such
        a policy is not refused.
        """
        if self._book is None:
            return None
        made_of = self._book(), policy.version, self._learnt
        if made_of != self._made_of:
            self._offerer = self._build(made_of[0], policy)
        self._made_of = made_of
        return self._offerer

    def made(self, ids: Sequence[str]) -> tuple[MadeOffer, ...]:
        """Return the offers of these ids, to be recorded; one that is no more is left out."""
        if self._book is None:
            return ()
        categories = {offer.id: offer.category for offer in self._book().offers}
        return tuple(MadeOffer(id_, categories[id_]) for id_ in ids if id_ in categories)

    def take(self, text: str) -> None:
        """Use what a report learnt from now on.

        Raises:
            PolicyError: it is something else, or of other age groups than the policy's; what was
                known before stays.
        """
        groups = self._policy().age_groups
        lows, restricted = read_lift_lows(text, groups), read_restricted_categories(text)
        self._learnt = _Learnt(groups, lows, restricted)

    async def follow(self, learn: Learn, seconds: float) -> None:
        """Learn now and then every so many seconds, until cancelled; without a book not at all.

        What can't be learnt is logged and counted, and what was known before stays.
        """
        while self._book is not None:
            try:
                text = await learn()
                if text is not None:
                    self.take(text)
                    metrics.LIFTS.labels("learnt").inc()
            except (LedgerError, PolicyError) as error:
                metrics.LIFTS.labels("failed").inc()
                _logger.error("offers learnt nothing new from baskets: %s", error)
            await asyncio.sleep(seconds)

    def _build(self, book: OfferBook, policy: Policy) -> Offerer | None:
        if book.policy_version != policy.version:
            _logger.warning("nothing is offered until the offers fit policy %s", policy.version)
            return None
        learnt = self._learnt
        marked = with_restrictions(book, learnt.restricted_categories)
        for offer, now in zip(book.offers, marked.offers, strict=True):
            if now is not offer:
                _logger.warning(
                    "offer %s lacks restricted_category: baskets call %s %s",
                    *(offer.id, offer.category, now.restricted_category),
                )
        fits = learnt.age_groups == policy.age_groups
        return Offerer(marked, policy.age_groups, learnt.lift_lows if fits else None)
