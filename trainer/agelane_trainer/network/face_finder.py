"""Find faces: BlazeFace, short range, rebuilt as a Keras network.

Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs" (arXiv
1907.05047). The weights are Google's (MediaPipe, Apache 2.0); ``face_weights`` read them from its
file.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from agelane_trainer.network.resnet import load_weights

SIDE = 128
"""Side of the square input (pixels)."""
FACE_SCORE = 0.75
"""What scores at least this is a face."""
_OVERLAP = 0.3
_MOST_FACES = 8
_CHANNELS = (24, 28, 32, 36, 42, 48, 56, 64, 72, 80, 88, 96, 96, 96, 96, 96)
_HALVING_BLOCKS = (2, 5, 11)
_FINE_BLOCK = 10
"""Block whose 16 by 16 cells each look for two faces; the 8 by 8 of the last one for six."""


class Faces(NamedTuple):
    """What was found on each of N pictures."""

    box: tf.Tensor
    """float32 [N, 4]: top, left, bottom, right of the best face, as shares of the side."""
    score: tf.Tensor
    """float32 [N]: how sure the network is of it, 0 to 1."""
    count: tf.Tensor
    """int32 [N]: how many faces there are, at most 8; 0 means that the box is a guess."""


def build_face_finder(weights: Path) -> keras.Model:
    """Return the network with its weights.

    Input: float32 [N, 128, 128, 3], RGB grey levels 0 to 255. Outputs, float32: logits [N, 896, 1]
    and places [N, 896, 16] of the boxes around 896 anchors (see ``find_faces``).

    Raises:
        WeightsError: the file doesn't fit.
    """
    photo = keras.Input((SIDE, SIDE, 3), name="photo")
    x = keras.layers.Conv2D(24, 5, strides=2, padding="same", activation="relu", name="stem")(
        photo / 127.5 - 1.0
    )
    fine = x
    for number, channels in enumerate(_CHANNELS):
        x = _block(x, number, channels)
        if number == _FINE_BLOCK:
            fine = x
    logits = [_head(fine, 2, 1, "fine_score"), _head(x, 6, 1, "coarse_score")]
    places = [_head(fine, 2, 16, "fine_place"), _head(x, 6, 16, "coarse_place")]
    join = keras.layers.Concatenate(axis=1)
    model = keras.Model(photo, [join(logits), join(places)], name="face_finder")
    load_weights(model, weights)
    return model


def find_faces(model: keras.Model, pictures: tf.Tensor) -> Faces:
    """Find the best face on each picture, and count the faces.

    Args:
        model: of ``build_face_finder``.
        pictures: float32 [N, 128, 128, 3], RGB grey levels 0 to 255. A face that fills the
            picture is found for sure only with a border around it.
    """
    logits, places = model(pictures, training=False)
    scores = tf.sigmoid(logits[..., 0])
    centre = places[..., :2] / SIDE + anchors()
    half = places[..., 2:4] / SIDE / 2
    corners = tf.concat([(centre - half)[..., ::-1], (centre + half)[..., ::-1]], axis=-1)
    with tf.device("/CPU:0"):
        found = tf.image.combined_non_max_suppression(
            corners[:, :, None],
            scores[..., None],
            max_output_size_per_class=_MOST_FACES,
            max_total_size=_MOST_FACES,
            iou_threshold=_OVERLAP,
            score_threshold=FACE_SCORE,
            clip_boxes=False,
        )
    best = tf.argmax(scores, axis=1)
    return Faces(
        box=tf.gather(corners, best, batch_dims=1),
        score=tf.reduce_max(scores, axis=1),
        count=found.valid_detections,
    )


def anchors() -> tf.Tensor:
    """Return the centres (x, y) [896, 2] of the cells that look for faces, as shares of a side."""
    centres = []
    for cells, faces_a_cell in ((16, 2), (8, 6)):
        steps = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, faces_a_cell, axis=0))
    return tf.constant(np.concatenate(centres))


def _block(x: keras.KerasTensor, number: int, channels: int) -> keras.KerasTensor:
    """Add a depthwise and a pointwise convolution with a shortcut around both."""
    stride = 2 if number in _HALVING_BLOCKS else 1
    name = f"block{number}"
    y = keras.layers.DepthwiseConv2D(3, strides=stride, padding="same", name=f"{name}_depth")(x)
    y = keras.layers.Conv2D(channels, 1, name=f"{name}_point")(y)
    shortcut = keras.layers.MaxPooling2D()(x) if stride == 2 else x
    if channels > x.shape[-1]:
        # Not padded: TensorFlow 2.21 with oneDNN crashes where a padded tensor meets the addition.
        nothing = keras.ops.zeros_like(shortcut[..., : channels - x.shape[-1]])
        shortcut = keras.layers.Concatenate()([shortcut, nothing])
    return keras.layers.ReLU()(keras.layers.Add()([shortcut, y]))


def _head(x: keras.KerasTensor, faces: int, values: int, name: str) -> keras.KerasTensor:
    found = keras.layers.Conv2D(faces * values, 1, name=name)(x)
    return keras.layers.Reshape((-1, values))(found)
