"""The exported graph: encoded photos in, ages and calibrated probabilities out.

All preprocessing is inside, so that no server or client can do it differently.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from agelane_trainer.data.dataset import MAX_AGE
from agelane_trainer.evaluation.calibration import Calibration, calibrated, median_ages
from agelane_trainer.network.preparation import prepare


def answer(
    image_bytes: tf.Tensor, network: keras.Model, finder: keras.Model, calibration: Calibration
) -> dict[str, tf.Tensor]:
    """Return what ``serving_default`` answers for encoded photos (string [N]).

    Where ``ok`` is false the age is 0 and all probability lies on it, and there is no face: whoever
    forgets to look sees a child.
    """
    prepared = prepare(image_bytes, network.input_shape[1], finder)
    probabilities = calibrated(network(prepared.crops, training=False), calibration)
    newborn = tf.one_hot(tf.zeros_like(prepared.ok, tf.int32), MAX_AGE + 1)
    probabilities = tf.where(prepared.ok[:, None], probabilities, newborn)
    return {
        "age": median_ages(probabilities),
        "age_probabilities": probabilities,
        "ok": prepared.ok,
        "face_count": prepared.faces.count,
        "face_box": prepared.faces.box,
        "face_score": prepared.faces.score,
        "brightness": prepared.brightness,
        "sharpness": prepared.sharpness,
    }


def build_archive(
    network: keras.Model, finder: keras.Model, calibration: Calibration, card: str
) -> keras.export.ExportArchive:
    """Return the SavedModel, ready to be written, with two signatures.

    ``serving_default``: ``image_bytes`` string [N], JPEG or PNG, to ``age`` float32 [N] (years, the
    median), ``age_probabilities`` float32 [N, 101], ``ok`` bool [N], ``face_count`` int32 [N],
    ``face_box`` float32 [N, 4] (top, left, bottom, right, 0 to 1), ``face_score`` float32 [N] (0 to
    1), ``brightness`` float32 [N] (0 to 1) and ``sharpness`` float32 [N] (0 or more).

    ``model_card``: ``unused`` string [N], any content, to ``model_card`` string [N], each the JSON
    text. It takes an input because servers refuse to batch a signature without one.

    Args:
        network: of ``build_folded``.
        finder: of ``build_face_finder``.
        calibration: turns the network's logits into probabilities.
        card: JSON text.
    """

    variables = [*network.variables, *finder.variables]
    weights = [(variable, variable.numpy()) for variable in variables]

    def serving_default(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        # oneDNN, TensorFlow's library for CPUs, keeps weights in an order of its own. Constants it
        # reorders once; variables, which might change, again for each batch.
        with keras.StatelessScope(weights):
            return answer(image_bytes, network, finder, calibration)

    def model_card(unused: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"model_card": tf.fill(tf.shape(unused), card)}

    archive = keras.export.ExportArchive()
    strings = [None]
    archive.add_endpoint(
        "serving_default",
        serving_default,
        input_signature=[tf.TensorSpec(strings, tf.string, name="image_bytes")],
    )
    archive.add_endpoint(
        "model_card",
        model_card,
        input_signature=[tf.TensorSpec(strings, tf.string, name="unused")],
    )
    return archive
