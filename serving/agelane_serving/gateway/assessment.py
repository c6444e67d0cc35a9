"""What goes into the use case and what comes out. Knows no transport."""

from __future__ import annotations

from dataclasses import dataclass

from agelane_serving.gateway.photo.header import PhotoHeader
from agelane_serving.gateway.photo.upright import UprightPhoto
from agelane_serving.policy import AgeDistribution, AgeGroup, Card, Faces, Selection, Verdict


@dataclass(frozen=True, slots=True)
class Customer:
    """Who stands at which lane, as the till told and the gateway checked it."""

    store_id: str
    """The store; empty: not told."""
    lane_id: str
    """The lane; empty: not told."""
    request_id: str
    """Name of the call; never empty."""
    restricted_category: str
    """What is about to be sold; never empty."""

    @property
    def lane(self) -> str:
        """One name for the lane of the store, for turns, limits and trials."""
        return f"{self.store_id}/{self.lane_id}"


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
    age_group_shares: tuple[float, ...]
    """Those of all groups, the youngest first."""
    probability_under_legal_age: float
    """P(age < legal age), 0 … 1."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the till is told."""

    id: str
    """Unique name of this assessment."""
    customer: Customer
    """Who was assessed."""
    legal_age_years: int
    """The legal age that applies to it."""
    verdict: Verdict
    """What the cashier may do, and why."""
    estimate: Estimate | None
    """How old the customer is; None: nobody could tell."""
    selection: Selection
    """What to offer."""
    photo: PhotoHeader | None
    """What the header of the photo says, of several the best; None: there was none yet."""
    faces: Faces | None
    """What was found on that photo; None: no model answered that looks for faces."""
    frames_used: int
    """How many photos the estimate is made of, 0 without one."""
    is_settled: bool
    """Whether more photos would hardly change the verdict."""
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
    photo: UprightPhoto
    """What it was asked about."""
    on_trial: bool = False
    """Whether the version is on trial."""
