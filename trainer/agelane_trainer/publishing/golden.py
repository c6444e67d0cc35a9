"""Golden ages: what the network says outside the exported graph, in full precision."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from agelane_trainer.evaluation.calibration import Calibration, calibrated, median_ages
from agelane_trainer.evaluation.predict import predict
from agelane_trainer.evaluation.stress import stressed
from agelane_trainer.publishing.preflight import Golden

_VARIATIONS = ("wide view", "tilted", "tinted", "noisy", "old print")
"""Those that no two numbers turn out alike."""
_KINDS_OF_FILE = (".jpg", ".jpeg", ".png")


def golden_photos(folder: Path, number: int) -> list[bytes]:
    """Return so many photos of ``folder``, taken evenly; where it holds fewer, varied ones as well.

    Raises:
        ValueError: there is no photo in it.
    """
    photos = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes() if path.suffix.lower() in _KINDS_OF_FILE else b""
        if _decodes(data):
            photos.append(data)
    if not photos:
        raise ValueError(f"{folder} holds no photo that can be decoded")
    if len(photos) >= number:
        return [photos[i * len(photos) // number] for i in range(number)]
    varied = (
        stressed(photos[i % len(photos)], _VARIATIONS[i // len(photos) % len(_VARIATIONS)], i)
        for i in range(number - len(photos))
    )
    return [*photos, *varied]


def golden_ages(
    photos: Sequence[bytes], network: keras.Model, finder: keras.Model, calibration: Calibration
) -> Golden:
    """Return the photos with their ages."""
    readers = [partial(bytes, photo) for photo in photos]
    logits = predict(readers, network, finder, "golden ages").logits
    ages = median_ages(calibrated(tf.constant(logits), calibration)).numpy()
    return Golden(photos, np.asarray(ages))


def _decodes(data: bytes) -> bool:
    try:
        tf.io.decode_image(data, channels=3, expand_animations=False)
    except tf.errors.InvalidArgumentError:
        return False
    return True
