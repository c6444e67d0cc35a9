"""Train a network; stop it anywhere, call it again, and it goes on where it was.

The loop is written out rather than left to ``fit``: a killed run must resume within an epoch with
the same photos, and the averaged weights must be what is evaluated and kept. On several machines
every worker runs this loop in step with the others; only the chief has a folder.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf
from tqdm import tqdm

from agelane_trainer.data.dataset import Photo
from agelane_trainer.network.resnet import Arrays
from agelane_trainer.training.input_clock import InputClock
from agelane_trainer.training.learner import Learner
from agelane_trainer.training.pipeline import Share, training_batches
from agelane_trainer.training.recipe import Recipe, evenly
from agelane_trainer.training.run_files import Epoch, RunFiles, identity
from agelane_trainer.training.scribe import Onlooker, Scribe
from agelane_trainer.training.team import Team, alone

_REPORT_STEPS = 20


def train(
    recipe: Recipe,
    train_photos: Sequence[Photo],
    tune_photos: Sequence[Photo],
    start: Arrays | None,
    folder: Path,
    team: Team | None = None,
) -> RunFiles:
    """Train until the recipe's last epoch, or its patience ends, resuming what is in ``folder``.

    Args:
        recipe: the choices.
        train_photos: what is learnt from.
        tune_photos: what chooses the best epoch.
        start: weights to begin with, keyed ``layer/variable``; None begins at random. The chief's
            count.
        folder: the run's folder, made if missing; only the chief's is looked at.
        team: where to compute, by default on one device; a run may be resumed by another team.

    Raises:
        ValueError: too few photos, frozen stages without weights, ``folder`` holds a run of
            another recipe or other photos, workers have different ones, or the loss became
            infinite.
        WeightsError: ``start`` is of another network.
        ConnectionError: another worker is gone.
    """
    team, files = team or alone(), RunFiles(folder)
    train_photos, tune_photos = recipe.some_of(train_photos), recipe.some_of(tune_photos)
    steps = len(train_photos) // recipe.batch_size
    if start is None and recipe.frozen_stages:
        raise ValueError("frozen_stages keeps what a run starts from, so it needs weights (--init)")
    with team.noticing_losses():
        photos = [*train_photos, *tune_photos]
        team.check_same("recipe or other photos", identity(recipe, photos))
        if team.is_chief:
            files.claim(recipe, photos)
        if steps == 0:
            raise ValueError(f"{len(train_photos)} training photos don't fill a batch")
        if not tune_photos:
            raise ValueError("there are no photos to choose the best epoch by")
        keras.utils.set_random_seed(recipe.seed)
        learner = Learner(recipe, steps, team)
        if start is not None:
            learner.start_from(start)
        scribe = Scribe(files, learner) if team.is_chief else Onlooker()
        scribe.resume()
        learner.follow_chief()
        while not team.decided(learner.is_done or scribe.stops_early()):
            scribe.finish(_run_epoch(learner, train_photos, tune_photos, scribe))
            learner.forget_sums()
            scribe.save()
    return files


def _run_epoch(
    learner: Learner,
    train_photos: Sequence[Photo],
    tune_photos: Sequence[Photo],
    scribe: Onlooker,
) -> Epoch:
    """Finish the current epoch; return its row of the log."""
    recipe, steps, began = learner.recipe, learner.steps_per_epoch, time.monotonic()
    number, done = divmod(int(learner.step.numpy()), steps)
    size, clock = recipe.size_in(number), InputClock()

    def read(share: Share) -> tf.data.Dataset:
        return training_batches(train_photos, recipe, number, share).skip(done)

    title = f"epoch {number + 1}/{recipe.epochs}"
    hidden = None if learner.team.is_chief else True  # None: where there is no terminal
    with tqdm(total=steps, initial=done, desc=title, disable=hidden) as bar:
        for step, (photos, ages) in enumerate(clock.watch(learner.spread(read)), start=done + 1):
            rate = learner.prepare_step()
            learner.learn(photos, ages)
            learner.step.numpy()  # waits for a GPU, whose work would otherwise look like waiting
            bar.update()
            if step % _REPORT_STEPS == 0:
                scribe.report(step, rate, bar)
            if step % recipe.checkpoint_steps == 0 and step < steps:
                scribe.save()
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
        photos_per_second=clock.batches_per_second * recipe.batch_size,
        input_wait_share=clock.wait_share,
    )
