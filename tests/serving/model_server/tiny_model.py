"""A SavedModel with agelane's whole contract and next to no cost, for tests.

The age it gives is half the photo's mean brightness, 0 … 255. So each photo has an answer of its
own, which tells whether callers get theirs.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

_SIDE = 16
_AGES = 101


@dataclass(frozen=True)
class TinyModel:
    """What sets one tiny model apart from another."""

    years_added: float = 0
    """Added to every age, so that an answer tells which version gave it."""
    certified_threshold: float | None = 0.01
    """Threshold of its one certificate, for 18 years; None for a model without certificates."""
    warm_up_photo: bytes | None = None
    """The photo of its one warm-up request; None for a version without warm-up requests."""


def photo(age_years: int, format_: str = "PNG") -> bytes:
    """Return an encoded grey photo that a tiny model takes for `age_years`, 0 … 100."""
    buffer = io.BytesIO()
    Image.new("L", (24, 24), 2 * age_years).save(buffer, format=format_)
    return buffer.getvalue()


def write_version(base_path: Path, version: int, model: TinyModel | None = None) -> Path:
    """Export `model` and publish it as `base_path`/`version` in one step, as a real export does."""
    model = model or TinyModel()
    aside = base_path / f".{version}.tmp"
    _export(model, aside)
    _write_warm_up(model, aside)
    return publish(aside, base_path / str(version))


def copy_version(source: Path, destination: Path) -> Path:
    """Publish a copy of the version folder `source` as `destination`, in one step."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    aside = destination.parent / f".{destination.name}.tmp"
    shutil.copytree(source, aside)
    return publish(aside, destination)


def publish(aside: Path, destination: Path) -> Path:
    """Give a completely written folder its final name."""
    os.replace(aside, destination)
    return destination


def _export(model: TinyModel, folder: Path) -> None:
    pixels = keras.Input((_SIDE, _SIDE, 3))
    brightness = keras.layers.GlobalAveragePooling2D()(pixels)
    age = keras.layers.Dense(1, name="age")(brightness)
    network = keras.Model(pixels, age)
    network.get_layer("age").set_weights(
        [np.full((3, 1), 0.5 / 3, np.float32), np.array([model.years_added], np.float32)]
    )
    card = json.dumps(_model_card(model))

    def serving_default(image_bytes: Any) -> dict[str, Any]:
        images, ok = tf.map_fn(_decode, image_bytes, fn_output_signature=(tf.float32, tf.bool))
        images.set_shape([None, _SIDE, _SIDE, 3])
        age = network(images)[:, 0]
        distances = tf.square(age[:, None] - tf.range(_AGES, dtype=tf.float32))
        outputs = {"age": age, "age_probabilities": tf.nn.softmax(-distances / 8), "ok": ok}
        return outputs | _one_good_face(tf.shape(age)[0])

    def model_card(unused: Any) -> dict[str, Any]:
        return {"model_card": tf.fill(tf.shape(unused), card)}

    archive = keras.export.ExportArchive()
    archive.track(network)
    for endpoint, input_name in ((serving_default, "image_bytes"), (model_card, "unused")):
        archive.add_endpoint(
            endpoint.__name__, endpoint, [tf.TensorSpec([None], tf.string, name=input_name)]
        )
    archive.write_out(folder, verbose=False)


def _one_good_face(photos: Any) -> dict[str, Any]:
    """Return what a model that looks for faces says of a photo which is all face."""
    shares = {"face_score": 0.9, "brightness": 0.5, "sharpness": 0.5}
    return {name: tf.fill([photos], share) for name, share in shares.items()} | {
        "face_count": tf.ones([photos], tf.int32),
        "face_box": tf.tile([[0.0, 0.0, 1.0, 1.0]], [photos, 1]),
    }


def _decode(encoded: Any) -> tuple[Any, Any]:
    """Decode one photo; one that can't be decoded becomes a black one with ok = False.

    The error stays inside a pipeline of one element, so that it doesn't fail the whole batch.
    """

    def decode(contents: Any) -> tuple[Any, Any]:
        image = tf.io.decode_image(contents, channels=3, expand_animations=False)
        return tf.image.resize(image, (_SIDE, _SIDE)), True

    fallback = tf.data.Dataset.from_tensors((tf.zeros((_SIDE, _SIDE, 3)), False))
    with tf.device("/CPU:0"):
        decoded = tf.data.Dataset.from_tensors(encoded).map(decode).ignore_errors()
        image, ok = decoded.concatenate(fallback).take(1).get_single_element()
    return image, ok


def _model_card(model: TinyModel) -> dict[str, Any]:
    certificate = {
        "legal_age_years": 18,
        "score": "probability_under_legal_age",
        "threshold": model.certified_threshold,
        "max_false_clear_rate": 0.01,
        "confidence": 0.95,
        "minors": 640,
        "false_clears": 2,
    }
    return {
        "schema": 1,
        "name": "age",
        "input_size": _SIDE,
        "metrics": {},
        "certificates": [] if model.certified_threshold is None else [certificate],
        "face_gates": {
            "min_score": 0.5,
            "min_side_pixels": 20,
            "min_brightness": 0.1,
            "max_brightness": 0.9,
            "min_sharpness": 0.1,
        },
    }


def _write_warm_up(model: TinyModel, folder: Path) -> None:
    if model.warm_up_photo is None:
        return
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "age"
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([model.warm_up_photo]))
    log = prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )
    (folder / "assets.extra").mkdir()
    with tf.io.TFRecordWriter(str(folder / "assets.extra/tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())
