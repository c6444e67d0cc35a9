"""Measure, calibrate and certify a network; the result is its model card.

Two sets of photos that training did not learn from, each with one job: ``tune`` chose the best
epoch and now fits the calibration and the gates; ``validation`` is measured on and gives the
certificate. As many photos that were learnt from are looked at only to say how much better they
fare.

Everything is predicted as the exported graph does it, face finding included, and in each precision
that it can be served in: the certificate is the strictest of theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from agelane_trainer.certificate.certificate import Verdict, certify
from agelane_trainer.certificate.certify_folder import LEGAL_AGES
from agelane_trainer.data.audit import Finding, audit
from agelane_trainer.data.dataset import Photo
from agelane_trainer.data.groups import labelled_groups
from agelane_trainer.data.split import Split
from agelane_trainer.evaluation import metrics
from agelane_trainer.evaluation.calibration import (
    Calibration,
    age_probabilities,
    fit_calibration,
    median_ages,
)
from agelane_trainer.evaluation.confusion import confusion_entry
from agelane_trainer.evaluation.face_gates import FaceGates, fit_gates
from agelane_trainer.evaluation.figures import (
    certificate_entries,
    estimated_age_shares,
    gap,
    measure,
)
from agelane_trainer.evaluation.predict import Predictions, predict
from agelane_trainer.evaluation.sample import Sample
from agelane_trainer.evaluation.stress import KINDS, stressed
from agelane_trainer.network.face_finder import build_face_finder
from agelane_trainer.network.folded import PRECISIONS, ServingPrecision, build_folded
from agelane_trainer.network.resnet import read_arrays
from agelane_trainer.training.recipe import Recipe, evenly

MODEL_NAME = "age"
"""Name under which the model is served."""
STRESSED_PHOTOS = 500
"""How many validation photos are made harder in each way."""


@dataclass(frozen=True, slots=True)
class Files:
    """What is evaluated."""

    weights: Path
    """``.npz`` of the network."""
    finder: Path
    """``.npz`` of the face finder."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A measured network."""

    card: dict[str, Any]
    """Its model card."""
    photos: tuple[Photo, ...]
    """The validation photos."""
    sample: Sample
    """What it says about them, in float32."""


def evaluate(
    files: Files,
    recipe: Recipe,
    split: Split,
    findings: Mapping[str, Finding] | None = None,
    precisions: Sequence[ServingPrecision] = PRECISIONS,
) -> Evaluation:
    """Evaluate a network of the ``distribution`` head.

    Args:
        files: the weights.
        recipe: what they were trained with.
        split: photos; of ``train`` as many as of ``validation`` are looked at, for comparison.
        findings: of a label audit. The certificate is made without the photos that it struck out,
            and stands beside the one of all photos.
        precisions: those that the network may be served in, ``float32`` first.

    Raises:
        ValueError: the recipe's head is not ``distribution``.
    """
    if recipe.head != "distribution":
        raise ValueError(f"recipe {recipe.name} has no age distribution to calibrate")
    finder, arrays = build_face_finder(files.finder), read_arrays(files.weights)
    networks = {p: build_folded(arrays, recipe.input_size, p) for p in precisions}
    exact = networks["float32"]
    tune = audit(recipe.some_of(split.tune), findings or {}).kept
    of_tune = predict(readers(tune), exact, finder, "tune")
    calibration = fit_calibration(of_tune.logits, _ages(tune))
    gates = fit_gates(of_tune.faces)
    seen = partial(view, calibration=calibration, gates=gates)
    validation = recipe.some_of(split.validation)
    samples = {
        precision: seen(validation, predict(readers(validation), network, finder, precision))
        for precision, network in networks.items()
    }
    sample = samples["float32"]
    learnt = evenly(split.train, len(validation))
    of_learnt = seen(learnt, predict(readers(learnt), exact, finder, "learnt from"))
    kept = audit(validation, findings or {}).keep
    card = {
        **_identity(files, recipe),
        "calibration": asdict(calibration),
        "face_gates": asdict(gates),
        "data": _data(split, len(tune), kept),
        **_certified_figures(samples, kept, recipe),
        "estimated_age_shares": estimated_age_shares(sample),
        **confusion_entry(sample.only(kept)),
        "precisions": _differences(samples),
        "stress": [
            {"name": kind, **_stress_figures(kind, validation, exact, finder, seen)}
            for kind in KINDS
        ],
    }
    card["metrics"] |= gap(sample, of_learnt)
    return Evaluation(card, tuple(validation), sample)


def _identity(files: Files, recipe: Recipe) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": MODEL_NAME,
        "made": datetime.now(UTC).date().isoformat(),
        "recipe": recipe.name,
        "input_size": recipe.input_size,
        "weights_sha256": hashlib.sha256(files.weights.read_bytes()).hexdigest(),
        "finder_sha256": hashlib.sha256(files.finder.read_bytes()).hexdigest(),
    }


def _data(split: Split, tune_photos: int, kept: np.ndarray) -> dict[str, Any]:
    return {
        "sha256": split.data_sha256,
        "train_photos": len(split.train),
        "tune_photos": tune_photos,
        "validation_photos": len(kept),
        "validation_photos_struck_out": int((~kept).sum()),
        "left_out_photos": len(split.left_out),
    }


def _certified_figures(
    samples: Mapping[ServingPrecision, Sample], kept: np.ndarray, recipe: Recipe
) -> dict[str, Any]:
    """Return certificates and metrics of the audited labels, and those of all labels beside them.

    The ``metrics`` are of all labels at the certificate's thresholds.
    """
    audited = _verdicts({p: sample.only(kept) for p, sample in samples.items()}, recipe)
    raw = _verdicts(samples, recipe)
    exact = samples["float32"]
    made, made_raw = (
        {age: verdict.certificate for age, verdict in verdicts.items()}
        for verdicts in (audited, raw)
    )
    return {
        **certificate_entries(audited),
        "metrics": measure(exact, made),
        "audited": {
            "metrics": measure(exact.only(kept), made),
            "certificates": certificate_entries(audited)["certificates"],
        },
        "raw": {
            "metrics": measure(exact, made_raw),
            "certificates": certificate_entries(raw)["certificates"],
        },
    }


def _verdicts(samples: Mapping[ServingPrecision, Sample], recipe: Recipe) -> dict[int, Verdict]:
    """Return for each legal age the verdict of the precision that is waved through least with."""
    if recipe.photo_limit is not None:
        text = "a run that is limited to some photos certifies nothing"
        return dict.fromkeys(LEGAL_AGES, Verdict(None, None, (text,)))
    return {
        age: min(
            (certify(s.probabilities, s.ages, age, s.groups) for s in samples.values()),
            key=lambda verdict: verdict.certificate.threshold if verdict.certificate else -1.0,
        )
        for age in LEGAL_AGES
    }


def _differences(samples: Mapping[ServingPrecision, Sample]) -> dict[str, dict[str, float]]:
    """Return how far the estimates of each precision lie from float32."""
    exact = samples["float32"]
    figures: dict[str, dict[str, float]] = {}
    for precision, sample in samples.items():
        apart = np.abs(sample.estimates - exact.estimates)
        figures[precision] = {
            "mae_years": metrics.age_errors(sample.ages, sample.estimates).mae_years,
            "mean_difference_years": round(float(apart.mean()), 4),
            "largest_difference_years": round(float(apart.max()), 4),
        }
    return figures


def _stress_figures(
    kind: str,
    photos: Sequence[Photo],
    network: keras.Model,
    finder: keras.Model,
    seen: Callable[[Sequence[Photo], Predictions], Sample],
) -> dict[str, float]:
    some = evenly(photos, STRESSED_PHOTOS)

    def read(photo: Photo, number: int) -> bytes:
        return stressed(photo.path.read_bytes(), kind, number)

    readers = [partial(read, photo, number) for number, photo in enumerate(some)]
    predicted = predict(readers, network, finder, kind)
    sample = seen(some, predicted)
    young = (sample.ages >= 14) & (sample.ages <= 20)
    figures = {
        "mae_years": metrics.age_errors(sample.ages, sample.estimates).mae_years,
        "bias_years": metrics.age_errors(sample.ages, sample.estimates).bias_years,
        "coverage_90": metrics.coverage(sample.ages, sample.probabilities, 0.9),
        "good_face_rate": round(float(sample.good_face.mean()), 4),
    }
    if young.any():
        errors = metrics.age_errors(sample.ages[young], sample.estimates[young])
        figures["mae_14_20_years"] = errors.mae_years
        figures["bias_14_20_years"] = errors.bias_years
    return figures


def readers(photos: Sequence[Photo]) -> list[Callable[[], bytes]]:
    """Return functions that read the photos' files."""
    return [photo.path.read_bytes for photo in photos]


def _ages(photos: Sequence[Photo]) -> np.ndarray:
    return np.array([photo.age for photo in photos])


def view(
    photos: Sequence[Photo], predicted: Predictions, calibration: Calibration, gates: FaceGates
) -> Sample:
    """Return photos as a model with this calibration and these gates sees them."""
    probabilities = age_probabilities(predicted.logits, calibration)
    estimates = median_ages(tf.constant(probabilities, tf.float32)).numpy().astype(np.float64)
    return Sample(
        _ages(photos),
        probabilities,
        estimates,
        gates.passed(predicted.faces),
        labelled_groups(photos),
    )
