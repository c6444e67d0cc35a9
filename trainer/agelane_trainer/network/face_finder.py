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
"""Side of the square input that the network was trained with (pixels); others work as well."""
FACE_SCORE = 0.75
"""What scores at least this is a face."""
_OVERLAP = 0.3
_MOST_FACES = 8
_CHANNELS = (24, 28, 32, 36, 42, 48, 56, 64, 72, 80, 88, 96, 96, 96, 96, 96)
_HALVING_BLOCKS = (2, 5, 11)
_FINE_BLOCK = 10
"""Block whose cells, of 8 pixels, each look for two faces; those of the last, of 16, for six."""


class Faces(NamedTuple):
    """What was found on each of N pictures."""

    box: tf.Tensor
    """float32 [N, 4]: top, left, bottom, right of the largest face, or of the best guess."""
    score: tf.Tensor
    """float32 [N]: how sure the network is of it, 0 to 1; of the best guess where there is none."""
    count: tf.Tensor
    """int32 [N]: how many faces there are, at most 8, without those that are much smaller."""


def build_face_finder(weights: Path) -> keras.Model:
    """Return the network with its weights.

    Input: float32 [N, S, S, 3], RGB grey levels 0 to 255, S a multiple of 16. Outputs, float32:
    logits [N, K, 1] and places [N, K, 16] of the boxes around K ``anchors``.

    Raises:
        WeightsError: the file doesn't fit.
    """
    photo = keras.Input((None, None, 3), name="photo")
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


def find_candidates(model: keras.Model, pictures: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return boxes [N, K, 4] (top, left, bottom, right) and how much each is a face [N, K].

    Args:
        model: of ``build_face_finder``.
        pictures: float32 [N, S, S, 3], RGB grey levels 0 to 255, S a multiple of 16. A face that
            fills the picture is found for sure only with a border around it.

    Returns:
        Boxes as shares of the picture's side, and scores from 0 to 1.
    """
    logits, places = model(pictures, training=False)
    side = pictures.shape[1]
    centre = places[..., :2] / side + anchors(side)
    half = tf.abs(places[..., 2:4]) / side / 2
    corners = tf.concat([(centre - half)[..., ::-1], (centre + half)[..., ::-1]], axis=-1)
    return corners, tf.sigmoid(logits[..., 0])


def choose_face(boxes: tf.Tensor, scores: tf.Tensor) -> Faces:
    """Return the largest face among candidates, and how many there are of its kind.

    Whoever stands at the till is nearest to the camera. People in the queue behind, less than half
    as large, don't count.

    Args:
        boxes: float32 [N, K, 4] in any unit that is the same along both axes.
        scores: float32 [N, K], 0 to 1.
    """
    with tf.device("/CPU:0"):
        found = tf.image.combined_non_max_suppression(
            boxes[:, :, None],
            scores[..., None],
            max_output_size_per_class=_MOST_FACES,
            max_total_size=_MOST_FACES,
            iou_threshold=_OVERLAP,
            score_threshold=FACE_SCORE,
            clip_boxes=False,
        )
    is_face = tf.range(_MOST_FACES) < found.valid_detections[:, None]
    height = found.nmsed_boxes[..., 2] - found.nmsed_boxes[..., 0]
    height = tf.where(is_face, height, 0.0)
    largest = tf.argmax(height, axis=1)
    comparable = is_face & (height >= 0.5 * tf.reduce_max(height, axis=1, keepdims=True))
    any_face = is_face[:, 0]
    guess = tf.argmax(scores, axis=1)
    return Faces(
        box=tf.where(
            any_face[:, None],
            tf.gather(found.nmsed_boxes, largest, batch_dims=1),
            tf.gather(boxes, guess, batch_dims=1),
        ),
        score=tf.where(
            any_face,
            tf.gather(found.nmsed_scores, largest, batch_dims=1),
            tf.gather(scores, guess, batch_dims=1),
        ),
        count=tf.reduce_sum(tf.cast(comparable, tf.int32), axis=1),
    )


def anchors(side: int) -> tf.Tensor:
    """Return the centres (x, y) [K, 2] of the cells that look for faces, as shares of the side.

    K is 896 for pictures of 128 pixels, 350 for 80.
    """
    centres = []
    for cells, faces_a_cell in ((side // 8, 2), (side // 16, 6)):
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
