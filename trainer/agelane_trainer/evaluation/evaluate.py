"""Measure, calibrate and certify a network; the result is its model card.

Two sets of photos that training did not learn from, each with one job: ``tune`` chose the best
epoch and now fits the calibration; ``validation`` is measured on and gives the certificate. As many
photos that were learnt from are looked at only to say how much better they fare.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tqdm import tqdm

from agelane_trainer.certificate.certificate import (
    Certificate,
    Verdict,
    certify,
    under_age_probability,
)
from agelane_trainer.data.dataset import Photo
from agelane_trainer.data.groups import Groups, labelled_groups
from agelane_trainer.data.split import Split
from agelane_trainer.evaluation import metrics, till
from agelane_trainer.evaluation.calibration import age_probabilities, fit_temperature
from agelane_trainer.network.resnet import build_model, load_weights
from agelane_trainer.training.pipeline import EVALUATION_BATCH, evaluation_batches
from agelane_trainer.training.recipe import Recipe

LEGAL_AGES = tuple(range(16, 22))
"""Legal ages that are certified (years)."""
REPORTED_LEGAL_AGE = 18
"""The legal age that rates without an age in their name belong to (years)."""
MODEL_NAME = "age"
"""Name under which the model is served."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Photos that were measured."""

    ages: npt.NDArray[np.int64]
    """True ages [N]."""
    probabilities: npt.NDArray[np.float64]
    """Calibrated P(age = a) [N, 101]."""
    groups: Groups
    """Labelled groups."""


def evaluate(weights: Path, recipe: Recipe, split: Split) -> dict[str, Any]:
    """Return the model card of ``weights``.

    Args:
        weights: ``.npz`` of the network.
        recipe: what it was trained with.
        split: photos; of ``train`` as many as of ``validation`` are looked at, for comparison.

    Raises:
        ValueError: the recipe's head is not ``distribution``.
    """
    if recipe.head != "distribution":
        raise ValueError(f"recipe {recipe.name} has no age distribution to calibrate")
    model = build_model(recipe.input_size, recipe.head)
    load_weights(model, weights)
    tune, validation = recipe.some_of(split.tune), recipe.some_of(split.validation)
    learnt = _evenly(split.train, len(validation))
    logits = predict_logits(model, [*tune, *validation, *learnt], recipe)
    of_tune, of_validation, of_learnt = np.split(logits, [len(tune), len(tune) + len(validation)])
    # Rounded before anything follows from it: it is what the card, and so the graph, will hold.
    temperature = round(fit_temperature(of_tune, _ages(tune)), 4)
    sample = _sample(validation, of_validation, temperature)
    verdicts = {age: _verdict(sample, age, recipe) for age in LEGAL_AGES}
    return {
        "schema": 1,
        "name": MODEL_NAME,
        "made": datetime.now(UTC).date().isoformat(),
        "recipe": recipe.name,
        "input_size": recipe.input_size,
        "temperature": temperature,
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "data": {
            "sha256": split.data_sha256,
            "train_photos": len(split.train),
            "tune_photos": len(tune),
            "validation_photos": len(validation),
            "left_out_photos": len(split.left_out),
        },
        "metrics": measure(sample, {age: v.certificate for age, v in verdicts.items()})
        | _gap(sample, _sample(learnt, of_learnt, temperature)),
        **certificate_entries(verdicts),
    }


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


def measure(sample: Sample, certificates: Mapping[int, Certificate | None]) -> dict[str, Any]:
    """Return the ``metrics`` of a model card; a legal age without certificate clears nobody."""
    ages, probabilities = sample.ages, sample.probabilities
    thresholds = {age: made.threshold if made else None for age, made in certificates.items()}
    estimates = metrics.expected_ages(probabilities)
    low, high = metrics.mean_interval(np.abs(estimates - ages))
    under_18 = under_age_probability(probabilities, REPORTED_LEGAL_AGE)
    table = metrics.reliability(under_18, ages < REPORTED_LEGAL_AGE)
    return {
        **metrics.summary(ages, probabilities),
        "mae_95_low_years": low,
        "mae_95_high_years": high,
        "nll": metrics.negative_log_likelihood(ages, probabilities),
        "crps_years": metrics.crps_years(ages, probabilities),
        "median_predictor_mae_years": metrics.median_error(ages),
        "ece_under_18": metrics.calibration_error(table),
        **_till_figures(sample, thresholds, certificates[REPORTED_LEGAL_AGE]),
        "reliability_under_18": table,
        "bands": {
            name: metrics.summary(ages[inside], probabilities[inside])
            for name, inside in metrics.bands(ages).items()
        },
        "groups": {
            name: metrics.summary(ages[inside], probabilities[inside])
            | till.till_rates(
                probabilities[inside],
                ages[inside],
                REPORTED_LEGAL_AGE,
                thresholds[REPORTED_LEGAL_AGE],
            )
            for name, inside in sample.groups.items()
        },
    }


def main_figures(card: dict[str, Any]) -> dict[str, float]:
    """Return the figures of a model card that claims are checked against, one key each."""
    measured = card["metrics"]
    figures = {name: value for name, value in measured.items() if isinstance(value, int | float)}
    for name, errors in [*measured["bands"].items(), *measured["groups"].items()]:
        key = name.replace(" ", "_")
        figures[f"mae_{key}_years"] = errors["mae_years"]
        figures[f"bias_{key}_years"] = errors["bias_years"]
        figures[f"coverage_90_{key}"] = errors["coverage_90"]
    if teenagers := measured["bands"].get("14_to_20"):
        figures["mae_14_20_years"] = teenagers["mae_years"]
        figures["bias_14_20_years"] = teenagers["bias_years"]
    return figures


def predict_logits(
    model: keras.Model, photos: Sequence[Photo], recipe: Recipe
) -> npt.NDArray[np.float32]:
    """Return the network's outputs [N, 101] for photos, in their order, with a progress bar."""
    predict = tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)
    batches = evaluation_batches(photos, recipe.input_size)
    total = -(-len(photos) // EVALUATION_BATCH)
    progress = tqdm(batches, total=total, desc="predicting", unit="batch", disable=None)
    return np.concatenate([predict(batch).numpy() for batch, _ in progress])


def _ages(photos: Sequence[Photo]) -> npt.NDArray[np.int64]:
    return np.array([photo.age for photo in photos])


def _sample(
    photos: Sequence[Photo], logits: npt.NDArray[np.floating], temperature: float
) -> Sample:
    return Sample(_ages(photos), age_probabilities(logits, temperature), labelled_groups(photos))


def _evenly(photos: Sequence[Photo], number: int) -> Sequence[Photo]:
    """Return at most ``number`` photos, taken evenly from all."""
    number = min(number, len(photos))
    return [photos[i * len(photos) // number] for i in range(number)]


def _verdict(sample: Sample, legal_age_years: int, recipe: Recipe) -> Verdict:
    verdict = certify(sample.probabilities, sample.ages, legal_age_years, sample.groups)
    if recipe.photo_limit is None:
        return verdict
    return Verdict(None, None, ("a run that is limited to some photos certifies nothing",))


def _till_figures(
    sample: Sample, thresholds: Mapping[int, float | None], reported: Certificate | None
) -> dict[str, float]:
    """Return the rates of the reported legal age, and the ID-check rates of each."""
    ages, probabilities, legal_age = sample.ages, sample.probabilities, REPORTED_LEGAL_AGE
    figures = till.till_rates(probabilities, ages, legal_age, thresholds[legal_age])
    rows = [(f"at_{age}", age, threshold) for age, threshold in thresholds.items()]
    if reported:
        figures["false_clear_rate_cross_validated"] = till.cross_validated_false_clears(
            probabilities, ages, legal_age, sample.groups
        )
        # What the stricter promises to some groups cost is the difference to this.
        rows.append(("all_under_18_alone", legal_age, reported.requirements[0].threshold))
    for suffix, age, threshold in rows:
        rates = till.till_rates(probabilities, ages, age, threshold)
        if "id_check_rate_25_plus" in rates:
            figures[f"id_check_rate_25_plus_{suffix}"] = rates["id_check_rate_25_plus"]
    return figures


def _gap(sample: Sample, learnt: Sample) -> dict[str, float]:
    """Compare with photos that were learnt from, both unvaried: the difference is overfitting."""
    seen, unseen = (
        metrics.age_errors(s.ages, metrics.expected_ages(s.probabilities)).mae_years
        for s in (learnt, sample)
    )
    return {"train_mae_years": seen, "train_gap_years": round(unseen - seen, 3)}
