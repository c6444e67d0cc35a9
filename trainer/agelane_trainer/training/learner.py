"""What learns: network, averaged network and optimizer, on one device or several."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

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
from agelane_trainer.training.optimizer import make_optimizer
from agelane_trainer.training.pipeline import Share, evaluation_batches
from agelane_trainer.training.recipe import Recipe
from agelane_trainer.training.team import Team

_FIRST_KERNEL = "conv1_conv/kernel"


def _build(recipe: Recipe) -> keras.Model:
    """Return a network that takes photos of any size."""
    network = build_model(None, recipe.head, recipe.precision)
    if recipe.batch_norm == "folded":
        network = build_folded(arrays_of(network), None, recipe.precision)
    frozen = tuple(f"conv{stage}_" for stage in range(1, recipe.frozen_stages + 1))
    for layer in network.layers:
        layer.trainable = not layer.name.startswith(frozen)
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = recipe.batch_norm == "synchronized"
    return network


class Learner:
    """All state of a run, and the steps that change it.

    Args:
        recipe: the choices; ``batch_size`` is that of all replicas together.
        steps_per_epoch: batches an epoch.
        team: where to compute. The loss and its gradients are those of the whole batch, so
            the number of replicas decides nothing but the speed; only batch normalisation, unless
            it is synchronized, looks at each replica's part on its own.

    Raises:
        ValueError: several machines can't share a batch equally.
    """

    def __init__(self, recipe: Recipe, steps_per_epoch: int, team: Team) -> None:
        if team.workers > 1 and recipe.batch_size % team.devices:
            raise ValueError(
                f"{team.devices} devices can't share a batch of {recipe.batch_size} photos equally"
            )
        self.recipe, self.steps_per_epoch = recipe, steps_per_epoch
        self.team, self.strategy = team, team.strategy
        with self.strategy.scope():
            self.model, self.average = _build(recipe), _build(recipe)
            self.optimizer = make_optimizer(recipe, self.model.trainable_variables)
            self.step = tf.Variable(0, dtype=tf.int64)
            self.sums = tf.Variable(tf.zeros([2]))
        self._learn_batch = tf.function(self._learn)
        self._update_average = tf.function(lambda: self.strategy.run(self._update_average_part))
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

    def follow_chief(self) -> None:
        """Take over all state of the chief, so that only its folder need have a checkpoint."""
        if self.team.workers == 1:
            return
        networks = [*self.model.variables, *self.average.variables]
        for variable in [*networks, *self.optimizer.variables, self.step, self.sums]:
            variable.assign(self.team.from_chief(variable.numpy()))

    @property
    def is_done(self) -> bool:
        """Whether the recipe's last epoch is over."""
        return int(self.step.numpy()) >= self.recipe.epochs * self.steps_per_epoch

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

    def spread(
        self, read: Callable[[Share], tf.data.Dataset]
    ) -> Iterable[tuple[tf.Tensor, tf.Tensor]]:
        """Return the batches, each split among the replicas.

        Args:
            read: returns a machine's share of the batches.
        """
        spread: Iterable[tuple[tf.Tensor, tf.Tensor]]
        if self.team.workers == 1:
            spread = self.strategy.experimental_distribute_dataset(read(Share()))
            return spread
        own = read(Share(self.team.cluster.index, self.team.workers))
        own = own.rebatch(self.recipe.batch_size // self.team.devices)
        spread = self.strategy.distribute_datasets_from_function(lambda _: own)
        return spread

    def learn(self, photos: tf.Tensor, ages: tf.Tensor) -> None:
        """Learn from a batch that ``spread`` gave."""
        self._learn_batch(photos, ages)
        # Outside the graph: machines that talk to each other within a tf.cond may wait for ever.
        if int(self.step.numpy()) % self.recipe.ema_every == 0:
            self._update_average()

    def mean_error(self, photos: Sequence[Photo], size: int) -> float:
        """Return the averaged weights' mean absolute error on unvaried photos of a size (years)."""
        own = photos[self.team.cluster.index :: self.team.workers]
        errors = sum(
            float(np.abs(expected_age(self._predict(batch)).numpy() - ages.numpy()).sum())
            for batch, ages in evaluation_batches(own, size)
        )
        return float(self.team.sum(np.array(errors))) / len(photos)

    def forget_sums(self) -> None:
        """Let the next epoch's sums begin at nothing."""
        self.sums.assign(tf.zeros([2]))

    def _as_built(self, arrays: Arrays) -> Arrays:
        """Turn weights of the plain network into those of this run's."""
        if self.recipe.batch_norm != "folded":
            return arrays
        return arrays_of(build_folded(arrays, None, "float32"))

    def _learn(self, photos: tf.Tensor, ages: tf.Tensor) -> None:
        figures = self.strategy.run(self._learn_part, args=(photos, ages))
        self.step.assign_add(1)
        self.sums.assign_add(self.strategy.reduce("sum", figures, axis=None))

    def _learn_part(self, photos: tf.Tensor, ages: tf.Tensor) -> tf.Tensor:
        """Return this replica's share of the batch's mean loss and mean error (years), [2]."""
        with tf.GradientTape() as tape:
            output = self.model(photos, training=True)
            losses = training_loss(output, ages, self.recipe)
            loss = tf.reduce_sum(losses) / self.recipe.batch_size
            scaled = self.optimizer.scale_loss(loss)
        variables = self.model.trainable_variables
        # Before the optimizer clips them: what is clipped must be the gradients of the whole batch.
        context = tf.distribute.get_replica_context()
        gradients = context.all_reduce("sum", tape.gradient(scaled, variables))
        self.optimizer.apply(gradients, variables)
        errors = tf.abs(expected_age(output) - tf.cast(ages, tf.float32))
        return tf.stack([loss, tf.reduce_sum(errors) / self.recipe.batch_size])

    def _update_average_part(self) -> None:
        # Early on a long average would still hold the starting weights: let it grow.
        seen, every = tf.cast(self.step, tf.float32), self.recipe.ema_every
        decay = tf.minimum(self.recipe.ema_decay**every, (1.0 + seen) / (10.0 * every + seen))
        pairs = zip(self.average.variables, self.model.variables, strict=True)
        kept = [(to, current) for to, current in pairs if to.dtype == "float32"]
        means = iter(self._means([c for _, c in kept if not c.trainable]))
        for average, current in kept:
            value = current.value if current.trainable else next(means)
            average.assign(decay * average.value + (1.0 - decay) * value)

    def _means(self, variables: Sequence[keras.Variable]) -> Sequence[tf.Tensor]:
        """Return the means over replicas; the statistics of batch normalisation differ there."""
        values = [tf.identity(variable.value) for variable in variables]  # on this replica's device
        if not values:
            return values
        means: Sequence[tf.Tensor]
        means = tf.distribute.get_replica_context().all_reduce("mean", values)
        return means
