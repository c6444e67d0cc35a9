"""Measure, calibrate and certify a network; the result is its model card.

Two sets of photos that training did not learn from, each with one job: ``tune`` chose the best
epoch and now fits the calibration; ``validation`` is measured on and gives the certificate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tqdm import tqdm

from agelane_trainer.calibration import age_probabilities, fit_temperature
from agelane_trainer.certificate import NotCertifiableError, certify, under_age_probability
from agelane_trainer.dataset import MAX_AGE, Photo
from agelane_trainer.metrics import age_errors, coverage, errors_per_band, median_error
from agelane_trainer.model import build_model, load_weights
from agelane_trainer.pipeline import EVALUATION_BATCH, evaluation_batches
from agelane_trainer.recipe import Recipe
from agelane_trainer.split import Split

LEGAL_AGES = (16, 18, 21)
"""Legal ages that are certified (years)."""
MODEL_NAME = "age"
"""Name under which the model is served."""


def evaluate(weights: Path, recipe: Recipe, split: Split) -> dict[str, Any]:
    """Return the model card of ``weights``.

    Args:
        weights: ``.npz`` of the network.
        recipe: what it was trained with.
        split: photos; ``tune`` and ``validation`` are used.

    Raises:
        ValueError: the recipe's head is not ``distribution``.
    """
    if recipe.head != "distribution":
        raise ValueError(f"recipe {recipe.name} has no age distribution to calibrate")
    model = build_model(recipe.input_size, recipe.head)
    load_weights(model, weights)
    tune, validation = recipe.some_of(split.tune), recipe.some_of(split.validation)
    # Rounded before anything follows from it: it is what the card, and so the graph, will hold.
    temperature = round(fit_temperature(predict_logits(model, tune, recipe), _ages(tune)), 4)
    ages = _ages(validation)
    probabilities = age_probabilities(predict_logits(model, validation, recipe), temperature)
    certificates, refusals = _certificates(probabilities, ages)
    if recipe.photo_limit is not None:
        certificates, refusals = [], ["a run that is limited to some photos certifies nothing"]
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
        "metrics": _metrics(ages, probabilities, certificates),
        "certificates": certificates,
        "not_certified": refusals,
    }


def main_figures(card: dict[str, Any]) -> dict[str, float]:
    """Return the figures of a model card that claims are checked against, one key each."""
    metrics = card["metrics"]
    figures = {name: value for name, value in metrics.items() if name != "bands"}
    for band, errors in metrics["bands"].items():
        figures[f"mae_{band}_years"] = errors["mae_years"]
        figures[f"bias_{band}_years"] = errors["bias_years"]
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


def _certificates(
    probabilities: npt.NDArray[np.float64], ages: npt.NDArray[np.int64]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Certify each legal age; what can't be certified is said in words instead."""
    certificates, refusals = [], []
    for legal_age in LEGAL_AGES:
        try:
            certificates.append(asdict(certify(probabilities, ages, legal_age)))
        except NotCertifiableError as error:
            refusals.append(str(error))
    return certificates, refusals


def _metrics(
    ages: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float64],
    certificates: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    estimates = probabilities @ np.arange(MAX_AGE + 1)
    metrics: dict[str, Any] = {
        **asdict(age_errors(ages, estimates)),
        "coverage_90": coverage(ages, probabilities, 0.90),
        "median_predictor_mae_years": median_error(ages),
        "bands": errors_per_band(ages, estimates),
    }
    for certificate in certificates:
        legal_age = certificate["legal_age_years"]
        scores = under_age_probability(probabilities, legal_age)
        checked = scores[ages >= 25] > certificate["threshold"]
        metrics[f"id_check_rate_25_plus_at_{legal_age}"] = round(float(checked.mean()), 4)
    return metrics
