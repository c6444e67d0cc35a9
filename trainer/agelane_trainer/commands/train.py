"""``train``: train a recipe, or go on training it."""

from __future__ import annotations

import argparse
from pathlib import Path

from agelane_trainer.commands.options import (
    DEFAULT_RECIPE,
    MANIFEST,
    Commands,
    add_data,
    add_split,
    read_split,
)


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("train", help="train a recipe; call again to resume")
    parser.add_argument("--recipe", default=DEFAULT_RECIPE, help="a file of training/recipes")
    add_data(parser)
    add_split(parser)
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/RECIPE)")
    parser.add_argument(
        "--init",
        default="imagenet",
        help="what to start from: an .npz of weights, 'imagenet' (Keras' download) or 'random'",
    )
    parser.add_argument(
        "--strategy",
        choices=("none", "mirrored"),
        default="none",
        help="mirrored: share each batch among all GPUs of this machine (default: none)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train."""
    from agelane_trainer.data.manifest import write_manifest
    from agelane_trainer.network.resnet import starting_arrays
    from agelane_trainer.training.recipe import load_recipe
    from agelane_trainer.training.train import train

    recipe = load_recipe(options.recipe)
    out = options.out or Path("runs", recipe.name)
    parts = read_split(options)
    print(
        f"{len(parts.train)} photos to train on, {len(parts.tune)} to choose the best epoch, "
        f"{len(parts.validation)} kept for validation, {len(parts.left_out)} left out"
    )
    start = starting_arrays(options.init)
    files = train(recipe, parts.train, parts.tune, start, out, options.strategy)
    write_manifest(parts.entries, out / MANIFEST)
    print(f"best weights: {files.best}\nlog: {files.log}\nmanifest: {out / MANIFEST}")
