"""Writes down what a run does, and where it goes on after a kill."""

from __future__ import annotations

import math
from typing import Never

import tensorflow as tf
from tqdm import tqdm

from agelane_trainer.network.resnet import save_weights
from agelane_trainer.training.learner import Learner
from agelane_trainer.training.run_files import Epoch, RunFiles, stops_early
from agelane_trainer.training.tensorboard import Board


class Onlooker:
    """What the other workers have in place of the chief's scribe: it writes and reads nothing."""

    def resume(self) -> None:
        """Go on from where the run was."""

    def stops_early(self) -> bool:
        """Tell whether the run's patience has ended."""
        return False

    def save(self) -> None:
        """Make a point from which a killed run resumes."""

    def report(self, step: int, rate: float, bar: tqdm[Never]) -> None:
        """Show the means over the epoch so far, which has done ``step`` steps."""

    def finish(self, epoch: Epoch) -> None:
        """Log the epoch, and keep its averaged weights if they are the best so far."""


class Scribe(Onlooker):
    """Keeps the files of a run.

    Args:
        files: the run's folder.
        learner: what it tells of.
    """

    def __init__(self, files: RunFiles, learner: Learner) -> None:
        self._files, self._learner = files, learner
        self._board = Board(files.tensorboard)
        self._manager = tf.train.CheckpointManager(
            learner.checkpoint(), str(files.checkpoints), max_to_keep=2
        )

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        if self._manager.restore_or_initialize():
            tqdm.write(f"resuming {self._files.folder} at step {int(self._learner.step.numpy())}")

    def stops_early(self) -> bool:
        """Tell whether the run's patience has ended, and say so."""
        patience = self._learner.recipe.patience_epochs
        stops = stops_early(self._files.epochs(), patience)
        if stops:
            tqdm.write(f"stopping early: {patience} epochs without a better one")
        return stops

    def save(self) -> None:
        """Write a checkpoint."""
        self._manager.save()

    def report(self, step: int, rate: float, bar: tqdm[Never]) -> None:
        """Show the means on the bar and in TensorBoard."""
        loss, error = self._learner.sums.numpy() / step
        bar.set_postfix(loss=f"{loss:.3f}", mae=f"{error:.2f} years")
        figures = {"step/loss": loss, "step/mae_years": error, "step/learning_rate": rate}
        self._board.write(int(self._learner.step.numpy()), figures)

    def finish(self, epoch: Epoch) -> None:
        """Log, keep, draw and print."""
        earlier = [row.tune_mae for row in self._files.epochs() if row.epoch < epoch.epoch]
        if epoch.tune_mae < min(earlier, default=math.inf):
            save_weights(self._learner.averaged_weights(), self._files.best)
        self._files.add(epoch)
        self._board.write(int(self._learner.step.numpy()), epoch.figures())
        _draw_curves(self._files)
        tqdm.write(
            f"epoch {epoch.epoch}: train MAE {epoch.train_mae:.2f} (varied photos), "
            f"tune MAE {epoch.tune_mae:.2f} years, gap {epoch.gap:+.2f}; "
            f"{epoch.photos_per_second:.0f} photos a second, {epoch.bound}: "
            f"{epoch.input_wait_share:.0%} of the time went into waiting for photos"
        )


def _draw_curves(files: RunFiles) -> None:
    try:
        from agelane_trainer.training.learning_curves import draw_learning_curves
    except ModuleNotFoundError:
        tqdm.write(f"{files.curves.name} is not drawn: it needs agelane-trainer[reports]")
        return
    draw_learning_curves(files.epochs(), files.curves)
