"""Train a network; stop it anywhere, call it again, and it goes on where it was.

The loop is written out rather than left to ``fit``: a killed run must resume within an epoch with
the same photos, and the averaged weights must be what is evaluated and kept.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from agelane_trainer.data.dataset import Photo
from agelane_trainer.network.resnet import (
    Arrays,
    WeightsError,
    arrays_of,
    build_model,
    load_arrays,
    save_weights,
)
from agelane_trainer.training.losses import expected_age, training_loss
from agelane_trainer.training.pipeline import evaluation_batches, training_batches
from agelane_trainer.training.recipe import Recipe

LOG_FIELDS = ("epoch", "learning_rate", "train_loss", "train_mae", "tune_mae", "seconds")
_FIRST_KERNEL = "conv1_conv/kernel"


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What a run leaves behind, in one folder."""

    folder: Path
    """The run's folder."""

    @property
    def best(self) -> Path:
        """Averaged weights of the epoch with the least error on the tuning part."""
        return self.folder / "best.npz"

    @property
    def log(self) -> Path:
        """One row an epoch."""
        return self.folder / "training_log.csv"

    @property
    def identity(self) -> Path:
        """The recipe and the photos; a run is only resumed with the same."""
        return self.folder / "run.json"

    @property
    def checkpoints(self) -> Path:
        """Where a killed run goes on from."""
        return self.folder / "checkpoints"


class Trainer:
    """One training run over a recipe."""

    def __init__(self, recipe: Recipe, steps_per_epoch: int) -> None:
        self.recipe = recipe
        self.steps_per_epoch = steps_per_epoch
        self.model = build_model(recipe.input_size, recipe.head, recipe.precision)
        self.average = build_model(recipe.input_size, recipe.head, recipe.precision)
        self.optimizer = self._make_optimizer()
        self.step = tf.Variable(0, dtype=tf.int64)
        self.best_mae = tf.Variable(math.inf, dtype=tf.float32)
        self.sums = tf.Variable(tf.zeros([2]))
        self.train_step = tf.function(self._train_step)
        self.predict_average = tf.function(lambda photos: self.average(photos, training=False))

    def start_from(self, arrays: Arrays) -> None:
        """Begin with these weights; layers that are missing keep their random start, and are named.

        Raises:
            WeightsError: there is no ResNet50 in them.
        """
        missing = load_arrays(self.model, arrays, partial=True)
        if _FIRST_KERNEL in missing:
            raise WeightsError(f"no {_FIRST_KERNEL} among the weights to start from: no ResNet50")
        layers = sorted({name.split("/")[0] for name in missing})
        if layers:
            tqdm.write(f"starting at random: {', '.join(layers)}")
        load_arrays(self.average, arrays_of(self.model), partial=False)

    def checkpoint(self) -> tf.train.Checkpoint:
        """Return all state that a resumed run needs."""
        return tf.train.Checkpoint(
            model=self.model,
            average=self.average,
            optimizer=self.optimizer,
            step=self.step,
            best_mae=self.best_mae,
            sums=self.sums,
        )

    def learning_rate(self) -> float:
        """Return the rate at the current step: linear rise, then a cosine to zero."""
        step, recipe = int(self.step.numpy()), self.recipe
        total = recipe.epochs * self.steps_per_epoch
        rise = min(1.0, (step + 1) / max(1, recipe.warmup_steps))
        return recipe.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * step / total))

    def _make_optimizer(self) -> keras.Optimizer:
        optimizer = keras.optimizers.AdamW(
            learning_rate=self.recipe.learning_rate,
            weight_decay=self.recipe.weight_decay,
            global_clipnorm=5.0,
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        if self.recipe.precision == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(self.model.trainable_variables)
        return optimizer

    def _train_step(self, photos: tf.Tensor, ages: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            output = self.model(photos, training=True)
            loss = tf.reduce_mean(training_loss(output, ages, self.recipe))
            scaled = self.optimizer.scale_loss(loss)
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(scaled, variables), variables)
        self.step.assign_add(1)
        if self.step % self.recipe.ema_every == 0:  # tf.function makes it part of the graph
            self._update_average()
        error = tf.reduce_mean(tf.abs(expected_age(output) - tf.cast(ages, tf.float32)))
        self.sums.assign_add(tf.stack([loss, error]))

    def _update_average(self) -> None:
        # Early on a long average would still hold the starting weights: let it grow.
        seen, every = tf.cast(self.step, tf.float32), self.recipe.ema_every
        decay = tf.minimum(self.recipe.ema_decay**every, (1.0 + seen) / (10.0 * every + seen))
        for average, current in zip(self.average.variables, self.model.variables, strict=True):
            if average.dtype == "float32":
                average.assign(decay * average.value + (1.0 - decay) * current.value)


def train(
    recipe: Recipe,
    train_photos: Sequence[Photo],
    tune_photos: Sequence[Photo],
    start: Arrays | None,
    folder: Path,
) -> RunFiles:
    """Train until the recipe's last epoch, resuming what is in ``folder``.

    Args:
        recipe: the choices.
        train_photos: what is learnt from.
        tune_photos: what chooses the best epoch.
        start: weights to begin with, keyed ``layer/variable``; None begins at random.
        folder: the run's folder, made if missing.

    Raises:
        ValueError: too few photos, or ``folder`` holds a run of another recipe or other photos.
        WeightsError: ``start`` is of another network.
    """
    files = RunFiles(folder)
    folder.mkdir(parents=True, exist_ok=True)
    train_photos, tune_photos = recipe.some_of(train_photos), recipe.some_of(tune_photos)
    _check_identity(files, recipe, [*train_photos, *tune_photos])
    steps = len(train_photos) // recipe.batch_size
    if steps == 0:
        raise ValueError(f"{len(train_photos)} training photos don't fill a batch")
    trainer = Trainer(recipe, steps)
    if start is not None:
        trainer.start_from(start)
    manager = tf.train.CheckpointManager(trainer.checkpoint(), str(files.checkpoints), 2)
    if manager.restore_or_initialize():
        tqdm.write(f"resuming {folder} at step {int(trainer.step.numpy())}")
    while int(trainer.step.numpy()) < recipe.epochs * steps:
        row = _run_epoch(trainer, train_photos, tune_photos, manager)
        _finish_epoch(trainer, row, files)
        manager.save()
    return files


def _check_identity(files: RunFiles, recipe: Recipe, photos: Sequence[Photo]) -> None:
    """Write down what the run is, or refuse to go on as another."""
    names = "\n".join(f"{photo.path.name} {photo.age}" for photo in photos)
    identity = {**asdict(recipe), "photos_sha256": hashlib.sha256(names.encode()).hexdigest()}
    if files.identity.exists() and json.loads(files.identity.read_text()) != identity:
        raise ValueError(
            f"{files.folder} holds a run of another recipe or other photos; "
            "remove it or name another folder"
        )
    files.identity.write_text(json.dumps(identity, indent=2))


def _run_epoch(
    trainer: Trainer,
    train_photos: Sequence[Photo],
    tune_photos: Sequence[Photo],
    manager: tf.train.CheckpointManager,
) -> dict[str, float]:
    """Finish the current epoch; return its row of the log."""
    recipe, steps, began = trainer.recipe, trainer.steps_per_epoch, time.monotonic()
    epoch, done = divmod(int(trainer.step.numpy()), steps)
    batches = training_batches(train_photos, recipe, epoch).skip(done)
    with tqdm(
        total=steps, initial=done, desc=f"epoch {epoch + 1}/{recipe.epochs}", disable=None
    ) as bar:
        for number, (photos, ages) in enumerate(batches, start=done + 1):
            trainer.optimizer.learning_rate.assign(trainer.learning_rate())
            trainer.train_step(photos, ages)
            bar.update()
            if number % 20 == 0:
                loss, error = trainer.sums.numpy() / number
                bar.set_postfix(loss=f"{loss:.3f}", mae=f"{error:.2f} years")
            if number % recipe.checkpoint_steps == 0 and number < steps:
                manager.save()
    loss, error = trainer.sums.numpy() / steps
    return {
        "epoch": epoch + 1,
        "learning_rate": trainer.learning_rate(),
        "train_loss": float(loss),
        "train_mae": float(error),
        "tune_mae": _tune_mae(trainer, tune_photos),
        "seconds": time.monotonic() - began,
    }


def _finish_epoch(trainer: Trainer, row: dict[str, float], files: RunFiles) -> None:
    """Log the epoch, and keep its averaged weights if they are the best so far."""
    if row["tune_mae"] < float(trainer.best_mae.numpy()):
        trainer.best_mae.assign(row["tune_mae"])
        save_weights(arrays_of(trainer.average), files.best)
    trainer.sums.assign(tf.zeros([2]))
    _log(files.log, {key: f"{value:.6g}" for key, value in row.items()})
    tqdm.write(
        f"epoch {int(row['epoch'])}: train MAE {row['train_mae']:.2f} (varied photos), "
        f"tune MAE {row['tune_mae']:.2f} years"
    )


def _log(log: Path, row: dict[str, str]) -> None:
    """Add the row; one of the same epoch, from before a kill, makes way."""
    rows = list(csv.DictReader(log.read_text().splitlines())) if log.exists() else []
    with log.open("w", newline="") as file:
        writer = csv.DictWriter(file, LOG_FIELDS)
        writer.writeheader()
        writer.writerows([*(old for old in rows if old["epoch"] != row["epoch"]), row])


def _tune_mae(trainer: Trainer, photos: Sequence[Photo]) -> float:
    errors = [
        np.abs(expected_age(trainer.predict_average(batch)).numpy() - ages.numpy())
        for batch, ages in evaluation_batches(photos, trainer.recipe.input_size)
    ]
    return float(np.concatenate(errors).mean())
