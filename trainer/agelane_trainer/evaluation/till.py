"""What a threshold means at a till: who is waved through, and who has to show a document."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agelane_trainer.certificate.certificate import certify, under_age_probability
from agelane_trainer.data.groups import Groups

CLEARLY_ADULT = 25
"""People of this age and over should seldom be asked for a document (years)."""
FOLDS = 10
"""Parts that the photos are cut into for the cross-validated rate."""

Probabilities = npt.NDArray[np.floating]
Ages = npt.NDArray[np.integer]


def till_rates(
    probabilities: Probabilities, ages: Ages, legal_age_years: int, threshold: float | None
) -> dict[str, float]:
    """Return ``false_clear_rate`` and ``id_check_rate_25_plus``, each where there are such people.

    Args:
        probabilities: calibrated P(age = a), [N, 101].
        ages: true ages [N].
        legal_age_years: 1 to 100.
        threshold: highest P(under age) that is waved through; unset means that nobody is.
    """
    cleared = _cleared(probabilities, legal_age_years, threshold)
    rates = {
        "false_clear_rate": cleared[ages < legal_age_years],
        "id_check_rate_25_plus": ~cleared[ages >= CLEARLY_ADULT],
    }
    return {name: round(float(hits.mean()), 4) for name, hits in rates.items() if len(hits)}


def cross_validated_false_clears(
    probabilities: Probabilities, ages: Ages, legal_age_years: int, groups: Groups
) -> float:
    """Return the share of under-age people that a certificate made without them waves through.

    On a certificate's own photos the rate is small by construction; here each tenth of the photos
    meets the certificate of the other nine. There must be an under-age person.
    """
    fold = np.random.default_rng(0).permutation(len(ages)) % FOLDS
    cleared = np.zeros(len(ages), bool)
    for number in range(FOLDS):
        rest, left_out = fold != number, fold == number
        of_rest = {name: members[rest] for name, members in groups.items()}
        made = certify(probabilities[rest], ages[rest], legal_age_years, of_rest).certificate
        threshold = made.threshold if made else None
        cleared[left_out] = _cleared(probabilities[left_out], legal_age_years, threshold)
    return round(float(cleared[ages < legal_age_years].mean()), 4)


def _cleared(
    probabilities: Probabilities, legal_age_years: int, threshold: float | None
) -> npt.NDArray[np.bool_]:
    if threshold is None:
        return np.zeros(len(probabilities), bool)
    return np.asarray(under_age_probability(probabilities, legal_age_years) <= threshold)
