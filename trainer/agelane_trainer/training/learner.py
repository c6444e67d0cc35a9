"""What learns: network, averaged network and optimizer, on one device or several."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from agelane_trainer.data.dataset import Photo
from agelane_trainer.network.folded import build_folded, unfolded
from agelane_trainer.network.resnet import (
    Arrays,
    WeightsError,
    arrays_of,
    build_model,
    load_arrays,
)
from agelane_trainer.training.losses import expected_age, training_loss
from agelane_trainer.training.pipeline import evaluation_batches
from agelane_trainer.training.recipe import Recipe

STRATEGIES = ("none", "mirrored")
"""``none``: one device; ``mirrored``: all GPUs of the machine, each with its part of a batch."""
_FIRST_KERNEL = "conv1_conv/kernel"
_LARGEST_GRADIENT = 5.0


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Return one of ``STRATEGIES``.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in STRATEGIES:
        raise ValueError(f"no strategy {name!r}; there are: {', '.join(STRATEGIES)}")
    # Several machines would be another branch here: the loop knows nothing of replicas.
    return tf.distribute.MirroredStrategy() if name == "mirrored" else tf.distribute.get_strategy()


def _build(recipe: Recipe) -> keras.Model:
    """Return a network that takes photos of any size."""
    network = build_model(None, recipe.head, recipe.precision)
    if recipe.batch_norm == "folded":
        network = build_folded(arrays_of(network), None, recipe.precision)
    frozen = tuple(f"conv{stage}_" for stage in range(1, recipe.frozen_stages + 1))
    for layer in network.layers:
        layer.trainable = not layer.name.startswith(frozen)
    return network


class Learner:
    """All state of a run, and the steps that change it.

    Args:
        recipe: the choices; ``batch_size`` is that of all replicas together.
        steps_per_epoch: batches an epoch.
        strategy: where to compute. The loss and its gradients are those of the whole batch, so
            the number of replicas decides nothing but the speed; only batch normalisation looks
            at each replica's part on its own.
    """

    def __init__(
        self, recipe: Recipe, steps_per_epoch: int, strategy: tf.distribute.Strategy
    ) -> None:
        self.recipe = recipe
        self.steps_per_epoch = steps_per_epoch
        self.strategy = strategy
        with strategy.scope():
            self.model, self.average = _build(recipe), _build(recipe)
            self.optimizer = self._make_optimizer()
            self.step = tf.Variable(0, dtype=tf.int64)
            self.sums = tf.Variable(tf.zeros([2]))
        self.learn = tf.function(self._learn)
        self._predict = tf.function(lambda photos: self.average(photos, training=False))

    def start_from(self, arrays: Arrays) -> None:
        """Begin with these weights; layers that are missing keep their random start, and are named.

        Raises:
            WeightsError: there is no ResNet50 in them.
        """
        plain = build_model(None, self.recipe.head)
        missing = load_arrays(plain, arrays, partial=True)
        if _FIRST_KERNEL in missing:
            raise WeightsError(f"no {_FIRST_KERNEL} among the weights to start from: no ResNet50")
        layers = sorted({name.split("/")[0] for name in missing})
        if layers:
            tqdm.write(f"starting at random: {', '.join(layers)}")
        for network in (self.model, self.average):
            load_arrays(network, self._as_built(arrays_of(plain)), partial=False)

    def averaged_weights(self) -> Arrays:
        """Return the averaged weights, those of the plain network."""
        arrays = arrays_of(self.average)
        return unfolded(arrays) if self.recipe.batch_norm == "folded" else arrays

    def checkpoint(self) -> tf.train.Checkpoint:
        """Return all state that a resumed run needs."""
        return tf.train.Checkpoint(
            model=self.model,
            average=self.average,
            optimizer=self.optimizer,
            step=self.step,
            sums=self.sums,
        )

    def prepare_step(self) -> float:
        """Set the learning rate of the next step, and return it."""
        rate = self.learning_rate()
        self.optimizer.learning_rate.assign(rate)
        return rate

    def learning_rate(self) -> float:
        """Return the rate at the current step: linear rise, then a cosine to zero."""
        step, recipe = int(self.step.numpy()), self.recipe
        total = recipe.epochs * self.steps_per_epoch
        rise = min(1.0, (step + 1) / max(1, recipe.warmup_steps))
        return recipe.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * step / total))

    def spread(self, batches: tf.data.Dataset) -> Iterable[tuple[tf.Tensor, tf.Tensor]]:
        """Return the batches, each split among the replicas."""
        spread: Iterable[tuple[tf.Tensor, tf.Tensor]]
        spread = self.strategy.experimental_distribute_dataset(batches)
        return spread

    def mean_error(self, photos: Sequence[Photo], size: int) -> float:
        """Return the averaged weights' mean absolute error on unvaried photos of a size (years)."""
        errors = [
            np.abs(expected_age(self._predict(batch)).numpy() - ages.numpy())
            for batch, ages in evaluation_batches(photos, size)
        ]
        return float(np.concatenate(errors).mean())

    def _as_built(self, arrays: Arrays) -> Arrays:
        """Turn weights of the plain network into those of this run's."""
        if self.recipe.batch_norm == "trained":
            return arrays
        return arrays_of(build_folded(arrays, None, "float32"))

    def _make_optimizer(self) -> keras.Optimizer:
        optimizer = keras.optimizers.AdamW(
            learning_rate=self.recipe.learning_rate,
            weight_decay=self.recipe.weight_decay,
            global_clipnorm=_LARGEST_GRADIENT / self.strategy.num_replicas_in_sync,
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        if self.recipe.precision == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(self.model.trainable_variables)
        return optimizer

    def _learn(self, photos: tf.Tensor, ages: tf.Tensor) -> None:
        """Learn from a batch that ``spread`` gave."""
        figures = self.strategy.run(self._learn_part, args=(photos, ages))
        self.step.assign_add(1)
        if self.step % self.recipe.ema_every == 0:  # tf.function makes it part of the graph
            self._update_average()
        self.sums.assign_add(self.strategy.reduce("sum", figures, axis=None))

    def _learn_part(self, photos: tf.Tensor, ages: tf.Tensor) -> tf.Tensor:
        """Return this replica's share of the batch's mean loss and mean error (years), [2]."""
        with tf.GradientTape() as tape:
            output = self.model(photos, training=True)
            losses = training_loss(output, ages, self.recipe)
            loss = tf.reduce_sum(losses) / self.recipe.batch_size
            scaled = self.optimizer.scale_loss(loss)
        variables = self.model.trainable_variables
        # The optimizer adds up the replicas' gradients, but clips each replica's before. So that
        # the batch's own gradient is clipped, every replica hands in an equal part of that one.
        total = tf.distribute.get_replica_context().all_reduce(
            "sum", tape.gradient(scaled, variables)
        )
        replicas = self.strategy.num_replicas_in_sync
        self.optimizer.apply([gradient / replicas for gradient in total], variables)
        errors = tf.abs(expected_age(output) - tf.cast(ages, tf.float32))
        return tf.stack([loss, tf.reduce_sum(errors) / self.recipe.batch_size])

    def _update_average(self) -> None:
        # Early on a long average would still hold the starting weights: let it grow.
        seen, every = tf.cast(self.step, tf.float32), self.recipe.ema_every
        decay = tf.minimum(self.recipe.ema_decay**every, (1.0 + seen) / (10.0 * every + seen))
        for average, current in zip(self.average.variables, self.model.variables, strict=True):
            if average.dtype == "float32":
                average.assign(decay * average.value + (1.0 - decay) * self._mean(current))

    def _mean(self, variable: keras.Variable) -> tf.Tensor:
        """Return the mean over replicas; the statistics of batch normalisation differ there."""
        values = self.strategy.experimental_local_results(variable.value)
        return tf.add_n([tf.convert_to_tensor(value) for value in values]) / len(values)
