"""``ablation``: find out which kinds of augmentation help."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agelane_trainer.commands.options import (
    DEFAULT_RECIPE,
    SHIPPED,
    Commands,
    add_data,
    add_split,
    read_split,
)

if TYPE_CHECKING:
    import keras
    import numpy as np
    import numpy.typing as npt

    from agelane_trainer.data.dataset import Photo


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("ablation", help="short runs without one augmentation each")
    parser.add_argument("--recipe", default=DEFAULT_RECIPE, help="a file of training/recipes")
    add_data(parser)
    add_split(parser)
    parser.add_argument("--init", default="imagenet", help="what each run starts from, as in train")
    parser.add_argument("--epochs", type=int, default=2, help="of each run (default: 2)")
    parser.add_argument("--photos", type=int, default=4000, help="of each run (default: 4000)")
    parser.add_argument("--finder", type=Path, default=SHIPPED / "face_finder.npz")
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"), help="folder")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run, or go on with, all of them."""
    from agelane_trainer.network.face_finder import build_face_finder
    from agelane_trainer.network.resnet import starting_arrays
    from agelane_trainer.training.ablation import ablate, shortened
    from agelane_trainer.training.recipe import load_recipe

    recipe = shortened(load_recipe(options.recipe), options.epochs, options.photos)
    parts = read_split(options)
    finder = build_face_finder(options.finder)
    estimators = {name: partial(_estimate, finder, name) for name in ("plain", "stressed")}
    start = starting_arrays(options.init)
    ablate(recipe, parts.train, parts.tune, start, options.out, estimators)
    print((options.out / "ablation.md").read_text())


def _estimate(
    finder: keras.Model, view: str, network: keras.Model, photos: Sequence[Photo]
) -> npt.NDArray[np.floating]:
    """Return years [N] for photos as they are, or each made harder in one way, in turn."""
    import numpy as np

    from agelane_trainer.evaluation.predict import predict
    from agelane_trainer.evaluation.stress import KINDS, stressed
    from agelane_trainer.training.losses import expected_age

    kinds = list(KINDS)

    def read(photo: Photo, number: int) -> bytes:
        data = photo.path.read_bytes()
        return data if view == "plain" else stressed(data, kinds[number % len(kinds)], number)

    readers = [partial(read, photo, number) for number, photo in enumerate(photos)]
    return np.asarray(expected_age(predict(readers, network, finder, view).logits))
