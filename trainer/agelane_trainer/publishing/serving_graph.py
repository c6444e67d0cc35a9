"""The exported graph: encoded photos in, ages and calibrated probabilities out.

All preprocessing is inside, so that no server or client can do it differently. Decoding is pinned
to the CPU (string tensors can't live on a GPU), and a photo that can't be decoded spoils only its
own row: each is decoded in a ``tf.data`` pipeline of one element that skips errors and is followed
by a default.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from agelane_trainer.data.dataset import MAX_AGE
from agelane_trainer.training.pipeline import decode

_AGES = tuple(float(age) for age in range(MAX_AGE + 1))


def build_archive(
    model: keras.Model, input_size: int, temperature: float, card: str
) -> keras.export.ExportArchive:
    """Return the SavedModel, ready to be written, with two signatures.

    ``serving_default``: ``image_bytes`` string [N], JPEG or PNG, to ``age`` float32 [N] (years),
    ``age_probabilities`` float32 [N, 101] and ``ok`` bool [N]. Where ``ok`` is false the age is 0
    and all probability lies on it: whoever forgets to look sees a child.

    ``model_card``: ``unused`` string [N], any content, to ``model_card`` string [N], each the JSON
    text. It takes an input because servers refuse to batch a signature without one.

    Args:
        model: network of the ``distribution`` head.
        input_size: side of its input (pixels).
        temperature: divides the logits.
        card: JSON text.
    """

    def serving_default(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.device("/CPU:0"):
            photos, ok = _decode_batch(image_bytes, input_size)
        probabilities = tf.nn.softmax(model(photos, training=False) / temperature)
        newborn = tf.one_hot(tf.zeros_like(ok, tf.int32), MAX_AGE + 1)
        probabilities = tf.where(ok[:, None], probabilities, newborn)
        age = tf.reduce_sum(probabilities * _AGES, axis=-1)
        return {"age": age, "age_probabilities": probabilities, "ok": ok}

    def model_card(unused: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"model_card": tf.fill(tf.shape(unused), card)}

    archive = keras.export.ExportArchive()
    archive.track(model)
    strings = [None]
    archive.add_endpoint(
        "serving_default",
        serving_default,
        input_signature=[tf.TensorSpec(strings, tf.string, name="image_bytes")],
    )
    archive.add_endpoint(
        "model_card",
        model_card,
        input_signature=[tf.TensorSpec(strings, tf.string, name="unused")],
    )
    return archive


def _decode_batch(image_bytes: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return photos [N, size, size, 3] and which of them could be decoded [N]."""
    shape = [size, size, 3]

    def decoded(data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.ensure_shape(decode(data, size), shape), True

    def one(data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        good = tf.data.Dataset.from_tensors(data).map(decoded).ignore_errors()
        default = tf.data.Dataset.from_tensors((tf.zeros(shape), False))
        first: tuple[tf.Tensor, tf.Tensor] = good.concatenate(default).take(1).get_single_element()
        return first

    signature = (tf.TensorSpec(shape, tf.float32), tf.TensorSpec([], tf.bool))
    photos, ok = tf.map_fn(one, image_bytes, fn_output_signature=signature)
    return photos, ok
