"""What a threshold means at a till: who is waved through, and who has to show a document."""

from __future__ import annotations

import numpy as np

from agelane_trainer.certificate.certificate import certify, under_age_probability
from agelane_trainer.evaluation.sample import Mask, Sample

CLEARLY_ADULT = 25
"""People of this age and over should seldom be asked for a document (years)."""
FOLDS = 10
"""Parts that the photos are cut into for the cross-validated rate."""


def till_rates(sample: Sample, legal_age_years: int, threshold: float | None) -> dict[str, float]:
    """Return ``false_clear_rate`` and ``id_check_rate_25_plus``, each where there are such people.

    Args:
        sample: photos; one whose face does not pass the gates is not waved through.
        legal_age_years: 1 to 100.
        threshold: highest P(under age) that is waved through; unset means that nobody is.
    """
    cleared = _cleared(sample, legal_age_years, threshold)
    rates = {
        "false_clear_rate": cleared[sample.ages < legal_age_years],
        "id_check_rate_25_plus": ~cleared[sample.ages >= CLEARLY_ADULT],
    }
    return {name: round(float(hits.mean()), 4) for name, hits in rates.items() if len(hits)}


def cross_validated_false_clears(sample: Sample, legal_age_years: int) -> float:
    """Return the share of under-age people that a certificate made without them waves through.

    On a certificate's own photos the rate is small by construction; here each tenth of the photos
    meets the certificate of the other nine. There must be an under-age person.
    """
    fold = np.random.default_rng(0).permutation(len(sample.ages)) % FOLDS
    cleared = np.zeros(len(fold), bool)
    for number in range(FOLDS):
        rest, left_out = sample.only(fold != number), fold == number
        made = certify(rest.probabilities, rest.ages, legal_age_years, rest.groups).certificate
        threshold = made.threshold if made else None
        cleared[left_out] = _cleared(sample.only(left_out), legal_age_years, threshold)
    return round(float(cleared[sample.ages < legal_age_years].mean()), 4)


def _cleared(sample: Sample, legal_age_years: int, threshold: float | None) -> Mask:
    if threshold is None:
        return np.zeros(len(sample.ages), bool)
    sure = under_age_probability(sample.probabilities, legal_age_years) <= threshold
    return np.asarray(sure & sample.good_face)
