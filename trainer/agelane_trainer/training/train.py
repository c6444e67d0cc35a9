"""Train a network; stop it anywhere, call it again, and it goes on where it was.

The loop is written out rather than left to ``fit``: a killed run must resume within an epoch with
the same photos, and the averaged weights must be what is evaluated and kept.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Never

import keras
import tensorflow as tf
from tqdm import tqdm

from agelane_trainer.data.dataset import Photo
from agelane_trainer.network.resnet import Arrays, save_weights
from agelane_trainer.training.input_clock import InputClock
from agelane_trainer.training.learner import Learner, make_strategy
from agelane_trainer.training.pipeline import training_batches
from agelane_trainer.training.recipe import Recipe, evenly
from agelane_trainer.training.run_files import Epoch, RunFiles, stops_early
from agelane_trainer.training.tensorboard import Board

_REPORT_STEPS = 20


def train(
    recipe: Recipe,
    train_photos: Sequence[Photo],
    tune_photos: Sequence[Photo],
    start: Arrays | None,
    folder: Path,
    strategy: str = "none",
) -> RunFiles:
    """Train until the recipe's last epoch, or its patience ends, resuming what is in ``folder``.

    Args:
        recipe: the choices.
        train_photos: what is learnt from.
        tune_photos: what chooses the best epoch.
        start: weights to begin with, keyed ``layer/variable``; None begins at random.
        folder: the run's folder, made if missing.
        strategy: one of ``learner.STRATEGIES``; a run may be resumed under another.

    Raises:
        ValueError: too few photos, frozen stages without weights, ``folder`` holds a run of
            another recipe or other photos, or the loss became infinite.
        WeightsError: ``start`` is of another network.
    """
    files = RunFiles(folder)
    train_photos, tune_photos = recipe.some_of(train_photos), recipe.some_of(tune_photos)
    files.claim(recipe, [*train_photos, *tune_photos])
    steps = len(train_photos) // recipe.batch_size
    if steps == 0:
        raise ValueError(f"{len(train_photos)} training photos don't fill a batch")
    if start is None and recipe.frozen_stages:
        raise ValueError("frozen_stages keeps what a run starts from, so it needs weights (--init)")
    keras.utils.set_random_seed(recipe.seed)
    learner = Learner(recipe, steps, make_strategy(strategy))
    if start is not None:
        learner.start_from(start)
    manager = tf.train.CheckpointManager(learner.checkpoint(), str(files.checkpoints), 2)
    if manager.restore_or_initialize():
        tqdm.write(f"resuming {folder} at step {int(learner.step.numpy())}")
    board = Board(files.tensorboard)
    while int(learner.step.numpy()) < recipe.epochs * steps:
        if stops_early(files.epochs(), recipe.patience_epochs):
            tqdm.write(f"stopping early: {recipe.patience_epochs} epochs without a better one")
            break
        epoch = _run_epoch(learner, train_photos, tune_photos, manager, board)
        _finish_epoch(learner, epoch, files, board)
        manager.save()
    return files


def _run_epoch(
    learner: Learner,
    train_photos: Sequence[Photo],
    tune_photos: Sequence[Photo],
    manager: tf.train.CheckpointManager,
    board: Board,
) -> Epoch:
    """Finish the current epoch; return its row of the log."""
    steps, began = learner.steps_per_epoch, time.monotonic()
    number, done = divmod(int(learner.step.numpy()), steps)
    size, clock = learner.recipe.size_in(number), InputClock()
    batches = learner.spread(training_batches(train_photos, learner.recipe, number).skip(done))
    title = f"epoch {number + 1}/{learner.recipe.epochs}"
    with tqdm(total=steps, initial=done, desc=title, disable=None) as bar:
        for step, (photos, ages) in enumerate(clock.watch(batches), start=done + 1):
            rate = learner.prepare_step()
            learner.learn(photos, ages)
            learner.step.numpy()  # waits for a GPU, whose work would otherwise look like waiting
            bar.update()
            if step % _REPORT_STEPS == 0:
                _report(learner, step, rate, bar, board)
            if step % learner.recipe.checkpoint_steps == 0 and step < steps:
                manager.save()
    loss, error = learner.sums.numpy() / steps
    if not math.isfinite(loss):
        raise ValueError("the loss is not a number any more; a smaller learning_rate may help")
    return Epoch(
        epoch=number + 1,
        learning_rate=learner.learning_rate(),
        train_loss=float(loss),
        train_mae=float(error),
        learnt_mae=learner.mean_error(evenly(train_photos, len(tune_photos)), size),
        tune_mae=learner.mean_error(tune_photos, size),
        seconds=time.monotonic() - began,
        photos_per_second=clock.batches_per_second * learner.recipe.batch_size,
        input_wait_share=clock.wait_share,
    )


def _report(learner: Learner, step: int, rate: float, bar: tqdm[Never], board: Board) -> None:
    """Show the means over the epoch so far, which has done ``step`` steps."""
    loss, error = learner.sums.numpy() / step
    bar.set_postfix(loss=f"{loss:.3f}", mae=f"{error:.2f} years")
    figures = {"step/loss": loss, "step/mae_years": error, "step/learning_rate": rate}
    board.write(int(learner.step.numpy()), figures)


def _finish_epoch(learner: Learner, epoch: Epoch, files: RunFiles, board: Board) -> None:
    """Log the epoch, and keep its averaged weights if they are the best so far."""
    earlier = [row.tune_mae for row in files.epochs() if row.epoch < epoch.epoch]
    if epoch.tune_mae < min(earlier, default=math.inf):
        save_weights(learner.averaged_weights(), files.best)
    learner.sums.assign(tf.zeros([2]))
    files.add(epoch)
    board.write(int(learner.step.numpy()), epoch.figures())
    _draw_curves(files)
    tqdm.write(
        f"epoch {epoch.epoch}: train MAE {epoch.train_mae:.2f} (varied photos), "
        f"tune MAE {epoch.tune_mae:.2f} years, gap {epoch.gap:+.2f}; "
        f"{epoch.photos_per_second:.0f} photos a second, "
        f"{epoch.bound}: {epoch.input_wait_share:.0%} of the time went into waiting for photos"
    )


def _draw_curves(files: RunFiles) -> None:
    try:
        from agelane_trainer.training.learning_curves import draw_learning_curves
    except ModuleNotFoundError:
        tqdm.write(f"{files.curves.name} is not drawn: it needs agelane-trainer[reports]")
        return
    draw_learning_curves(files.epochs(), files.curves)
