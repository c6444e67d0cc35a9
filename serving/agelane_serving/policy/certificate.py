"""The certificates that a model carries in its card."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SCORE = "probability_under_legal_age"
"""The only score that is certified: P(age < legal age)."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A threshold on P(age < legal age), and what was promised for it; ValueError if impossible."""

    legal_age_years: int
    """Legal age that it was made for, 1 … 100."""
    threshold: float
    """Highest score that may be waved through, between 0 and 1."""
    max_false_clear_rate: float
    """Largest share of under-age customers that may be waved through, between 0 and 1."""
    confidence: float
    """Probability with which that was shown, between 0 and 1."""

    def __post_init__(self) -> None:
        """Refuse what can't be a certificate."""
        if type(self.legal_age_years) is not int or not 1 <= self.legal_age_years <= 100:
            raise ValueError(f"legal_age_years {self.legal_age_years!r} is not 1 to 100")
        if not (_is_number(self.threshold) and 0 < self.threshold < 1):
            raise ValueError(f"threshold {self.threshold!r} is not between 0 and 1")
        for name in ("max_false_clear_rate", "confidence"):
            value = getattr(self, name)
            if not (_is_number(value) and 0 < value < 1):
                raise ValueError(f"{name} {value!r} is not between 0 and 1")


def read_certificates(entries: Iterable[object]) -> tuple[Certificate, ...]:
    """Return the valid ones of a card's certificates; the others certify nothing."""
    certificates = map(_certificate, entries)
    return tuple(certificate for certificate in certificates if certificate is not None)


def _certificate(entry: object) -> Certificate | None:
    if not isinstance(entry, Mapping) or entry.get("score") != SCORE:
        return None
    names = ("legal_age_years", "threshold", "max_false_clear_rate", "confidence")
    try:
        return Certificate(*(entry[name] for name in names))
    except (KeyError, ValueError, OverflowError):
        return None


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
