"""Certify a model on a whole folder of photos that it has never seen.

This is what a shop does with photos from its own tills. Photos that the model was made from, copies
and further photos of one person are left out first: none of them is evidence of its own. Which
photo of a person stays follows from its content, never from a score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from agelane_trainer.certificate.certificate import Terms, Verdict, certify
from agelane_trainer.data.audit import Finding, audit
from agelane_trainer.data.dataset import LabelError, Photo
from agelane_trainer.data.manifest import learnt_from
from agelane_trainer.data.split import (
    Entry,
    Fingerprint,
    fingerprint_all,
    groups_of_copies,
    sort_out_copies,
)
from agelane_trainer.evaluation.sample import Sample
from agelane_trainer.evaluation.till import till_rates

LEGAL_AGES = tuple(range(16, 22))
"""Legal ages that are certified (years)."""
LEARNT = "the model was made from it or a copy"
SAME_PERSON = "another photo of the same person"

Model = Callable[[Sequence[Photo]], Sample]
"""Measures photos."""


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What must not count as evidence."""

    manifest: Sequence[Entry] = ()
    """Of the split that the model was made from."""
    findings: Mapping[str, Finding] = field(default_factory=dict)
    """Of a label audit; the verdicts with and without it stand side by side."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a set of photos shows."""

    labels: str
    """Whose labels: ``raw`` or ``audited``."""
    ages: npt.NDArray[np.int64]
    """Of the photos it was shown on, [N]."""
    verdicts: dict[int, Verdict]
    """By legal age (years)."""
    id_check_rates: dict[int, float | None]
    """Share of people of 25 and over who are asked for a document; unset where there are none."""


@dataclass(frozen=True, slots=True)
class FolderVerdict:
    """What a folder shows."""

    terms: Terms
    """What was promised."""
    left_out: tuple[tuple[Photo, str], ...]
    """Photos that were not looked at, each with its reason."""
    struck: tuple[tuple[Photo, Finding], ...]
    """Photos that count for ``raw`` alone."""
    judged: tuple[Judged, ...]
    """With raw labels, and after the audit where it struck something out."""


def certify_folder(
    model: Model,
    photos: Sequence[Photo],
    exclusions: Exclusions | None = None,
    terms: Terms | None = None,
    legal_ages: Iterable[int] = LEGAL_AGES,
) -> FolderVerdict:
    """Certify ``model`` for each legal age on all of ``photos`` that may count.

    Raises:
        LabelError: a file isn't a readable, upright image, or no photo may count.
    """
    exclusions, terms, legal_ages = exclusions or Exclusions(), terms or Terms(), tuple(legal_ages)
    used, left_out = admissible(photos, exclusions.manifest)
    if not used:
        why = ", ".join(sorted({reason for _, reason in left_out}))
        raise LabelError(f"none of {len(photos)} photos may count as evidence: {why}")
    audited = audit(used, exclusions.findings)
    sample = model(used)
    judged = [_judge("raw", sample, terms, legal_ages)]
    if audited.struck:
        judged.append(_judge("audited", sample.only(audited.keep), terms, legal_ages))
    return FolderVerdict(terms, tuple(left_out), audited.struck, tuple(judged))


def admissible(
    photos: Sequence[Photo], manifest: Sequence[Entry]
) -> tuple[list[Photo], list[tuple[Photo, str]]]:
    """Return the photos that may count as evidence, and the others with the reason against each."""
    fingerprints = fingerprint_all([photo.path for photo in photos])
    reasons = dict.fromkeys(range(len(photos)), "")
    for group in groups_of_copies(fingerprints) if photos else ():
        reasons |= sort_out_copies(group, photos, fingerprints)
    reasons |= dict.fromkeys(np.flatnonzero(learnt_from(manifest, fingerprints)).tolist(), LEARNT)
    reasons |= dict.fromkeys(_further_photos(photos, fingerprints, reasons), SAME_PERSON)
    left_out = [(photos[i], reason) for i, reason in reasons.items() if reason]
    return [photos[i] for i, reason in reasons.items() if not reason], left_out


def _further_photos(
    photos: Sequence[Photo], fingerprints: Sequence[Fingerprint], reasons: Mapping[int, str]
) -> list[int]:
    """Return the photos of named people of whom another one stays."""
    named = [i for i, reason in reasons.items() if photos[i].person and not reason]
    named.sort(key=lambda i: fingerprints[i].sha256, reverse=True)
    stays = {photos[i].person: i for i in named}
    return [i for i in named if stays[photos[i].person] != i]


def _judge(labels: str, sample: Sample, terms: Terms, legal_ages: Iterable[int]) -> Judged:
    verdicts, rates = {}, {}
    for legal_age in legal_ages:
        verdict = certify(sample.probabilities, sample.ages, legal_age, sample.groups, terms)
        threshold = verdict.certificate.threshold if verdict.certificate else None
        verdicts[legal_age] = verdict
        rates[legal_age] = till_rates(sample, legal_age, threshold).get("id_check_rate_25_plus")
    return Judged(labels, sample.ages, verdicts, rates)
