"""Find how small P(under age) must be before alcohol may be sold without a document.

The threshold carries a finite-sample promise: over all sets of photos that could have been drawn
like the one it was found on, in at least ``confidence`` of them at most ``max_false_clear_rate`` of
the under-age customers would be waved through. It is the exact binomial test of Learn-then-Test
(Angelopoulos et al., arXiv 2110.01052), which for one monotone threshold is the order-statistic
bound of Clopper and Pearson (1934).

The same is asked of several groups: all who are under age, those just below the legal age, and each
sex and ethnicity that is labelled. The strictest of their thresholds is the certificate's, and then
the promises to all of them hold together with ``confidence``, uncorrected for their number: a
broken promise means that the shared threshold lies above what the hardest group bears; then so does
that group's own threshold, and for this one group that happens in at most 1 - ``confidence`` of all
sets. Which groups take part follows from the labels alone, never from the scores.

The promise holds for customers like those photos, and only if neither the network nor its
calibration has seen them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agelane_trainer.certificate.binomial import certifiable_errors, photos_needed, rate_upper_bound
from agelane_trainer.data.groups import Groups

MARGIN = 0.01
"""The threshold is lowered by this share of itself: a server's arithmetic rounds differently."""
SCORE = "probability_under_legal_age"
"""What the threshold is compared with."""

Scores = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Terms:
    """What is promised, and to whom."""

    max_false_clear_rate: float = 0.01
    """Largest share of all under-age customers, and of each labelled group of them, in (0, 1)."""
    max_near_age_rate: float = 0.02
    """Largest share of the customers just below the legal age, in (0, 1)."""
    near_age_years: int = 4
    """How many years lie just below it: 14 to 17 for 18."""
    confidence: float = 0.95
    """Probability with which the promises hold, in (0, 1)."""
    near_age_required: bool = False
    """Whether nothing is certified where there are too few photos of people just below it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The promise to one group, at the loosest threshold that keeps it."""

    group: str
    """Who: ``under 18``, ``of 14 to 17``, ``under 18, sex female``."""
    threshold: float
    """Highest P(under age) that may be waved through for this group's sake."""
    max_false_clear_rate: float
    """Largest share of the group that may be."""
    minors: int
    """Photos of the group that it was shown on."""
    false_clears: int
    """How many of them this threshold waves through."""
    rate_upper_bound: float
    """Clopper and Pearson's bound for as many errors as so many photos may contain."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A threshold and its promise."""

    legal_age_years: int
    """Customers younger than this must not be waved through."""
    threshold: float
    """ALLOW needs P(age < legal age) at or below this: the strictest of ``requirements``."""
    max_false_clear_rate: float
    """Largest share of under-age customers that may get ALLOW."""
    confidence: float
    """Probability with which the promise holds."""
    minors: int
    """Under-age photos it was found on."""
    false_clears: int
    """How many of them the threshold waves through."""
    requirements: tuple[Shown, ...]
    """What was shown, group by group; the first is all who are under age."""
    score: str = SCORE
    """What the threshold is compared with."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the photos show for one legal age."""

    certificate: Certificate | None
    """Unset: nothing may be waved through."""
    near_age: Shown | None
    """What was shown for those just below the legal age, if it could be."""
    missing: tuple[str, ...]
    """What could not be shown, in words, and how many more photos of which ages would do."""


class NotCertifiableError(ValueError):
    """No threshold can carry the promise; the message says why."""


class TooFewPhotosError(NotCertifiableError):
    """More photos would do; the message says how many."""


def certify(
    probabilities: Scores,
    ages: npt.NDArray[np.integer],
    legal_age_years: int,
    groups: Groups | None = None,
    terms: Terms | None = None,
) -> Verdict:
    """Return the loosest threshold that keeps every promise, and what could not be promised.

    A labelled group with too few photos is named in ``missing`` and decides nothing. A group with
    enough photos whose promise no threshold keeps prevents the certificate.

    Args:
        probabilities: calibrated P(age = a), [N, 101].
        ages: true ages [N].
        legal_age_years: 1 to 100.
        groups: labelled groups of the same photos.
        terms: what is promised; unset means the defaults.
    """
    terms = terms or Terms()
    scores = under_age_probability(probabilities, legal_age_years)
    minor = ages < legal_age_years
    missing: list[str] = []
    try:
        everyone = show(
            f"under {legal_age_years}", scores[minor], terms.max_false_clear_rate, terms
        )
        near_age = _show_near_age(scores, ages, legal_age_years, terms, missing)
        of_groups = _show_groups(scores, minor, everyone.group, groups or {}, terms, missing)
    except NotCertifiableError as error:
        return Verdict(None, None, (*missing, str(error)))
    shown = (everyone, *([near_age] if near_age else []), *of_groups)
    threshold = min(promise.threshold for promise in shown)
    certificate = Certificate(
        legal_age_years,
        threshold,
        terms.max_false_clear_rate,
        terms.confidence,
        minors=everyone.minors,
        false_clears=int((scores[minor] <= threshold).sum()),
        requirements=shown,
    )
    return Verdict(certificate, near_age, tuple(missing))


def show(group: str, scores: Scores, max_rate: float, terms: Terms) -> Shown:
    """Return the loosest threshold on the scores [N] of one group's minors that keeps ``max_rate``.

    Raises:
        TooFewPhotosError: even without an error among them they show too little.
        NotCertifiableError: too many of them look adult beyond doubt.
    """
    allowed = certifiable_errors(len(scores), max_rate, terms.confidence)
    if allowed < 0:
        needed = photos_needed(0, max_rate, terms.confidence)
        raise TooFewPhotosError(
            f"{len(scores)} photos of people {group} can't certify a false-clear rate of "
            f"{max_rate:.1%} at {terms.confidence:.0%} confidence: at least {needed} are needed, "
            f"{needed - len(scores)} more ({photos_needed(1, max_rate, terms.confidence)} in all "
            "if one of them may be a false clear); so many can at best show "
            f"{rate_upper_bound(0, len(scores), terms.confidence):.1%}"
        )
    # Every threshold below the next-smallest score keeps the promise; take almost the largest.
    threshold = float(np.sort(scores)[allowed]) * (1 - MARGIN)
    false_clears = int((scores <= threshold).sum())
    if false_clears > allowed:
        raise NotCertifiableError(
            f"more than {allowed} of {len(scores)} people {group} "
            "are taken for adults beyond doubt, so no threshold is strict enough"
        )
    bound = rate_upper_bound(allowed, len(scores), terms.confidence)
    return Shown(group, threshold, max_rate, len(scores), false_clears, round(bound, 5))


def under_age_probability(probabilities: Scores, legal_age_years: int) -> Scores:
    """Return P(age < legal age) [N] from P(age = a) [N, 101]."""
    return np.asarray(probabilities[:, :legal_age_years].sum(axis=1))


def _show_near_age(
    scores: Scores,
    ages: npt.NDArray[np.integer],
    legal_age_years: int,
    terms: Terms,
    missing: list[str],
) -> Shown | None:
    youngest = max(0, legal_age_years - terms.near_age_years)
    near = (ages >= youngest) & (ages < legal_age_years)
    group = f"of {youngest} to {legal_age_years - 1}"
    try:
        return show(group, scores[near], terms.max_near_age_rate, terms)
    except TooFewPhotosError as error:
        if terms.near_age_required:
            raise
        missing.append(str(error))
        return None


def _show_groups(
    scores: Scores,
    minor: npt.NDArray[np.bool_],
    everyone: str,
    groups: Groups,
    terms: Terms,
    missing: list[str],
) -> list[Shown]:
    """Show the promise for each labelled group that is large enough; name the others together."""
    needed = photos_needed(0, terms.max_false_clear_rate, terms.confidence)
    sizes = {name: int((minor & members).sum()) for name, members in groups.items()}
    small = [
        f"{name} {size} ({rate_upper_bound(0, size, terms.confidence):.1%})"
        for name, size in sizes.items()
        if size < needed
    ]
    if small:
        missing.append(
            f"too few photos of people {everyone} to certify these groups by themselves, which "
            f"takes {needed} each (and what they can at best show): {', '.join(small)}"
        )
    return [
        show(f"{everyone}, {name}", scores[minor & members], terms.max_false_clear_rate, terms)
        for name, members in groups.items()
        if sizes[name] >= needed
    ]
