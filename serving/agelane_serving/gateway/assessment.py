"""The use case: a photo comes in, an assessment goes out. Knows no transport."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass
from typing import Protocol

from agelane_serving.gateway.deadline import Deadline
from agelane_serving.gateway.errors import CallError, Fault, ModelUnavailable, PhotoUnusable
from agelane_serving.gateway.photo import PhotoHeader, check_photo
from agelane_serving.gateway.upright import UprightPhoto
from agelane_serving.policy import (
    AgeDistribution,
    AgeGroup,
    Card,
    Faces,
    Policy,
    Reason,
    Rule,
    UnknownCategory,
    Verdict,
    decide,
    most_probable,
    verify_id,
)

INTERVAL_COVERAGE = 0.90
"""Share of the probability within the interval that callers get."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Customer:
    """One photo of one customer, as the till sent it; its fields but the photo are checked."""

    photo: bytes
    """The encoded photo, not yet looked at."""
    store_id: str
    """The store; empty: not told."""
    lane_id: str
    """The lane; empty: not told."""
    request_id: str
    """Name of the call; never empty."""
    restricted_category: str
    """What is about to be sold; never empty."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How old the customer is."""

    age_years: float
    """Median of the distribution, 0 … 100."""
    low_years: float
    """Lower end of the central 90 % interval."""
    high_years: float
    """Upper end of it."""
    age_group: AgeGroup
    """The most probable age group."""
    age_group_probability: float
    """Its probability, 0 … 1."""
    probability_under_legal_age: float
    """P(age < legal age), 0 … 1."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the till is told."""

    id: str
    """Unique name of this assessment."""
    request_id: str
    """Name of the call."""
    restricted_category: str
    """What was asked about."""
    legal_age_years: int
    """The legal age that applies to it."""
    verdict: Verdict
    """What the cashier may do, and why."""
    estimate: Estimate | None
    """How old the customer is; None: nobody could tell."""
    photo: PhotoHeader
    """What the photo's header says."""
    faces: Faces | None
    """What was found on the photo; None: no model answered that looks for faces."""
    model_name: str
    """The model that was asked."""
    model_version: int | None
    """The version that answered; None: none did."""
    policy_version: str
    """The policy that decided."""
    assessed_at: float
    """When, in seconds since 1970."""
    expires_at: float
    """Until when the decision may be acted upon, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What the model said about one photo."""

    version: int
    """Version that answered, 1 or greater."""
    distribution: AgeDistribution | None
    """How old the customer is; None: the model could not decode the photo."""
    faces: Faces | None
    """What it found; None: it could not decode the photo, or does not look for faces."""
    card: Card
    """Of that very version; empty when it could not be read."""


class Model(Protocol):
    """What estimates ages."""

    model_name: str

    async def predict(self, photo: UprightPhoto, deadline: Deadline) -> ModelAnswer:
        """Answer about one photo, or raise ModelUnavailable."""


class Turner(Protocol):
    """What turns photos upright."""

    async def turn(self, photo: bytes, header: PhotoHeader, deadline: Deadline) -> UprightPhoto:
        """Return the upright photo, or raise PhotoUnusable or ModelUnavailable."""


class Assessor:
    """Assesses customers with one model under one policy."""

    def __init__(self, policy: Policy, model: Model, turner: Turner) -> None:
        """All three are used as long as the assessor is."""
        self._policy = policy
        self._model = model
        self._turner = turner

    async def assess(self, customer: Customer, deadline: Deadline) -> Assessment:
        """Return the assessment of one customer, by the deadline.

        Whatever is wrong with the model makes the decision VERIFY_ID and not an error.

        Raises:
            CallError: the photo or the category can't be used.
        """
        rule = self._rule(customer.restricted_category)
        header = check_photo(customer.photo)
        answer: ModelAnswer | None = None
        try:
            answer = await self._ask(customer.photo, header, deadline)
            verdict = _verdict(rule, answer)
        except PhotoUnusable as error:
            _logger.warning("photo unusable: %s", error)
            verdict = verify_id(Reason.PHOTO_UNUSABLE)
        except ModelUnavailable as error:
            _logger.warning("model unavailable: %s", error)
            verdict = verify_id(Reason.MODEL_UNAVAILABLE)
        now = time.time()
        return Assessment(
            id=uuid.uuid4().hex,
            request_id=customer.request_id,
            restricted_category=customer.restricted_category,
            legal_age_years=rule.legal_age_years,
            verdict=verdict,
            estimate=self._estimate(rule, answer),
            photo=header,
            faces=None if answer is None else answer.faces,
            model_name=self._model.model_name,
            model_version=None if answer is None else answer.version,
            policy_version=self._policy.version,
            assessed_at=now,
            expires_at=now + self._policy.valid_seconds,
        )

    def _rule(self, restricted_category: str) -> Rule:
        try:
            return self._policy.rule(restricted_category)
        except UnknownCategory as error:
            raise CallError(
                Fault.UNKNOWN_RESTRICTED_CATEGORY,
                "the policy has no such category",
                field="restricted_category",
            ) from error

    async def _ask(self, photo: bytes, header: PhotoHeader, deadline: Deadline) -> ModelAnswer:
        upright = await self._turner.turn(photo, header, deadline)
        return await self._model.predict(upright, deadline)

    def _estimate(self, rule: Rule, answer: ModelAnswer | None) -> Estimate | None:
        """Return how old the customer is; None without an answer, or a face to have an age."""
        if answer is None or answer.distribution is None or _shows_nobody(answer):
            return None
        distribution = answer.distribution
        low, high = distribution.interval_years(INTERVAL_COVERAGE)
        group, group_probability = most_probable(self._policy.age_groups, distribution)
        return Estimate(
            age_years=distribution.median_years(),
            low_years=low,
            high_years=high,
            age_group=group,
            age_group_probability=group_probability,
            probability_under_legal_age=distribution.probability_under(rule.legal_age_years),
        )


def _verdict(rule: Rule, answer: ModelAnswer) -> Verdict:
    if answer.distribution is None:
        return verify_id(Reason.PHOTO_UNUSABLE)
    return decide(rule, answer.card, answer.distribution, answer.faces)


def _shows_nobody(answer: ModelAnswer) -> bool:
    return answer.faces is not None and answer.faces.count == 0
