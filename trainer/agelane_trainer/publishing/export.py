"""Publish a SavedModel version that TensorFlow Serving can load, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from agelane.tfserving.v1 import predict_pb2
from agelane_trainer.network.resnet import build_model, load_weights
from agelane_trainer.publishing.serving_graph import build_archive

WARM_UP_BATCHES = (1, 2, 4, 8)
"""Batch sizes of the warm-up records: those that ``batching.config`` allows on a CPU."""
_WARM_UP_FILE = Path("assets.extra/tf_serving_warmup_requests")


class ExportError(ValueError):
    """Weights and model card don't belong together, or the version can't be published."""


def export(weights: Path, card_file: Path, models: Path) -> Path:
    """Write the next version below ``models`` and return its folder.

    If the newest version was made of the same weights and card by the same code, nothing is written
    and that version is returned.

    Args:
        weights: ``.npz`` that ``card_file`` was made for.
        card_file: JSON model card.
        models: folder of the numbered versions.

    Raises:
        ExportError: the card is not readable or was made for other weights.
    """
    card = {**read_card(weights, card_file), "exporter_sha256": _exporter_sha256()}
    text = json.dumps(card, sort_keys=True)
    newest = newest_version(models)
    if newest is not None and _published_card(newest) == text:
        return newest
    version = models / str(int(newest.name) + 1 if newest else 1)
    aside = models / f".{version.name}.partial"
    shutil.rmtree(aside, ignore_errors=True)
    models.mkdir(parents=True, exist_ok=True)
    write_saved_model(weights, card, aside)
    _publish(aside, version)
    return version


def read_card(weights: Path, card_file: Path) -> dict[str, Any]:
    """Return the model card.

    Raises:
        ExportError: it can't be read or was made for other weights.
    """
    try:
        card: dict[str, Any] = json.loads(card_file.read_text())
        expected, actual = card["weights_sha256"], hashlib.sha256(weights.read_bytes()).hexdigest()
    except (OSError, ValueError, KeyError) as error:
        raise ExportError(f"{card_file} and {weights} can't be read: {error!r}") from error
    if expected != actual:
        raise ExportError(f"{card_file} was made for other weights than {weights}")
    return card


def write_saved_model(weights: Path, card: dict[str, Any], folder: Path) -> None:
    """Write the SavedModel with its warm-up records and its card into ``folder``."""
    model = build_model(card["input_size"])
    load_weights(model, weights)
    text = json.dumps(card, sort_keys=True)
    archive = build_archive(model, card["input_size"], card["temperature"], text)
    archive.write_out(str(folder), verbose=False)
    warm_up = folder / _WARM_UP_FILE
    warm_up.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(warm_up)) as writer:
        for record in _warm_up_records(card["name"]):
            writer.write(record.SerializeToString())
    (folder / "assets.extra" / "model_card.json").write_text(text)


def _exporter_sha256() -> str:
    """Identify the code that decides what the graph computes."""
    digest = hashlib.sha256()
    for name in ("model", "pipeline", "serving_graph"):
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()


def newest_version(models: Path) -> Path | None:
    """Return the folder of the highest version number below ``models``, if there is one."""
    versions = [path for path in models.glob("*") if path.name.isdecimal()]
    return max(versions, key=lambda path: int(path.name), default=None)


def _published_card(version: Path) -> str | None:
    try:
        return (version / "assets.extra" / "model_card.json").read_text()
    except OSError:
        return None


def _publish(aside: Path, version: Path) -> None:
    """Make the version appear at once: a server polling the folder never sees half of it."""
    for path in [*aside.rglob("*"), aside]:
        _fsync(path)
    aside.rename(version)
    _fsync(version.parent)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _warm_up_records(model_name: str) -> Iterator[predict_pb2.PredictionLog]:
    """Yield one request for each batch size, of a made-up photo."""
    noise = np.random.default_rng(0).integers(0, 255, (25, 25, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((200, 200)).save(buffer, "JPEG")
    for size in WARM_UP_BATCHES:
        record = predict_pb2.PredictionLog()
        request = record.predict_log.request
        request.model_spec.name = model_name
        request.model_spec.signature_name = "serving_default"
        tensor = request.inputs["image_bytes"]
        tensor.dtype = tf.string.as_datatype_enum
        tensor.tensor_shape.dim.add(size=size)
        tensor.string_val.extend([buffer.getvalue()] * size)
        yield record
