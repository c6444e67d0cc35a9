"""``finish``: make trained weights better without further training."""

from __future__ import annotations

import argparse
from pathlib import Path

from agelane_trainer.commands.options import (
    DEFAULT_RECIPE,
    SHIPPED,
    Commands,
    add_data,
    add_split,
    read_split,
)


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "finish", help="mix trained weights with those they started from, undo the sampling"
    )
    parser.add_argument("--weights", type=Path, required=True, help="best.npz of a run")
    parser.add_argument("--recipe", default=DEFAULT_RECIPE, help="what they were trained with")
    add_data(parser, "the photos that they were trained on")
    add_split(parser)
    parser.add_argument(
        "--start",
        type=Path,
        default=SHIPPED / "age_resnet50.npz",
        help="what their training started from",
    )
    parser.add_argument(
        "--start-share", type=_share, default=0.0, help="how much of that to mix in, 0 to 1 (0)"
    )
    parser.add_argument(
        "--undo-sampling",
        type=_share,
        default=0.0,
        help="how much of the recipe's sampling to take out of what it expects, 0 to 1 (0)",
    )
    parser.add_argument("--out", type=Path, required=True, help=".npz to write")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Finish."""
    import numpy as np

    from agelane_trainer.network.resnet import read_arrays, save_weights
    from agelane_trainer.training.finishing import mix, undo_sampling
    from agelane_trainer.training.recipe import load_recipe

    recipe, train = load_recipe(options.recipe), read_split(options).train
    arrays = mix(read_arrays(options.weights), read_arrays(options.start), options.start_share)
    ages = np.array([photo.age for photo in train])
    save_weights(undo_sampling(arrays, ages, recipe, options.undo_sampling), options.out)
    print(f"weights: {options.out}")


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("must be 0 to 1")
    return share
