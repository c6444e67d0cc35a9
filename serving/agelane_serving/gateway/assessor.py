"""The use case: photos of a customer come in, assessments go out. Knows no transport."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

from agelane_serving.gateway import unforeseeable
from agelane_serving.gateway.assessment import Assessment, Customer, Estimate, ModelAnswer
from agelane_serving.gateway.deadline import Deadline
from agelane_serving.gateway.errors import CallError, Fault, ModelUnavailable, PhotoUnusable
from agelane_serving.gateway.photo.header import PhotoHeader, check_photo
from agelane_serving.policy import (
    MOST_FRAMES,
    NO_OFFERS,
    Card,
    Decision,
    Frame,
    FusedCustomer,
    Offerer,
    Policy,
    Reason,
    Rule,
    Selection,
    UnknownCategory,
    Verdict,
    audited,
    fuse_customer,
    group_shares,
    verify_id,
)

INTERVAL_COVERAGE = 0.90
"""Share of the probability within the interval that callers get."""
_logger = logging.getLogger(__name__)
_MOST_KEPT = 2 * MOST_FRAMES  # of a customer who stands there for long


class Model(Protocol):
    """What estimates ages."""

    model_name: str

    async def predict(
        self, photo: bytes, header: PhotoHeader, lane: str, deadline: Deadline
    ) -> ModelAnswer:
        """Answer about one photo of a lane.

        Raises PhotoUnusable, ModelUnavailable, or CallError if there are too many calls.
        """

    def shadow(
        self, answer: ModelAnswer, deadline: Deadline, decide: Callable[[ModelAnswer], Decision]
    ) -> None:
        """Find out, for a share of answers and to no effect, what a version on trial would say."""


class Assessor:
    """Assesses customers with one model, under the policy of the moment."""

    def __init__(
        self,
        policy: Callable[[], Policy],
        model: Model,
        offerer: Callable[[Policy], Offerer | None],
    ) -> None:
        """All are used as long as the assessor is; `offerer` gives what chooses offers."""
        self._policy, self._model, self._offerer = policy, model, offerer

    def welcome(self, customer: Customer) -> Visit:
        """Begin with a customer.

        Raises:
            CallError: the policy does not know what is about to be sold.
        """
        return Visit(customer, self._policy, self._model, self._offerer)


class Visit:
    """One customer at a lane: the photos so far, and what they say together.

    Policy, audit, offers and hold-out are the same for all photos of a customer. A visit that lasts
    longer than a decision is valid begins anew in every respect: nobody stands there for so long,
    and a lane that never says that a customer has gone must not keep an old policy or a lucky draw.
    """

    def __init__(
        self,
        customer: Customer,
        policy: Callable[[], Policy],
        model: Model,
        offerer: Callable[[Policy], Offerer | None],
    ) -> None:
        """Nothing has been seen yet; raises CallError as `Assessor.welcome` does."""
        self.customer = customer
        self._policy_of_the_moment, self._model, self._offerer_under = policy, model, offerer
        self._begin()

    def _begin(self) -> None:
        self._policy = self._policy_of_the_moment()
        self._rule = _rule(self._policy, self.customer)
        self._offerer = self._offerer_under(self._policy)
        # Once a customer: or each further photo would be another chance to escape the audit.
        self._audit_draw, self._hold_out_draw = unforeseeable.draw(), unforeseeable.draw()
        self._frames: list[tuple[Frame, PhotoHeader]] = []
        self._fused: FusedCustomer | None = None
        self._trouble = Reason.PHOTO_UNUSABLE
        self._header: PhotoHeader | None = None
        self._version: int | None = None
        self._began = self._learnt = time.time()

    async def look(self, photo: bytes, deadline: Deadline) -> Assessment:
        """Return the assessment from this photo and those before, by the deadline.

        Whatever is wrong with the model makes the decision VERIFY_ID and not an error. Once more
        photos would change nothing, they are not looked at.

        Raises:
            CallError: the photo can't be used, or there are more calls than can be answered.
        """
        self._begin_anew_if_old()
        if self.is_settled:
            return self.assessment()
        header = check_photo(photo)
        if self._header is None:
            self._header = header
        try:
            answer = await self._model.predict(photo, header, self.customer.lane, deadline)
            self._learn(answer, header)
        except PhotoUnusable as error:
            _logger.warning("photo unusable: %s", error)
            self._trouble = Reason.PHOTO_UNUSABLE
        except ModelUnavailable as error:
            _logger.warning("model unavailable: %s", error)
            self._trouble = Reason.MODEL_UNAVAILABLE
        else:
            self._model.shadow(answer, deadline, self._decision)
        return self.assessment()

    @property
    def is_settled(self) -> bool:
        """Whether more photos would hardly change the verdict."""
        return self._fused is not None and self._fused.is_settled and not self._is_old()

    def assessment(self) -> Assessment:
        """Return the assessment from all photos so far; VERIFY_ID while none could be used."""
        self._begin_anew_if_old()
        fused = self._fused
        estimate = None if fused is None else self._estimate(fused)
        verdict = audited(self._verdict(), self._policy.audit_share, self._audit_draw)
        return Assessment(
            id=unforeseeable.name(),
            customer=self.customer,
            legal_age_years=self._rule.legal_age_years,
            verdict=verdict,
            estimate=estimate,
            selection=self._selection(estimate, verdict),
            photo=self._best_header(),
            faces=None if fused is None else fused.best.faces,
            frames_used=0 if fused is None or estimate is None else fused.frames_used,
            is_settled=self.is_settled,
            model_name=self._model.model_name,
            model_version=self._version,
            policy_version=self._policy.version,
            assessed_at=self._learnt,
            expires_at=self._learnt + self._policy.valid_seconds,
        )

    def _begin_anew_if_old(self) -> None:
        if self._is_old():
            self._begin()
        if self._fused is None:
            self._learnt = time.time()

    def _is_old(self) -> bool:
        return not 0 <= time.time() - self._began <= self._policy.valid_seconds

    def _learn(self, answer: ModelAnswer, header: PhotoHeader) -> None:
        if answer.version != self._version:
            # Another version has another certificate: its answers are not mixed with those before.
            self._frames.clear()
            self._fused, self._version = None, answer.version
        if answer.distribution is None:
            raise PhotoUnusable(f"version {answer.version} can't decode it")
        self._frames.append((Frame(answer.distribution, answer.faces), header))
        self._keep_the_best(answer.card)
        self._fused = fuse_customer(self._rule, answer.card, [frame for frame, _ in self._frames])
        self._learnt = time.time()

    def _keep_the_best(self, card: Card) -> None:
        """Forget the worst of many frames, those that the card's gates don't let pass first."""

        def rank(seen: tuple[Frame, PhotoHeader]) -> tuple[bool, float]:
            return seen[0].passes(card), seen[0].quality

        if len(self._frames) > _MOST_KEPT:
            self._frames.remove(min(self._frames, key=rank))

    def _verdict(self) -> Verdict:
        return verify_id(self._trouble) if self._fused is None else self._fused.verdict

    def _decision(self, answer: ModelAnswer) -> Decision:
        """Return what an answer alone would lead to, to compare two versions by."""
        if answer.distribution is None:
            return Decision.VERIFY_ID
        frame = Frame(answer.distribution, answer.faces)
        return fuse_customer(self._rule, answer.card, [frame]).verdict.decision

    def _estimate(self, fused: FusedCustomer) -> Estimate | None:
        """Return how old the customer is; None without a face to have an age."""
        if fused.best.faces is not None and fused.best.faces.count == 0:
            return None
        distribution, tail = fused.distribution, (1 - INTERVAL_COVERAGE) / 2
        low, median, high = distribution.quantiles_years(tail, 0.5, 1 - tail)
        shares = group_shares(self._policy.age_groups, distribution)
        # Of equally probable groups the youngest.
        best = shares.index(max(shares))
        return Estimate(
            age_years=median,
            low_years=low,
            high_years=high,
            age_group=self._policy.age_groups[best],
            age_group_probability=shares[best],
            age_group_shares=shares,
            probability_under_legal_age=distribution.probability_under(self._rule.legal_age_years),
        )

    def _selection(self, estimate: Estimate | None, verdict: Verdict) -> Selection:
        """Return what to offer after what was decided, the audit included."""
        if estimate is None or self._offerer is None:
            return NO_OFFERS
        goods, draw = self.customer.restricted_category, self._hold_out_draw
        return self._offerer.choose(estimate.age_group_shares, verdict.decision, goods, draw)

    def _best_header(self) -> PhotoHeader | None:
        if self._fused is None:
            return self._header
        best = self._fused.best
        return next(header for frame, header in self._frames if frame is best)


def _rule(policy: Policy, customer: Customer) -> Rule:
    try:
        return policy.rule(customer.store_id, customer.restricted_category)
    except UnknownCategory as error:
        raise CallError(
            Fault.UNKNOWN_RESTRICTED_CATEGORY,
            "the policy has no such category",
            field="restricted_category",
        ) from error
