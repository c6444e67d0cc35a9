"""Feed photos to the network with ``tf.data``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from agelane_trainer.data.dataset import MAX_AGE, Photo
from agelane_trainer.network import preparation
from agelane_trainer.training.augment import augment, recompress
from agelane_trainer.training.recipe import Recipe

_SOURCE_SCALE = 1.25
NEAR_LEGAL_AGES = range(13, 22)
"""Ages that the legal ages of most countries lie among (years)."""
EVALUATION_BATCH = 64
"""Photos at a time where nothing is learnt."""
_DECODERS = os.cpu_count() or 2
_VARIERS = max(1, _DECODERS // 4)  # each uses several cores by itself


@dataclass(frozen=True, slots=True)
class Share:
    """The part of every batch that one machine reads."""

    index: int = 0
    """Which part, from 0."""
    of: int = 1
    """How many equal parts there are."""


ALL = Share()
"""All of it."""


def decode(data: tf.Tensor, size: int) -> tf.Tensor:
    """Decode one encoded photo and resize it to float32 [size, size, 3], grey levels 0 to 255.

    The exported graph decodes and resizes with the same two functions, so that training and serving
    can't drift apart.
    """
    return preparation.resize(preparation.decode(data), size)


def source_size(input_size: int) -> int:
    """Return the side of photos that enter the augmentation (pixels): larger, to zoom into."""
    return round(input_size * _SOURCE_SCALE)


def training_batches(
    photos: Sequence[Photo], recipe: Recipe, epoch: int, share: Share = ALL
) -> tf.data.Dataset:
    """Return one epoch's batches of (float32 [N, S, S, 3], int32 ages [N]), or a share of each.

    The order and each photo's augmentation depend on the seed, the epoch and the position alone:
    ``dataset.skip(n)`` continues exactly where a killed run stopped, and the shares of a batch,
    put together, are the batch. The last, smaller batch is dropped.
    """
    order = epoch_order(np.array([p.age for p in photos]), recipe, epoch)
    count = recipe.batch_size // share.of
    first = share.index * count
    whole = len(order) // recipe.batch_size * recipe.batch_size
    places = np.arange(whole).reshape(-1, recipe.batch_size)[:, first : first + count].ravel()
    paths = np.array([str(p.path) for p in photos])[order[places]]
    ages = np.array([p.age for p in photos], np.int32)[order[places]]
    seeds = np.stack([np.full(len(places), recipe.seed + epoch), places], axis=1)
    size = recipe.size_in(epoch)
    source = source_size(size)

    def load(path: tf.Tensor, age: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, ...]:
        photo = tf.cast(tf.round(decode(tf.io.read_file(path), source)), tf.uint8)
        photo = recompress(photo, seed, recipe.augmentation)
        return tf.ensure_shape(photo, [source, source, 3]), age, seed

    def vary(batch: tf.Tensor, ages: tf.Tensor, seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_batch, part = seeds[0] - (0, first), (first, recipe.batch_size)
        return augment(batch, size, of_batch, recipe.augmentation, part), ages

    dataset = tf.data.Dataset.from_tensor_slices((paths, ages, seeds))
    loaded = dataset.map(load, num_parallel_calls=_DECODERS)
    batches = loaded.batch(count, drop_remainder=True)
    return batches.map(vary, num_parallel_calls=_VARIERS).prefetch(3)


def evaluation_batches(photos: Sequence[Photo], size: int) -> tf.data.Dataset:
    """Return batches of (float32 [N, size, size, 3], int32 ages [N]), unvaried and in order."""
    paths = [str(p.path) for p in photos]
    ages = np.array([p.age for p in photos], np.int32)

    def load(path: tf.Tensor, age: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return decode(tf.io.read_file(path), size), age

    dataset = tf.data.Dataset.from_tensor_slices((paths, ages))
    return dataset.map(load, num_parallel_calls=_DECODERS).batch(EVALUATION_BATCH).prefetch(2)


def epoch_order(ages: npt.NDArray[np.int_], recipe: Recipe, epoch: int) -> npt.NDArray[np.int_]:
    """Return the photo indices of one epoch, as many as there are photos; see ``age_weights``."""
    random = np.random.default_rng((recipe.seed, epoch))
    if recipe.sampling_power == 0 and recipe.near_legal_age_weight == 1:
        return random.permutation(len(ages))
    weights = age_weights(ages, recipe)[ages]
    return random.choice(len(ages), len(ages), p=weights / weights.sum())


def age_weights(ages: npt.NDArray[np.int_], recipe: Recipe) -> npt.NDArray[np.float64]:
    """Return how much oftener than others photos of each age, 0 to 100, are drawn [101].

    In proportion to ``frequency(age) ** -sampling_power`` (at most three times the average), the
    frequency smoothed over neighbouring ages since labels heap on round numbers. People near the
    legal ages come ``near_legal_age_weight`` times as often on top of that.
    """
    near = np.exp(-(np.arange(-6, 7) ** 2) / 8.0)
    counts = np.bincount(ages, minlength=MAX_AGE + 1)
    frequency = np.maximum(np.convolve(counts, near / near.sum(), "same"), 1e-9)
    weights = frequency**-recipe.sampling_power
    weights = np.minimum(weights / np.average(weights, weights=counts), 3.0)
    weights[list(NEAR_LEGAL_AGES)] *= recipe.near_legal_age_weight
    return weights
