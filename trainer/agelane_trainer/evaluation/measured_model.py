"""A calibrated model that measures photos: weights together with their card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agelane_trainer.certificate.certify_folder import Model
from agelane_trainer.data.dataset import Photo
from agelane_trainer.evaluation.calibration import Calibration, read_calibration
from agelane_trainer.evaluation.evaluate import Files, readers, view
from agelane_trainer.evaluation.face_gates import FaceGates
from agelane_trainer.evaluation.predict import predict
from agelane_trainer.evaluation.sample import Sample
from agelane_trainer.network.face_finder import build_face_finder
from agelane_trainer.network.folded import build_folded
from agelane_trainer.network.resnet import read_arrays


def calibration_and_gates(card: Mapping[str, Any]) -> tuple[Calibration, FaceGates]:
    """Return what a model card adds to the weights.

    Raises:
        ValueError: the card lacks calibration or gates.
    """
    try:
        return read_calibration(card), FaceGates(**card["face_gates"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the card holds no calibration or no face gates: {error!r}") from error


def measured_model(files: Files, card: Mapping[str, Any]) -> Model:
    """Return a function that measures photos as the model of this card does, in float32.

    Raises:
        ValueError: the card lacks calibration or gates.
    """
    calibration, gates = calibration_and_gates(card)
    network = build_folded(read_arrays(files.weights), card["input_size"], "float32")
    finder = build_face_finder(files.finder)

    def measure(photos: Sequence[Photo]) -> Sample:
        return view(photos, predict(readers(photos), network, finder), calibration, gates)

    return measure
