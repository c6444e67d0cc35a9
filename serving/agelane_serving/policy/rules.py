"""What a policy file says, once it has been checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agelane_serving.policy.age_groups import AgeGroup
from agelane_serving.policy.certificate import Certificate


class PolicyError(ValueError):
    """A policy file that can't be used; the message names the key."""


class UnknownCategory(LookupError):
    """The policy has no rule for this category of goods."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """How much a certificate must promise to count."""

    max_false_clear_rate: float = 0.01
    """Largest share of under-age customers that may be waved through, between 0 and 1."""
    min_confidence: float = 0.95
    """Smallest probability with which that must have been shown, between 0 and 1."""

    def met_by(self, certificate: Certificate) -> bool:
        """Tell whether a certificate promises enough."""
        return (
            certificate.max_false_clear_rate <= self.max_false_clear_rate
            and certificate.confidence >= self.min_confidence
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may buy one category of goods."""

    legal_age_years: int
    """Customers younger than this may not, 1 … 100."""
    local_threshold: float | None = None
    """Highest P(age < legal age) to wave through, 0 … 1, where it is stricter than the certified
    one; None leaves it to the certificate."""
    allow_refuse: bool = False
    """Whether a customer who is clearly under age is refused without a look at a document."""
    requirement: Requirement = Requirement()
    """What a certificate must promise."""

    def certified_threshold(self, certificates: Sequence[Certificate]) -> float | None:
        """Return the strictest certified threshold for this legal age; None if there is none."""
        thresholds = [
            certificate.threshold
            for certificate in certificates
            if certificate.legal_age_years == self.legal_age_years
            and self.requirement.met_by(certificate)
        ]
        return min(thresholds, default=None)


Rules = Mapping[str, Rule]
"""The rule for each restricted category; "alcohol" is always among them."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules of one policy file."""

    version: str
    """First 16 hexadecimal digits of the SHA-256 of the file's normalised content."""
    jurisdictions: Mapping[str, Rules]
    """The rules of each jurisdiction."""
    jurisdiction: str
    """Where stores lie that `stores` does not name."""
    stores: Mapping[str, str]
    """The jurisdiction of each store that is named."""
    age_groups: tuple[AgeGroup, ...]
    """From the youngest to the oldest; they cover 0 to 100 without overlap."""
    valid_seconds: int
    """How long a decision may be acted upon."""
    audit_share: float
    """Share of ALLOWs that a random audit turns into VERIFY_ID, 0 … 0.2."""

    def rule(self, store_id: str, restricted_category: str) -> Rule:
        """Return the rule for a category of goods in a store; one that is not told is "".

        Raises:
            UnknownCategory: there is none.
        """
        rules = self.jurisdictions[self.stores.get(store_id, self.jurisdiction)]
        try:
            return rules[restricted_category]
        except KeyError:
            raise UnknownCategory(restricted_category) from None
