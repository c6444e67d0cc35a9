"""Publish a SavedModel version that TensorFlow Serving can load, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from agelane.tfserving.v1 import predict_pb2
from agelane_trainer.evaluation.calibration import Calibration, read_calibration
from agelane_trainer.network.face_finder import build_face_finder
from agelane_trainer.network.folded import ServingPrecision, build_folded
from agelane_trainer.network.resnet import read_arrays
from agelane_trainer.publishing.blessing import objections
from agelane_trainer.publishing.golden import golden_ages
from agelane_trainer.publishing.preflight import WARM_UP_FILE, PreflightError, preflight
from agelane_trainer.publishing.serving_graph import build_archive

WARM_UP_BATCHES = range(1, 9)
"""Batch sizes of the warm-up records. A server whose ``max_batch_size`` is less loads no version.

What TensorFlow prepares for a size that it has not seen, it prepares while a customer waits.
"""


class ExportError(ValueError):
    """Weights and model card don't belong together, or the version mustn't be published."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a version is made of."""

    weights: Path
    """``.npz`` of the network."""
    finder: Path
    """``.npz`` of the face finder."""
    card: Path
    """JSON model card that was made for both."""


def export(
    sources: Sources,
    models: Path,
    precision: ServingPrecision,
    golden: Sequence[bytes],
    *,
    even_if_worse: bool = False,
) -> Path:
    """Write the next version below ``models`` and return its folder.

    If the newest version was made of the same sources by the same code, nothing is written and that
    version is returned.

    Args:
        sources: what it is made of.
        models: folder of the numbered versions.
        precision: what the network computes in.
        golden: encoded photos on which the version must agree with the network outside it.
        even_if_worse: publish it even if it is worse than the newest version.

    Raises:
        ExportError: the card is not readable or was made for other weights; the version fails its
            preflight, or is worse than the newest one.
    """
    card = {
        **read_card(sources),
        "precision": precision,
        "exporter_sha256": _exporter_sha256(),
    }
    text = json.dumps(card, sort_keys=True)
    newest = newest_version(models)
    if newest is not None:
        published = _published_card(newest)
        if published == text:
            return newest
        against = objections(card, json.loads(published)) if published else []
        if against and not even_if_worse:
            raise ExportError(f"worse than version {newest.name}: {'; '.join(against)}")
    version = models / str(int(newest.name) + 1 if newest else 1)
    aside = models / f".{version.name}.partial"
    shutil.rmtree(aside, ignore_errors=True)
    models.mkdir(parents=True, exist_ok=True)
    try:
        _write_checked(sources, card, precision, golden, aside)
        _publish(aside, version)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return version


def _write_checked(
    sources: Sources,
    card: dict[str, Any],
    precision: ServingPrecision,
    golden: Sequence[bytes],
    folder: Path,
) -> None:
    """Write the SavedModel and put it through its preflight.

    Raises:
        ExportError: it fails.
    """
    arrays, finder = read_arrays(sources.weights), build_face_finder(sources.finder)
    try:
        calibration = read_calibration(card)
    except ValueError as error:
        raise ExportError(str(error)) from error
    network = build_folded(arrays, card["input_size"], precision)
    write_saved_model(network, finder, calibration, card, folder)
    exact = build_folded(arrays, card["input_size"], "float32")
    try:
        preflight(folder, precision, golden_ages(golden, exact, finder, calibration))
    except PreflightError as error:
        raise ExportError(f"not published, for it fails its preflight: {error}") from error


def read_card(sources: Sources) -> dict[str, Any]:
    """Return the model card.

    Raises:
        ExportError: it can't be read or was made for other weights.
    """
    try:
        card: dict[str, Any] = json.loads(sources.card.read_text())
        for kind, path in (("weights", sources.weights), ("finder", sources.finder)):
            if card[f"{kind}_sha256"] != hashlib.sha256(path.read_bytes()).hexdigest():
                raise ExportError(f"{sources.card} was made for other weights than {path}")
    except (OSError, KeyError, ValueError) as error:
        if isinstance(error, ExportError):
            raise
        raise ExportError(f"{sources.card} and its weights can't be read: {error!r}") from error
    return card


def write_saved_model(
    network: keras.Model,
    finder: keras.Model,
    calibration: Calibration,
    card: dict[str, Any],
    folder: Path,
) -> None:
    """Write the SavedModel with its warm-up records and its card into ``folder``."""
    text = json.dumps(card, sort_keys=True)
    build_archive(network, finder, calibration, text).write_out(str(folder), verbose=False)
    warm_up = folder / WARM_UP_FILE
    warm_up.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(warm_up)) as writer:
        for record in _warm_up_records(card["name"]):
            writer.write(record.SerializeToString())
    (folder / "assets.extra" / "model_card.json").write_text(text)


def _exporter_sha256() -> str:
    """Identify the code that decides what a version holds."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for name in (
        "network/face_finder",
        "network/folded",
        "network/preparation",
        "evaluation/calibration",
        "publishing/export",
        "publishing/serving_graph",
    ):
        digest.update((package / f"{name}.py").read_bytes())
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
