"""The exported model, as each of the other servers calls it: photos in, ages out, by TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from loadtest.peers.servers.names import BATCH_VARIABLE, MODEL_VARIABLE

_WARM_UP = Path(__file__).parents[3] / "docs" / "samples" / "collins.jpg"


class SavedModel:
    """The model in memory."""

    def __init__(self) -> None:
        """Load it, and let it see a batch of each size."""
        # As ours is run: a batch stays on one core.
        tf.config.threading.set_intra_op_parallelism_threads(1)
        # What was loaded keeps the variables alive, which the function alone does not.
        self._loaded = tf.saved_model.load(os.environ[MODEL_VARIABLE])
        self._predict = self._loaded.signatures["serving_default"]
        for size in range(1, most_photos() + 1):
            self.ages([_WARM_UP.read_bytes()] * size)

    def ages(self, photos: Sequence[bytes]) -> list[float]:
        """Return the ages of a batch of photos, in years."""
        found: list[float] = (
            self._predict(image_bytes=tf.constant(list(photos)))["age"].numpy().tolist()
        )
        return found


def most_photos() -> int:
    """Return how many photos a batch may have."""
    return int(os.environ[BATCH_VARIABLE])
