"""Run a network over photos exactly as the exported graph does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tqdm import tqdm

from agelane_trainer.network.preparation import prepare

_BATCH = 32


@dataclass(frozen=True, slots=True)
class Predictions:
    """What came out for N photos, in their order."""

    logits: npt.NDArray[np.float32]
    """[N, 101], of age 0 to 100."""
    faces: FaceFigures
    """What was measured on the faces."""


@dataclass(frozen=True, slots=True)
class FaceFigures:
    """What the graph measures on the faces of N photos."""

    count: npt.NDArray[np.int32]
    """Faces found, [N]."""
    score: npt.NDArray[np.float32]
    """How sure the finder is, [N], 0 to 1."""
    side_pixels: npt.NDArray[np.float32]
    """Shorter side of the face's box, [N] (pixels of the photo)."""
    brightness: npt.NDArray[np.float32]
    """Mean luminance, [N], 0 to 1."""
    sharpness: npt.NDArray[np.float32]
    """Variance of the Laplacian, [N], 0 or more."""


def predict(
    photos: Sequence[Callable[[], bytes]],
    network: keras.Model,
    finder: keras.Model,
    what: str = "predicting",
) -> Predictions:
    """Return predictions for photos, with a progress bar.

    Args:
        photos: functions that return an encoded photo each, called when its turn comes.
        network: answers [N, 101] logits.
        finder: of ``build_face_finder``.
        what: stands beside the progress bar.

    Raises:
        ValueError: a photo can't be decoded.
    """
    run = tf.function(
        lambda data: _run(data, network, finder),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )
    bar = tqdm(total=len(photos), desc=what, unit="photo", disable=None)
    batches = []
    for batch in _batched(photos):
        batches.append([column.numpy() for column in run(tf.constant(batch))])
        bar.update(len(batch))
    bar.close()
    logits, ok, *figures = (np.concatenate(column) for column in zip(*batches, strict=True))
    if not ok.all():
        raise ValueError(f"{int((~ok).sum())} of {len(ok)} photos can't be decoded")
    return Predictions(logits, FaceFigures(*figures))


def _run(data: tf.Tensor, network: keras.Model, finder: keras.Model) -> tuple[tf.Tensor, ...]:
    prepared = prepare(data, network.input_shape[1], finder)
    faces = prepared.faces
    sides = (faces.box[:, 2:] - faces.box[:, :2]) * tf.cast(prepared.shapes, tf.float32)
    return (
        network(prepared.crops, training=False),
        prepared.ok,
        faces.count,
        faces.score,
        tf.reduce_min(sides, axis=1),
        prepared.brightness,
        prepared.sharpness,
    )


def _batched(photos: Sequence[Callable[[], bytes]]) -> Iterator[list[bytes]]:
    for start in range(0, len(photos), _BATCH):
        yield [read() for read in photos[start : start + _BATCH]]
