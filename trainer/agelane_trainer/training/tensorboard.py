"""Write figures for TensorBoard, which itself needn't be installed for that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf


class Board:
    """An event file in ``folder``; watch with ``tensorboard --logdir FOLDER``."""

    def __init__(self, folder: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))
        self._kind = tf.compat.v1.SummaryMetadata()
        self._kind.plugin_data.plugin_name = "scalars"

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Add figures, keyed by the name of their chart, at a training step."""
        with self._writer.as_default():
            for name, figure in figures.items():
                # tf.summary.scalar would ask for TensorBoard; this is what it comes down to.
                tf.summary.write(name, tf.constant(figure, tf.float32), step, metadata=self._kind)
        self._writer.flush()
