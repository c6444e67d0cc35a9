"""What a model card says in numbers, from measured photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from agelane_trainer.certificate.certificate import Certificate, Verdict, under_age_probability
from agelane_trainer.evaluation import metrics, till
from agelane_trainer.evaluation.sample import Mask, Sample

REPORTED_LEGAL_AGE = 18
"""The legal age that rates without an age in their name belong to (years)."""

Certificates = Mapping[int, Certificate | None]


def measure(sample: Sample, certificates: Certificates) -> dict[str, Any]:
    """Return the ``metrics`` of a model card; a legal age without certificate clears nobody."""
    ages, probabilities = sample.ages, sample.probabilities
    thresholds = {age: made.threshold if made else None for age, made in certificates.items()}
    low, high = metrics.mean_interval(np.abs(sample.estimates - ages))
    under_18 = under_age_probability(probabilities, REPORTED_LEGAL_AGE)
    table = metrics.reliability(under_18, ages < REPORTED_LEGAL_AGE)
    return {
        **_summary(sample, np.ones(len(ages), bool)),
        "mae_95_low_years": low,
        "mae_95_high_years": high,
        "nll": metrics.negative_log_likelihood(ages, probabilities),
        "crps_years": metrics.crps_years(ages, probabilities),
        "median_predictor_mae_years": metrics.median_error(ages),
        "good_face_rate": round(float(sample.good_face.mean()), 4),
        "ece_under_18": metrics.calibration_error(table),
        **_till_figures(sample, thresholds, certificates[REPORTED_LEGAL_AGE]),
        "reliability_under_18": table,
        "bands": {name: _summary(sample, inside) for name, inside in metrics.bands(ages).items()},
        "groups": {
            name: _summary(sample, inside)
            | till.till_rates(
                sample.only(inside), REPORTED_LEGAL_AGE, thresholds[REPORTED_LEGAL_AGE]
            )
            for name, inside in sample.groups.items()
        },
    }


def gap(sample: Sample, learnt: Sample) -> dict[str, float]:
    """Compare with photos that were learnt from, both unvaried: the difference is overfitting."""
    seen, unseen = (metrics.age_errors(s.ages, s.estimates).mae_years for s in (learnt, sample))
    return {"train_mae_years": seen, "train_gap_years": round(unseen - seen, 3)}


def estimated_age_shares(sample: Sample) -> list[float]:
    """Return which share of good faces is taken for 0 to 9 years, 10 to 19, … 90 to 100 [10].

    A gateway compares its customers with them: where they differ much, the certificate is of other
    people.
    """
    decades = np.minimum(sample.estimates[sample.good_face] // 10, 9).astype(int)
    counts = np.bincount(decades, minlength=10)
    return [round(float(share), 5) for share in counts / max(1, counts.sum())]


def main_figures(card: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of a model card that claims are checked against, one key each."""
    measured = card["metrics"]
    figures = {name: value for name, value in measured.items() if isinstance(value, int | float)}
    for name, errors in [*measured["bands"].items(), *measured.get("groups", {}).items()]:
        key = name.replace(" ", "_")
        figures[f"mae_{key}_years"] = errors["mae_years"]
        figures[f"bias_{key}_years"] = errors["bias_years"]
        if "coverage_90" in errors:
            figures[f"coverage_90_{key}"] = errors["coverage_90"]
    if teenagers := measured["bands"].get("14_to_20"):
        figures["mae_14_20_years"] = teenagers["mae_years"]
        figures["bias_14_20_years"] = teenagers["bias_years"]
    for kind in card.get("stress", []):
        figures[f"mae_stressed_by_{kind['name'].replace(' ', '_')}_years"] = kind["mae_years"]
    for name in ("mae_years", "id_check_rate_25_plus", "false_clear_rate"):
        for labels in ("raw", "audited"):
            if name in (beside := card.get(labels, {}).get("metrics", {})):
                figures[f"{labels}_{name}"] = beside[name]
    return figures


def certificate_entries(verdicts: Mapping[int, Verdict]) -> dict[str, list[Any]]:
    """Return the part of a model card that says what each legal age's photos show."""
    return {
        "certificates": [asdict(v.certificate) for v in verdicts.values() if v.certificate],
        "near_age_certificates": [
            {"legal_age_years": age, **asdict(v.near_age)}
            for age, v in verdicts.items()
            if v.near_age
        ],
        # What holds for every legal age is said once.
        "not_certified": list(dict.fromkeys(text for v in verdicts.values() for text in v.missing)),
    }


def _summary(sample: Sample, inside: Mask) -> dict[str, Any]:
    """Return errors of the estimates and coverages of the intervals, of the photos ``inside``."""
    ages, probabilities = sample.ages[inside], sample.probabilities[inside]
    return {
        **asdict(metrics.age_errors(ages, sample.estimates[inside])),
        **metrics.coverages(ages, probabilities),
    }


def _till_figures(
    sample: Sample, thresholds: Mapping[int, float | None], reported: Certificate | None
) -> dict[str, float]:
    """Return the rates of the reported legal age, and the ID-check rates of each."""
    legal_age = REPORTED_LEGAL_AGE
    figures = till.till_rates(sample, legal_age, thresholds[legal_age])
    rows = [(f"at_{age}", age, threshold) for age, threshold in thresholds.items()]
    if reported:
        figures["false_clear_rate_cross_validated"] = till.cross_validated_false_clears(
            sample, legal_age
        )
        # What the stricter promises to some groups cost is the difference to this.
        rows.append(("all_under_18_alone", legal_age, reported.requirements[0].threshold))
    for suffix, age, threshold in rows:
        rates = till.till_rates(sample, age, threshold)
        if "id_check_rate_25_plus" in rates:
            figures[f"id_check_rate_25_plus_{suffix}"] = rates["id_check_rate_25_plus"]
    return figures
