"""``train``: train a recipe, or go on training it."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from agelane_trainer.commands.options import (
    DEFAULT_RECIPE,
    MANIFEST,
    Commands,
    add_data,
    add_split,
    read_split,
)
from agelane_trainer.training.cluster import EXAMPLE, STRATEGIES

_MULTI_WORKER = f"""\
several machines (--strategy multi-worker):
  Start the same command on each. The environment variable TF_CONFIG names all of them, the chief
  first, and says which one this is. The first of two has
    TF_CONFIG='{EXAMPLE}'
  and the second the same with "index": 1. Each needs the photos and what --init names; --out is
  written and read by the chief alone. If one ends all end: start all again, and they go on from
  the chief's last checkpoint. Their ports take orders from anyone: keep them in a network of
  their own.
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "train",
        help="train a recipe; call again to resume",
        epilog=_MULTI_WORKER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
        choices=STRATEGIES,
        default="none",
        help="mirrored: share each batch among all GPUs of this machine; "
        "multi-worker: among several machines, see below (default: none)",
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        help="photos a step, of all devices together (default: the recipe's)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train."""
    from agelane_trainer.data.manifest import write_manifest
    from agelane_trainer.network.resnet import starting_arrays
    from agelane_trainer.training.recipe import load_recipe
    from agelane_trainer.training.team import make_team
    from agelane_trainer.training.train import train

    recipe = load_recipe(options.recipe)
    if options.batch_size is not None:
        recipe = replace(recipe, batch_size=options.batch_size)
    out = options.out or Path("runs", recipe.name)
    team = make_team(options.strategy)  # before anything else is done with TensorFlow
    parts = read_split(options)
    if team.is_chief:
        print(
            f"{len(parts.train)} photos to train on, {len(parts.tune)} to choose the best epoch, "
            f"{len(parts.validation)} kept for validation, {len(parts.left_out)} left out"
        )
    start = starting_arrays(options.init)
    files = train(recipe, parts.train, parts.tune, start, out, team)
    if team.is_chief:
        write_manifest(parts.entries, out / MANIFEST)
        print(f"best weights: {files.best}\nlog: {files.log}\nmanifest: {out / MANIFEST}")
