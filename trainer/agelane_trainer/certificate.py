"""Find how small P(under age) must be before alcohol may be sold without a document.

The threshold carries a finite-sample promise: over all sets of photos that could have been drawn
like the one it was found on, in at least ``confidence`` of them at most ``max_false_clear_rate`` of
the under-age customers would be waved through. It is the exact binomial test of Learn-then-Test
(Angelopoulos et al., arXiv 2110.01052), which for one monotone threshold is the order-statistic
bound of Clopper and Pearson (1934).

The promise holds for customers like those photos, and only if neither the network nor its
calibration has seen them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

MARGIN = 0.01
"""The threshold is lowered by this share of itself: a server's arithmetic rounds differently."""
SCORE = "probability_under_legal_age"
"""What the threshold is compared with."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A threshold and its promise."""

    legal_age_years: int
    """Customers younger than this must not be waved through."""
    threshold: float
    """ALLOW needs P(age < legal age) at or below this."""
    max_false_clear_rate: float
    """Largest share of under-age customers that may get ALLOW."""
    confidence: float
    """Probability with which the promise holds."""
    minors: int
    """Under-age photos it was found on."""
    false_clears: int
    """How many of them the threshold waves through."""
    score: str = SCORE
    """What the threshold is compared with."""


class NotCertifiableError(ValueError):
    """No threshold can carry the promise; the message says why, and what would help."""


def certify(
    probabilities: npt.NDArray[np.floating],
    ages: npt.NDArray[np.integer],
    legal_age_years: int,
    max_false_clear_rate: float = 0.01,
    confidence: float = 0.95,
) -> Certificate:
    """Return the loosest threshold that keeps the promise.

    Args:
        probabilities: calibrated P(age = a), [N, 101].
        ages: true ages [N].
        legal_age_years: 1 to 100.
        max_false_clear_rate: in (0, 1).
        confidence: in (0, 1).

    Raises:
        NotCertifiableError: too few under-age photos, or too many that look adult beyond doubt.
    """
    scores = under_age_probability(probabilities, legal_age_years)[ages < legal_age_years]
    allowed = certifiable_errors(len(scores), max_false_clear_rate, confidence)
    if allowed < 0:
        needed = math.ceil(math.log(1 - confidence) / math.log(1 - max_false_clear_rate))
        raise NotCertifiableError(
            f"{len(scores)} photos of people under {legal_age_years} can't certify a false-clear "
            f"rate of {max_false_clear_rate:.1%} at {confidence:.0%} confidence: "
            f"at least {needed} are needed"
        )
    # Every threshold below the next-smallest score keeps the promise; take almost the largest.
    threshold = float(np.sort(scores)[allowed]) * (1 - MARGIN)
    if (scores <= threshold).sum() > allowed:
        raise NotCertifiableError(
            f"more than {allowed} of {len(scores)} people under {legal_age_years} "
            "are taken for adults beyond doubt, so no threshold is strict enough"
        )
    return Certificate(
        legal_age_years,
        threshold,
        max_false_clear_rate,
        confidence,
        minors=len(scores),
        false_clears=int((scores <= threshold).sum()),
    )


def certifiable_errors(minors: int, max_rate: float, confidence: float) -> int:
    """Return how many of ``minors`` may be waved through for the promise to hold; -1 if none."""
    tail = binom.cdf(np.arange(minors), minors, max_rate)
    return int(np.searchsorted(tail, 1 - confidence, side="right")) - 1


def under_age_probability(
    probabilities: npt.NDArray[np.floating], legal_age_years: int
) -> npt.NDArray[np.floating]:
    """Return P(age < legal age) [N] from P(age = a) [N, 101]."""
    return np.asarray(probabilities[:, :legal_age_years].sum(axis=1))
