"""What a run leaves behind: its identity, its log, and what is drawn from it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from agelane_trainer.data.dataset import Photo
from agelane_trainer.training.recipe import Recipe

INPUT_BOUND_SHARE = 0.1
"""Share of waiting for photos above which faster reading would pay."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of the log; mean absolute errors are in years."""

    epoch: int
    """Which one, from 1."""
    learning_rate: float
    """At its end."""
    train_loss: float
    """Mean over its steps."""
    train_mae: float
    """On the varied photos that were learnt from, at the time."""
    learnt_mae: float
    """Of the averaged weights on unvaried training photos, as many as there are tuning photos."""
    tune_mae: float
    """Of the averaged weights on the tuning part."""
    seconds: float
    """How long it took; of a resumed epoch, the rest."""
    photos_per_second: float
    """That were learnt from."""
    input_wait_share: float
    """Share of the time in which the network waited for photos, 0 to 1."""

    @property
    def gap(self) -> float:
        """By how much photos that were learnt from fare better (years)."""
        return self.tune_mae - self.learnt_mae

    @property
    def bound(self) -> str:
        """What a faster run would need: ``input-bound`` or ``compute-bound``."""
        return "input-bound" if self.input_wait_share > INPUT_BOUND_SHARE else "compute-bound"

    def figures(self) -> dict[str, float]:
        """Return what TensorBoard shows of it, keyed by the name of the chart."""
        row = {f"epoch/{name}": value for name, value in asdict(self).items() if name != "epoch"}
        return {**row, "epoch/gap": self.gap}


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
    def curves(self) -> Path:
        """The log as a picture."""
        return self.folder / "learning_curves.png"

    @property
    def tensorboard(self) -> Path:
        """What TensorBoard shows."""
        return self.folder / "tensorboard"

    @property
    def identity(self) -> Path:
        """The recipe and the photos; a run is only resumed with the same."""
        return self.folder / "run.json"

    @property
    def checkpoints(self) -> Path:
        """Where a killed run goes on from."""
        return self.folder / "checkpoints"

    def claim(self, recipe: Recipe, photos: Sequence[Photo]) -> None:
        """Make the folder and write down what the run is, or refuse to go on as another.

        Raises:
            ValueError: the folder holds a run of another recipe or other photos.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        own = identity(recipe, photos)
        if self.identity.exists() and json.loads(self.identity.read_text()) != json.loads(own):
            raise ValueError(
                f"{self.folder} holds a run of another recipe or other photos; "
                "remove it or name another folder"
            )
        self.identity.write_text(own)

    def epochs(self) -> list[Epoch]:
        """Return the log."""
        if not self.log.exists():
            return []
        with self.log.open(newline="") as file:
            return [
                Epoch(int(row.pop("epoch")), **{name: float(text) for name, text in row.items()})
                for row in csv.DictReader(file)
            ]

    def add(self, epoch: Epoch) -> None:
        """Add a row to the log; one of the same epoch, from before a kill, makes way."""
        rows = [*(old for old in self.epochs() if old.epoch != epoch.epoch), epoch]
        aside = self.log.with_suffix(".partial")
        with aside.open("w", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Epoch)])
            writer.writeheader()
            for row in rows:
                writer.writerow({name: f"{value:.6g}" for name, value in asdict(row).items()})
        aside.replace(self.log)


def identity(recipe: Recipe, photos: Sequence[Photo]) -> str:
    """Return what makes a run the one it is: the recipe and the photos, as JSON."""
    names = "\n".join(f"{photo.path.name} {photo.age}" for photo in photos)
    digest = hashlib.sha256(names.encode()).hexdigest()
    return json.dumps({**asdict(recipe), "photos_sha256": digest}, indent=2)


def stops_early(epochs: Sequence[Epoch], patience: int | None) -> bool:
    """Tell whether the last ``patience`` epochs brought nothing better on the tuning part.

    The log alone decides, so a resumed run stops where the uninterrupted one does.
    """
    if patience is None or not epochs:
        return False
    best = min(epochs, key=lambda row: row.tune_mae)
    return epochs[-1].epoch - best.epoch >= patience
